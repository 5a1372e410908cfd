// The input up to a zero byte is a template, what follows is its variables as JSON: whatever they
// are, the render ends with valid UTF-8 or an error that names the template.
#include <cstdlib>
#include <string>

#include "base/json.h"
#include "prompt/template.h"
#include "text/utf8.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const size_t end = input.find('\0');
  const std::string source(input.substr(0, end));
  maie::Json variables =
      maie::Json::parse(R"({"messages": [{"role": "user", "content": "a b\n"}, {"role": "tool"}],
      "n": 3, "x": -2.5, "s": "Xin, chào", "l": [3, 1, "b"], "d": {"a": 1}, "nil": null})");
  if (end != std::string_view::npos) {
    const auto given = maie::parse_json(input.substr(end + 1));
    if (given && given->is_object()) variables = *given;
  }
  maie::prompt::TemplateOptions options;
  options.limits.steps = 20'000;
  options.limits.value_bytes = 1 << 20;
  options.limits.output_bytes = 1 << 16;
  options.escape = size % 2 == 1;
  const maie::prompt::Loader loader = [&](std::string_view name) -> maie::Result<std::string> {
    if (name == "self") return source;
    if (name == "base") return std::string("<{% block a %}{{ n }}{% endblock %}>");
    return maie::not_found("no such template");
  };
  const auto parsed = maie::prompt::Template::parse("fuzz", source, options, loader);
  if (!parsed) {
    if (parsed.error().message().find("template \"") != 0) std::abort();
    return 0;
  }
  const auto text = parsed->render(variables);
  if (text ? maie::text::repair_utf8(*text) != *text
           : text.error().message().find("template \"") != 0) {
    std::abort();
  }
  return 0;
}
