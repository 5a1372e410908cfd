#include "config/toml_file.h"

#include <algorithm>
#include <stdexcept>

#include "config/settings_table.h"

// Three weaknesses of toml++ 3.3 are made up for here. It asserts what the text may break ("[%]" as
// a section), and a release build would take the assertion for granted: so it stays on, as an
// exception. Its tables of letters have undefined places, which names in other alphabets reach;
// TOML has those only in quotes, so the text is looked through first. And it bounds how deep values
// are nested, but not how many parts a dotted key has, each of which is a table in a table, whose
// destruction takes stack: so dots are counted as well.
namespace {
struct TomlDefect : std::logic_error {
  using std::logic_error::logic_error;
};
[[noreturn]] void refuse_toml() { throw TomlDefect("what no TOML file holds"); }
}  // namespace
#undef NDEBUG
#define TOML_ASSERT(condition) (static_cast<bool>(condition) ? void() : refuse_toml())
#define TOML_EXCEPTIONS 1
#include <toml++/toml.h>

namespace maie::config {
namespace {

constexpr int kMostDots = 4000;

// Goes over a text as a TOML parser does, as far as quotes and comments are concerned. Where the
// text is no TOML, the two may differ only after the place at which the parser stops.
class Outline {
 public:
  explicit Outline(std::string_view text) : text_(text) {
    if (text_.starts_with("\xEF\xBB\xBF")) at_ = 3;
  }

  Status check(const std::string& name) {
    int dots = 0;
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == '"' || c == '\'') {
        skip_quoted(c);
      } else if (c == '#') {
        at_ = std::min(text_.find('\n', at_), text_.size());
      } else if (uint8_t(c) >= 0x80) {
        return invalid_input(name + ":" + std::to_string(line()) +
                             ": letters outside of ASCII have to stand in quotes");
      } else {
        dots += c == '.';
        ++at_;
      }
    }
    if (dots <= kMostDots) return {};
    return invalid_input(name + ": has more than " + std::to_string(kMostDots) +
                         " dots outside of quotes, which no settings file needs");
  }

 private:
  void skip_quoted(char quote) {
    const std::string three(3, quote);
    const bool long_form = text_.substr(at_, 3) == three;
    at_ += long_form ? 3 : 1;
    while (at_ < text_.size()) {
      if (quote == '"' && text_[at_] == '\\') {
        at_ += 2;
      } else if (!long_form && (text_[at_] == quote || text_[at_] == '\n')) {
        ++at_;
        return;
      } else if (long_form && text_.substr(at_, 3) == three) {
        at_ += 3;
        for (int more = 0; more < 2 && at_ < text_.size() && text_[at_] == quote; ++more) ++at_;
        return;
      } else {
        ++at_;
      }
    }
  }

  int line() const {
    return 1 + int(std::count(text_.begin(), text_.begin() + std::ptrdiff_t(at_), '\n'));
  }

  std::string_view text_;
  size_t at_ = 0;
};

Json json_of(const toml::node& node) {
  if (const auto* text = node.as_string()) return text->get();
  if (const auto* number = node.as_integer()) return number->get();
  if (const auto* number = node.as_floating_point()) return number->get();
  if (const auto* on = node.as_boolean()) return on->get();
  if (node.is_table()) return Json::object();
  Json list;
  if (const toml::array* items = node.as_array()) {
    list = Json::array();
    // One level is all that a setting has; what is deeper is refused by its type.
    for (const toml::node& item : *items)
      list.push_back(item.is_array() ? Json::array() : json_of(item));
  }
  return list;
}

bool is_word_of_ours(std::string_view word) {
  for (const Setting& setting : settings_table()) {
    const std::string_view key = setting.key;
    const size_t dot = key.find('.');
    if (word == key || word == key.substr(0, dot) || word == key.substr(dot + 1)) return true;
  }
  return word.size() <= 1;
}

// The parser cites what it read, which may be a secret: only names of ours stay.
std::string without_citations(std::string_view description) {
  std::string text;
  while (!description.empty()) {
    const size_t open = description.find('\'');
    const size_t close = open == description.npos ? open : description.find('\'', open + 1);
    if (close == description.npos) return text + std::string(description.substr(0, open));
    const std::string_view cited = description.substr(open + 1, close - open - 1);
    text += std::string(description.substr(0, open)) + "'" +
            (is_word_of_ours(cited) ? std::string(cited) : "...") + "'";
    description.remove_prefix(close + 1);
  }
  return text;
}

void collect(const toml::table& table, const std::string& prefix, int depth,
             std::vector<FileValue>& values) {
  constexpr int kDeepest = 8;  // no key of ours is deeper than two; what is, is one unknown key
  for (const auto& [key, node] : table) {
    const std::string name = prefix + std::string(key.str());
    const int line = int(std::max<uint32_t>(key.source().begin.line, 1));
    const toml::table* section = node.as_table();
    const bool enters = section != nullptr && depth < kDeepest;
    values.push_back({name, enters ? Json() : json_of(node), line, enters});
    if (enters) collect(*section, name + ".", depth + 1, values);
  }
}

}  // namespace

Result<std::vector<FileValue>> parse_toml(std::string_view text, const std::string& name) {
  if (text.size() > kMostFileBytes) {
    return invalid_input(name + ": longer than the " + std::to_string(kMostFileBytes) +
                         " bytes a settings file may have");
  }
  MAIE_TRY(Outline(text).check(name));
  try {
    std::vector<FileValue> values;
    collect(toml::parse(text), "", 0, values);
    return values;
  } catch (const toml::parse_error& error) {
    return invalid_input(name + ":" + std::to_string(error.source().begin.line) + ": " +
                         without_citations(error.description()) + "; see docs/configuration.md");
  } catch (const TomlDefect&) {
    return invalid_input(name + ": is no TOML file, look at the section names in it");
  }
}

std::string to_toml(const Json& value) {
  if (value.is_array()) {
    std::string text = "[";
    for (const Json& item : value) text += (text.size() > 1 ? ", " : "") + to_toml(item);
    return text + "]";
  }
  // JSON's escapes are TOML's as well, \/ apart, which is never written.
  std::string text = to_line(value);
  if (value.is_string()) {
    // ... and TOML wants U+007F escaped too.
    for (size_t at = 0; (at = text.find('\x7f', at)) != text.npos;) text.replace(at, 1, "\\u007f");
  }
  return text;
}

}  // namespace maie::config
