#include "server/openapi.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "server/openapi_schemas.h"
#include "tests/server/openapi_rules.h"

namespace maie::server {
namespace {

http::Route route(const char* method, const char* path, const char* id) {
  http::Route route{.method = method, .path = path, .handler = {}, .doc = {}};
  route.doc.id = id;
  route.doc.summary = std::string("Summary of ") + id;
  route.doc.tag = doc::kTagTasks;
  route.doc.answers = {doc::answer(200, "The task", doc::ref("Status"))};
  return route;
}

std::vector<http::Route> some_routes() {
  http::Route status = route("GET", "/v1/status/{task_id}", "get_status");
  status.needs_key = true;
  status.doc.parameters = {doc::in_path("task_id", "Which", doc::uuid()),
                           doc::in_query("keys", "Names", doc::one_of({"en", "vi", "both"}))};
  http::Route model = route("GET", "/v1/models/{name...}", "get_model");
  model.doc.parameters = {doc::in_path("name", "Which")};
  model.doc.tag = "Of its own";
  model.doc.answers.push_back(doc::error(404, "No such model"));
  http::Route upload = route("POST", "/v1/process", "submit");
  upload.body = http::BodyKind::kForm;
  upload.needs_key = upload.counted = true;
  upload.doc.body_type = "multipart/form-data";
  upload.doc.body_schema = doc::ref("ProcessForm");
  upload.doc.answers = {doc::answer(202, "Taken", doc::ref("Submitted"))};
  http::Route removal = route("DELETE", "/v1/status/{task_id}", "delete_task");
  removal.doc.parameters = {doc::in_path("task_id", "Which", doc::uuid())};
  removal.doc.answers = {doc::no_body(204, "Gone")};
  http::Route file = route("GET", "/file", "get_file");
  file.doc.answers = {doc::answer(200, "As text", doc::text(), "text/plain"),
                      doc::answer(200, "As JSON", doc::ref("Status"))};
  http::Route hidden = route("GET", "/hidden", "");
  hidden.documented = false;
  return {status, model, upload, removal, file, hidden};
}

TEST(OpenApi, KeepsTheRulesOfTheFormat) {
  for (const std::string& problem : openapi_problems(openapi_document(some_routes())))
    ADD_FAILURE() << problem;
}

TEST(OpenApi, TheRulesFindWhatIsWrong) {
  const auto problems_of = [](auto&& spoil) {
    std::vector<http::Route> routes = some_routes();
    spoil(routes);
    return openapi_problems(openapi_document(routes)).size();
  };
  EXPECT_EQ(problems_of([](auto&) {}), 0u);
  EXPECT_GT(problems_of([](auto& routes) { routes[0].doc.parameters.clear(); }), 0u);
  EXPECT_GT(problems_of([](auto& routes) { routes[0].doc.summary.clear(); }), 0u);
  EXPECT_GT(problems_of([](auto& routes) { routes[0].doc.tag.clear(); }), 0u);
  EXPECT_GT(problems_of([](auto& routes) { routes[0].doc.answers.clear(); }), 0u);
  EXPECT_GT(problems_of([](auto& routes) { routes[1].doc.id = routes[0].doc.id; }), 0u);
  EXPECT_GT(
      problems_of([](auto& routes) { routes[0].doc.answers[0].schema = doc::ref("NoSuchSchema"); }),
      0u);
  EXPECT_GT(problems_of([](auto& routes) {
              routes[0].doc.answers[0].schema = {{"type", "text"}};
            }),
            0u);
}

TEST(OpenApi, NamesTheApiAsItsClientsKnowIt) {
  const Json document = openapi_document(some_routes());
  EXPECT_EQ(document["info"]["title"], "Modular Audio Intelligence Engine (MAIE) API");
  EXPECT_EQ(document["info"]["version"], "1.0.0");
  EXPECT_FALSE(document["paths"].contains("/hidden"));
  EXPECT_TRUE(document["paths"].contains("/v1/models/{name}"));
  EXPECT_EQ(document["tags"][0]["name"], "Tasks");
  EXPECT_EQ(document["tags"][1]["name"], "Of its own");
}

TEST(OpenApi, AddsTheErrorsThatARouteOfItsKindCanGive) {
  const Json document = openapi_document(some_routes());
  const auto statuses = [&](const char* path, const char* verb) {
    std::string list;
    for (const auto& [status, answer] : document["paths"][path][verb]["responses"].items())
      list += status + " ";
    return list;
  };
  EXPECT_EQ(statuses("/v1/process", "post"), "202 400 401 408 413 415 429 500 503 ");
  EXPECT_EQ(statuses("/v1/status/{task_id}", "get"), "200 400 401 404 500 503 ");
  EXPECT_EQ(statuses("/file", "get"), "200 400 500 503 ");
  // What a route says itself stays.
  const Json& own = document["paths"]["/v1/models/{name}"]["get"]["responses"]["404"];
  EXPECT_EQ(own["description"], "No such model");
}

TEST(OpenApi, SaysWhereAKeyIsNeeded) {
  const Json document = openapi_document(some_routes());
  const Json& paths = document["paths"];
  EXPECT_EQ(paths["/v1/process"]["post"]["security"],
            Json::parse(R"([{"ApiKey": []}, {"Bearer": []}])"));
  EXPECT_EQ(paths["/file"]["get"]["security"], Json::array());
}

TEST(OpenApi, OneStatusMayHaveSeveralTypes) {
  const Json document = openapi_document(some_routes());
  const Json& answer = document["paths"]["/file"]["get"]["responses"]["200"];
  EXPECT_EQ(answer["content"].size(), 2u);
  EXPECT_EQ(answer["description"], "As text");
  const Json& gone = document["paths"]["/v1/status/{task_id}"]["delete"]["responses"]["204"];
  EXPECT_FALSE(gone.contains("content"));
}

TEST(Yaml, IsBlockStyleWithQuotesWhereTheyAreNeeded) {
  const Json value = Json::parse(R"({
    "a": 1, "plain text": "of words", "no": "yes", "list": [1, [2, 3], {"x": null, "y": []}],
    "odd": "a: b # c", "number": "12", "empty": {}, "path": "/v1/{id}", "lines": "one\ntwo",
    "date": "2026-01-01", "tiếng": "Việt", "true": true})");
  EXPECT_EQ(to_yaml(value), R"(a: 1
plain text: of words
"no": "yes"
list:
  - 1
  - - 2
    - 3
  - x: null
    "y": []
odd: "a: b # c"
number: "12"
empty: {}
path: "/v1/{id}"
lines: "one\ntwo"
date: "2026-01-01"
"tiếng": "Việt"
"true": true
)");
  EXPECT_EQ(to_yaml(Json("word")), "word\n");
  EXPECT_EQ(to_yaml(Json::array()), "[]\n");
}

std::string section_of(std::string_view page, const char* tag) {
  const std::string open = std::string("<") + tag + ">", close = std::string("</") + tag + ">";
  const size_t begin = page.find(open) + open.size();
  return std::string(page.substr(begin, page.find(close) - begin));
}

// Keeps what a handler answers.
class KeptReply : public http::Reply {
 public:
  void send(http::Response response) override { sent = std::move(response); }
  std::shared_ptr<http::Stream> start(http::Response) override { return nullptr; }
  void on_disconnect(std::function<void()>) override {}
  http::Response sent;
};

http::Response get(const http::Router& router, const char* path) {
  const http::Router::Match match = router.match("GET", path);
  if (match.route == nullptr) return {.status = 404, .headers = {}, .body = ""};
  http::Request request;
  const auto reply = std::make_shared<KeptReply>();
  match.route->handler(request, reply);
  return reply->sent;
}

TEST(SchemaRoutes, ServeTheWholeTableAndThemselves) {
  http::Router router;
  for (http::Route& route : some_routes()) {
    route.handler = [](http::Request&, const http::ReplyPtr&) {};
    router.add(std::move(route));
  }
  add_schema_routes(router);
  const http::Response json = get(router, "/schema/openapi.json");
  EXPECT_EQ(json.content_type, "application/json");
  const Result<Json> document = parse_json(json.body);
  ASSERT_TRUE(document.has_value());
  for (const std::string& problem : openapi_problems(*document)) ADD_FAILURE() << problem;
  for (const http::Route& route : router.routes()) {
    if (!route.documented || route.path.find("...") != std::string::npos) continue;
    EXPECT_TRUE((*document)["paths"].contains(route.path)) << route.path;
  }
  const http::Response yaml = get(router, "/schema/openapi.yaml");
  EXPECT_EQ(yaml.content_type, "application/yaml");
  EXPECT_EQ(yaml.body, to_yaml(*document));
  for (const char* page :
       {"/schema", "/schema/swagger", "/schema/redoc", "/schema/elements", "/schema/rapidoc"}) {
    const http::Response html = get(router, page);
    EXPECT_EQ(html.status, 200) << page;
    EXPECT_EQ(html.content_type, "text/html; charset=utf-8");
    EXPECT_EQ(html.headers.get("content-security-policy"), openapi_page_policy());
    EXPECT_EQ(html.body, openapi_page());
  }
}

TEST(OpenApiPage, AsksNoOtherHost) {
  const std::string page(openapi_page());
  EXPECT_EQ(page.find("http://"), page.npos);
  EXPECT_EQ(page.find("https://"), page.npos);
  EXPECT_EQ(page.find("//cdn"), page.npos);
  EXPECT_EQ(page.find(" style="), page.npos);  // the policy would refuse it
  EXPECT_EQ(page.find(" onclick="), page.npos);
  EXPECT_EQ(page.find("innerHTML"), page.npos);
  const std::string policy = openapi_page_policy();
  EXPECT_NE(policy.find("default-src 'none'"), policy.npos);
  EXPECT_EQ(policy.find("unsafe"), policy.npos);
}

// By the openssl program, where the machine has one.
TEST(OpenApiPage, ThePolicyNamesTheHashesOfItsParts) {
  const std::string folder = ::testing::TempDir();
  const std::string policy = openapi_page_policy();
  for (const char* tag : {"script", "style"}) {
    const std::string file = folder + "/maie-openapi-page-part";
    std::ofstream(file, std::ios::binary) << section_of(openapi_page(), tag);
    const std::string command =
        "openssl dgst -sha256 -binary " + file + " | openssl base64 -A > " + file + ".hash";
    if (std::system(command.c_str()) != 0) GTEST_SKIP() << "no openssl program here";
    std::stringstream hash;
    hash << std::ifstream(file + ".hash").rdbuf();
    ASSERT_EQ(hash.str().size(), 44u);
    EXPECT_NE(policy.find("'sha256-" + hash.str() + "'"), policy.npos) << tag;
  }
}

}  // namespace
}  // namespace maie::server
