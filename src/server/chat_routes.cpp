// POST /v1/chat/completions (docs/spec/interfaces.md, 6).
#include <span>

#include "base/ascii.h"
#include "base/file.h"
#include "server/answers.h"
#include "server/chat_reply.h"
#include "server/chat_request.h"
#include "server/idempotency.h"
#include "server/model_catalog.h"
#include "server/open_requests.h"
#include "server/openapi_schemas.h"
#include "server/service.h"
#include "server/upload.h"
#include "server/waiting_task.h"

namespace maie::server {
namespace {

using http::ReplyPtr;
using http::Request;

constexpr size_t kMostBodyBytes = 16 << 20;

bool is_json(std::string_view content_type) {
  std::string type = lower(content_type.substr(0, content_type.find(';')));
  while (!type.empty() && type.back() == ' ') type.pop_back();
  return type.empty() || type == "application/json" || type.ends_with("+json");
}

class ChatRoutes {
 public:
  explicit ChatRoutes(Service& service)
      : service_(service),
        catalog_(service.settings, service.queue),
        open_(std::make_shared<OpenRequests>(service)) {}

  void handle(Request& request, const ReplyPtr& reply) const {
    if (!is_json(request.headers.get("Content-Type"))) {
      return refuse_openai(reply, request,
                           {.status = 415,
                            .code = "UNSUPPORTED_MEDIA_TYPE",
                            .message = "the body must be application/json"});
    }
    auto read = chat_request_of(request.body);
    if (const auto* error = std::get_if<ApiError>(&read))
      return refuse_openai(reply, request, *error);
    ChatRequest& chat = std::get<ChatRequest>(read);
    const std::string named = chat.job.model;
    const auto model = catalog_.find("chat", named);
    if (const auto* error = std::get_if<ApiError>(&model))
      return refuse_openai(reply, request, *error);
    chat.job.model = std::get<CatalogModel>(model).id;
    // Two clients with the same words want two answers, unless they say otherwise.
    const bool has_key = request.headers.has(kIdempotencyKey);
    const std::string task_id = new_task_id();
    const auto taken =
        take_task(service_, request, task_id, chat.job,
                  {.digest = has_key ? sha256_hex(std::as_bytes(std::span(request.body))) : ""});
    if (const auto* error = std::get_if<ApiError>(&taken))
      return refuse_openai(reply, request, *error);
    const std::string& id = std::get<TakenTask>(taken).id;
    open_->follow(id, reply,
                  chat_reply(chat, chat_identity_of(id, named.empty() ? chat.job.model : named),
                             reply, request.id, service_.settings.server.event_keep_alive_s));
  }

 private:
  Service& service_;
  const ModelCatalog catalog_;
  const std::shared_ptr<OpenRequests> open_;
};

}  // namespace

void add_chat_routes(http::Router& router, Service& service) {
  const auto routes = std::make_shared<const ChatRoutes>(service);
  http::Route route{.method = "POST", .path = "/v1/chat/completions"};
  route.handler = [routes](Request& request, const ReplyPtr& reply) {
    routes->handle(request, reply);
  };
  route.body = http::BodyKind::kBytes;
  route.max_body_bytes = kMostBodyBytes;
  route.needs_key = true;
  route.counted = true;
  route.errors = http::ErrorStyle::kOpenAi;
  route.doc = {.id = "create_chat_completion",
               .summary = "Answer a conversation",
               .description =
                   "As the OpenAI API has it, without tools. Under response_format "
                   "json_schema the answer is made to fit the schema, or the request "
                   "is refused.",
               .tag = doc::kTagChat,
               .parameters = {idempotency_key_doc()},
               .body_type = "application/json",
               .body_schema = doc::ref("ChatRequest"),
               .answers = {doc::answer(200, "The answer", doc::ref("ChatCompletion")),
                           doc::answer(200, "With stream: true: events, one ChatChunk each",
                                       doc::text(), "text/event-stream"),
                           doc::error(404, "No such model"), idempotency_conflict_doc(),
                           doc::error(429, "The queue is full")}};
  router.add(std::move(route));
}

}  // namespace maie::server
