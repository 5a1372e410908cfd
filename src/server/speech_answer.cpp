#include "server/speech_answer.h"

#include <algorithm>
#include <cmath>

#include "jobs/render.h"
#include "server/answers.h"
#include "text/languages.h"
#include "text/subtitles.h"
#include "text/utf8.h"

namespace maie::server {
namespace {

using pipeline::Segment;
using pipeline::Transcript;

// Mel frames and encoder positions a second.
constexpr double kFramesPerSecond = 100, kAudioTokensPerSecond = 50;
// Below it a detected language is named, but not promised.
constexpr double kCertainLanguage = 0.5;

double rounded(double seconds) {
  return std::isfinite(seconds) ? std::round(seconds * 1e3) / 1e3 : 0;
}

std::string trimmed(const std::string& text) { return std::string(text::strip(text)); }

// Times in order and inside of what they belong to, whatever the recogniser said.
struct Span {
  double start_s, end_s;
};
Span within(double start_s, double end_s, Span outer) {
  const double start = std::clamp(rounded(start_s), outer.start_s, outer.end_s);
  return {start, std::clamp(rounded(end_s), start, outer.end_s)};
}

std::vector<Segment> sorted_segments(const Transcript& transcript) {
  std::vector<Segment> segments = transcript.segments;
  std::stable_sort(segments.begin(), segments.end(), [](const Segment& a, const Segment& b) {
    return rounded(a.start_s) < rounded(b.start_s);
  });
  return segments;
}

Json segment_object(const Segment& segment, size_t id, Span span) {
  return {{"id", id},
          {"seek", int64_t(std::llround(span.start_s * kFramesPerSecond))},
          {"start", span.start_s},
          {"end", span.end_s},
          {"text", segment.text},
          {"tokens", segment.tokens},
          {"temperature", segment.temperature},
          {"avg_logprob", segment.avg_logprob},
          {"compression_ratio", segment.compression_ratio},
          {"no_speech_prob", segment.no_speech_probability}};
}

void add_words(const Segment& segment, Span span, Json& words) {
  for (const pipeline::Word& word : segment.words) {
    const std::string text = trimmed(word.text);
    if (text.empty()) continue;
    const Span at = within(word.start_s, word.end_s, span);
    words.push_back({{"word", text}, {"start", at.start_s}, {"end", at.end_s}});
  }
}

void sort_by_start(Json& list) {
  std::vector<Json> items(list.begin(), list.end());
  std::stable_sort(items.begin(), items.end(), [](const Json& a, const Json& b) {
    return a["start"].get<double>() < b["start"].get<double>();
  });
  list = Json(std::move(items));
}

// What was not done as asked, and what the run itself says.
Json warnings_of(const Transcript& transcript, const SpeechForm& form) {
  Json warnings = transcript.warnings;
  for (const std::string& warning : form.warnings) warnings.push_back(warning);
  return warnings;
}

Json short_json(const jobs::StoredResult& result, const SpeechForm& form) {
  const Transcript& transcript = *result.transcript;
  Json json = {{"text", text_of(transcript)}};
  if (form.translate) return json;
  json["languages"] = languages_of(transcript);
  json["usage"] = duration_usage(transcript);
  if (Json warnings = warnings_of(transcript, form); !warnings.empty()) {
    json["maie"]["warnings"] = std::move(warnings);
  }
  return json;
}

Json verbose_json(const jobs::StoredResult& result, const SpeechForm& form) {
  const Transcript& transcript = *result.transcript;
  const Span whole = {0, std::max(0.0, rounded(transcript.duration_s))};
  Json segments = Json::array(), words = Json::array();
  for (const Segment& segment : sorted_segments(transcript)) {
    const Span span = within(segment.start_s, segment.end_s, whole);
    segments.push_back(segment_object(segment, segments.size(), span));
    add_words(segment, span, words);
  }
  sort_by_start(words);
  const std::string spoken =
      transcript.language.empty() ? "unknown" : text::language_name(transcript.language);
  Json json = {{"task", form.translate ? "translate" : "transcribe"},
               {"language", form.translate ? "english" : spoken},
               {"duration", whole.end_s},
               {"text", text_of(transcript)}};
  if (form.segments) json["segments"] = std::move(segments);
  if (form.words) json["words"] = std::move(words);
  json["usage"] = duration_usage(transcript);
  json["maie"] = {
      {"language_code", transcript.language.empty() ? Json() : Json(transcript.language)},
      {"model", result.model},
      {"synthetic", Json::array({"seek"})}};
  if (Json warnings = warnings_of(transcript, form); !warnings.empty()) {
    json["maie"]["warnings"] = std::move(warnings);
  }
  return json;
}

http::Response text_response(const char* type, std::string body) {
  return {.content_type = type, .body = std::move(body)};
}

}  // namespace

std::string text_of(const Transcript& transcript) {
  std::string text;
  for (const Segment& segment : transcript.segments) text += segment.text;
  return trimmed(text::repair_utf8(text));
}

Json duration_usage(const Transcript& transcript) {
  return {{"type", "duration"},
          {"seconds", int64_t(std::ceil(std::max(0.0, transcript.duration_s)))}};
}

Json token_usage(const Transcript& transcript) {
  const auto audio =
      int64_t(std::ceil(std::max(0.0, transcript.duration_s) * kAudioTokensPerSecond));
  int64_t output = 0;
  for (const Segment& segment : transcript.segments) output += int64_t(segment.tokens.size());
  return {{"type", "tokens"},
          {"input_tokens", audio},
          {"input_token_details", {{"text_tokens", 0}, {"audio_tokens", audio}}},
          {"output_tokens", output},
          {"total_tokens", audio + output}};
}

Json languages_of(const Transcript& transcript) {
  Json list = Json::array();
  if (!transcript.language.empty() && transcript.language_probability >= kCertainLanguage) {
    list.push_back({{"code", transcript.language}});
  }
  return list;
}

http::Response speech_answer(const jobs::StoredResult& result, const SpeechForm& form) {
  constexpr char kPlainText[] = "text/plain; charset=utf-8";
  const std::vector<text::Cue> cues = jobs::cues_of(*result.transcript);
  switch (form.format) {
    case SpeechFormat::kText: return text_response(kPlainText, text_of(*result.transcript) + "\n");
    case SpeechFormat::kSrt: return text_response(kPlainText, text::to_srt(cues));
    case SpeechFormat::kVtt: return text_response("text/vtt; charset=utf-8", text::to_vtt(cues));
    case SpeechFormat::kVerboseJson: return json_response(verbose_json(result, form));
    case SpeechFormat::kJson: break;
  }
  return json_response(short_json(result, form));
}

}  // namespace maie::server
