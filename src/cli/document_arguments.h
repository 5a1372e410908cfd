#pragma once

#include "pipeline/document.h"

namespace CLI {
class App;
}

namespace maie::cli {

/// Adds --template and how a summary is asked for. Parsing fills `options`.
/// @param required  whether there has to be a template.
void add_summary_options(CLI::App& command, pipeline::DocumentOptions& options, bool required);

/// Adds --clean.
void add_clean_option(CLI::App& command, pipeline::DocumentOptions& options);

}  // namespace maie::cli
