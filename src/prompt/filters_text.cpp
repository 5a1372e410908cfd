#include <algorithm>

#include "prompt/builtin_support.h"

namespace maie::prompt {
namespace {

using MapText = std::string (*)(std::string_view);

template <MapText map>
Value mapped(Render& render, const Value& self, const Arguments& arguments) {
  (void)arguments.bind("this filter", {});
  const Value text = as_string(render.heap(), self);
  render.heap().charge_text(text.text().size());
  return render.heap().text(map(text.text()), text.is_safe());
}

/// Every word begins with a capital; words begin behind white space and - ( { [ <.
std::string title_words(std::string_view text) {
  std::string out;
  const auto separates = [](char32_t c) {
    return is_space(c) || std::u32string_view(U"-({[<").find(c) != std::u32string_view::npos;
  };
  for (size_t at = 0; at < text.size();) {
    const size_t start = at;
    bool separator = false;
    while (at < text.size()) {  // a stretch of separators or of others
      size_t next = at;
      const bool is = separates(next_code_point(text, next));
      if (at == start) separator = is;
      if (is != separator) break;
      at = next;
    }
    const std::string_view stretch = text.substr(start, at - start);
    const size_t first = byte_offset(stretch, 1);
    out += separator ? std::string(stretch)
                     : upper_text(stretch.substr(0, first)) + lower_text(stretch.substr(first));
  }
  return out;
}

Value title(Render& render, const Value& self, const Arguments& arguments) {
  (void)arguments.bind("title", {});
  const Value text = as_string(render.heap(), self);
  return render.heap().text(
      title_words(text.text()));  // jinja2 makes it of parts, so it is not safe
}

Value trim(Render& render, const Value& self, const Arguments& arguments) {
  const auto a = arguments.bind("trim", {"chars"});
  const Value text = as_string(render.heap(), self);
  std::string_view storage;
  render.heap().charge_text(text.text().size());
  return Value::string(strip_text(text.text(), Side::kBoth, characters(a[0], storage)),
                       text.is_safe());
}

Value replace(Render& render, const Value& self, const Arguments& arguments) {
  Heap& heap = render.heap();
  const auto a = arguments.bind("replace", {"old", "new", "count"}, 2);
  Value text = as_string(heap, self);
  const Value from = as_string(heap, *a[0]), to = as_string(heap, *a[1]);
  bool safe = false;
  if (render.escaping()) {
    safe = text.is_safe() || from.is_safe() || to.is_safe();
    if (safe && !text.is_safe()) text = heap.text(escape_html(text.text()), true);
  }
  const int64_t count = absent(a[2]) ? -1 : need_integer(*a[2], "the count of replace()");
  const std::string to_text =
      safe && !to.is_safe() ? escape_html(to.text()) : std::string(to.text());
  return replaced(heap, text.text(), from.text(), to_text, count, safe);
}

Value indent(Render& render, const Value& self, const Arguments& arguments) {
  Heap& heap = render.heap();
  const auto a = arguments.bind("indent", {"width", "first", "blank"});
  const std::string_view text = need_string(self, "the text to indent");
  const Value width = given(a[0], Value::integer(4));
  const std::string indention = width.is(Kind::kString)
                                    ? std::string(width.text())
                                    : padding(heap, need_integer(width, "the width of indent()"));
  const bool first = flag(a[1]), blank = flag(a[2]);
  std::string out;
  const std::string with_end = std::string(text) + "\n";
  const std::vector<std::string_view> lines = split_lines(with_end);
  for (size_t i = 0; i < lines.size(); ++i) {
    if (i > 0) out += "\n";
    if (i == 0 ? first : blank || !lines[i].empty()) {
      heap.charge_bytes(indention.size());
      out += indention;
    }
    out += lines[i];
  }
  return heap.text(std::move(out), self.is_safe());
}

Value to_string(Render& render, const Value& self, const Arguments& arguments) {
  (void)arguments.bind("string", {});
  return as_string(render.heap(), self);
}

Value escape(Render& render, const Value& self, const Arguments& arguments) {
  (void)arguments.bind("escape", {});
  if (self.is_safe()) return self;
  return render.heap().text(escape_html(to_text(render.heap(), self)), true);
}

Value force_escape(Render& render, const Value& self, const Arguments& arguments) {
  (void)arguments.bind("forceescape", {});
  return render.heap().text(escape_html(to_text(render.heap(), self)), true);
}

Value safe(Render& render, const Value& self, const Arguments& arguments) {
  (void)arguments.bind("safe", {});
  return Value::string(as_string(render.heap(), self).text(), true);
}

Value truncate(Render& render, const Value& self, const Arguments& arguments) {
  Heap& heap = render.heap();
  const auto a = arguments.bind("truncate", {"length", "killwords", "end", "leeway"});
  if (self.is(Kind::kUndefined)) return self;  // jinja2 asks for its length, which is 0
  const int64_t limit = need_integer(given(a[0], Value::integer(255)), "the length of truncate()");
  const std::string_view end =
      need_string(given(a[2], Value::string("...")), "the end of truncate()");
  const int64_t leeway = absent(a[3]) ? 5 : need_integer(*a[3], "the leeway of truncate()");
  const std::string_view text = need_string(self, "the text to truncate");
  heap.charge_text(text.size());
  const int64_t kept = limit - count_code_points(end);
  if (kept < 0 || leeway < 0) fail("truncate() needs a length of at least that of its end");
  if (count_code_points(text) - leeway <= limit) return self;
  std::string_view head = text.substr(0, byte_offset(text, kept));
  if (!flag(a[1])) head = head.substr(0, head.rfind(' '));
  return heap.text(std::string(head) + std::string(end));
}

Value center(Render& render, const Value& self, const Arguments& arguments) {
  const auto a = arguments.bind("center", {"width"});
  const Value text = as_string(render.heap(), self);
  const int64_t width = need_integer(given(a[0], Value::integer(80)), "the width of center()");
  return centered(render.heap(), text.text(), width, " ");
}

Value word_count(Render& render, const Value& self, const Arguments& arguments) {
  (void)arguments.bind("wordcount", {});
  const Value text = as_string(render.heap(), self);
  render.heap().charge_text(text.text().size());
  int64_t words = 0;
  bool inside = false;
  for (size_t at = 0; at < text.text().size();) {
    const char32_t c = next_code_point(text.text(), at);
    const bool word = is_alphabetic(c) || is_decimal_digit(c) || c == '_';
    words += word && !inside ? 1 : 0;
    inside = word;
  }
  return Value::integer(words);
}

Value format(Render& render, const Value& self, const Arguments& arguments) {
  Heap& heap = render.heap();
  const Value text = as_string(heap, self);
  if (!arguments.named.empty()) {
    if (!arguments.positional.empty()) fail("format takes plain arguments or named ones, not both");
    const Value dict = heap.dict();
    for (const auto& [name, value] : arguments.named) {
      heap.set(dict.as_dict(), Value::string(name), value);
    }
    return format_percent(heap, text, dict);
  }
  return format_percent(heap, text, heap.list(arguments.positional, Sequence::kTuple));
}

Value to_json_filter(Render& render, const Value& self, const Arguments& arguments) {
  const auto a = arguments.bind("tojson", {"ensure_ascii", "indent", "separators", "sort_keys"});
  Heap& heap = render.heap();
  JsonStyle style;
  style.ensure_ascii = flag(a[0]);
  style.sort_keys = flag(a[3]);
  if (!absent(a[1])) {
    style.indented = true;
    style.item_separator = ",";
    style.indent = a[1]->is(Kind::kString)
                       ? std::string(a[1]->text())
                       : padding(heap, need_integer(*a[1], "the indent of tojson()"));
  }
  if (!absent(a[2])) {
    const std::vector<Value> separators = items_of(heap, *a[2]);
    if (separators.size() != 2) fail("tojson() needs two separators: of items and of keys");
    style.item_separator = need_string(separators[0], "a separator of tojson()");
    style.key_separator = need_string(separators[1], "a separator of tojson()");
  }
  return heap.text(to_json(heap, self, style));
}

Value fallback(Render&, const Value& self, const Arguments& arguments) {
  const auto a = arguments.bind("default", {"default_value", "boolean"});
  const bool replace = self.is(Kind::kUndefined) || (flag(a[1]) && !truth(self));
  return replace ? given(a[0], Value::string("")) : self;
}

}  // namespace

const std::vector<Named>& text_filters() {
  static const std::vector<Named> table = {
      {"upper", mapped<upper_text>},
      {"lower", mapped<lower_text>},
      {"capitalize", mapped<capitalize_text>},
      {"title", title},
      {"trim", trim},
      {"replace", replace},
      {"indent", indent},
      {"string", to_string},
      {"escape", escape},
      {"e", escape},
      {"forceescape", force_escape},
      {"safe", safe},
      {"truncate", truncate},
      {"center", center},
      {"wordcount", word_count},
      {"format", format},
      {"tojson", to_json_filter},
      {"default", fallback},
      {"d", fallback},
  };
  return table;
}

}  // namespace maie::prompt
