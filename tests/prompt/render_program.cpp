// Renders what tests/prompt/*.py ask for, so that jinja2 can be asked the same. One JSON object a
// line on stdin: {"template": ..., "data": {...}, "files": {name: text}, "escape": false}, or
// {"chat_template": ..., "tokens": {...}, "chat": {...}}; one a line on stdout: {"text": ...} or
// {"error": ...}.
#include <cstdio>
#include <iostream>
#include <string>

#include "base/json.h"
#include "prompt/chat_template.h"
#include "prompt/template.h"

namespace {

using maie::Json;
using maie::Result;

maie::prompt::TemplateOptions options_of(const Json& request) {
  maie::prompt::TemplateOptions options;
  options.escape = maie::json_bool(request, "escape", false);
  options.now = [] { return std::chrono::system_clock::from_time_t(1'700'000'000); };
  return options;
}

Result<std::string> render(const Json& request) {
  const auto options = options_of(request);
  const Json files = request.value("files", Json::object());
  const maie::prompt::Loader loader = [&files](std::string_view name) -> Result<std::string> {
    const auto found = files.find(std::string(name));
    if (found == files.end()) return maie::not_found("no such file");
    return found->get<std::string>();
  };
  MAIE_ASSIGN(const auto parsed,
              maie::prompt::Template::parse("test", maie::json_string(request, "template", ""),
                                            options, loader));
  return parsed.render(request.value("data", Json::object()));
}

Result<std::string> render_chat(const Json& request) {
  MAIE_ASSIGN(const auto parsed, maie::prompt::ChatTemplate::parse(
                                     maie::json_string(request, "chat_template", ""),
                                     request.value("tokens", Json::object()), options_of(request)));
  const Json& given = request.at("chat");
  maie::prompt::Chat chat;
  chat.messages = given.at("messages");
  chat.tools = given.value("tools", Json());
  chat.documents = given.value("documents", Json());
  chat.variables = given.value("variables", Json());
  chat.add_generation_prompt = maie::json_bool(given, "add_generation_prompt", false);
  if (given.contains("enable_thinking")) {
    chat.enable_thinking = given.at("enable_thinking").get<bool>();
  }
  return parsed.render(chat);
}

}  // namespace

int main() {
  std::string line;
  while (std::getline(std::cin, line)) {
    const auto request = maie::parse_json(line, {.depth = 300});
    if (!request) {
      std::cerr << request.error().message() << "\n";
      return 1;
    }
    const auto text = request->contains("chat_template") ? render_chat(*request) : render(*request);
    Json answer;
    answer[text ? "text" : "error"] = text ? *text : text.error().message();
    std::cout << answer.dump() << "\n" << std::flush;
  }
  return 0;
}
