#include "worker/checkpoints.h"

#include "base/log.h"
#include "jobs/job.h"

namespace maie::worker {
namespace {

Json turns_json(const summary::Transcript& transcript) {
  Json turns = Json::array();
  for (const summary::Turn& turn : transcript.turns)
    turns.push_back({turn.speaker, turn.start_s, turn.end_s, turn.text});
  return turns;
}

std::optional<summary::Transcript> turns_of(const Json& json) {
  if (!json.is_array()) return std::nullopt;
  summary::Transcript transcript;
  for (const Json& turn : json) {
    if (!turn.is_array() || turn.size() != 4 || !turn[0].is_string() || !turn[1].is_number() ||
        !turn[2].is_number() || !turn[3].is_string()) {
      return std::nullopt;
    }
    transcript.turns.push_back({turn[0].get<std::string>(), turn[1].get<double>(),
                                turn[2].get<double>(), turn[3].get<std::string>()});
  }
  return transcript;
}

std::optional<std::string> find(TaskRun& run, std::string_view name) {
  if (run.task().attempts < 2) return std::nullopt;
  const auto all = run.checkpoints();
  const auto found = all.find(std::string(name));
  return found == all.end() ? std::nullopt : std::optional(found->second);
}

}  // namespace

Status save(TaskRun& run, const Recognition& recognition) {
  jobs::StoredResult stored;
  stored.versions = {{"asr_backend", recognition.asr_block}};
  stored.transcript = recognition.transcript;
  stored.times = recognition.times;
  return run.save_checkpoint(jobs::kStageRecognise, jobs::to_bytes(stored));
}

std::optional<Recognition> restored_recognition(TaskRun& run) {
  const std::optional<std::string> bytes = find(run, jobs::kStageRecognise);
  if (!bytes) return std::nullopt;
  Result<jobs::StoredResult> stored = jobs::result_from_bytes(*bytes);
  if (!stored.has_value() || !stored->transcript || !stored->versions.contains("asr_backend")) {
    log_warning("the checkpoint after recognition is of no use, the task begins anew");
    return std::nullopt;
  }
  log_info("recognised before: the transcript is taken from its checkpoint");
  return Recognition{std::move(*stored->transcript), stored->versions["asr_backend"], stored->times,
                     true};
}

Status save(TaskRun& run, const CleanText& clean) {
  const summary::Enhancement& enhancement = clean.enhancement;
  const Json json = {{"text", enhancement.text},
                     {"original", enhancement.original},
                     {"lines", enhancement.transcript.lines},
                     {"turns", turns_json(enhancement.transcript)},
                     {"applied", enhancement.applied},
                     {"edit_distance", enhancement.edit_distance},
                     {"edit_rate", enhancement.edit_rate},
                     {"took_s", clean.took_s}};
  return run.save_checkpoint(jobs::kStageEnhance, to_line(json));
}

std::optional<CleanText> restored_clean_text(TaskRun& run) {
  const std::optional<std::string> text = find(run, jobs::kStageEnhance);
  if (!text) return std::nullopt;
  const Result<Json> json = parse_json(*text, {.members = 100'000});
  if (!json.has_value() || !json->is_object()) return std::nullopt;
  std::optional<summary::Transcript> turns = turns_of(json->value("turns", Json()));
  if (!turns) return std::nullopt;
  CleanText clean;
  clean.enhancement.text = json_string(*json, "text", "");
  clean.enhancement.original = json_string(*json, "original", "");
  clean.enhancement.transcript = std::move(*turns);
  clean.enhancement.transcript.lines = json_bool(*json, "lines", false);
  clean.enhancement.applied = json_bool(*json, "applied", false);
  clean.enhancement.edit_distance = json_int(*json, "edit_distance", 0);
  clean.enhancement.edit_rate = json_number(*json, "edit_rate", 0);
  clean.took_s = json_number(*json, "took_s", 0);
  log_info("cleaned before: the text is taken from its checkpoint");
  return clean;
}

}  // namespace maie::worker
