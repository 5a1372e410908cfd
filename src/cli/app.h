#pragma once

#include <string>
#include <vector>

#include "cli/context.h"

namespace CLI {
class App;
}

namespace maie::cli {

/// Name, version and all sub-commands of `maie`, ready to parse.
void build_app(CLI::App& app, Context& context);

/// Parses `arguments` (without the program's name) and runs the chosen command.
/// @returns the exit code; wrong usage gives 2 with a sentence and a usage line on stderr.
int run_app(std::vector<std::string> arguments, Context& context);

}  // namespace maie::cli
