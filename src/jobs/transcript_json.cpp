#include "jobs/transcript_json.h"

#include "jobs/member.h"

namespace maie::jobs {
namespace {

using pipeline::DroppedRegion;
using pipeline::Segment;
using pipeline::TimeSpan;
using pipeline::Transcript;
using pipeline::Word;

Json to_json(const Word& word) {
  return {{"start", word.start_s},
          {"end", word.end_s},
          {"text", word.text},
          {"probability", word.probability}};
}

Word word_of(const Json& json) {
  return {json_number(json, "start", 0), json_number(json, "end", 0), json_string(json, "text", ""),
          json_number(json, "probability", 0)};
}

Json spans_to_json(const std::vector<TimeSpan>& spans) {
  Json list = Json::array();
  for (const TimeSpan& span : spans) list.push_back({span.start_s, span.end_s});
  return list;
}

std::vector<TimeSpan> spans_of(const Json& list) {
  std::vector<TimeSpan> spans;
  for (const Json& item : list) {
    if (item.is_array() && item.size() == 2 && item[0].is_number() && item[1].is_number()) {
      spans.push_back({item[0].get<double>(), item[1].get<double>()});
    }
  }
  return spans;
}

Json dropped_to_json(const std::vector<DroppedRegion>& regions) {
  Json list = Json::array();
  for (const DroppedRegion& region : regions) {
    list.push_back({{"start", region.start_s},
                    {"end", region.end_s},
                    {"reason", region.reason},
                    {"text", region.text}});
  }
  return list;
}

std::vector<DroppedRegion> dropped_of(const Json& list) {
  std::vector<DroppedRegion> regions;
  for (const Json& item : list) {
    regions.push_back({json_number(item, "start", 0), json_number(item, "end", 0),
                       json_string(item, "reason", ""), json_string(item, "text", "")});
  }
  return regions;
}

}  // namespace

Json to_json(const Segment& segment) {
  Json words = Json::array();
  for (const Word& word : segment.words) words.push_back(to_json(word));
  return {{"start", segment.start_s},
          {"end", segment.end_s},
          {"text", segment.text},
          {"tokens", segment.tokens},
          {"words", std::move(words)},
          {"temperature", segment.temperature},
          {"avg_logprob", segment.avg_logprob},
          {"confidence", segment.confidence},
          {"compression_ratio", segment.compression_ratio},
          {"no_speech_probability", segment.no_speech_probability}};
}

Result<Segment> segment_of(const Json& json) {
  if (!json.is_object()) return corrupt("a segment that is no object");
  Segment segment;
  segment.start_s = json_number(json, "start", 0);
  segment.end_s = json_number(json, "end", 0);
  segment.text = json_string(json, "text", "");
  for (const Json& token : list_member(json, "tokens")) {
    if (token.is_number_integer()) segment.tokens.push_back(token.get<int>());
  }
  for (const Json& word : list_member(json, "words")) segment.words.push_back(word_of(word));
  segment.temperature = json_number(json, "temperature", 0);
  segment.avg_logprob = json_number(json, "avg_logprob", 0);
  segment.confidence = json_number(json, "confidence", 0);
  segment.compression_ratio = json_number(json, "compression_ratio", 0);
  segment.no_speech_probability = json_number(json, "no_speech_probability", 0);
  return segment;
}

Json to_json(const Transcript& transcript) {
  Json segments = Json::array();
  for (const Segment& segment : transcript.segments) segments.push_back(to_json(segment));
  return {{"segments", std::move(segments)},
          {"language", transcript.language},
          {"language_probability", transcript.language_probability},
          {"duration", transcript.duration_s},
          {"duration_after_vad", transcript.duration_after_vad_s},
          {"vad", transcript.vad},
          {"speech", spans_to_json(transcript.speech)},
          {"dropped", dropped_to_json(transcript.dropped)},
          {"uncovered", spans_to_json(transcript.uncovered)},
          {"warnings", transcript.warnings},
          {"wall", transcript.wall_s}};
}

Result<Transcript> transcript_of(const Json& json) {
  if (!json.is_object() || !json.contains("segments")) return corrupt("a transcript is missing");
  Transcript transcript;
  for (const Json& item : list_member(json, "segments")) {
    MAIE_ASSIGN(Segment segment, segment_of(item));
    transcript.segments.push_back(std::move(segment));
  }
  transcript.language = json_string(json, "language", "");
  transcript.language_probability = json_number(json, "language_probability", 0);
  transcript.duration_s = json_number(json, "duration", 0);
  transcript.duration_after_vad_s = json_number(json, "duration_after_vad", 0);
  transcript.vad = json_string(json, "vad", "off");
  transcript.speech = spans_of(list_member(json, "speech"));
  transcript.dropped = dropped_of(list_member(json, "dropped"));
  transcript.uncovered = spans_of(list_member(json, "uncovered"));
  transcript.warnings = strings_member(json, "warnings");
  transcript.wall_s = json_number(json, "wall", 0);
  return transcript;
}

}  // namespace maie::jobs
