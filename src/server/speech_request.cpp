#include "server/speech_request.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/digest.h"
#include "server/form_values.h"
#include "text/languages.h"
#include "text/utf8.h"

namespace maie::server {
namespace {

constexpr int64_t kLongestRecordingMs = int64_t{1000} * 3600 * 24 * 30;
constexpr char kNoSpeakers[] =
    "this server does not tell speakers apart yet; leave it out, or use another response_format";

// Languages are taken by code, tag or English name.
std::string language(FormValues& values, const std::string& name, const std::string& written) {
  if (const auto code = text::language_code(std::string(text::strip(written)))) return *code;
  values.refuse(invalid_value(
      name, name + " is \"" + written + "\", which is no language that is known here; " +
                "give an ISO 639-1 code such as \"vi\", or leave it out to have it detected"));
  return "";
}

void read_languages(FormValues& values, const config::Settings& settings, jobs::SpeechJob& job) {
  for (const std::string& one : values.list("languages")) {
    job.languages.push_back(language(values, "languages", one));
  }
  const std::string given = values.text("language");
  if (!given.empty()) {
    job.options.language = language(values, "language", given);
  } else if (job.languages.size() == 1) {
    job.options.language = job.languages.front();
  } else if (job.languages.empty()) {
    job.options.language = settings.asr.language;
  }
  if (!job.options.language.empty()) job.languages.clear();
}

void read_hints(FormValues& values, pipeline::TranscribeOptions& options) {
  options.initial_prompt = values.text("prompt");
  std::string& words = options.hotwords;
  for (const std::string& word : values.list("keywords")) {
    words += (words.empty() ? "" : ", ") + word;
  }
  if (const std::string more = values.text("hotwords"); !more.empty()) {
    words += (words.empty() ? "" : ", ") + more;
  }
}

void read_temperature(FormValues& values, pipeline::TranscribeOptions& options) {
  const double temperature = values.number("temperature", 0, 1).value_or(0);
  if (temperature > 0) options.temperatures = {temperature};  // sampled at that, no ladder
}

// "chunking_strategy", whose members are strings where they came as fields of their own.
void read_chunking(FormValues& values, pipeline::VadOptions& vad) {
  constexpr char kName[] = "chunking_strategy";
  const Json given = values.object(kName);
  if (given.is_null() || given == "auto") return;
  if (!given.is_object()) {
    values.refuse(unsupported_value(kName,
                                    "chunking_strategy is \"auto\", or an object with "
                                    "type = \"server_vad\""));
    return;
  }
  if (json_string(given, "type", "") != "server_vad") {
    values.refuse(unsupported_value(std::string(kName) + "[type]",
                                    "the type of a chunking_strategy is \"server_vad\""));
    return;
  }
  const auto number = [&](const char* member, double least, double most, bool whole) {
    std::optional<double> value;
    if (!given.contains(member) || given[member].is_null()) return value;
    const Json& item = given[member];
    if (item.is_number()) value = item.get<double>();
    if (item.is_string()) value = number_of(item.get_ref<const std::string&>());
    const bool fits =
        value && *value >= least && *value <= most && (!whole || *value == std::floor(*value));
    if (fits) return value;
    values.refuse(invalid_value(std::string(kName) + "[" + member + "]",
                                std::string(member) + " is a " + (whole ? "whole " : "") +
                                    "number from " + std::to_string(int(least)) + " to " +
                                    std::to_string(int(most))));
    return std::optional<double>();
  };
  if (const auto pad = number("prefix_padding_ms", 0, 10'000, true)) vad.speech_pad_ms = int(*pad);
  if (const auto gap = number("silence_duration_ms", 0, 60'000, true)) {
    vad.min_silence_ms = int(*gap);
  }
  if (const auto threshold = number("threshold", 0, 1, false)) vad.threshold = *threshold;
}

void read_filters(FormValues& values, const config::Settings& settings,
                  pipeline::TranscribeOptions& options) {
  options.vad = values.flag("vad_filter").value_or(settings.vad.enabled);
  options.vad_options.threshold = settings.vad.threshold;
  read_chunking(values, options.vad_options);
  if (!values.flag("hallucination_filter").value_or(true)) {
    // Thresholds that nothing is beyond.
    options.no_speech_threshold = 1;
    options.log_prob_threshold = -1000;
    options.stop_repetition = false;
  }
  const auto offset = values.integer("offset_ms", 0, kLongestRecordingMs);
  const auto duration = values.integer("duration_ms", 1, kLongestRecordingMs);
  if (offset || duration) {
    pipeline::ClipRange clip;
    clip.start_s = double(offset.value_or(0)) / 1000;
    if (duration) clip.end_s = clip.start_s + double(*duration) / 1000;
    options.clip = clip;
  }
}

void read_granularities(FormValues& values, SpeechRequest& request) {
  constexpr char kName[] = "timestamp_granularities";
  const std::vector<std::string> wanted = values.list(kName);
  const auto wants = [&](const char* word) {
    return std::find(wanted.begin(), wanted.end(), word) != wanted.end();
  };
  for (const std::string& one : wanted) {
    if (one == "word" || one == "segment") continue;
    values.refuse(unsupported_value(
        kName, "timestamp_granularities holds \"" + one + "\"; known are word and segment"));
  }
  if (wanted.empty()) return;
  if (request.form.format != SpeechFormat::kVerboseJson) {
    request.form.warnings.push_back("timestamp_granularities counts for verbose_json only");
    return;
  }
  request.form.words = wants("word");
  request.form.segments = wants("segment");
  request.job.options.word_timestamps = request.form.words;
}

void refuse_speakers(FormValues& values) {
  if (values.flag("diarize").value_or(false)) {
    values.refuse(unsupported_value("diarize", kNoSpeakers));
  }
  for (const char* name : {"known_speaker_names", "known_speaker_references"}) {
    if (values.has(name)) values.refuse(unsupported_value(name, kNoSpeakers));
  }
}

// Numbers of speakers mean nothing without diarisation; wrong ones are still wrong.
void read_speaker_counts(FormValues& values, SpeechForm& form) {
  for (const char* name : {"num_speakers", "min_speakers", "max_speakers"}) {
    if (values.integer(name, 1, 1000)) {
      form.warnings.push_back(std::string(name) + " counts with diarization only");
    }
  }
}

void read_form(FormValues& values, SpeechRequest& request) {
  constexpr SpeechFormat kFormats[] = {SpeechFormat::kJson, SpeechFormat::kText, SpeechFormat::kSrt,
                                       SpeechFormat::kVerboseJson, SpeechFormat::kVtt};
  const auto words = {std::string_view("json"), std::string_view("text"), std::string_view("srt"),
                      std::string_view("verbose_json"), std::string_view("vtt")};
  if (!request.form.translate && values.text("response_format") == "diarized_json") {
    values.refuse(unsupported_value("response_format", kNoSpeakers));
    return;
  }
  request.form.format = kFormats[values.choice("response_format", words)];
}

void read_stream(FormValues& values, SpeechRequest& request) {
  request.stream = values.flag("stream").value_or(false);
  if (request.stream && request.form.format != SpeechFormat::kJson) {
    values.refuse(unsupported_value(
        "stream", "only response_format json can be streamed; leave out one of the two"));
  }
}

void read_include(FormValues& values) {
  for (const std::string& one : values.list("include")) {
    values.refuse(unsupported_value(
        "include", one == "logprobs" ? "this recogniser gives no log-probabilities of its tokens"
                                     : "include holds \"" + one + "\"; known is logprobs"));
  }
}

void check_file(const http::Form& form, FormValues& values) {
  const http::FormFile* file = form.file("file");
  if (file == nullptr) {
    ApiError error = missing_field("file");
    if (values.has("file")) error.message = "file is a text; send it with a file name";
    values.refuse(std::move(error));
  } else if (file->bytes == 0) {
    values.refuse({.status = 400,
                   .code = "AUDIO_UNREADABLE",
                   .message = "the file is empty",
                   .param = "file"});
  }
}

}  // namespace

std::variant<SpeechRequest, ApiError> speech_request_of(const http::Form& form, bool translate,
                                                        const config::Settings& settings) {
  FormValues values(form);
  SpeechRequest request;
  request.form.translate = translate;
  request.job.options.task = translate ? "translate" : "transcribe";
  request.job.options.beam_size = settings.asr.beam_size;
  request.job.model = values.text("model");
  read_form(values, request);
  if (!translate) {
    read_stream(values, request);
    read_granularities(values, request);
    read_include(values);
    refuse_speakers(values);
    read_speaker_counts(values, request.form);
  }
  read_languages(values, settings, request.job);
  read_hints(values, request.job.options);
  read_temperature(values, request.job.options);
  read_filters(values, settings, request.job.options);
  request.job.strict = values.flag("strict").value_or(false);
  check_file(form, values);
  if (values.error()) return *values.error();
  request.job.file_name = text::repair_utf8(form.file("file")->file_name);
  return request;
}

std::string digest_of(const SpeechRequest& request, const std::string& audio_sha256) {
  jobs::SpeechJob job = request.job;
  job.audio.clear();
  job.file_name.clear();
  const SpeechForm& form = request.form;
  Digest digest(Digest::Kind::kSha256);
  digest.add(audio_sha256 + "\n" + jobs::to_payload(job) + "\n" + std::to_string(int(form.format)) +
             (form.segments ? "s" : "") + (form.words ? "w" : "") + (request.stream ? "e" : ""));
  return digest.hex();
}

}  // namespace maie::server
