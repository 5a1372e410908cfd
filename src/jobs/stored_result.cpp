#include "jobs/stored_result.h"

#include "jobs/member.h"
#include "jobs/transcript_json.h"

namespace maie::jobs {
namespace {

constexpr int64_t kFormat = 1;  // counted up when older programs cannot read it any more

// Hours of words with their times: what our own results may need.
constexpr JsonLimits kLimits = {.depth = 128, .values = 50'000'000, .members = 100'000};

Json to_json(const StageTimes& times) {
  return {{"decode", or_null(times.decode_s)},
          {"recognise", or_null(times.recognise_s)},
          {"enhance", or_null(times.enhance_s)},
          {"summarise", or_null(times.summarise_s)},
          {"audio", times.audio_s}};
}

StageTimes times_of(const Json& json) {
  return {.decode_s = number_member(json, "decode"),
          .recognise_s = number_member(json, "recognise"),
          .enhance_s = number_member(json, "enhance"),
          .summarise_s = number_member(json, "summarise"),
          .audio_s = json_number(json, "audio", 0)};
}

Json to_json(const llm::Usage& usage) {
  return {{"prompt_tokens", usage.prompt_tokens},
          {"cached_tokens", usage.cached_tokens},
          {"answer_tokens", usage.answer_tokens},
          {"forced_tokens", usage.forced_tokens},
          {"proposed_tokens", usage.proposed_tokens},
          {"accepted_tokens", usage.accepted_tokens},
          {"passes", usage.passes},
          {"first_token_s", usage.first_token_s},
          {"total_s", usage.total_s}};
}

llm::Usage usage_of(const Json& json) {
  llm::Usage usage;
  usage.prompt_tokens = json_int(json, "prompt_tokens", 0);
  usage.cached_tokens = json_int(json, "cached_tokens", 0);
  usage.answer_tokens = json_int(json, "answer_tokens", 0);
  usage.forced_tokens = json_int(json, "forced_tokens", 0);
  usage.proposed_tokens = json_int(json, "proposed_tokens", 0);
  usage.accepted_tokens = json_int(json, "accepted_tokens", 0);
  usage.passes = json_int(json, "passes", 0);
  usage.first_token_s = json_number(json, "first_token_s", 0);
  usage.total_s = json_number(json, "total_s", 0);
  return usage;
}

Json to_json(const llm::Completion& completion) {
  return {{"text", completion.text},
          {"thinking", completion.thinking},
          {"finish", completion.finish == llm::Finish::kStop ? "stop" : "length"},
          {"usage", to_json(completion.usage)}};
}

llm::Completion completion_of(const Json& json) {
  return {.text = json_string(json, "text", ""),
          .thinking = json_string(json, "thinking", ""),
          .finish = json_string(json, "finish", "") == "length" ? llm::Finish::kLength
                                                                : llm::Finish::kStop,
          .usage = usage_of(object_member(json, "usage"))};
}

// Json() where the member is absent.
Json value_of(const Json& json, const char* key) {
  const auto found = json.find(key);
  return found == json.end() ? Json() : *found;
}

}  // namespace

std::string to_bytes(const StoredResult& result) {
  Json json = {{"format", kFormat},
               {"versions", result.versions},
               {"metrics", result.metrics},
               {"results", result.results},
               {"schema", result.schema},
               {"model", result.model},
               {"times", to_json(result.times)}};
  if (result.transcript) json["transcript"] = to_json(*result.transcript);
  if (result.completion) json["completion"] = to_json(*result.completion);
  return to_line(json);
}

Result<StoredResult> result_from_bytes(std::string_view bytes) {
  MAIE_ASSIGN(const Json json, parse_json(bytes, kLimits));
  if (!json.is_object() || json_int(json, "format", 0) != kFormat) {
    return unsupported("the result was stored by another version of this program");
  }
  StoredResult result;
  result.versions = value_of(json, "versions");
  result.metrics = value_of(json, "metrics");
  result.results = value_of(json, "results");
  result.schema = value_of(json, "schema");
  result.model = json_string(json, "model", "");
  result.times = times_of(object_member(json, "times"));
  if (json.contains("transcript")) {
    MAIE_ASSIGN(result.transcript, transcript_of(json["transcript"]));
  }
  if (json.contains("completion")) {
    result.completion = completion_of(object_member(json, "completion"));
  }
  return result;
}

}  // namespace maie::jobs
