#include "server/http/router.h"

#include <gtest/gtest.h>

namespace maie::http {
namespace {

Route route(std::string method, std::string path) {
  return {.method = std::move(method), .path = std::move(path), .handler = [](auto&, auto&) {}};
}

Router table() {
  Router router;
  for (const auto& [method, path] :
       std::vector<std::pair<std::string, std::string>>{{"GET", "/"},
                                                        {"GET", "/v1/templates"},
                                                        {"POST", "/v1/templates"},
                                                        {"GET", "/v1/templates/{id}"},
                                                        {"DELETE", "/v1/templates/{id}"},
                                                        {"GET", "/v1/templates/schema"},
                                                        {"GET", "/v1/templates/{id}/schema"},
                                                        {"GET", "/v1/models/{model...}"}}) {
    router.add(route(method, path));
  }
  return router;
}

std::string matched(const Router& router, std::string_view method, std::string_view path) {
  const auto match = router.match(method, path);
  std::string text = match.route == nullptr ? "none" : match.route->method + match.route->path;
  for (const auto& [name, value] : match.params) text += " " + name + "=" + value;
  return text;
}

TEST(Router, FindsFixedPathsParametersAndRests) {
  const Router router = table();
  EXPECT_EQ(matched(router, "GET", "/"), "GET/");
  EXPECT_EQ(matched(router, "GET", "/v1/templates"), "GET/v1/templates");
  EXPECT_EQ(matched(router, "POST", "/v1/templates"), "POST/v1/templates");
  EXPECT_EQ(matched(router, "GET", "/v1/templates/a b"), "GET/v1/templates/{id} id=a b");
  EXPECT_EQ(matched(router, "GET", "/v1/templates/x/schema"), "GET/v1/templates/{id}/schema id=x");
  EXPECT_EQ(matched(router, "GET", "/v1/models/org/name"),
            "GET/v1/models/{model...} model=org/name");
}

TEST(Router, PrefersAFixedSegment) {
  EXPECT_EQ(matched(table(), "GET", "/v1/templates/schema"), "GET/v1/templates/schema");
}

TEST(Router, DoesNotFallFromAKnownPathToALooserOne) {
  // DELETE exists for {id} alone: "schema" is a resource of its own that cannot be deleted.
  const auto match = table().match("DELETE", "/v1/templates/schema");
  EXPECT_EQ(match.route, nullptr);
  EXPECT_EQ(match.allowed, std::vector<std::string>{"GET"});
}

TEST(Router, TellsWhichMethodsAPathHas) {
  const auto match = table().match("PUT", "/v1/templates");
  EXPECT_EQ(match.route, nullptr);
  EXPECT_EQ(match.allowed, (std::vector<std::string>{"GET", "POST"}));
}

TEST(Router, KnowsNoOtherPaths) {
  const Router router = table();
  for (const char* path : {"", "x", "/v1", "/v1/", "/v1/templates/", "/v1/templates//schema",
                           "/v1/templates/x/schema/y", "/v1/models", "/v1/models/", "//"}) {
    const auto match = router.match("GET", path);
    EXPECT_EQ(match.route, nullptr) << path;
    EXPECT_TRUE(match.allowed.empty()) << path;
  }
}

TEST(Router, ServesHeadByGet) {
  EXPECT_EQ(matched(table(), "HEAD", "/v1/templates"), "GET/v1/templates");
  Router router;
  router.add(route("GET", "/x"));
  router.add(route("HEAD", "/x"));
  EXPECT_EQ(matched(router, "HEAD", "/x"), "HEAD/x");
}

TEST(Router, RefusesTheSameRouteTwice) {
  Router router = table();
  EXPECT_THROW(router.add(route("GET", "/v1/templates")), ContractError);
  EXPECT_THROW(router.add(route("GET", "no-slash")), ContractError);
  EXPECT_THROW(router.add({.method = "GET", .path = "/no-handler"}), ContractError);
}

TEST(Headers, CompareNamesWithoutCase) {
  Headers headers;
  headers.add("X-Thing", "1");
  headers.add("x-thing", "2");
  EXPECT_EQ(headers.get("X-THING"), "1");
  EXPECT_TRUE(headers.has("x-Thing"));
  EXPECT_FALSE(headers.has("x-thin"));
  headers.set("X-THING", "3");
  EXPECT_EQ(headers.all().size(), 1U);
  EXPECT_EQ(headers.get("x-thing"), "3");
}

TEST(Form, FindsListsAndTheLastValue) {
  const Form form{.fields = {{"a", "1"}, {"a[]", "2"}, {"a[x]", "no"}, {"a", "3"}},
                  .files = {{.name = "file", .file_name = "x.wav"}}};
  EXPECT_EQ(form.all("a"), (std::vector<std::string_view>{"1", "2", "3"}));
  EXPECT_EQ(form.get("a"), "3");
  EXPECT_EQ(form.get("b"), std::nullopt);
  ASSERT_NE(form.file("file"), nullptr);
  EXPECT_EQ(form.file("file")->file_name, "x.wav");
  EXPECT_EQ(form.file("other"), nullptr);
}

}  // namespace
}  // namespace maie::http
