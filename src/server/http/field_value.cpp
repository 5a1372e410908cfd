#include "server/http/field_value.h"

#include <algorithm>

#include "server/http/characters.h"

namespace maie::http {
namespace {

void skip_blanks(std::string_view& text) {
  text.remove_prefix(std::min(text.find_first_not_of(" \t"), text.size()));
}

std::string_view take_token(std::string_view& text) {
  const auto end = std::find_if_not(text.begin(), text.end(), is_token_char);
  const std::string_view token = text.substr(0, static_cast<size_t>(end - text.begin()));
  text.remove_prefix(token.size());
  return token;
}

/// `text` begins behind the opening quote.
std::optional<std::string> take_quoted(std::string_view& text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '"') {
      text.remove_prefix(i + 1);
      return out;
    }
    const bool escape = text[i] == '\\' && i + 1 < text.size();
    if (escape && (text[i + 1] == '"' || text[i + 1] == '\\')) ++i;
    out += text[i];
  }
  return std::nullopt;
}

/// Unquoted: a token, but some clients send names with letters beyond ASCII without quotes.
std::optional<std::string> take_value(std::string_view& text) {
  if (text.starts_with('"')) {
    text.remove_prefix(1);
    return take_quoted(text);
  }
  const std::string_view value = text.substr(0, text.find_first_of("; \t\"\\"));
  text.remove_prefix(value.size());
  if (value.empty()) return std::nullopt;
  return std::string(value);
}

}  // namespace

std::optional<std::string_view> FieldValue::parameter(std::string_view name) const {
  for (const auto& [key, content] : parameters) {
    if (key == name) return content;
  }
  return std::nullopt;
}

std::optional<FieldValue> parse_field_value(std::string_view text) {
  FieldValue out;
  out.value = lower(trim(text.substr(0, text.find(';'))));
  text.remove_prefix(std::min(text.find(';'), text.size()));
  while (!text.empty()) {
    text.remove_prefix(1);  // the semicolon
    skip_blanks(text);
    if (text.empty()) break;  // a last semicolon is common
    std::string name = lower(take_token(text));
    if (name.empty() || !text.starts_with('=') || out.parameter(name)) return std::nullopt;
    text.remove_prefix(1);
    auto value = take_value(text);
    if (!value) return std::nullopt;
    out.parameters.emplace_back(std::move(name), std::move(*value));
    skip_blanks(text);
    if (!text.empty() && text.front() != ';') return std::nullopt;
  }
  return out;
}

std::optional<std::string> decode_extended(std::string_view value) {
  const size_t first = value.find('\'');
  if (first == std::string_view::npos) return std::nullopt;
  const size_t second = value.find('\'', first + 1);
  if (second == std::string_view::npos) return std::nullopt;
  auto decoded = percent_decode(value.substr(second + 1));
  if (!decoded) return std::nullopt;
  const std::string_view charset = value.substr(0, first);
  if (equal_fold(charset, "UTF-8")) return valid_utf8(*decoded) ? decoded : std::nullopt;
  if (!equal_fold(charset, "ISO-8859-1")) return std::nullopt;
  std::string out;
  for (const char c : *decoded) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x80) {
      out += c;
    } else {
      out += static_cast<char>(0xC0 | byte >> 6);
      out += static_cast<char>(0x80 | (byte & 0x3F));
    }
  }
  return out;
}

}  // namespace maie::http
