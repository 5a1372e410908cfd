#include "summary/markdown.h"

#include <algorithm>

#include "prompt/letter_case.h"
#include "text/utf8.h"

namespace maie::summary {
namespace {

constexpr int kDeepestHeading = 6;

std::string capitalised(std::string_view text) {
  const std::u32string letters = text::decode_utf8(text);
  std::string out;
  for (size_t i = 0; i < letters.size(); ++i) {
    i == 0 ? prompt::append_title(out, letters[i]) : text::append_utf8(out, letters[i]);
  }
  return out;
}

// "người_tham_gia" -> "Người tham gia"
std::string label_of(const std::string& name, const Json& schema) {
  const auto properties = schema.find("properties");
  if (properties != schema.end() && properties->is_object()) {
    const auto member = properties->find(name);
    if (member != properties->end() && member->is_object()) {
      const std::string title = json_string(*member, "title", "");
      if (!title.empty()) return title;
    }
  }
  std::string words = name;
  std::replace(words.begin(), words.end(), '_', ' ');
  return capitalised(words);
}

const Json& schema_of(const Json& schema, const char* keyword) {
  static const Json none = Json::object();
  const auto found = schema.find(keyword);
  return found != schema.end() && found->is_object() ? *found : none;
}

const Json& member_schema(const Json& schema, const std::string& name) {
  return schema_of(schema_of(schema, "properties"), name.c_str());
}

bool is_empty(const Json& value) {
  return value.is_null() || (value.is_structured() && value.empty()) ||
         (value.is_string() && value.get_ref<const std::string&>().empty());
}

std::string scalar_text(const Json& value) {
  if (value.is_string()) return markdown_text(value.get_ref<const std::string&>());
  if (value.is_null()) return "";
  return markdown_text(to_line(value));
}

bool is_flat_object(const Json& value) {
  return value.is_object() && std::none_of(value.begin(), value.end(), [](const Json& member) {
           return member.is_structured();
         });
}

// ~ and / of a JSON pointer (RFC 6901).
std::string pointer_token(const std::string& name) {
  std::string out;
  for (const char c : name) out += c == '~' ? "~0" : c == '/' ? "~1" : std::string(1, c);
  return out;
}

class Page {
 public:
  explicit Page(const ItemNote& note) : note_(note) {}

  void object(const Json& value, const Json& schema, const std::string& pointer, int level) {
    for (auto member = value.begin(); member != value.end(); ++member) {
      if (is_empty(*member) || (level == 2 && member.key() == title_)) continue;
      heading(level, label_of(member.key(), schema));
      section(*member, member_schema(schema, member.key()),
              pointer + "/" + pointer_token(member.key()), level);
    }
  }

  // The member that names the whole page becomes its first heading.
  void title(const Json& summary) {
    for (const char* name : {"title", "tiêu_đề"}) {
      const auto found = summary.find(name);
      if (found == summary.end() || !found->is_string() || is_empty(*found)) continue;
      title_ = name;
      heading(1, found->get<std::string>());
      return;
    }
  }

  std::string take() { return std::move(out_); }

 private:
  void heading(int level, const std::string& text) {
    if (!out_.empty() && !out_.ends_with("\n\n")) out_ += "\n";
    out_ += std::string(size_t(std::min(level, kDeepestHeading)), '#') + " " + markdown_text(text) +
            "\n\n";
  }

  void section(const Json& value, const Json& schema, const std::string& pointer, int level) {
    if (value.is_object()) {
      object(value, schema, pointer, level + 1);
    } else if (value.is_array()) {
      list(value, schema_of(schema, "items"), pointer);
    } else {
      out_ += scalar_text(value) + noted(pointer) + "\n";
    }
  }

  void list(const Json& items, const Json& schema, const std::string& pointer) {
    if (std::all_of(items.begin(), items.end(), is_flat_object))
      return table(items, schema, pointer);
    for (size_t i = 0; i < items.size(); ++i) {
      const std::string at = pointer + "/" + std::to_string(i);
      if (!items[i].is_structured()) {
        out_ += "- " + scalar_text(items[i]) + noted(at) + "\n";
      } else {
        bullets(items[i], schema, at, 0);
      }
    }
  }

  // Nested values as bullets within bullets.
  void bullets(const Json& value, const Json& schema, const std::string& pointer, int depth) {
    const std::string indent(size_t(depth) * 2, ' ');
    for (auto member = value.begin(); member != value.end(); ++member) {
      if (is_empty(*member)) continue;
      const std::string label =
          value.is_object() ? " " + markdown_text(label_of(member.key(), schema)) + ":" : "";
      const std::string at = pointer + "/" +
                             (value.is_object() ? pointer_token(member.key())
                                                : std::to_string(size_t(member - value.begin())));
      out_ += indent + "-" + label;
      if (member->is_structured()) {
        out_ += "\n";
        bullets(
            *member,
            value.is_object() ? member_schema(schema, member.key()) : schema_of(schema, "items"),
            at, depth + 1);
      } else {
        out_ += " " + scalar_text(*member) + noted(at) + "\n";
      }
    }
  }

  void table(const Json& rows, const Json& schema, const std::string& pointer) {
    std::vector<std::string> columns;
    for (const Json& row : rows) {
      for (auto member = row.begin(); member != row.end(); ++member) {
        if (std::find(columns.begin(), columns.end(), member.key()) == columns.end())
          columns.push_back(member.key());
      }
    }
    std::string head = "|", line = "|";
    for (const std::string& column : columns) {
      head += " " + markdown_text(label_of(column, schema)) + " |";
      line += "---|";
    }
    out_ += head + "\n" + line + "\n";
    for (size_t i = 0; i < rows.size(); ++i) {
      out_ += "|";
      for (const std::string& column : columns) {
        const auto cell = rows[i].find(column);
        out_ += " " + (cell == rows[i].end() ? "" : scalar_text(*cell));
        if (column == columns.front()) out_ += noted(pointer + "/" + std::to_string(i));
        out_ += " |";
      }
      out_ += "\n";
    }
  }

  std::string noted(const std::string& pointer) const {
    const std::string text = note_ ? note_(pointer) : "";
    return text.empty() ? "" : " " + markdown_text(text);
  }

  const ItemNote& note_;
  std::string title_;
  std::string out_;
};

}  // namespace

std::string markdown_text(std::string_view text) {
  std::string out;
  bool blank = false;
  for (const char c : text) {
    if (c == ' ' || (c >= '\t' && c <= '\r')) {
      blank = !out.empty();
      continue;
    }
    if (blank) out += ' ';
    blank = false;
    if (c == '&') {
      out += "&amp;";
    } else if (c == '<') {
      out += "&lt;";
    } else if (std::string_view("\\`*_[]|>").find(c) != std::string_view::npos) {
      (out += '\\') += c;
    } else if (static_cast<unsigned char>(c) >= ' ' && c != 0x7f) {
      out += c;
    }
  }
  // What would begin a heading, a list or a rule where it begins a line.
  if (!out.empty() && std::string_view("#+-=~").find(out[0]) != std::string_view::npos) {
    out.insert(0, "\\");
  }
  const size_t digits = out.find_first_not_of("0123456789");
  if (digits != 0 && digits != out.npos && (out[digits] == '.' || out[digits] == ')')) {
    out.insert(digits, "\\");
  }
  return out;
}

std::string to_markdown(const Json& summary, const Json& schema, const ItemNote& note) {
  Page page(note);
  page.title(summary);
  page.object(summary, schema, "", 2);
  return page.take();
}

}  // namespace maie::summary
