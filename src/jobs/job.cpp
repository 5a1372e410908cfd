#include "jobs/job.h"

#include "jobs/member.h"
#include "jobs/options_json.h"

namespace maie::jobs {
namespace {

// Counted up when a payload of before means something else, or cannot be read any more.
constexpr int64_t kFormat = 1;

constexpr JsonLimits kLimits = {.depth = 64, .values = 2'000'000, .members = 1000};

Json list_of(const Features& features) {
  Json list = Json::array();
  if (features.raw_transcript) list.push_back("raw_transcript");
  if (features.clean_transcript) list.push_back("clean_transcript");
  if (features.summary) list.push_back("summary");
  if (features.enhancement_metrics) list.push_back("enhancement_metrics");
  return list;
}

Features features_of(const Json& list) {
  Features features;
  for (const Json& item : list) {
    features.raw_transcript |= item == "raw_transcript";
    features.clean_transcript |= item == "clean_transcript";
    features.summary |= item == "summary";
    features.enhancement_metrics |= item == "enhancement_metrics";
  }
  return features;
}

Json fields_of(const AudioJob& job) {
  return {{"audio", job.audio},
          {"file_name", job.file_name},
          {"features", list_of(job.features)},
          {"template_id", job.template_id},
          {"asr_backend", job.asr_backend},
          {"vad", or_null(job.vad)},
          {"vad_threshold", or_null(job.vad_threshold)},
          {"language", job.language}};
}

AudioJob audio_job_of(const Json& json) {
  return {.audio = json_string(json, "audio", ""),
          .file_name = json_string(json, "file_name", ""),
          .features = features_of(list_member(json, "features")),
          .template_id = json_string(json, "template_id", ""),
          .asr_backend = json_string(json, "asr_backend", ""),
          .vad = bool_member(json, "vad"),
          .vad_threshold = number_member(json, "vad_threshold"),
          .language = json_string(json, "language", "")};
}

Json fields_of(const TextJob& job) {
  return {
      {"text", job.text}, {"features", list_of(job.features)}, {"template_id", job.template_id}};
}

TextJob text_job_of(const Json& json) {
  return {json_string(json, "text", ""), features_of(list_member(json, "features")),
          json_string(json, "template_id", "")};
}

Json fields_of(const SpeechJob& job) {
  return {{"audio", job.audio},         {"file_name", job.file_name},
          {"model", job.model},         {"options", to_json(job.options)},
          {"languages", job.languages}, {"strict", job.strict}};
}

SpeechJob speech_job_of(const Json& json) {
  return {.audio = json_string(json, "audio", ""),
          .file_name = json_string(json, "file_name", ""),
          .model = json_string(json, "model", ""),
          .options = transcribe_options_of(object_member(json, "options")),
          .languages = strings_member(json, "languages"),
          .strict = json_bool(json, "strict", false)};
}

Json fields_of(const ChatJob& job) {
  return {{"model", job.model}, {"request", to_json(job.request)}};
}

ChatJob chat_job_of(const Json& json) {
  return {json_string(json, "model", ""), request_of(object_member(json, "request"))};
}

}  // namespace

std::string_view kind_of(const Job& job) {
  if (std::holds_alternative<AudioJob>(job)) return "audio";
  if (std::holds_alternative<TextJob>(job)) return "text";
  if (std::holds_alternative<ChatJob>(job)) return "chat";
  return std::get<SpeechJob>(job).options.task == "translate" ? "translation" : "transcription";
}

std::string to_payload(const Job& job) {
  Json json = std::visit([](const auto& one) { return fields_of(one); }, job);
  json["format"] = kFormat;
  return to_line(json);
}

Result<Job> from_payload(std::string_view kind, std::string_view payload) {
  MAIE_ASSIGN(const Json json, parse_json(payload, kLimits));
  if (const int64_t format = json_int(json, "format", 0); format != kFormat) {
    return unsupported("a task of format " + std::to_string(format) + ", this program knows " +
                       std::to_string(kFormat) + "; let workers and server have one version");
  }
  if (kind == "audio") return Job(audio_job_of(json));
  if (kind == "text") return Job(text_job_of(json));
  if (kind == "chat") return Job(chat_job_of(json));
  if (kind == "transcription" || kind == "translation") return Job(speech_job_of(json));
  return unsupported("a task of kind \"" + std::string(kind) + "\"");
}

}  // namespace maie::jobs
