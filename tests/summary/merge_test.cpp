#include "summary/merge.h"

#include <gtest/gtest.h>

#include <random>

#include "summary/answer.h"
#include "tests/summary/testing.h"
#include "text/edit_distance.h"

namespace maie::summary {
namespace {

Json json(const char* text) {
  auto parsed = parse_json(text);
  check(parsed.has_value(), "the test's JSON is valid");
  return *parsed;
}

const Json kSchema = json(R"({"type":"object","properties":{
  "title":{"type":"string","maxLength":60},
  "date":{"type":["string","null"]},
  "summary":{"type":"string","maxLength":500},
  "points":{"type":"array","items":{"type":"string"},"maxItems":4},
  "mood":{"type":"string","enum":["good","bad","mixed"]},
  "score":{"type":"number"}},
  "required":["title"],"additionalProperties":false})");

TEST(NearlySame, WordsAndNumbersDecide) {
  EXPECT_TRUE(nearly_same("Send the report to the client.", "send the report, to the client"));
  EXPECT_TRUE(nearly_same("Nam will send the weekly report to the client soon",
                          "Nam will send the weekly report to the client"));
  EXPECT_FALSE(nearly_same("Raise the budget of the project by 10 percent",
                           "Raise the budget of the project by 20 percent"));
  EXPECT_FALSE(nearly_same("Send the report", "Send the letter"));
  EXPECT_FALSE(nearly_same("Lan", "Nam"));
  EXPECT_TRUE(nearly_same("Lan", " lan "));
  EXPECT_TRUE(nearly_same(json(R"({"a":"Send the weekly report","b":"Nam"})"),
                          json(R"({"a":"send the weekly report","b":"Nam","c":null})")));
}

TEST(MergeByRule, ListsAreJoinedWithoutRepetitions) {
  const Merged out =
      merge_by_rule(kSchema, {json(R"({"title":"A","points":["One thing is done","Two"]})"),
                              json(R"({"title":"B","points":["one thing is done.","Three"]})")});
  EXPECT_EQ(out.value["points"], json(R"(["One thing is done","Two","Three"])"));
  EXPECT_EQ(out.value["title"], "A");
  ASSERT_EQ(out.origins.size(), 3u);
  EXPECT_EQ(out.origins[0].pointer, "/points/0");
  EXPECT_EQ(out.origins[0].parts, (std::vector<size_t>{0, 1}));
  EXPECT_EQ(out.origins[2].parts, (std::vector<size_t>{1}));
}

TEST(MergeByRule, TheMoreCompleteOfTwoItemsIsKept) {
  const Json schema = json(R"({"type":"object","properties":{"t":{"type":"array"}}})");
  const Merged out =
      merge_by_rule(schema, {json(R"({"t":[{"what":"Send the report to Lan","due":null}]})"),
                             json(R"({"t":[{"what":"Send the report to Lan","due":"Friday"}]})")});
  EXPECT_EQ(out.value["t"], json(R"([{"what":"Send the report to Lan","due":"Friday"}])"));
}

TEST(MergeByRule, AListKeepsItsLeastNumberAndNoEqualItemsWhereTheyAreForbidden) {
  const Json schema = json(R"({"type":"object","properties":{"l":{"type":"array",
    "items":{"type":"string"},"minItems":3}}})");
  const std::vector<Json> parts{json(R"({"l":["Lan pays all of it","lan pays all of it","Nam"]})"),
                                json(R"({"l":["Nam","nam","Lan pays all of it!"]})")};
  const Merged out = merge_by_rule(schema, parts);
  EXPECT_EQ(out.value["l"], json(R"(["Lan pays all of it","lan pays all of it","Nam"])"));
  EXPECT_EQ(out.origins.size(), 3u);
  EXPECT_TRUE(check_schema(schema, out.value).ok());
  Json unique = schema;
  unique["properties"]["l"]["uniqueItems"] = true;
  const std::vector<Json> spelled{json(R"({"l":["Lan pays","LAN pays","lan pays"]})"),
                                  json(R"({"l":["Lan pays","LAN pays","lan PAYS"]})")};
  const Merged kept = merge_by_rule(unique, spelled);
  EXPECT_EQ(kept.value["l"], json(R"(["Lan pays","LAN pays","lan pays"])"));
  EXPECT_TRUE(check_schema(unique, kept.value).ok());
}

TEST(MergeByRule, NumbersStandForThemselves) {
  const std::string list = R"({"type":"array","items":{"type":"number"})";
  const Json schema = json((R"({"type":"object","properties":{"l":)" + list + "}}}").c_str());
  const std::vector<Json> parts{json(R"({"l":[3,1,3]})"), json(R"({"l":[3,2]})")};
  EXPECT_EQ(merge_by_rule(schema, parts).value["l"], json("[3,1,3,3,2]"));
  const Json unique =
      json((R"({"type":"object","properties":{"l":)" + list + R"(,"uniqueItems":true}}})").c_str());
  const std::vector<Json> each{json(R"({"l":[3,1]})"), json(R"({"l":[3,2]})")};
  EXPECT_EQ(merge_by_rule(unique, each).value["l"], json("[3,1,2]"));
}

TEST(MergeByRule, EveryPartHasItsShareOfABoundedList) {
  const Merged out = merge_by_rule(kSchema, {json(R"({"points":["a1","a2","a3","a4"]})"),
                                             json(R"({"points":["b1","b2","both"]})"),
                                             json(R"({"points":["both","c2","c3"]})")});
  EXPECT_EQ(out.value["points"], json(R"(["a1","a2","both","c2"])"))
      << "turn by turn; what two parts have goes first, and the order is that of the recording";
  EXPECT_EQ(out.origins[2].parts, (std::vector<size_t>{1, 2}));
}

TEST(MergeByRule, LongTextsShareTheirLengthBySentences) {
  std::string a, b;
  for (int i = 0; i < 20; ++i) {
    a += "Sentence " + std::to_string(i) + " of the first part. ";
    b += "Sentence " + std::to_string(i) + " of the second part. ";
  }
  const Merged out = merge_by_rule(kSchema, {{{"summary", a}}, {{"summary", b}}});
  const std::string text = out.value["summary"];
  EXPECT_LE(text::count_code_points(text), 500);
  EXPECT_GT(text::count_code_points(text), 420);
  EXPECT_NE(text.find("first part."), std::string::npos);
  EXPECT_NE(text.find("second part."), std::string::npos);
  EXPECT_EQ(text.back(), '.');
  EXPECT_EQ(
      merge_by_rule(kSchema, {{{"summary", "Same."}}, {{"summary", "same."}}}).value["summary"],
      "Same.");
}

TEST(MergeByRule, ASentenceThatTwoPartsHaveStandsOnce) {
  const Merged out = merge_by_rule(kSchema, {json(R"({"summary":"We met. Lan pays. Lan pays."})"),
                                             json(R"({"summary":"Lan pays. Nam writes."})")});
  EXPECT_EQ(out.value["summary"], "We met. Lan pays. Nam writes.");
}

TEST(MergeByRule, SingleValues) {
  const auto merged = [](std::initializer_list<const char*> parts) {
    std::vector<Json> values;
    for (const char* part : parts) values.push_back(json(part));
    return merge_by_rule(kSchema, values).value;
  };
  EXPECT_EQ(merged({R"({"date":null})", R"({"date":"2024-05-01"})", R"({"date":null})"})["date"],
            "2024-05-01");
  EXPECT_TRUE(merged({R"({"date":null})", R"({"date":null})"})["date"].is_null());
  EXPECT_EQ(merged({R"({"mood":"good"})", R"({"mood":"bad"})", R"({"mood":"bad"})"})["mood"],
            "bad");
  EXPECT_EQ(merged({R"({"mood":"good"})", R"({"mood":"bad"})"})["mood"], "mixed");
  EXPECT_EQ(merged({R"({"score":1})", R"({"score":0.5})"})["score"], 0.75);
  EXPECT_FALSE(merged({R"({"title":"a"})", R"({"title":"b"})"}).contains("mood"))
      << "what no part has is not made up";
}

TEST(DifferingTexts, AreTheOnesToAskFor) {
  const Json schema = differing_texts(
      kSchema, {json(R"({"title":"A","date":null,"summary":"x","mood":"good","points":["1"]})"),
                json(R"({"title":"a","date":"May","summary":"y","mood":"bad","points":["2"]})")});
  EXPECT_EQ(schema["required"], json(R"(["summary","mood"])"))
      << "titles differ in case only, the date is known from one part";
  EXPECT_EQ(schema["properties"]["summary"], kSchema["properties"]["summary"]);
  EXPECT_EQ(only_members(json(R"({"title":"A","summary":"x"})"), schema),
            json(R"({"summary":"x"})"));
  EXPECT_TRUE(
      differing_texts(kSchema, {json(R"({"title":"A"})"), json(R"({"title":"A"})")}).is_null());
}

TEST(DifferingTexts, WithinObjectsAndBehindReferences) {
  const Json schema = json(R"({"type":"object","definitions":{"part":{"type":"object",
    "properties":{"text":{"type":"string"},"list":{"type":"array"}}}},
    "properties":{"a":{"$ref":"#/definitions/part"}}})");
  const std::vector<Json> parts{json(R"({"a":{"text":"x","list":["1"]}})"),
                                json(R"({"a":{"text":"y","list":["2"]}})")};
  const Json differing = differing_texts(schema, parts);
  EXPECT_EQ(differing["properties"]["a"]["required"], json(R"(["text"])"));
  EXPECT_EQ(merge_by_rule(schema, parts).value["a"]["list"], json(R"(["1","2"])"));
  Json whole = merge_by_rule(schema, parts).value;
  overlay(whole, json(R"({"a":{"text":"z"}})"));
  EXPECT_EQ(whole, json(R"({"a":{"text":"z","list":["1","2"]}})"));
}

// Whatever the parts hold, the merged one keeps the schema and every part that has something to say
// is heard.
TEST(MergeByRule, RandomSummariesOfShippedTemplatesStayValid) {
  TemplateStore store(shipped_only());
  std::mt19937 random(5);
  const auto words = [&](int most) {
    std::string out;
    for (int i = 1 + int(random() % 12); i > 0; --i) {
      const std::string word = "w" + std::to_string(random() % 300);
      if (int(out.size() + word.size()) + 1 > most) break;
      out += (out.empty() ? "" : " ") + word;
    }
    return out;
  };
  const auto leaf = [&](const Json& schema) -> Json {
    const Json& type = schema["type"];
    if (type == "number") return double(random() % 100) / 100;
    if (type.is_array() && random() % 2) return nullptr;
    if (schema.contains("pattern")) {
      return schema["pattern"] == "^[a-z]{2}$"
                 ? Json("vi")
                 : Json("2024-01-0" + std::to_string(1 + random() % 9));
    }
    return words(int(json_int(schema, "maxLength", 100)));
  };
  for (const TemplateItem& item : store.list()) {
    const Json schema = *store.schema(item.id);
    for (int round = 0; round < 20; ++round) {
      std::vector<Json> parts;
      for (size_t i = 2 + random() % 6; i > 0; --i) {
        parts.push_back(random_document(schema, random, 30, leaf));
      }
      const Merged out = merge_by_rule(schema, parts);
      const Status status = check_schema(schema, out.value);
      EXPECT_TRUE(status.ok()) << item.id << ": " << status.message() << out.value.dump();
      for (const Origin& origin : out.origins) {
        EXPECT_TRUE(out.value.contains(Json::json_pointer(origin.pointer))) << origin.pointer;
        EXPECT_FALSE(origin.parts.empty());
      }
    }
  }
}

}  // namespace
}  // namespace maie::summary
