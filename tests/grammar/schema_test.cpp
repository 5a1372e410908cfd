#include "tests/grammar/testing.h"

namespace maie::grammar {
namespace {

struct Case {
  std::string schema;
  std::vector<std::string> yes, no;
};

TEST(Schema, KeywordsMeanWhatTheStandardSays) {
  const std::vector<Case> cases{
      {R"({"type":"integer","minimum":-7,"exclusiveMaximum":120})",
       {"-7", "0", "9", "119", "-1"},
       {"-8", "120", "00", "-0", "1.5", "200", "+1"}},
      {R"({"type":"integer","minimum":12,"maximum":1005,"multipleOf":5})",
       {"15", "1005", "100"},
       {"12", "10", "1010", "16"}},
      {R"({"type":"number","minimum":0,"maximum":1})",
       {"0", "1", "0.5", "1.0", "0.000001"},
       {"1.01", "-0.1", "2", "1e0", ".5", "0."}},
      {R"({"type":"number","exclusiveMinimum":-2.5,"exclusiveMaximum":-0.25})",
       {"-2.4", "-0.26", "-1"},
       {"-2.5", "-2.50", "-0.25", "-0.1", "-3", "1"}},
      {R"({"type":"string","maxLength":2})",
       {R"("")", R"("ếđ")", R"("😀😀")", R"("\ud83d\ude00a")", R"("\n\"")"},
       {R"("abc")", "\"a\nb\"", R"("\ud83d")", R"("\ude00")", "\"\xC3\"", R"("\x")",
        "\"\xED\xA0\x80\"", "\"\xC0\x80\""}},
      {R"({"type":"string","format":"date"})",
       {R"("2024-02-29")", R"("2025-12-31")"},
       {R"("2023-02-29")", R"("2025-04-31")", R"("1900-02-29")", R"("2025-13-01")"}},
      {R"({"type":"string","format":"date-time"})",
       {R"("2024-02-29T23:59:00Z")"},
       {R"("2024-02-29 23:59:00Z")", R"("2024-02-29T24:00:00Z")"}},
      {R"({"type":"string","format":"uuid"})",
       {R"("123e4567-e89b-12d3-a456-426614174000")"},
       {R"("123e4567e89b12d3a456426614174000")"}},
      {R"({"type":"string","format":"email"})", {R"("a.b@example.com")"}, {R"("a.b")", R"("@b")"}},
      {R"({"type":"string","pattern":"^[a-z]{2}$"})",
       {R"("vi")", R"("\u0076i")"},
       {R"("v")", R"("VI")", R"("vie")"}},
      {R"({"type":"string","pattern":"é","maxLength":3})",
       {R"("aéb")", R"("\u00e9")"},
       {R"("ab")", R"("aébc")"}},
      {R"({"type":"array","prefixItems":[{"type":"null"},{"const":1}],"items":{"type":"boolean"},
           "minItems":1,"maxItems":4})",
       {"[null]", "[null,1,true,false]"},
       {"[]", "[1]", "[null,true]", "[null,1,true,true,true]"}},
      {R"({"type":"object","properties":{"a":{"const":1},"b":{"const":2},"c":{"const":3}},
           "required":["b"],"additionalProperties":false})",
       {R"({"b":2})", R"({"a":1,"b":2,"c":3})", R"({"b":2,"c":3})"},
       {R"({})", R"({"a":1})", R"({"b":2,})", R"({"b":2,"b":2})", R"({"b":2,"d":1})"}},
      {R"({"type":"object","properties":{"ab":{"const":1}},"additionalProperties":{"type":"null"}})",
       {"{}", R"({"ab":1,"abc":null})", R"({"a":null,"b":null})"},
       {R"({"ab":null})", R"({"a":1})", R"({"\u0061b":null})"}},
      {R"({"$ref":"#/$defs/tree","$defs":{"tree":{"type":"object","properties":{"v":{"type":"null"},
           "kids":{"type":"array","items":{"$ref":"#/$defs/tree"}}},"required":["kids"],
           "additionalProperties":false}}})",
       {R"({"kids":[]})", R"({"kids":[{"v":null,"kids":[]},{"kids":[]}]})"},
       {R"({"kids":[1]})"}},
      {R"({"allOf":[{"type":"object","properties":{"a":{"type":"integer","minimum":3}}},
           {"properties":{"a":{"maximum":5},"b":{"const":0}},"required":["a"]}]})",
       {R"({"a":3})", R"({"a":5,"b":0})"},
       {"{}", R"({"a":6})", R"({"a":2})"}},
      {R"({"oneOf":[{"const":1},{"type":"string","maxLength":1}]})", {"1", R"("a")"}, {"2"}},
      {R"({"enum":["cao","trung bình",1,null],"type":["string","null"]})",
       {R"("cao")", R"("trung bình")", "null"},
       {"1", R"("x")"}},
      {R"({"type":"string","nullable":true,"maxLength":1})", {"null", R"("a")"}, {"1"}},
      {R"({"type":"integer","anyOf":[{"minimum":10},{"maximum":2}]})", {"10", "-4"}, {"5"}},
      {"true", {"null", R"({"a":[1,{"b":"c"}]})", "[]", "-3.25"}, {"", "nul", "[1,]", "{a:1}"}}};
  for (const auto& one : cases) {
    for (const auto& text : one.yes) EXPECT_TRUE(accepts(one.schema, text)) << one.schema << text;
    for (const auto& text : one.no) EXPECT_FALSE(accepts(one.schema, text)) << one.schema << text;
  }
}

TEST(Schema, WhatCannotBeEnforcedIsRefusedByPointer) {
  const std::vector<std::array<std::string, 2>> cases{
      {R"({"properties":{"a/b":{"not":{}}}})", "/properties/a~1b/not"},
      {R"({"type":"object","patternProperties":{"a":{}}})", "/patternProperties"},
      {R"({"items":{"type":"string","format":"hostname"}})", "/items/format"},
      {R"x({"type":"string","pattern":"(?=a)"})x", "/pattern"},
      {R"({"type":"number","multipleOf":0.1})", "/multipleOf"},
      {R"({"$ref":"https://example.com/x"})", "/$ref"},
      {R"({"anyOf":[{"type":"string"},{"if":{}}]})", "/anyOf/1/if"},
      {R"({"allOf":[{"pattern":"a"},{"pattern":"b"}]})", "pattern"}};
  for (const auto& [schema, pointer] : cases) {
    const auto grammar = Grammar::compile(schema);
    ASSERT_FALSE(grammar.has_value()) << schema;
    EXPECT_EQ(grammar.error().code(), Code::kUnsupported) << grammar.error().message();
    EXPECT_NE(grammar.error().message().find(pointer), std::string::npos)
        << grammar.error().message();
  }
}

TEST(Schema, ThatNoDocumentKeepsIsAnError) {
  for (const std::string schema :
       {R"(false)", R"({"type":"integer","minimum":3,"maximum":2})",
        R"({"enum":[1],"type":"string"})", R"({"type":"string","minLength":3,"maxLength":2})",
        R"({"$ref":"#"})", R"({"type":"string","pattern":"^a$","minLength":2})",
        R"({"type":"object","required":["a"],"additionalProperties":false})",
        R"({"type":"object","properties":{"a":{"$ref":"#"}},"required":["a"]})",
        R"({"type":"array","items":false,"minItems":1})", R"({"type":"strin"})", R"([])", "{"}) {
    const auto grammar = Grammar::compile(schema);
    ASSERT_FALSE(grammar.has_value()) << schema;
    EXPECT_EQ(grammar.error().code(), Code::kInvalidInput) << grammar.error().message();
  }
}

TEST(Schema, SizesAreBounded) {
  for (const std::string schema : {R"({"type":"array","minItems":1000000,"items":{"type":"null"}})",
                                   R"({"type":"string","pattern":"^(a|b)*a(a|b){30}$"})",
                                   R"({"type":"string","minLength":100000})"}) {
    const auto grammar = Grammar::compile(schema);
    ASSERT_FALSE(grammar.has_value()) << schema;
    EXPECT_EQ(grammar.error().code(), Code::kResourceExhausted) << grammar.error().message();
  }
}

TEST(Schema, WhatOnlyValidationCanJudgeIsListed) {
  const std::string schema =
      R"({"type":"array","uniqueItems":true,"items":{"oneOf":[{"minimum":1},{"maximum":9}]}})";
  const auto grammar = must_compile(schema);
  ASSERT_TRUE(grammar);
  EXPECT_EQ(grammar->checked_after(), (std::vector<std::string>{"/items/oneOf", "/uniqueItems"}));
  GrammarLimits strict;
  strict.refuse_unproven = true;
  EXPECT_FALSE(Grammar::compile(schema, strict).has_value());
}

TEST(Validate, ASchemaThatItCannotReadIsAnError) {
  for (const char* schema : {R"({"type":7})", R"({"minLength":"x"})", R"({"$ref":"#/absent"})"}) {
    const auto violations = validate(*parse_json(schema), *parse_json("{}"));
    ASSERT_FALSE(violations) << schema;
    EXPECT_EQ(violations.error().code(), Code::kInvalidInput);
  }
}

TEST(Validate, NamesThePlace) {
  const auto schema = parse_json(
      R"({"properties":{"a":{"type":"array","items":{"type":"string","maxLength":2}}}})");
  const auto violations = validate(*schema, *parse_json(R"({"a":["ok","long"]})"));
  ASSERT_TRUE(violations.has_value());
  ASSERT_FALSE(violations->empty());
  EXPECT_EQ((*violations)[0].pointer.substr(0, 2), "/a");
  EXPECT_TRUE(validate(*schema, *parse_json(R"({"a":["ok","ế"]})"))->empty());
}

}  // namespace
}  // namespace maie::grammar
