#include "prompt/limits.h"

#include <chrono>

#include "tests/prompt/testing.h"

namespace maie::prompt {
namespace {

/// The failure of a template, which must be kResourceExhausted with template and line in front.
std::string exhausted(const std::string& source, const Json& data = Json::object(),
                      const TemplateOptions& options = fixed_options(), const Loader& loader = {}) {
  const auto parsed = Template::parse("test", source, options, loader);
  const Status status = parsed ? parsed->render(data).status() : parsed.error();
  EXPECT_EQ(status.code(), Code::kResourceExhausted)
      << source.substr(0, 200) << ": " << status.message();
  EXPECT_EQ(status.message().rfind("template \"", 0), 0u) << status.message();
  EXPECT_NE(status.message().find(", line "), std::string::npos) << status.message();
  return status.message();
}

TEST(Limits, EndLoopsThatWillNotEnd) {
  const std::string nested =
      "{% for a in range(99999) %}{% for b in range(99999) %}{% for c in range(99999) %}"
      "{% endfor %}{% endfor %}{% endfor %}";
  EXPECT_NE(exhausted("\n\n" + nested).find("line 3: the template does more than 10000000 steps"),
            std::string::npos);
  exhausted("{% for a in range(99999) %}{{ range(99999) | sum }}{% endfor %}");
  exhausted("{% for a in range(100001) %}{% endfor %}");
}

// Work that is no step of its own is counted by its size.
TEST(Limits, CountWorkInsideOfBuiltins) {
  TemplateOptions options = fixed_options();
  options.limits.steps = 500'000;
  const std::string big =
      "{% set b = 'x' * 1000000 %}{% set l = [b] * 99999 %}{% set d = {b: 1, (b, 1): 2} %}";
  for (const char* use : {"{{ l | unique(case_sensitive=true) | list | length }}",
                          "{{ l | sort | length }}",
                          "{{ l | map('upper') | first }}",
                          "{{ ('x' * 999999 ~ 'y') in l }}",
                          "{{ l == (l + []) }}",
                          "{{ l | join | length }}",
                          "{{ l | map('length') | sum }}",
                          "{% for x in l %}{{ d.get(b) }}{% endfor %}",
                          "{% for x in l %}{{ d[b, 1] }}{% endfor %}",
                          "{% for x in l %}{{ b in d }}{% endfor %}",
                          "{% for x in l %}{{ x[-1] }}{% endfor %}",
                          "{% for x in l %}{% set y = b.find('y') %}{% endfor %}",
                          "{% for x in l %}{% set y = x is filter %}{% endfor %}",
                          "{% for x in l %}{% set y = x is upper %}{% endfor %}",
                          "{% for x in l %}{% set y = x.count('x') %}{% endfor %}",
                          "{% for x in l %}{% set y = x.split('y') %}{% endfor %}",
                          "{% for x in l %}{% set y = '%s' % x %}{% endfor %}",
                          "{% for x in l %}{% set y = x.replace('y', '') %}{% endfor %}",
                          "{% for x in l %}{% set y = x | int %}{% endfor %}",
                          "{% for x in l %}{% set y = x.splitlines() %}{% endfor %}",
                          "{% for x in l %}{% set y = x.removeprefix(b) %}{% endfor %}",
                          "{% for x in l %}{% set y = x.startswith(b) %}{% endfor %}",
                          "{% for x in l %}{% set y = x < b %}{% endfor %}",
                          "{% for x in l %}{% set y = x.isalpha() %}{% endfor %}",
                          "{% for x in l %}{% set y = b | float %}{% endfor %}",
                          "{% for x in l %}{% set y = x | length %}{% endfor %}",
                          "{% for x in l %}{% set y = x is lower %}{% endfor %}"}) {
    const auto start = std::chrono::steady_clock::now();
    exhausted(big + use, {}, options);
    const auto spent = std::chrono::steady_clock::now() - start;
    EXPECT_LT(spent, std::chrono::seconds(10)) << use;
  }
}

TEST(Limits, BoundTheOutput) {
  TemplateOptions options = fixed_options();
  options.limits.output_bytes = 100;
  EXPECT_EQ(rendered("{{ 'x' * 100 }}", {}, options), std::string(100, 'x'));
  EXPECT_NE(exhausted("{{ 'x' * 101 }}", {}, options).find("the output is longer than 100 bytes"),
            std::string::npos);
  exhausted("{% for i in range(99999) %}{{ 'x' * 1000 }}{% endfor %}");
}

TEST(Limits, BoundTheMemoryOfValues) {
  for (const char* source :
       {"{{ 'x' * 9223372036854775807 }}", "{{ ([1] * 9999999) * 9999999 }}",
        "{% set ns = namespace(x='ab') %}{% for i in range(99) %}{% set ns.x = ns.x ~ ns.x %}{% "
        "endfor %}",
        "{% set ns = namespace(x='ab') %}{% for i in range(99) %}{% set ns.x = ns.x.replace('', "
        "ns.x) %}{% endfor %}",
        "{% set ns = namespace(x=[1]) %}{% for i in range(99) %}{% set ns.x = ns.x + ns.x %}{% "
        "endfor %}",
        "{% set ns = namespace(x='ab') %}{% for i in range(99) %}{% set ns.x %}{{ ns.x }}{{ ns.x "
        "}}{% endset %}{% endfor %}",
        "{{ 'a'.center(9223372036854775807) }}", "{{ 'a'.zfill(999999999999) }}",
        "{{ '%999999999d' % 1 }}", "{{ '%*d' % (999999999, 1) }}",
        "{{ 'a\nb' | indent(999999999999) }}", "{{ [1] | tojson(indent=999999999999) }}",
        "{{ [1] | batch(999999999999, 0) | list }}",
        "{% set ns = namespace(x=['ab' * 100000]) %}{% for i in range(99) %}{% set ns.x = [ns.x | "
        "join(','), ns.x | string] %}{% endfor %}"}) {
    exhausted(source);
  }
}

TEST(Limits, BoundRecursion) {
  for (const char* source :
       {"{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
        "{% macro f() %}{% call f() %}{{ caller() }}{% endcall %}{% endmacro %}{{ f() }}",
        "{% macro f() %}{% if true %}{% for i in [1] %}{% set x %}{{ ((f() ~ 1) | upper) }}{% "
        "endset %}{% endfor %}{% endif %}{% endmacro %}{{ f() }}",
        "{% block a %}{{ self.a() }}{% endblock %}"}) {
    EXPECT_NE(exhausted(source).find("end the recursion earlier"), std::string::npos);
  }
  const Loader loader = loader_of(
      {{"a", "{% include 'b' %}"}, {"b", "{% include 'a' %}"}, {"e", "{% extends 'e' %}"}});
  exhausted("{% include 'a' %}", {}, fixed_options(), loader);
  exhausted("{% extends 'e' %}", {}, fixed_options(), loader);
}

TEST(Limits, BoundNesting) {
  const auto repeat = [](const std::string& text, int count) {
    std::string out;
    for (int i = 0; i < count; ++i) out += text;
    return out;
  };
  const std::pair<const char*, const char*> brackets[] = {
      {"(", ")"}, {"[", "]"}, {"{1: ", "}"}, {"x(", ")"},          {"x[", "]"},
      {"-", ""},  {"+", ""},  {"not ", ""},  {"1 if 1 else ", ""}, {"x|upper(", ")"}};
  for (const auto& [open, close] : brackets) {
    exhausted("{{ " + repeat(open, 100'000) + "1" + repeat(close, 100'000) + " }}");
  }
  exhausted(repeat("{% if 1 %}", 50'000));
  exhausted(repeat("{% for a in b %}", 50'000));
  exhausted("{{ 1" + repeat(" + 1", 100'000) + " }}");
  exhausted("{{ 1" + repeat("|abs", 100'000) + " }}");
  exhausted("{{ d" + repeat(".d", 100'000) + " }}", Json{{"d", Json::object()}});
  exhausted("{% filter upper" + repeat("|upper", 100'000) + " %}{% endfilter %}");
  EXPECT_EQ(rendered("{{ 0" + repeat(" ~ 1", 2'000) + " }}"), "0" + repeat("1", 2'000));
}

TEST(Limits, BoundTheDepthOfValues) {
  const std::string deep =
      "{% set ns = namespace(x=1) %}{% for i in range(5000) %}{% set ns.x = [ns.x] %}{% endfor %}";
  for (const char* use :
       {"{{ ns.x }}", "{{ ns.x | tojson }}", "{{ ns.x == [ns.x] }}", "{{ ns.x < [ns.x] }}"}) {
    exhausted(deep + use);
  }
  const std::string circle = "{% set ns = namespace() %}{% set ns.me = [ns] %}";
  for (const char* use : {"{{ ns }}", "{{ ns.me }}", "{{ ns.me | string }}", "{{ '%r' % ns }}"}) {
    exhausted(circle + use);
  }
  exhausted("{{ x | map('map', 'map', 'map', 'list') | list }}" + deep + "{{ ns.x | map(" + [] {
    std::string names;
    for (int i = 0; i < 4000; ++i) names += "'map',";
    return names;
  }() + "'list') | list }}");
  Json data = 1;
  for (int i = 0; i < 1000; ++i) data = Json::array({data});
  const auto parsed = Template::parse("test", "x");
  EXPECT_EQ(parsed->render(Json{{"x", data}}).error().code(), Code::kResourceExhausted);
}

TEST(Limits, BoundTheSource) {
  TemplateOptions options = fixed_options();
  options.limits.source_bytes = 10;
  exhausted("12345678901", {}, options);
  EXPECT_EQ(rendered("1234567890", {}, options), "1234567890");
  Json files = Json::object();
  for (int i = 0; i < 100; ++i) {
    files[std::to_string(i)] = "{% include '" + std::to_string(i + 1) + "' %}";
  }
  files["100"] = "end";
  exhausted("{% include '0' %}", {}, fixed_options(), loader_of(files));
}

// A transcript of two million characters is no attack.
TEST(Limits, LetLongInputThrough) {
  const std::string text(4'000'000, 'x');
  EXPECT_EQ(rendered("{{ '<' + (a | trim).split('y')[0].strip() + '>' ~ a }}", Json{{"a", text}}),
            "<" + text + ">" + text);
}

}  // namespace
}  // namespace maie::prompt
