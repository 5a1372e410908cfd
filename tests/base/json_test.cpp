#include "base/json.h"

#include <gtest/gtest.h>

namespace maie {
namespace {

TEST(ParseJson, ReadsAnOrdinaryDocument) {
  const auto document = parse_json(R"({"a": [1, 2.5, "x"], "b": {"c": true}})");
  ASSERT_TRUE(document.has_value());
  EXPECT_EQ((*document)["a"][1], 2.5);
  EXPECT_TRUE(json_bool((*document)["b"], "c", false));
  EXPECT_EQ(json_int(*document, "a", 7), 7);  // present, but not a number
}

TEST(ParseJson, NamesThePlaceOfAnError) {
  const auto document = parse_json("{\"a\": 1,}");
  ASSERT_FALSE(document.has_value());
  EXPECT_EQ(document.error().code(), Code::kCorrupt);
  EXPECT_NE(document.error().message().find("byte"), std::string::npos);
}

TEST(ParseJson, BoundsDepthAndValues) {
  EXPECT_FALSE(parse_json(std::string(100, '[') + std::string(100, ']')).has_value());
  EXPECT_FALSE(parse_json("[1,2,3,4]", {.values = 4}).has_value());
  EXPECT_TRUE(parse_json("[1,2,3]", {.values = 4}).has_value());
}

TEST(ParseJson, BoundsTheMembersOfOneObject) {
  EXPECT_TRUE(
      parse_json(R"({"a":{"x":1,"y":2},"b":[{"x":1},{"x":1}]})", {.members = 2}).has_value());
  EXPECT_FALSE(parse_json(R"({"a":{"x":1,"y":2,"z":3}})", {.members = 2}).has_value());
}

TEST(ParseJson, RefusesRepeatedKeysOnRequest) {
  EXPECT_TRUE(parse_json(R"({"a":1,"a":2})").has_value());
  EXPECT_FALSE(parse_json(R"({"a":1,"a":2})", {.unique_keys = true}).has_value());
  EXPECT_TRUE(parse_json(R"({"a":{"a":1},"b":{"a":1}})", {.unique_keys = true}).has_value());
}

}  // namespace
}  // namespace maie
