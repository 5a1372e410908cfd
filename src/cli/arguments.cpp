// The options of `maie transcribe` in the order of its help. One function per group: what belongs
// together stands together, and the help is read off this file.
#include "cli/arguments.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cctype>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <iterator>
#include <optional>
#include <sstream>
#include <utility>

#include "base/log.h"
#include "cli/model_search.h"
#include "cli/parse.h"

namespace maie::cli {
namespace {

constexpr const char* kOutputGroup = "Output";

// A number from `least` to `most`, for options of any number type. CLI11's own Range lets "nan"
// through, as nothing is below or above it.
CLI::Validator within(double least, double most) {
  const auto check = [least, most](const std::string& text) -> std::string {
    char* end = nullptr;
    const double value = std::strtod(text.c_str(), &end);
    if (end != text.c_str() && *end == '\0' && value >= least && value <= most) return "";
    std::ostringstream message;
    message << text << " is not a number from " << least << " to " << most;
    return message.str();
  };
  return CLI::Validator(check, "");
}

// Words an option takes, for the help and the completions; its parser does the checking.
CLI::Validator words(const std::string& list) {
  return CLI::Validator([](std::string&) { return std::string(); }, list);
}

// `parse` turns the text of an option into its value; its message becomes the usage error.
template <class Value>
CLI::Option* add_parsed(CLI::App& command, const std::string& name, Value& value,
                        Result<Value> (*parse)(std::string_view), const std::string& help) {
  return command.add_option_function<std::string>(
      name,
      [name, &value, parse](const std::string& text) {
        Result<Value> parsed = parse(text);
        if (!parsed.has_value()) throw CLI::ValidationError(name, parsed.error().message());
        value = std::move(*parsed);
      },
      help);
}

Result<std::optional<pipeline::ClipRange>> parse_optional_clip(std::string_view text) {
  MAIE_ASSIGN(auto clip, parse_clip(text));
  return std::optional<pipeline::ClipRange>(clip);
}

Result<ComputeType> parse_compute_type_name(std::string_view name) {
  // Halves are a GPU's type; here they would only be a slower float32.
  const std::optional<ComputeType> type = parse_compute_type(name);
  if (!type) return invalid_input("\"" + std::string(name) + "\" is not a compute type");
  return *type;
}

Result<std::string> parse_language(std::string_view text) {
  std::string language(text);
  std::transform(language.begin(), language.end(), language.begin(),
                 [](unsigned char c) { return char(std::tolower(c)); });
  if (language == "auto") return std::string();
  return language;
}

std::string names_of(std::span<const Format> formats, const char* between) {
  std::string names;
  for (const Format format : formats) {
    names += (names.empty() ? "" : between) + std::string(to_string(format));
  }
  return names;
}

Result<std::vector<Format>> parse_formats(std::string_view text, std::span<const Format> allowed) {
  const std::string choice = "choose from " + names_of(allowed, ", ");
  std::vector<Format> formats;
  for (const std::string& name : split_commas(text)) {
    const auto same = [&name](Format format) { return to_string(format) == name; };
    const auto found = std::find_if(allowed.begin(), allowed.end(), same);
    if (found == allowed.end()) {
      return invalid_input("\"" + name + "\" is not an output format; " + choice);
    }
    if (std::find(formats.begin(), formats.end(), *found) == formats.end())
      formats.push_back(*found);
  }
  if (formats.empty()) return invalid_input("no output format given; " + choice);
  return formats;
}

void add_inputs(CLI::App& command, TranscribeArguments& arguments) {
  command
      .add_option("input", arguments.inputs,
                  "Audio or video files, directories of them, patterns such as \"*.mp3\", or - for "
                  "standard input")
      ->required()
      ->type_name("FILE")
      ->option_text("FILE...");
  command.add_flag("-r,--recursive", arguments.recursive, "Look into sub-directories too");
}

void add_model_options(CLI::App& command, pipeline::TranscriberOptions& engine) {
  const std::string group = "Model";
  command
      .add_option(
          "-m,--model", engine.model_path,
          "Whisper model: a directory of Hugging Face or CTranslate2 form, or a ggml-*.bin file "
          "[$MAIE_MODEL, else models/mini/asr]")
      ->type_name("PATH")
      ->group(group);
  command
      .add_option(
          "--vad-model", engine.vad_model_path,
          "Silero weights (safetensors), or 'energy' for the gate without a network [beside the "
          "model, else energy]")
      ->type_name("FILE|energy")
      ->group(group);
  add_parsed(command, "--compute-type", engine.compute_type, parse_compute_type_name,
             "Type the model computes in [auto]")
      ->type_name("TYPE")
      ->check(CLI::IsMember({"auto", "float32", "bfloat16", "int8"}))
      ->group(group);
  command
      .add_option("--threads", engine.threads,
                  "Threads to use; 0: one per core [$OMP_NUM_THREADS, else 0]")
      ->type_name("N")
      ->check(within(0, 1024))
      ->group(group);
  command.add_option("--batch-size", engine.batch_size, "Windows decoded together, at most [8]")
      ->type_name("N")
      ->check(within(1, 256))
      ->group(group);
}

void add_task_options(CLI::App& command, pipeline::TranscribeOptions& options) {
  const std::string group = "What to recognise";
  add_parsed(command, "-l,--language", options.language, parse_language,
             "Language spoken, as a code (en, vi); auto: find out [auto]")
      ->type_name("CODE")
      ->group(group);
  command
      .add_option("--task", options.task,
                  "Write down what is said, or translate it into English [transcribe]")
      ->type_name("TASK")
      ->check(CLI::IsMember({"transcribe", "translate"}))
      ->group(group);
  add_parsed(
      command, "--clip", options.clip, parse_optional_clip,
      "Only this part: seconds or [HH:]MM:SS[.mmm], either side may be empty (1:00-2:30, -90)")
      ->type_name("START-END")
      ->group(group);
  command
      .add_option("--initial-prompt", options.initial_prompt,
                  "Text that shows the style and names to expect")
      ->type_name("TEXT")
      ->group(group);
  command.add_option("--hotwords", options.hotwords, "Words to favour")
      ->type_name("TEXT")
      ->group(group);
  command
      .add_flag("--word-timestamps,!--no-word-timestamps", options.word_timestamps,
                "Find the time of every word")
      ->group(group);
  command
      .add_flag("--without-timestamps", options.without_timestamps,
                "One segment per window, no times inside it")
      ->group(group);
}

void add_decoding_options(CLI::App& command, pipeline::TranscribeOptions& options) {
  const std::string group = "Decoding";
  command
      .add_option("--beam-size", options.beam_size,
                  "Hypotheses kept at temperature 0; 1: greedy [5]")
      ->type_name("N")
      ->check(within(1, 64))
      ->group(group);
  command.add_option("--best-of", options.best_of, "Samples drawn at temperatures above 0 [5]")
      ->type_name("N")
      ->check(within(1, 64))
      ->group(group);
  command
      .add_option("--patience", options.patience,
                  "Beam search goes on until patience x beams have ended [1]")
      ->type_name("X")
      ->check(within(0.01, 100.0))
      ->group(group);
  command
      .add_option("--length-penalty", options.length_penalty,
                  "Exponent of the length a hypothesis is ranked by [1]")
      ->type_name("X")
      ->check(within(0.0, 10.0))
      ->group(group);
  command
      .add_option("--repetition-penalty", options.repetition_penalty,
                  "Above 1: tokens already written become less likely [1]")
      ->type_name("X")
      ->check(within(0.01, 100.0))
      ->group(group);
  command
      .add_option("--no-repeat-ngram-size", options.no_repeat_ngram_size,
                  "Never write this many tokens twice; 0: off [0]")
      ->type_name("N")
      ->check(within(0, 448))
      ->group(group);
  add_parsed(command, "--temperature", options.temperatures, parse_temperatures,
             "Temperatures tried until the text passes its gates; one value: no second try "
             "[0,0.2,0.4,0.6,0.8,1]")
      ->type_name("T[,T...]")
      ->group(group);
  command
      .add_option("--compression-ratio-threshold", options.compression_ratio_threshold,
                  "Text that compresses better than this repeats itself: try again [2.4]")
      ->type_name("X")
      ->check(within(0, 1000))
      ->group(group);
  command
      .add_option("--log-prob-threshold", options.log_prob_threshold,
                  "Text less likely than this (mean log-probability): try again [-1]")
      ->type_name("X")
      ->check(within(-1000, 0))
      ->group(group);
  command
      .add_option("--no-speech-threshold", options.no_speech_threshold,
                  "Windows more likely than this to hold no speech are skipped when their text is "
                  "unlikely too [0.6]")
      ->type_name("P")
      ->check(within(0, 1))
      ->group(group);
  command
      .add_flag("--batched,!--sequential", options.batched,
                "Decode many voice regions together (the default), or one window after the other")
      ->group(group);
  command
      .add_flag("--condition-on-previous-text,!--no-condition-on-previous-text",
                options.condition_on_previous_text,
                "With --sequential: show the model the text before a window")
      ->group(group);
  command
      .add_option("--hallucination-silence", options.hallucination_silence_s,
                  "With --word-timestamps: drop unlikely words beside this many seconds of silence")
      ->type_name("SECONDS")
      ->check(within(0.0, 3600.0))
      ->group(group);
  add_parsed(command, "--suppress-tokens", options.suppress_tokens, parse_token_list,
             "Tokens never to write; -1: the non-speech symbols; empty: none [-1]")
      ->type_name("ID[,ID...]")
      ->group(group);
  command.add_option("--seed", options.seed, "Seed of the sampling at temperatures above 0 [0]")
      ->type_name("N")
      ->check(within(0, 9e18))
      ->group(group);
}

void add_vad_options(CLI::App& command, pipeline::TranscribeOptions& options) {
  const std::string group = "Voice activity";
  pipeline::VadOptions& vad = options.vad_options;
  const CLI::Validator milliseconds = within(0, 3'600'000);
  command
      .add_flag("--vad,!--no-vad", options.vad,
                "Recognise only where there is a voice (the default), or everywhere")
      ->group(group);
  command
      .add_option("--vad-threshold", vad.threshold,
                  "Probability from which a moment counts as voice [0.5]")
      ->type_name("P")
      ->check(within(0.0, 1.0))
      ->group(group);
  command.add_option("--vad-min-speech-ms", vad.min_speech_ms, "Shorter voice is ignored [0]")
      ->type_name("MS")
      ->check(milliseconds)
      ->group(group);
  command.add_option("--vad-max-speech-s", vad.max_speech_s, "Longer voice is cut at a pause [30]")
      ->type_name("SECONDS")
      ->check(within(0.1, 86400.0))
      ->group(group);
  command
      .add_option("--vad-min-silence-ms", vad.min_silence_ms,
                  "Silence that ends a stretch of voice [160]")
      ->type_name("MS")
      ->check(milliseconds)
      ->group(group);
  command.add_option("--vad-pad-ms", vad.speech_pad_ms, "Kept around a stretch of voice [400]")
      ->type_name("MS")
      ->check(milliseconds)
      ->group(group);
}

// The thread count people already set for such programs, when --threads was not given.
int threads_of_environment() {
  const char* text = std::getenv("OMP_NUM_THREADS");
  int count = 0;
  if (text == nullptr) return 0;
  const auto [end, error] = std::from_chars(text, text + std::strlen(text), count);
  // OpenMP allows a list, one number per nesting level; we have one level.
  const bool whole = error == std::errc() && (*end == '\0' || *end == ',');
  return whole && count >= 1 && count <= 1024 ? count : 0;
}

}  // namespace

void apply(const SpeechOfProgram& speech, Console& console) {
  const Verbosity verbosity = speech.quiet     ? Verbosity::kQuiet
                              : speech.verbose ? Verbosity::kVerbose
                                               : Verbosity::kNormal;
  console.configure(verbosity, speech.json);
  configure_log(speech.quiet     ? LogLevel::kError
                : speech.verbose ? LogLevel::kDebug
                                 : LogLevel::kWarning,
                speech.json);
}

void add_speech_options(CLI::App& command, SpeechOfProgram& speech) {
  const std::string group = "Messages";
  CLI::Option* quiet =
      command.add_flag("-q,--quiet", speech.quiet, "Errors only, no progress")->group(group);
  command.add_flag("-v,--verbose", speech.verbose, "Say more, show segments with their times")
      ->group(group)
      ->excludes(quiet);
  command.add_flag("--json", speech.json, "Messages on standard error as JSON lines")->group(group);
}

void add_format_option(CLI::App& command, std::vector<Format>& formats,
                       std::span<const Format> allowed, const std::string& fallback) {
  command
      .add_option_function<std::vector<std::string>>(
          "-f,--output-format",
          [&formats, allowed](const std::vector<std::string>& values) {
            std::string all;
            for (const std::string& value : values) all += value + ",";
            Result<std::vector<Format>> parsed = parse_formats(all, allowed);
            if (!parsed.has_value())
              throw CLI::ValidationError("--output-format", parsed.error().message());
            formats = std::move(*parsed);
          },
          "Files to write: " + names_of(allowed, ", ") + ", several with commas [" + fallback + "]")
      ->type_name("FORMAT")
      ->check(words("{" + names_of(allowed, ",") + "}"))
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->allow_extra_args(false)  // what follows are files
      ->group(kOutputGroup);
}

void add_destination_options(CLI::App& command, std::string& folder, bool& overwrite) {
  command
      .add_option("-o,--output-dir", folder,
                  "Directory of the files; -: one format to standard output [.]")
      ->type_name("DIR")
      ->group(kOutputGroup);
  command.add_flag("--overwrite", overwrite, "Replace files that exist")->group(kOutputGroup);
}

void add_subtitle_options(CLI::App& command, text::SubtitleOptions& subtitles) {
  command
      .add_option("--max-line-width", subtitles.max_line_width,
                  "Characters in a line of a subtitle [42]")
      ->type_name("N")
      ->check(within(1, 1000))
      ->group(kOutputGroup);
  command.add_option("--max-line-count", subtitles.max_line_count, "Lines in a subtitle [2]")
      ->type_name("N")
      ->check(within(1, 100))
      ->group(kOutputGroup);
  command
      .add_flag("--highlight-words", subtitles.highlight_words,
                "Mark the word being spoken in subtitles (with --word-timestamps)")
      ->group(kOutputGroup);
}

void add_recognition_options(CLI::App& command, TranscribeArguments& arguments) {
  add_inputs(command, arguments);
  add_model_options(command, arguments.engine);
  add_task_options(command, arguments.transcribe);
}

void add_tuning_options(CLI::App& command, pipeline::TranscribeOptions& options) {
  add_vad_options(command, options);
  add_decoding_options(command, options);
}

Status choose_defaults(TranscribeArguments& arguments) {
  if (arguments.engine.threads == 0) arguments.engine.threads = threads_of_environment();
  if (arguments.engine.model_path.empty()) {
    MAIE_ASSIGN(arguments.engine.model_path, default_model(model_folders_of_process()));
  }
  return {};
}

void add_transcribe_options(CLI::App& command, TranscribeArguments& arguments) {
  add_recognition_options(command, arguments);
  add_format_option(command, arguments.formats, kTranscriptFormats, "txt to standard output");
  add_destination_options(command, arguments.output_folder, arguments.overwrite);
  add_subtitle_options(command, arguments.subtitles);
  add_speech_options(command, arguments.speech);
  add_tuning_options(command, arguments.transcribe);
}

}  // namespace maie::cli
