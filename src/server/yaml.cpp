// A small writer of YAML 1.2: block style, and quotes wherever a plain word could be read as
// something else.
#include <algorithm>

#include "base/ascii.h"
#include "server/openapi.h"

namespace maie::server {
namespace {

bool is_plain(const std::string& text) {
  const auto is_letter = [](char c) { return std::isalpha(static_cast<unsigned char>(c)) != 0; };
  const auto is_safe = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '-' || c == '/' ||
           c == '.' || c == ' ';
  };
  if (text.empty() || text.size() > 80 || text.back() == ' ') return false;
  if (!is_letter(text[0]) && text[0] != '/') return false;
  if (!std::all_of(text.begin(), text.end(), is_safe)) return false;
  const std::string word = lower(text);
  for (const char* reserved : {"true", "false", "null", "yes", "no", "on", "off", "y", "n"}) {
    if (word == reserved) return false;
  }
  return true;
}

// Strings of JSON are double-quoted strings of YAML.
std::string scalar(const Json& value) {
  if (value.is_string() && is_plain(value.get_ref<const std::string&>()))
    return value.get<std::string>();
  return to_line(value);
}

void append(std::string& out, const Json& value, size_t indent);

bool is_block(const Json& value) { return value.is_structured() && !value.empty(); }

void append_member(std::string& out, const std::string& key, const Json& value, size_t indent) {
  out += scalar(Json(key)) + ":";
  if (is_block(value)) {
    out += "\n" + std::string(indent + 2, ' ');
    append(out, value, indent + 2);
  } else {
    out += " " + scalar(value) + "\n";
  }
}

// The cursor stands at column `indent`; every line that follows begins there.
void append(std::string& out, const Json& value, size_t indent) {
  const std::string margin(indent, ' ');
  bool first = true;
  const auto next_line = [&] {
    if (!first) out += margin;
    first = false;
  };
  if (!is_block(value)) {
    out += scalar(value) + "\n";
  } else if (value.is_object()) {
    for (const auto& [key, member] : value.items()) {
      next_line();
      append_member(out, key, member, indent);
    }
  } else {
    for (const Json& item : value) {
      next_line();
      out += "- ";
      append(out, item, indent + 2);
    }
  }
}

}  // namespace

std::string to_yaml(const Json& value) {
  std::string out;
  append(out, value, 0);
  return out;
}

}  // namespace maie::server
