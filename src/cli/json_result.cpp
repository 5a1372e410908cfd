#include "cli/json_result.h"

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "base/version.h"
#include "cli/inputs.h"

namespace maie::cli {
namespace {

using pipeline::Segment;
using pipeline::Transcript;

constexpr int kSchemaVersion = 1;

// Not finite: nlohmann writes null for it.
double rounded(double value, double steps) {
  return std::isfinite(value) ? std::round(value * steps) / steps : value;
}
double seconds(double value) { return rounded(value, 1e3); }
double probability(double value) { return rounded(value, 1e4); }

std::string trimmed(std::string_view text) {
  const size_t first = text.find_first_not_of(' ');
  if (first == text.npos) return "";
  return std::string(text.substr(first, text.find_last_not_of(' ') - first + 1));
}

Json or_null(const std::string& text) { return text.empty() ? Json() : Json(text); }

Json span(double start_s, double end_s) {
  return {{"start", seconds(start_s)}, {"end", seconds(end_s)}};
}

Json spans(const std::vector<pipeline::TimeSpan>& list) {
  Json out = Json::array();
  for (const pipeline::TimeSpan& item : list) out.push_back(span(item.start_s, item.end_s));
  return out;
}

Json segment_object(const Segment& segment, size_t id) {
  Json words = Json::array();
  for (const pipeline::Word& word : segment.words) {
    Json object = span(word.start_s, word.end_s);
    object["word"] = trimmed(word.text);
    object["confidence"] = probability(word.probability);
    words.push_back(std::move(object));
  }
  Json object = {{"id", id}};
  object.update(span(segment.start_s, segment.end_s));
  object["text"] = trimmed(segment.text);
  object["confidence"] = probability(segment.confidence);
  object["avg_logprob"] = probability(segment.avg_logprob);
  object["compression_ratio"] = probability(segment.compression_ratio);
  object["no_speech_probability"] = probability(segment.no_speech_probability);
  object["temperature"] = segment.temperature;
  object["tokens"] = segment.tokens;
  object["words"] = std::move(words);
  return object;
}

Json dropped_object(const pipeline::DroppedRegion& region) {
  Json object = span(region.start_s, region.end_s);
  object["reason"] = region.reason;
  object["text"] = trimmed(region.text);
  return object;
}

Json options_object(const pipeline::TranscriberOptions& engine,
                    const pipeline::TranscribeOptions& options) {
  Json object;
  object["language"] = or_null(options.language);
  object["task"] = options.task;
  object["beam_size"] = options.beam_size;
  object["best_of"] = options.best_of;
  object["patience"] = options.patience;
  object["length_penalty"] = options.length_penalty;
  object["repetition_penalty"] = options.repetition_penalty;
  object["no_repeat_ngram_size"] = options.no_repeat_ngram_size;
  object["temperatures"] = options.temperatures;
  object["compression_ratio_threshold"] = options.compression_ratio_threshold;
  object["log_prob_threshold"] = options.log_prob_threshold;
  object["no_speech_threshold"] = options.no_speech_threshold;
  object["mode"] = options.batched ? "batched" : "sequential";
  object["condition_on_previous_text"] = options.condition_on_previous_text;
  object["without_timestamps"] = options.without_timestamps;
  object["word_timestamps"] = options.word_timestamps;
  object["initial_prompt"] = or_null(options.initial_prompt);
  object["hotwords"] = or_null(options.hotwords);
  object["suppress_tokens"] = options.suppress_tokens;
  object["suppress_blank"] = options.suppress_blank;
  object["hallucination_silence"] =
      options.hallucination_silence_s ? Json(*options.hallucination_silence_s) : Json();
  object["stop_repetition"] = options.stop_repetition;
  object["clip"] = Json();
  if (options.clip) {
    object["clip"] = {
        {"start", seconds(options.clip->start_s)},
        {"end", options.clip->end_s > 0 ? Json(seconds(options.clip->end_s)) : Json()}};
  }
  object["seed"] = options.seed;
  object["compute_type"] = to_string(engine.compute_type);
  object["threads"] = engine.threads;
  object["batch_size"] = engine.batch_size;
  return object;
}

Json vad_object(const RunInfo& run, const Transcript& transcript) {
  const pipeline::VadOptions& vad = run.options.vad_options;
  return {{"kind", transcript.vad},           {"model", or_null(run.model.vad)},
          {"threshold", vad.threshold},       {"min_speech_ms", vad.min_speech_ms},
          {"max_speech_s", vad.max_speech_s}, {"min_silence_ms", vad.min_silence_ms},
          {"pad_ms", vad.speech_pad_ms}};
}

Json model_object(const pipeline::ModelInfo& model) {
  return {{"path", model.path},
          {"source", model.source},
          {"sha256", or_null(model.sha256)},
          {"stored_type", model.stored_type},
          {"compute_type", model.compute_type}};
}

std::string whole_text(const Transcript& transcript) {
  std::string text;
  for (const Segment& segment : transcript.segments) text += segment.text;
  return trimmed(text);
}

bool is_flat(const Json& value) {
  return std::none_of(value.begin(), value.end(),
                      [](const Json& item) { return item.is_structured(); });
}

// Indented, except for lists of plain values and list items made of plain values: a transcript has
// thousands of tokens and words, each of which would take a line or six.
void write(const Json& value, int depth, std::string& out) {
  if (!value.is_structured() || value.empty() || (value.is_array() && is_flat(value))) {
    out += to_line(value);
    return;
  }
  const size_t indent = size_t(depth + 1) * 2;
  out += value.is_object() ? "{" : "[";
  bool first = true;
  for (auto it = value.begin(); it != value.end(); ++it) {
    out += first ? "\n" : ",\n";
    out.append(indent, ' ');
    first = false;
    if (value.is_object()) out += to_line(it.key()) + ": ";
    if (value.is_array() && is_flat(*it)) {
      out += to_line(*it);
    } else {
      write(*it, depth + 1, out);
    }
  }
  out += "\n";
  out.append(indent - 2, ' ');
  out += value.is_object() ? "}" : "]";
}

}  // namespace

Json input_object(const RunInfo& run, const Recognised& result) {
  const bool pipe = run.input == kStandardInput;
  return {{"name", pipe ? "stdin" : std::filesystem::path(run.input).filename().string()},
          {"duration", seconds(result.transcript.duration_s)},
          {"container", or_null(result.container)},
          {"codec", or_null(result.codec)},
          {"sample_rate", result.rate_hz > 0 ? Json(result.rate_hz) : Json()},
          {"channels", result.channels > 0 ? Json(result.channels) : Json()},
          {"warnings", result.input_warnings}};
}

Json result_document(const RunInfo& run, const Recognised& result) {
  const Transcript& transcript = result.transcript;
  Json segments = Json::array();
  for (const Segment& segment : transcript.segments) {
    segments.push_back(segment_object(segment, segments.size()));
  }
  Json dropped = Json::array();
  for (const pipeline::DroppedRegion& region : transcript.dropped)
    dropped.push_back(dropped_object(region));

  Json document;
  document["schema_version"] = kSchemaVersion;
  document["program"] = {{"name", "maie"}, {"version", kVersion}};
  document["input"] = input_object(run, result);
  document["model"] = model_object(run.model);
  document["vad"] = vad_object(run, transcript);
  document["options"] = options_object(run.engine, run.options);
  document["language"] = or_null(transcript.language);
  document["language_probability"] =
      transcript.language.empty() ? Json() : Json(probability(transcript.language_probability));
  document["text"] = whole_text(transcript);
  document["segments"] = std::move(segments);
  document["speech"] = spans(transcript.speech);
  document["uncovered"] = spans(transcript.uncovered);
  document["dropped"] = std::move(dropped);
  document["warnings"] = transcript.warnings;
  document["timing"] = {
      {"wall", seconds(transcript.wall_s)},
      {"speech", seconds(transcript.duration_after_vad_s)},
      // Seconds of work for one second of audio: below 1 is faster than real time.
      {"real_time_factor", transcript.duration_s > 0
                               ? Json(rounded(transcript.wall_s / transcript.duration_s, 1e5))
                               : Json()}};
  return document;
}

std::string to_text(const Json& document) {
  std::string out;
  write(document, 0, out);
  return out + "\n";
}

}  // namespace maie::cli
