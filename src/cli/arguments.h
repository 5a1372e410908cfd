#pragma once

#include <span>
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

/// Adds --output-format, which takes the formats of `allowed`. @param fallback  what the help says
/// of the case that none is given.
void add_format_option(CLI::App& command, std::vector<Format>& formats,
                       std::span<const Format> allowed, const std::string& fallback);

/// Adds --output-dir and --overwrite.
void add_destination_options(CLI::App& command, std::string& folder, bool& overwrite);

/// Adds what `maie transcribe` and `maie process` have in common: inputs, the model, and how it
/// recognises.
void add_recognition_options(CLI::App& command, TranscribeArguments& arguments);

/// Adds how finely it is done: voice activity and decoding.
void add_tuning_options(CLI::App& command, pipeline::TranscribeOptions& options);

/// Fills in what was not given and depends on the surroundings: the model, the threads.
Status choose_defaults(TranscribeArguments& arguments);

/// Adds --max-line-width and the like.
void add_subtitle_options(CLI::App& command, text::SubtitleOptions& subtitles);

/// Adds the options of `maie transcribe` to `command`; parsing fills `arguments`, which must live
/// as long as the app. Wrong values become usage errors (exit code 2).
void add_transcribe_options(CLI::App& command, TranscribeArguments& arguments);

}  // namespace maie::cli
