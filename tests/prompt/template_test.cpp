#include <thread>
#include <vector>

#include "tests/prompt/testing.h"

namespace maie::prompt {
namespace {

TEST(Template, RendersWhatJinja2Renders) {
  const Json file = golden("templates.json");
  size_t texts = 0;
  for (const Json& c : file.at("cases")) {
    const std::string source = c.at("template");
    TemplateOptions options = fixed_options();
    options.escape = c.at("escape");
    const std::string got = rendered(source, file.at("data"), options, loader_of(file.at("files")));
    if (c.contains("text")) {
      EXPECT_EQ(got, c.at("text").get<std::string>()) << source;
      ++texts;
    } else {
      EXPECT_EQ(got.substr(0, 7), "error: ") << source << "\njinja2: " << c.at("error");
    }
  }
  EXPECT_GT(texts, 350u);
}

TEST(Template, ErrorsNameTemplateAndLine) {
  EXPECT_EQ(rendered("a\n{{ 1 +\n}}"),
            "error: template \"test\", line 3: found \"}}\" where an expression should stand");
  EXPECT_EQ(rendered("a\nb\n{{ x.y.z }}", Json{{"x", Json::object()}}),
            "error: template \"test\", line 3: a dict has no attribute \"y\"");
  EXPECT_EQ(
      rendered("{% set x = 1 %}\n\n{{ x\n + 'a' }}"),
      "error: template \"test\", line 4: \"+\" does not work on a int and a str; convert one, for "
      "example with \"| string\"");
  const Loader loader = loader_of({{"inner", "\n\n{{ q() }}"}});
  EXPECT_EQ(rendered("{% include 'inner' %}", {}, fixed_options(), loader),
            "error: template \"inner\", line 3: \"q\" is undefined");
  EXPECT_EQ(rendered("\n{% include 'other' %}", {}, fixed_options(), loader),
            "error: template \"test\", line 2: there is no \"other\"");
}

TEST(Template, SyntaxInValuesIsText) {
  EXPECT_EQ(rendered("{{ x }}", Json{{"x", "{{ 1 }}{% raw %}"}}), "{{ 1 }}{% raw %}");
}

TEST(Template, RepairsStringsThatAreNotUtf8) {
  EXPECT_EQ(rendered("{{ x | length }}{{ x }}", Json{{"x", "a\xff\xc3"}}),
            "3a\xEF\xBF\xBD\xEF\xBF\xBD");
  EXPECT_EQ(rendered("a\xff").substr(0, 31), "error: template \"test\", line 1:");
}

TEST(Template, RefusesNumbersBeyond64Bits) {
  EXPECT_NE(rendered("{{ 9223372036854775807 + 1 }}").find("64 bits"), std::string::npos);
  EXPECT_NE(rendered("{{ 9223372036854775808 }}").find("64 bits"), std::string::npos);
  EXPECT_NE(rendered("{{ -(-9223372036854775807 - 1) }}").find("64 bits"), std::string::npos);
  EXPECT_NE(rendered("{{ (-9223372036854775807 - 1) // -1 }}").find("64 bits"), std::string::npos);
  EXPECT_NE(rendered("", Json{{"x", UINT64_MAX}}).find("64 bits"), std::string::npos);
}

TEST(Template, RendersFromSeveralThreadsAtOnce) {
  const auto parsed = Template::parse(
      "test",
      "{% macro m(i) %}<{{ i }}>{% endmacro %}{% for i in range(n) %}{{ m(i) }}{% endfor %}");
  ASSERT_TRUE(parsed.has_value());
  std::vector<std::string> texts(4);
  std::vector<std::thread> threads;
  for (size_t t = 0; t < texts.size(); ++t) {
    threads.emplace_back([&, t] {
      for (int round = 0; round < 20; ++round) texts[t] = *parsed->render(Json{{"n", 50 + t}});
    });
  }
  for (auto& thread : threads) thread.join();
  for (size_t t = 0; t < texts.size(); ++t) {
    std::string expected;
    for (size_t i = 0; i < 50 + t; ++i) expected += "<" + std::to_string(i) + ">";
    EXPECT_EQ(texts[t], expected);
  }
}

}  // namespace
}  // namespace maie::prompt
