#include <memory>

#include "server/openapi.h"
#include "server/openapi_schemas.h"
#include "server/service.h"

namespace maie::server {
namespace {

struct Page {
  std::string type, body, policy;
};

// A fixed answer that any cache may keep for a minute.
void add_page(http::Router& router, const char* path, std::shared_ptr<const Page> page,
              const char* summary, const char* id) {
  http::Route route{.method = "GET", .path = path, .handler = {}, .doc = {}};
  route.doc = {.id = id,
               .summary = summary,
               .description = "",
               .tag = doc::kTagService,
               .parameters = {},
               .body_type = "",
               .body_schema = nullptr,
               .answers = {doc::answer(200, summary, doc::any(), page->type.c_str())}};
  route.handler = [page](http::Request&, const http::ReplyPtr& reply) {
    http::Response response;
    response.content_type = page->type;
    response.body = page->body;
    response.headers.set("Cache-Control", "public, max-age=60");
    if (!page->policy.empty()) response.headers.set("Content-Security-Policy", page->policy);
    reply->send(std::move(response));
  };
  router.add(std::move(route));
}

}  // namespace

void add_openapi_routes(http::Router& router, Service&) { add_schema_routes(router); }

void add_schema_routes(http::Router& router) {
  const auto page = std::make_shared<const Page>(
      Page{"text/html; charset=utf-8", std::string(openapi_page()), openapi_page_policy()});
  add_page(router, "/schema", page, "The API as a page", "get_schema_page");
  add_page(router, "/schema/swagger", page, "The API as a page", "get_schema_swagger");
  add_page(router, "/schema/redoc", page, "The API as a page", "get_schema_redoc");
  add_page(router, "/schema/elements", page, "The API as a page", "get_schema_elements");
  add_page(router, "/schema/rapidoc", page, "The API as a page", "get_schema_rapidoc");
  // The document tells of its own two routes as well: their bodies are made when both are there.
  const auto json = std::make_shared<Page>(Page{"application/json", "", ""});
  const auto yaml = std::make_shared<Page>(Page{"application/yaml", "", ""});
  add_page(router, "/schema/openapi.json", json, "The API as OpenAPI 3.1, JSON",
           "get_openapi_json");
  add_page(router, "/schema/openapi.yaml", yaml, "The API as OpenAPI 3.1, YAML",
           "get_openapi_yaml");
  const Json document = openapi_document(router.routes());
  json->body = to_line(document);
  yaml->body = to_yaml(document);
}

}  // namespace maie::server
