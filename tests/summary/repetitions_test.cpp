#include "summary/repetitions.h"

#include <random>

#include "summary/answer.h"
#include "tests/summary/testing.h"

namespace maie::summary {
namespace {

Json json(const std::string& text) {
  auto parsed = parse_json(text);
  check(parsed.has_value(), "the test's JSON is valid");
  return *parsed;
}

// A document with one list "l" under these rules for it.
Json schema_of(const std::string& list, const std::string& more = "") {
  return json(R"({"type":"object","properties":{"l":)" + list + "}" + more + "}");
}

Json dropped(const Json& schema, const std::string& list, size_t want) {
  Json document = json(R"({"l":)" + list + "}");
  EXPECT_EQ(drop_repeated_items(schema, document), want) << list;
  return document["l"];
}

constexpr char kTexts[] = R"({"type":"array","items":{"type":"string"}})";

TEST(DropRepeatedItems, TextsAreTheSameWithoutRegardToCaseSpacesAndComposition) {
  EXPECT_EQ(
      dropped(schema_of(kTexts), R"(["Lan pays"," lan  PAYS ","Nam pays","Lan\u00a0pays"])", 2),
      json(R"(["Lan pays","Nam pays"])"));
  EXPECT_EQ(dropped(schema_of(kTexts), R"(["Ng\u00e2n s\u00e1ch","nga\u0302n sa\u0301ch"])", 1),
            json(R"(["Ngân sách"])"))
      << "the first stays, as it came";
  EXPECT_EQ(dropped(schema_of(kTexts), R"(["Lan pays","Lan pays.","Lan paid"])", 0).size(), 3u)
      << "what is only nearly the same stays";
}

TEST(DropRepeatedItems, ObjectsAreTheSameInAnyOrderOfTheirMembers) {
  const Json schema = schema_of(R"({"type":"array","items":{"type":"object","properties":{
    "what":{"type":"string"},"due":{"type":["string","null"]},"hours":{"type":"number"}}}})");
  EXPECT_EQ(dropped(schema,
                    R"([{"what":"Pay","due":null},{"due":null,"what":"pay "},
                        {"what":"Pay","due":"May"},{"what":"Pay"},{"what":"Pay","hours":1},
                        {"what":"Pay","hours":2},{"what":"Pay","due":null}])",
                    2)
                .size(),
            5u);
}

TEST(DropRepeatedItems, TwentyTimesTheSameIsOnce) {
  Json document{{"l", Json::array()}};
  for (int i = 0; i < 20; ++i) document["l"].push_back("Send the report");
  EXPECT_EQ(drop_repeated_items(schema_of(kTexts), document), 19u);
  EXPECT_EQ(document["l"], json(R"(["Send the report"])"));
}

TEST(DropRepeatedItems, AListKeepsItsLeastNumber) {
  const Json schema = schema_of(R"({"type":"array","items":{"type":"string"},"minItems":3})");
  EXPECT_EQ(dropped(schema, R"(["a","b","a","a","a"])", 2), json(R"(["a","b","a"])"));
  EXPECT_EQ(dropped(schema, R"(["a","a","a"])", 0), json(R"(["a","a","a"])"));
}

TEST(DropRepeatedItems, NumbersFlagsAndChoicesMayBeEqual) {
  for (const char* items :
       {R"({"type":"number"})", R"({"type":"integer"})", R"({"type":["number","string"]})"}) {
    const std::string list = std::string(R"({"type":"array","items":)") + items + "}";
    EXPECT_EQ(dropped(schema_of(list), "[3,3,3]", 0).size(), 3u);
  }
  EXPECT_EQ(dropped(schema_of(R"({"type":"array","items":{"type":"boolean"}})"), "[true,true]", 0),
            json("[true,true]"));
  const std::string choice = R"({"type":"string","enum":["good","bad"]})";
  EXPECT_EQ(dropped(schema_of(R"({"type":"array","items":)" + choice + "}"),
                    R"(["good","good","bad","good"])", 0)
                .size(),
            4u);
  const std::string answers = R"({"type":"array","items":{"type":"object","properties":{
    "score":{"type":"number"},"mood":)" +
                              choice + "}}}";
  EXPECT_EQ(dropped(schema_of(answers), R"([{"score":1,"mood":"bad"},{"score":1,"mood":"bad"}])", 0)
                .size(),
            2u);
}

TEST(DropRepeatedItems, PlacesWithRulesOfTheirOwnAndWhatTheSchemaDoesNotDescribeStay) {
  EXPECT_EQ(dropped(schema_of(R"({"type":"array","prefixItems":[{"type":"string"},
              {"type":"string"}],"items":{"type":"string"}})"),
                    R"(["a","a","a"])", 0)
                .size(),
            3u);
  EXPECT_EQ(dropped(schema_of(R"({"type":"array"})"), R"(["a","a"])", 0).size(), 2u);
  EXPECT_EQ(dropped(json(R"({"type":"object"})"), R"(["a","a"])", 0).size(), 2u);
  EXPECT_EQ(dropped(schema_of(R"({"type":"array","items":{"type":"array",
              "items":{"type":"string"}}})"),
                    R"([["a","b"],["a","b"]])", 0)
                .size(),
            2u)
      << "rows of a table";
}

TEST(DropRepeatedItems, ListsWithinObjectsListsAndReferences) {
  const Json schema = json(R"({"type":"object","definitions":{"names":{"type":["array","null"],
    "items":{"type":"string"}}},"properties":{
    "o":{"type":"object","properties":{"names":{"$ref":"#/definitions/names"}}},
    "any":{"anyOf":[{"type":"null"},{"type":"array","items":{"type":"string"}}]},
    "topics":{"type":"array","items":{"type":"object","properties":{
      "topic":{"type":"string"},"names":{"$ref":"#/definitions/names"}}}}}})");
  Json document = json(R"({"o":{"names":["Lan","lan"]},"any":["x","x"],"topics":[
    {"topic":"A","names":["Nam","Nam"]},{"topic":"a","names":["nam"]},{"topic":"B","names":null}]})");
  EXPECT_EQ(drop_repeated_items(schema, document), 4u);
  EXPECT_EQ(document, json(R"({"o":{"names":["Lan"]},"any":["x"],"topics":[
    {"topic":"A","names":["Nam"]},{"topic":"B","names":null}]})"));
}

TEST(DropRepeatedItems, NothingIsDroppedThatAnotherKeywordAsksFor) {
  const Json schema =
      schema_of(R"({"type":"array","items":{"type":"string"},"not":{"maxItems":1}})");
  ASSERT_TRUE(check_schema(schema, json(R"({"l":["a","a"]})")).ok());
  ASSERT_FALSE(check_schema(schema, json(R"({"l":["a"]})")).ok());
  EXPECT_EQ(dropped(schema, R"(["a","a"])", 0), json(R"(["a","a"])"));
}

// Documents that loop, under every shipped template: what is left is valid, in order, without a
// repetition that could go, and dropping again drops nothing.
TEST(DropRepeatedItems, RandomSummariesOfShippedTemplatesStayValid) {
  TemplateStore store(shipped_only());
  std::mt19937 random(11);
  const auto leaf = [&](const Json& schema) -> Json {
    if (schema["type"] == "number") return double(random() % 2);
    if (schema.contains("pattern")) {
      return schema["pattern"] == "^[a-z]{2}$" ? Json("vi") : Json("2024-01-02");
    }
    return std::string(random() % 2 ? "Một " : "một") + (random() % 2 ? "hai" : " hai");
  };
  size_t all = 0;
  for (const TemplateItem& item : store.list()) {
    const Json schema = *store.schema(item.id);
    for (int round = 0; round < 20; ++round) {
      const Json before = random_document(schema, random, 12, leaf);
      ASSERT_TRUE(check_schema(schema, before).ok()) << before.dump();
      Json after = before;
      all += drop_repeated_items(schema, after);
      EXPECT_TRUE(check_schema(schema, after).ok()) << after.dump();
      for (const auto& [name, rule] : schema["properties"].items()) {
        if (!after[name].is_array()) continue;
        std::vector<std::string> keys, seen;
        for (const Json& value : after[name]) keys.push_back(key_of(value));
        for (const Json& value : before[name]) {
          const std::string key = key_of(value);
          if (std::find(seen.begin(), seen.end(), key) == seen.end()) seen.push_back(key);
        }
        if (keys.size() > size_t(json_int(rule, "minItems", 0))) {
          EXPECT_EQ(keys, seen);
        }
      }
      EXPECT_EQ(drop_repeated_items(schema, after), 0u);
    }
  }
  EXPECT_GT(all, 500u);
}

}  // namespace
}  // namespace maie::summary
