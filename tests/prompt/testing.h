#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

#include "base/file.h"
#include "base/json.h"
#include "prompt/template.h"

namespace maie::prompt {

inline std::string golden_text(const std::string& name) {
  auto text = read_file(std::string(MAIE_SOURCE_DIR) + "/tests/golden/prompt/" + name, 64 << 20);
  EXPECT_TRUE(text.has_value()) << name;
  return text ? *text : std::string();
}

inline Json golden(const std::string& name) {
  auto document = parse_json(golden_text(name));
  EXPECT_TRUE(document.has_value()) << name;
  return document ? *document : Json();
}

/// The clock of the golden files.
inline TemplateOptions fixed_options() {
  TemplateOptions options;
  options.now = [] { return std::chrono::system_clock::from_time_t(1'700'000'000); };
  return options;
}

/// A loader over an object of texts by name.
inline Loader loader_of(Json files) {
  return [files = std::move(files)](std::string_view name) -> Result<std::string> {
    const auto found = files.find(std::string(name));
    if (found == files.end()) return not_found("there is no \"" + std::string(name) + "\"");
    return found->get<std::string>();
  };
}

/// The text of a template, or "error: " and the message.
inline std::string rendered(const std::string& source, const Json& data = Json::object(),
                            const TemplateOptions& options = fixed_options(),
                            const Loader& loader = {}) {
  const auto parsed = Template::parse("test", source, options, loader);
  if (!parsed) return "error: " + parsed.error().message();
  const auto text = parsed->render(data);
  return text ? *text : "error: " + text.error().message();
}

}  // namespace maie::prompt
