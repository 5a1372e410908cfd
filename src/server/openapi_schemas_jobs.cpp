// Schemas of the job API: docs/spec/service.md 1, docs/design.md 6. The states and features are
// those that clients of the earlier service know.
#include "server/openapi_schemas.h"

namespace maie::server::doc {
namespace {

Json features() {
  return one_of({"raw_transcript", "clean_transcript", "summary", "enhancement_metrics"},
                "What is made of the input");
}

void add_errors(Json& schemas) {
  schemas["ProblemExtra"] = object({{"message", text(), true},
                                    {"key", text("The member or field")},
                                    {"source", one_of({"body", "query", "path", "header"})}},
                                   "One finding of the validation");
  schemas["Error"] = object(
      {{"error",
        object({{"message", text("A sentence"), true},
                {"type", text("Class of the error, as in the OpenAI API"), true},
                {"param", or_null(text("The field"))},
                {"code", text("A stable word for programs: capitals on the job API, lower case on "
                              "the OpenAI routes")},
                {"details", or_null(with(object({}), "additionalProperties", true))}}),
        true},
       {"detail", text("The message once more"), true},
       {"request_id", text("Name it when you report a problem")},
       {"extra", list_of(ref("ProblemExtra"))}},
      "What every failure looks like");
}

void add_service(Json& schemas) {
  schemas["ServiceCard"] =
      object({{"name", text(), true},
              {"version", text(), true},
              {"status", text(), true},
              {"endpoints", with(object({}), "additionalProperties", text()), true}},
             "Where things are");
  schemas["Health"] =
      object({{"status", one_of({"healthy", "unhealthy"}), true},
              {"version", text()},
              {"redis_connected", boolean("Whether the store of tasks answers, whichever it is")},
              {"queue_depth", integer("Tasks that wait")},
              {"worker_active", boolean()}},
             "Summary for people and old probes; answered with 200 also when unhealthy");
  schemas["Readiness"] = object({{"status", one_of({"ok", "degraded", "unavailable"}), true},
                                 {"version", text("Only with a key or from this machine")},
                                 {"checks", with(object({}, "Only with a key or from this machine"),
                                                 "additionalProperties", text())}});
  schemas["Limits"] = with(object({}, "Bytes, seconds and counts that this server allows"),
                           "additionalProperties", true);
}

void add_submitting(Json& schemas) {
  schemas["ProcessForm"] = object(
      {{"file", bytes("The recording: wav, mp3, m4a, flac, or another container with audio"), true},
       {"features", list_of(features(),
                            "Repeated, comma separated, or one JSON array. Absent: "
                            "clean_transcript, and summary where there is a template_id")},
       {"template_id", text("Template of the summary; required with the feature summary")},
       {"asr_backend", text("Recogniser: whisper; absent: as configured")},
       {"enable_diarization",
        with(boolean("Say who spoke; this version refuses true"), "default", false)},
       {"enable_vad", boolean("Find the voice first; absent: as configured")},
       {"vad_threshold",
        with(with(number("How sure it must be a voice"), "minimum", 0), "maximum", 1)},
       {"language", text("ISO 639-1; absent: as configured or detected")}});
  schemas["ProcessTextRequest"] =
      object({{"text", with(text("What was said or written"), "minLength", 1), true},
              {"features", any("A list of raw_transcript, clean_transcript, summary, "
                               "enhancement_metrics; or one text with commas between them")},
              {"template_id", or_null(text("Required with the feature summary"))}});
  schemas["Submitted"] = object({{"task_id", uuid(), true}, {"status", ref("TaskState"), true}});
}

void add_results(Json& schemas) {
  schemas["Word"] = object({{"word", text(), true},
                            {"start", number("Seconds"), true},
                            {"end", number("Seconds"), true},
                            {"probability", or_null(number())}});
  schemas["Segment"] = object({{"start", number("Seconds"), true},
                               {"end", number("Seconds"), true},
                               {"text", text(), true},
                               {"speaker", or_null(text())},
                               {"words", list_of(ref("Word"))}});
  schemas["Versions"] =
      object({{"pipeline_version", or_null(text())},
              {"asr_backend", or_null(with(object({}), "additionalProperties", true))},
              {"llm", or_null(with(object({}), "additionalProperties", true))}},
             "What the result was made with: models, hashes, parameters");
  schemas["Metrics"] = object({{"input_duration_seconds", or_null(number())},
                               {"processing_time_seconds", or_null(number())},
                               {"rtf", or_null(number("Seconds of work for a second of audio"))},
                               {"vad_coverage", or_null(number("Share of the audio with voice"))},
                               {"asr_confidence_avg", or_null(number())},
                               {"vad_segments", or_null(integer())},
                               {"edit_rate_cleaning", or_null(number("Share of characters that "
                                                                     "cleaning changed"))}});
  schemas["Results"] =
      object({{"summary", or_null(with(object({}, "Valid against the template's schema"),
                                       "additionalProperties", true))},
              {"clean_transcript", or_null(text())},
              {"raw_transcript", or_null(text())},
              {"segments", or_null(list_of(ref("Segment")))}});
}

std::vector<Member> task_members() {
  return {{"task_id", uuid(), true},
          {"status", ref("TaskState"), true},
          {"stage", or_null(text("What is being done, or where it failed"))},
          {"error", or_null(text("A sentence"))},
          {"error_code", or_null(text("AUDIO_VALIDATION_ERROR and the like"))},
          {"submitted_at", or_null(time())},
          {"completed_at", or_null(time())}};
}

void add_tasks(Json& schemas) {
  schemas["TaskState"] = one_of({"PENDING", "PREPROCESSING", "PROCESSING_ASR", "PROCESSING_LLM",
                                 "COMPLETE", "FAILED", "CANCELLED"});
  std::vector<Member> task = task_members();
  for (Member member : std::initializer_list<Member>{
           {"kind", text("audio, text, transcription, translation or chat")},
           {"lane", one_of({"batch", "interactive"})},
           {"owner", text("Name of the key that submitted it")},
           {"priority", integer()},
           {"attempts", integer("Workers that have begun it")},
           {"max_attempts", integer()},
           {"cancel_requested", boolean()},
           {"started_at", or_null(time())},
           {"updated_at", or_null(time())},
           {"not_before", or_null(time())},
           {"expires_at", or_null(time())},
           {"last_error", or_null(text("Why its last attempt ended, where it is tried again"))},
           {"progress", or_null(object({{"stage", text()},
                                        {"fraction", number("Of the whole task, 0 to 1")},
                                        {"seconds_left", or_null(number())}}))}}) {
    task.push_back(std::move(member));
  }
  schemas["Task"] = object(std::move(task));
  std::vector<Member> status = task_members();
  status.push_back({"versions", or_null(ref("Versions"))});
  status.push_back({"metrics", or_null(ref("Metrics"))});
  status.push_back({"results", or_null(ref("Results"))});
  schemas["Status"] = object(std::move(status),
                             "The names of the blocks follow api.result_keys or ?keys=: English, "
                             "Vietnamese (phiên_bản, chỉ_số, kết_quả), or both");
  schemas["SyncResult"] = schemas["Status"];
  schemas["TaskList"] = object({{"tasks", list_of(ref("Task")), true},
                                {"has_more", boolean()},
                                {"next", or_null(text("Where the next page begins"))}});
}

void add_templates(Json& schemas) {
  const Json schema = with(object({}, "JSON Schema"), "additionalProperties", true);
  const Json example = or_null(with(object({}), "additionalProperties", true));
  std::vector<Member> members = {{"id", text(), true},          {"name", text(), true},
                                 {"description", text(), true}, {"schema_url", text()},
                                 {"parameters", schema},        {"example", example}};
  schemas["Template"] = object(members);
  schemas["TemplateList"] = object({{"templates", list_of(ref("Template")), true}});
  members.push_back({"prompt_template", text("Jinja"), true});
  members.push_back({"schema_data", schema, true});
  schemas["TemplateDetail"] = object(std::move(members));
  const Json prompt = text("Jinja");
  schemas["NewTemplate"] = with(object({{"id", with(text(), "pattern", "^[a-zA-Z0-9_-]+$"), true},
                                        {"schema_data", schema, true},
                                        {"prompt_template", prompt, true},
                                        {"example", example}}),
                                "additionalProperties", false);
  schemas["TemplateChange"] =
      with(object({{"schema_data", schema}, {"prompt_template", prompt}, {"example", example}}),
           "additionalProperties", false);
}

}  // namespace

void add_job_schemas(Json& schemas) {
  add_errors(schemas);
  add_service(schemas);
  add_submitting(schemas);
  add_results(schemas);
  add_tasks(schemas);
  add_templates(schemas);
}

}  // namespace maie::server::doc
