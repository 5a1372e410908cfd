#include "server/submit_form.h"

#include <charconv>
#include <cmath>

#include "base/ascii.h"
#include "server/features.h"
#include "server/form_values.h"
#include "text/languages.h"
#include "text/utf8.h"

namespace maie::server {
namespace {

ApiError invalid(std::string field, std::string message, Json details = nullptr) {
  ApiError error{.status = 422, .code = "VALIDATION_ERROR", .message = std::move(message)};
  error.param = field;
  error.details = details.is_null() ? Json{{"field", field}} : std::move(details);
  return error;
}

std::string text_field(const http::Form& form, std::string_view name) {
  return std::string(text::strip(form.get(name).value_or("")));
}

ApiError template_missing() {
  return invalid("template_id", "template_id is required when summary is in features",
                 {{"features", {"summary"}},
                  {"required_field", "template_id"},
                  {"condition", "summary is in features"}});
}

}  // namespace

std::variant<jobs::AudioJob, ApiError> audio_job_of(const http::Form& form,
                                                    const config::Settings& settings) {
  jobs::AudioJob job;
  job.template_id = text_field(form, "template_id");
  Result<jobs::Features> features = features_of(form.all("features"), !job.template_id.empty());
  if (!features.has_value()) return invalid("features", features.error().message());
  job.features = *features;

  if (const std::string text = text_field(form, "enable_diarization"); !text.empty()) {
    const std::optional<bool> flag = flag_of(text);
    if (!flag) return invalid("enable_diarization", "enable_diarization is no boolean");
    if (*flag) {
      return invalid(
          "enable_diarization",
          "enable_diarization: this server does not tell speakers apart; leave the field "
          "out or send false");
    }
  }
  if (const std::string text = text_field(form, "enable_vad"); !text.empty()) {
    job.vad = flag_of(text);
    if (!job.vad) return invalid("enable_vad", "enable_vad is no boolean");
  }
  if (const std::string text = text_field(form, "vad_threshold"); !text.empty()) {
    job.vad_threshold = number_of(text);
    if (!job.vad_threshold || !(*job.vad_threshold >= 0 && *job.vad_threshold <= 1)) {
      return invalid("vad_threshold", "vad_threshold is no number from 0 to 1");
    }
  }
  if (const std::string written = text_field(form, "language"); !written.empty()) {
    const std::optional<std::string> code = text::language_code(written);
    if (!code) return invalid("language", "language is no code of a language that is known");
    job.language = *code;
  }
  job.asr_backend = lower(text_field(form, "asr_backend"));
  if (job.asr_backend.empty()) job.asr_backend = settings.api.default_asr_backend;
  if (job.asr_backend != "whisper") {
    return ApiError{
        .status = 422,
        .code = "UNKNOWN_BACKEND",
        .message = "Invalid 'asr_backend'",
        .param = "asr_backend",
        .details = {{"received", job.asr_backend.substr(0, 100)}, {"allowed", {"whisper"}}}};
  }
  return job;
}

std::optional<ApiError> missing_template(const jobs::AudioJob& job) {
  if (!job.features.summary || !job.template_id.empty()) return std::nullopt;
  return template_missing();
}

std::variant<jobs::TextJob, ApiError> text_job_of(std::string_view body) {
  const Result<Json> json = parse_json(body);
  if (!json.has_value() || !json->is_object()) {
    ApiError error =
        invalid("body", json.has_value() ? "the body is no JSON object"
                                         : "the body is no valid JSON: " + json.error().message());
    error.extra = {{{"message", error.message}, {"key", "body"}, {"source", "body"}}};
    return error;
  }
  const auto refused = [](const char* key, const std::string& what) {
    ApiError error = invalid(key, "Validation failed for POST /v1/process_text: " + what);
    error.extra = {{{"message", what}, {"key", key}, {"source", "body"}}};
    return error;
  };
  jobs::TextJob job;
  const auto text = json->find("text");
  if (text == json->end() || !text->is_string()) return refused("text", "text is a string");
  job.text = text->get<std::string>();
  if (text::strip(job.text).empty()) return refused("text", "text is empty");
  if (const auto id = json->find("template_id"); id != json->end() && !id->is_null()) {
    if (!id->is_string()) return refused("template_id", "template_id is a string");
    job.template_id = text::strip(id->get_ref<const std::string&>());
  }
  const auto given = json->find("features");
  const bool absent = given == json->end() || given->is_null() ||
                      (given->is_array() && given->empty()) || *given == "";
  if (absent) {  // a text is sent to be summed up (1.6)
    job.features.summary = true;
  } else {
    Result<jobs::Features> features = features_of(*given, !job.template_id.empty());
    if (!features.has_value()) return refused("features", features.error().message());
    job.features = *features;
  }
  if (job.features.summary && job.template_id.empty()) return template_missing();
  return job;
}

}  // namespace maie::server
