#include "server/answers.h"
#include "server/model_catalog.h"
#include "server/openapi_schemas.h"
#include "server/service.h"

namespace maie::server {
namespace {

// One object for both kinds of clients (docs/design.md, 6).
http::Response list_of(const ModelCatalog& catalog) {
  Json data = Json::array(), backends = Json::array();
  for (const CatalogModel& model : catalog.models()) {
    if (model.task == "transcription") backends.push_back(backend_object(model));
    if (model.usable) data.push_back(model_object(model));
  }
  return json_response(
      {{"models", std::move(backends)}, {"object", "list"}, {"data", std::move(data)}});
}

void add_list(http::Router& router, std::shared_ptr<const ModelCatalog> catalog) {
  http::Route route{.method = "GET", .path = "/v1/models"};
  route.handler = [catalog](http::Request&, const http::ReplyPtr& reply) {
    reply->send(list_of(*catalog));
  };
  route.errors = http::ErrorStyle::kOpenAi;
  route.doc = {.id = "list_models",
               .summary = "Models that can be used",
               .description =
                   "`data` as OpenAI lists models, `models` the recognisers as the job "
                   "API lists them.",
               .tag = doc::kTagModels,
               .answers = {doc::answer(200, "All models", doc::ref("ModelList"))}};
  router.add(std::move(route));
}

void add_one(http::Router& router, std::shared_ptr<const ModelCatalog> catalog) {
  http::Route route{.method = "GET", .path = "/v1/models/{id...}"};
  route.handler = [catalog](http::Request& request, const http::ReplyPtr& reply) {
    const std::string_view id = request.param("id");
    for (const char* task : {"transcription", "chat"}) {
      const auto found = catalog->find(task, id);
      if (id.empty()) break;
      if (const auto* model = std::get_if<CatalogModel>(&found)) {
        return reply->send(json_response(model_object(*model)));
      }
    }
    ApiError error = model_not_found(id);
    error.param = "id";
    refuse_openai(reply, request, error);
  };
  route.errors = http::ErrorStyle::kOpenAi;
  route.doc = {.id = "get_model",
               .summary = "One model, by its id or one of its aliases",
               .tag = doc::kTagModels,
               .parameters = {doc::in_path("id", "Id or alias; may contain slashes")},
               .answers = {doc::answer(200, "The model", doc::ref("Model")),
                           doc::error(404, "No such model")}};
  router.add(std::move(route));
}

}  // namespace

void add_model_routes(http::Router& router, Service& service) {
  const auto catalog = std::make_shared<const ModelCatalog>(service.settings, service.queue);
  add_list(router, catalog);
  add_one(router, catalog);
}

}  // namespace maie::server
