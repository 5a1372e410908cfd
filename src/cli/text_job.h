#pragma once

#include <string>
#include <vector>

#include "cli/arguments.h"
#include "cli/language_model.h"
#include "cli/process_job.h"

namespace maie::cli {

/// The command line of `maie summarize` and `maie enhance`.
struct TextArguments {
  std::vector<std::string> inputs;  ///< text files, transcripts in JSON, or "-"
  std::vector<Format> formats;
  std::string output_folder;  ///< "-" or empty: standard output
  bool overwrite = false;
  pipeline::DocumentOptions document;
  LlmArguments llm;
  SpeechOfProgram speech;
};

/// Runs `maie summarize` or `maie enhance`, whichever `arguments.document` asks for: texts in, a
/// summary (json, md) or clean text (txt, or json with all details) out.
/// @returns the exit code.
int run_text(const TextArguments& arguments, const DocumentTools& tools, Console& console,
             CancelToken& cancel);

}  // namespace maie::cli
