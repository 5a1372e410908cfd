#pragma once

#include <string>
#include <vector>

#include "cli/console.h"
#include "cli/outputs.h"
#include "pipeline/transcribe.h"
#include "text/subtitles.h"

namespace CLI {
class App;
}

namespace maie::cli {

/// How loud the program is; every command has these switches.
struct SpeechOfProgram {
  bool quiet = false;    ///< errors only
  bool verbose = false;  ///< details of the run
  bool json = false;     ///< messages as JSON lines
};

/// The command line of `maie transcribe`.
struct TranscribeArguments {
  std::vector<std::string> inputs;
  bool recursive = false;
  pipeline::TranscriberOptions engine;  ///< model_path empty: the default model
  pipeline::TranscribeOptions transcribe;
  text::SubtitleOptions subtitles;
  std::vector<Format> formats;  ///< empty: txt to standard output
  std::string output_folder;    ///< "-": standard output; empty: not given
  bool overwrite = false;
  SpeechOfProgram speech;
};

/// Adds --quiet, --verbose and --json to a command.
void add_speech_options(CLI::App& command, SpeechOfProgram& speech);

/// Makes the console and the log as loud as asked for.
void apply(const SpeechOfProgram& speech, Console& console);

/// Adds the options of `maie transcribe` to `command`; parsing fills `arguments`, which must live
/// as long as the app. Wrong values become usage errors (exit code 2).
void add_transcribe_options(CLI::App& command, TranscribeArguments& arguments);

}  // namespace maie::cli
