// POST /v1/audio/transcriptions and /v1/audio/translations (docs/spec/interfaces.md, 2 to 4).

#include "base/ascii.h"
#include "server/answers.h"
#include "server/idempotency.h"
#include "server/model_catalog.h"
#include "server/open_requests.h"
#include "server/openapi_schemas.h"
#include "server/service.h"
#include "server/speech_reply.h"
#include "server/speech_request.h"
#include "server/upload.h"
#include "server/waiting_task.h"

namespace maie::server {
namespace {

using http::ReplyPtr;
using http::Request;

std::optional<ApiError> check_file(const Service& service, const http::FormFile& file) {
  if (file.bytes > most_upload_bytes(service.settings)) {
    return ApiError{.status = 413,
                    .code = "FILE_TOO_LARGE",
                    .message = "the file has more bytes than the " +
                               std::to_string(most_upload_bytes(service.settings)) +
                               " that are taken here",
                    .param = "file"};
  }
  if (is_plainly_no_recording(file)) {
    return ApiError{.status = 400,
                    .code = "AUDIO_UNREADABLE",
                    .message = "the file is no recording, whatever its name says",
                    .param = "file"};
  }
  return std::nullopt;
}

// "respond-async" among the preferences of RFC 7240.
bool wants_job(const Request& request) {
  for (const auto& [name, value] : request.headers.all()) {
    if (lower(name) == "prefer" && lower(value).find("respond-async") != value.npos) return true;
  }
  return false;
}

class SpeechRoutes {
 public:
  explicit SpeechRoutes(Service& service)
      : service_(service),
        catalog_(service.settings, service.queue),
        open_(std::make_shared<OpenRequests>(service)) {}

  void handle(Request& request, const ReplyPtr& reply, bool translate) const {
    auto read = speech_request_of(request.form, translate, service_.settings);
    if (const auto* error = std::get_if<ApiError>(&read))
      return refuse_openai(reply, request, *error);
    SpeechRequest& speech = std::get<SpeechRequest>(read);
    const auto model = catalog_.find("transcription", speech.job.model);
    if (const auto* error = std::get_if<ApiError>(&model))
      return refuse_openai(reply, request, *error);
    speech.job.model = std::get<CatalogModel>(model).id;
    if (const auto error = check_file(service_, *request.form.file("file"))) {
      return refuse_openai(reply, request, *error);
    }
    submit(request, reply, speech);
  }

 private:
  void submit(Request& request, const ReplyPtr& reply, SpeechRequest& speech) const {
    const http::FormFile& file = *request.form.file("file");
    const std::string task_id = new_task_id();
    const Result<std::string> audio = keep_upload(service_.settings, task_id, file);
    if (!audio.has_value()) return refuse_openai(reply, request, api_error_of(audio.error()));
    speech.job.audio = *audio;
    const bool as_job = wants_job(request);
    const auto taken = take_task(service_, request, task_id, speech.job,
                                 {.lane = as_job ? queue::Lane::kBatch : queue::Lane::kInteractive,
                                  .digest = digest_of(speech, file.sha256)});
    const auto* error = std::get_if<ApiError>(&taken);
    if (error != nullptr || !std::get<TakenTask>(taken).is_new) {
      remove_task_folder(service_.settings, task_id);
    }
    if (error != nullptr) return refuse_openai(reply, request, *error);
    const std::string& id = std::get<TakenTask>(taken).id;
    if (as_job) {
      http::Response response = accepted(id);
      response.headers.set("Preference-Applied", "respond-async");
      return reply->send(std::move(response));
    }
    open_->follow(
        id, reply,
        speech_reply(speech, reply, request.id, service_.settings.server.event_keep_alive_s));
  }

  Service& service_;
  const ModelCatalog catalog_;
  const std::shared_ptr<OpenRequests> open_;
};

Json either(std::initializer_list<const char*> names) {
  Json any = Json::array();
  for (const char* name : names) any.push_back(doc::ref(name));
  return {{"anyOf", std::move(any)}};
}

std::vector<http::RouteDoc::Answer> answers(bool translate) {
  std::vector<http::RouteDoc::Answer> list = {
      doc::answer(200, "The transcript in the form that was asked for",
                  either({"Transcription", "VerboseTranscription"})),
      doc::answer(200, "Its text, or subtitles", doc::text(), "text/plain"),
      doc::answer(200, "Subtitles", doc::text(), "text/vtt"),
      doc::answer(202, "Taken as a job, as Prefer: respond-async asked", doc::ref("Submitted")),
      doc::error(404, "No such model"),
      idempotency_conflict_doc(),
      doc::error(429, "The queue is full"),
      doc::error(507, "No room on the disk")};
  if (!translate) {
    list.push_back(doc::answer(200, "With stream=true: events, one TranscriptEvent each",
                               doc::text(), "text/event-stream"));
  }
  return list;
}

http::RouteDoc doc_of(bool translate) {
  http::RouteDoc doc;
  doc.id = translate ? "create_translation" : "create_transcription";
  doc.summary = translate ? "Translate a recording into English" : "Transcribe a recording";
  doc.description =
      "As the OpenAI API has it. The answer comes when the work is done; a client that goes away "
      "stops it. The same upload with the same parameters within a minute is one task.";
  doc.tag = doc::kTagSpeech;
  doc.parameters = {
      doc::in_header("Prefer", "respond-async: answer at once with a job to ask about later"),
      idempotency_key_doc()};
  doc.body_type = "multipart/form-data";
  doc.body_schema = doc::ref(translate ? "TranslationForm" : "TranscriptionForm");
  doc.answers = answers(translate);
  return doc;
}

}  // namespace

void add_speech_routes(http::Router& router, Service& service) {
  const auto routes = std::make_shared<const SpeechRoutes>(service);
  for (const bool translate : {false, true}) {
    http::Route route{.method = "POST",
                      .path = translate ? "/v1/audio/translations" : "/v1/audio/transcriptions"};
    route.handler = [routes, translate](Request& request, const ReplyPtr& reply) {
      routes->handle(request, reply, translate);
    };
    route.body = http::BodyKind::kForm;
    route.max_body_bytes = most_form_bytes(service.settings);
    route.needs_key = true;
    route.counted = true;
    route.errors = http::ErrorStyle::kOpenAi;
    route.doc = doc_of(translate);
    router.add(std::move(route));
  }
}

}  // namespace maie::server
