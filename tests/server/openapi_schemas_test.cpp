#include "server/openapi_schemas.h"

#include <gtest/gtest.h>

#include <set>

namespace maie::server {
namespace {

void collect_refs(const Json& value, std::set<std::string>& refs) {
  if (value.is_object()) {
    for (const auto& [key, member] : value.items()) {
      if (key == "$ref" && member.is_string()) refs.insert(member.get<std::string>());
      collect_refs(member, refs);
    }
  } else if (value.is_array()) {
    for (const Json& item : value) collect_refs(item, refs);
  }
}

TEST(OpenApiSchemas, ReferToEachOtherOnly) {
  const Json schemas = doc::component_schemas();
  std::set<std::string> refs;
  collect_refs(schemas, refs);
  ASSERT_FALSE(refs.empty());
  for (const std::string& ref : refs) {
    const std::string prefix = "#/components/schemas/";
    ASSERT_EQ(ref.rfind(prefix, 0), 0u) << ref;
    EXPECT_TRUE(schemas.contains(ref.substr(prefix.size()))) << ref;
  }
}

TEST(OpenApiSchemas, HoldEveryFeature) {
  const std::string text = doc::component_schemas().dump();
  for (const char* feature :
       {"raw_transcript", "clean_transcript", "summary", "enhancement_metrics"}) {
    EXPECT_NE(text.find(feature), text.npos) << feature;
  }
}

TEST(OpenApiSchemas, NullWidensTypesWordsAndReferences) {
  EXPECT_EQ(doc::or_null(doc::text()), Json({{"type", {"string", "null"}}}));
  const Json words = doc::or_null(doc::one_of({"a", "b"}));
  EXPECT_EQ(words["anyOf"][0]["enum"], Json({"a", "b"}));
  EXPECT_EQ(words["anyOf"][1]["type"], "null");
  EXPECT_EQ(doc::or_null(doc::ref("Task"))["anyOf"][0], doc::ref("Task"));
}

TEST(OpenApiSchemas, ObjectsNameWhatTheyNeed) {
  const Json schema = doc::object({{"a", doc::text(), true}, {"b", doc::integer()}}, "Two");
  EXPECT_EQ(schema["required"], Json::array({"a"}));
  EXPECT_EQ(schema["properties"]["b"]["type"], "integer");
  EXPECT_EQ(schema["description"], "Two");
  EXPECT_FALSE(doc::object({{"b", doc::integer()}}).contains("required"));
}

TEST(OpenApiSchemas, OnlyParametersOfThePathAreRequired) {
  EXPECT_TRUE(doc::in_path("task_id", "").required);
  EXPECT_FALSE(doc::in_query("keys", "").required);
  EXPECT_EQ(doc::in_header("Idempotency-Key", "").in, "header");
}

}  // namespace
}  // namespace maie::server
