#include <algorithm>

#include "prompt/builtin_support.h"
#include "prompt/letter_case.h"
#include "text/utf8.h"

namespace maie::prompt {

Value replaced(Heap& heap, std::string_view text, std::string_view from, std::string_view to,
               int64_t count, bool safe) {
  heap.charge_text(text.size());
  if (to.size() > from.size()) {  // it can grow, so count first
    size_t hits = 0;
    if (from.empty()) {
      hits = text.size() + 1;
    } else {
      for (size_t at = 0; (at = text.find(from, at)) != std::string_view::npos; at += from.size()) {
        ++hits;
      }
    }
    if (count >= 0) hits = std::min(hits, size_t(count));
    const size_t growth = to.size() - from.size();
    if (hits > 0 && growth > heap.limits().value_bytes / hits) {
      over_limit("a replacement makes more than " + std::to_string(heap.limits().value_bytes) +
                 " bytes");
    }
    heap.charge_bytes(hits * growth);
  }
  return heap.text(replace_text(text, from, to, count), safe);
}

Value centered(Heap& heap, std::string_view text, int64_t width, std::string_view fill) {
  const int64_t missing = std::max<int64_t>(0, width - count_code_points(text));
  const int64_t left = missing / 2 + (missing & width & 1);
  std::string out = padding(heap, left, fill);
  out += text;
  return heap.text(out + padding(heap, missing - left, fill));
}

std::vector<std::string_view> split_lines(std::string_view text, bool keep_ends) {
  std::vector<std::string_view> lines;
  size_t begin = 0;
  for (size_t at = 0; at < text.size();) {
    const size_t end = at;
    const char32_t c = next_code_point(text, at);
    const bool breaks = (c >= 0x0A && c <= 0x0D) || (c >= 0x1C && c <= 0x1E) || c == 0x85 ||
                        c == 0x2028 || c == 0x2029;
    if (!breaks) continue;
    if (c == '\r' && at < text.size() && text[at] == '\n') ++at;
    lines.push_back(text.substr(begin, (keep_ends ? at : end) - begin));
    begin = at;
  }
  if (begin < text.size()) lines.push_back(text.substr(begin));
  return lines;
}

namespace {

using Call = const Arguments&;

template <std::string (*map)(std::string_view)>
Value mapped(Render& render, const Value& self, Call arguments) {
  (void)arguments.bind("this method", {});
  render.heap().charge_text(self.text().size());
  return render.heap().text(map(self.text()), self.is_safe());
}

std::string swapped_case(std::string_view text) {
  std::string out;
  for (size_t at = 0; at < text.size();) {
    const size_t start = at;
    const char32_t c = next_code_point(text, at);
    if (c == 0x3A3 && ends_word(text, start, at)) {
      text::append_utf8(out, 0x3C2);
    } else if (is_upper(c)) {
      append_lower(out, c);
    } else if (is_lower(c)) {
      append_upper(out, c);
    } else {
      text::append_utf8(out, c);
    }
  }
  return out;
}

template <Side side>
Value strip(Render& render, const Value& self, Call arguments) {
  const auto a = arguments.bind("strip", {"chars"});
  std::string_view storage;
  render.heap().charge_text(self.text().size());
  return Value::string(strip_text(self.text(), side, characters(a[0], storage)), self.is_safe());
}

template <bool from_right>
Value split(Render& render, const Value& self, Call arguments) {
  Heap& heap = render.heap();
  const auto a = arguments.bind("split", {"sep", "maxsplit"});
  const int64_t given_limit = a[1] == nullptr ? -1 : need_integer(*a[1], "the limit of split()");
  const int64_t limit = given_limit < 0 ? INT64_MAX : given_limit;
  heap.charge_text(self.text().size());
  std::vector<Value> parts;
  const auto add = [&](std::string_view part) {
    heap.push(parts, Value::string(part, self.is_safe()));
  };
  std::string_view rest = self.text();
  const bool words = absent(a[0]);
  const std::string_view separator = words ? "" : need_string(*a[0], "the separator of split()");
  if (!words && separator.empty()) fail("split() needs a separator that is not empty");
  if (words) rest = strip_text(rest, from_right ? Side::kRight : Side::kLeft);
  while (int64_t(parts.size()) < limit && !(words && rest.empty())) {
    size_t begin = std::string_view::npos, end = 0;  // of the separator
    if (!words) {
      begin = from_right ? rest.rfind(separator) : rest.find(separator);
      end = begin + separator.size();
    } else if (!from_right) {
      for (size_t at = 0; at < rest.size();) {
        const size_t start = at;
        if (is_space(next_code_point(rest, at))) {
          begin = start;
          end = rest.size() - strip_text(rest.substr(start), Side::kLeft).size();
          break;
        }
      }
    } else {
      for (size_t at = rest.size(); at > 0;) {
        size_t start = at - 1;
        while (start > 0 && (uint8_t(rest[start]) & 0xC0) == 0x80) --start;
        size_t next = start;
        if (is_space(next_code_point(rest, next))) {
          begin = strip_text(rest.substr(0, at), Side::kRight).size();
          end = at;
          break;
        }
        at = start;
      }
    }
    if (begin == std::string_view::npos) break;
    add(from_right ? rest.substr(end) : rest.substr(0, begin));
    rest = from_right ? rest.substr(0, begin) : rest.substr(end);
  }
  if (!words || !rest.empty()) add(rest);
  if (from_right) std::reverse(parts.begin(), parts.end());
  return heap.list(std::move(parts));
}

Value lines(Render& render, const Value& self, Call arguments) {
  const auto a = arguments.bind("splitlines", {"keepends"});
  std::vector<Value> items;
  for (const std::string_view line : split_lines(self.text(), flag(a[0]))) {
    render.heap().push(items, Value::string(line, self.is_safe()));
  }
  return render.heap().list(std::move(items));
}

/// The part of `text` that the start and end arguments of a search name, and where it begins.
struct Range {
  std::string_view text;
  int64_t start = 0;
  bool valid = true;
};
Range range_of(Heap& heap, std::string_view text, const Value* from, const Value* to) {
  heap.charge_text(text.size());
  if (absent(from) && absent(to)) return {text, 0, true};
  const int64_t size = count_code_points(text);
  const auto position = [&](const Value* v, int64_t fallback) {
    int64_t i = absent(v) ? fallback : need_integer(*v, "a position");
    if (i < 0) i = std::max<int64_t>(0, i + size);
    return i;
  };
  const int64_t start = position(from, 0), end = std::min(position(to, size), size);
  if (start > end) return {{}, start, false};
  const size_t begin = byte_offset(text, start);
  return {text.substr(begin, byte_offset(text.substr(begin), end - start)), start, true};
}

template <bool at_end>
Value begins(Render& render, const Value& self, Call arguments) {
  const auto a = arguments.bind(at_end ? "endswith" : "startswith", {"prefix", "start", "end"}, 1);
  const Range range = range_of(render.heap(), self.text(), a[1], a[2]);
  const auto fits = [&](const Value& v) {
    const std::string_view part = need_string(v, "what startswith or endswith looks for");
    if (!range.valid || part.size() > range.text.size()) return false;
    return at_end ? range.text.substr(range.text.size() - part.size()) == part
                  : range.text.substr(0, part.size()) == part;
  };
  if (a[0]->is(Kind::kList) && a[0]->as_list().sort == Sequence::kTuple) {
    const auto& parts = a[0]->as_list().items;
    return Value::boolean(std::any_of(parts.begin(), parts.end(), fits));
  }
  return Value::boolean(fits(*a[0]));
}

/// The position of a text in another, -1 when it is not there.
template <bool from_right>
int64_t position_of(Render& render, const Value& self, Call arguments) {
  const auto a = arguments.bind("find", {"sub", "start", "end"}, 1);
  const Range range = range_of(render.heap(), self.text(), a[1], a[2]);
  const std::string_view part = need_string(*a[0], "the text to find");
  const size_t at = from_right ? range.text.rfind(part) : range.text.find(part);
  if (!range.valid || at == std::string_view::npos) return -1;
  return range.start + count_code_points(range.text.substr(0, at));
}

template <bool from_right>
Value find(Render& render, const Value& self, Call arguments) {
  return Value::integer(position_of<from_right>(render, self, arguments));
}

template <bool from_right>
Value index(Render& render, const Value& self, Call arguments) {
  const int64_t at = position_of<from_right>(render, self, arguments);
  if (at < 0) fail("the text does not contain what index() looks for; use find()");
  return Value::integer(at);
}

Value count(Render& render, const Value& self, Call arguments) {
  const auto a = arguments.bind("count", {"sub", "start", "end"}, 1);
  const Range range = range_of(render.heap(), self.text(), a[1], a[2]);
  const std::string_view part = need_string(*a[0], "the text to count");
  if (!range.valid) return Value::integer(0);
  if (part.empty()) return Value::integer(count_code_points(range.text) + 1);
  int64_t hits = 0;
  for (size_t at = 0; (at = range.text.find(part, at)) != std::string_view::npos;
       at += part.size()) {
    ++hits;
  }
  return Value::integer(hits);
}

Value replace(Render& render, const Value& self, Call arguments) {
  const auto a = arguments.bind("replace", {"old", "new", "count"}, 2);
  const int64_t limit = a[2] == nullptr ? -1 : need_integer(*a[2], "the count of replace()");
  return replaced(render.heap(), self.text(), need_string(*a[0], "the text to replace"),
                  need_string(*a[1], "the replacement"), limit, self.is_safe());
}

Value join(Render& render, const Value& self, Call arguments) {
  Heap& heap = render.heap();
  const auto a = arguments.bind("join", {"iterable"}, 1);
  need_defined(*a[0]);
  std::vector<Value> parts;
  for (const Value& item : items_of(heap, *a[0])) {
    (void)need_string(item, "an item that join() puts together");
    if (!parts.empty()) heap.push(parts, self);
    heap.push(parts, item);
  }
  return concatenate(heap, parts, render.escaping());
}

enum class Class : uint8_t { kAlpha, kDigit, kAlnum, kSpace };
template <Class wanted>
Value all_of(Render& render, const Value& self, Call arguments) {
  (void)arguments.bind("this method", {});
  render.heap().charge_text(self.text().size());
  for (size_t at = 0; at < self.text().size();) {
    const char32_t c = next_code_point(self.text(), at);
    const bool alpha = is_alphabetic(c), digit = is_decimal_digit(c);
    const bool good = wanted == Class::kAlpha   ? alpha
                      : wanted == Class::kDigit ? digit
                      : wanted == Class::kAlnum ? alpha || digit
                                                : is_space(c);
    if (!good) return Value::boolean(false);
  }
  return Value::boolean(!self.text().empty());
}

template <bool upper>
Value is_case(Render& render, const Value& self, Call arguments) {
  (void)arguments.bind("this method", {});
  render.heap().charge_text(self.text().size());
  bool some = false;
  for (size_t at = 0; at < self.text().size();) {
    const char32_t c = next_code_point(self.text(), at);
    if (!is_cased(c)) continue;
    if (upper ? !is_upper(c) : !is_lower(c)) return Value::boolean(false);
    some = true;
  }
  return Value::boolean(some);
}

std::string_view fill_of(const Value* argument) {
  if (argument == nullptr) return " ";
  const std::string_view fill = need_string(*argument, "the fill character");
  if (count_code_points(fill) != 1) fail("the fill must be one character");
  return fill;
}

Value center(Render& render, const Value& self, Call arguments) {
  const auto a = arguments.bind("center", {"width", "fillchar"}, 1);
  return centered(render.heap(), self.text(), need_integer(*a[0], "the width"), fill_of(a[1]));
}

template <bool left>
Value justify(Render& render, const Value& self, Call arguments) {
  const auto a = arguments.bind(left ? "ljust" : "rjust", {"width", "fillchar"}, 1);
  const int64_t width = need_integer(*a[0], "the width");
  const std::string fill = padding(
      render.heap(), std::max<int64_t>(0, width) - count_code_points(self.text()), fill_of(a[1]));
  const std::string text(self.text());
  return render.heap().text(left ? text + fill : fill + text);
}

Value zero_fill(Render& render, const Value& self, Call arguments) {
  const auto a = arguments.bind("zfill", {"width"}, 1);
  const int64_t width = std::max<int64_t>(0, need_integer(*a[0], "the width"));
  const size_t sign =
      !self.text().empty() && (self.text()[0] == '-' || self.text()[0] == '+') ? 1 : 0;
  std::string text(self.text());
  text.insert(sign, padding(render.heap(), width - count_code_points(text), "0"));
  return render.heap().text(std::move(text));
}

template <bool from_right>
Value partition(Render& render, const Value& self, Call arguments) {
  Heap& heap = render.heap();
  const auto a = arguments.bind("partition", {"sep"}, 1);
  const std::string_view separator = need_string(*a[0], "the separator");
  if (separator.empty()) fail("partition() needs a separator that is not empty");
  heap.charge_text(self.text().size());
  const size_t at = from_right ? self.text().rfind(separator) : self.text().find(separator);
  std::vector<Value> parts(3, Value::string(""));
  if (at == std::string_view::npos) {
    parts[from_right ? 2 : 0] = self;
  } else {
    parts = {Value::string(self.text().substr(0, at)), Value::string(separator),
             Value::string(self.text().substr(at + separator.size()))};
  }
  return heap.list(std::move(parts), Sequence::kTuple);
}

template <bool at_end>
Value remove(Render&, const Value& self, Call arguments) {
  const auto a = arguments.bind(at_end ? "removesuffix" : "removeprefix", {"part"}, 1);
  const std::string_view part = need_string(*a[0], "the part to remove"), text = self.text();
  if (part.size() > text.size()) return self;
  const size_t rest = text.size() - part.size();
  if (at_end ? text.substr(rest) != part : text.substr(0, part.size()) != part) return self;
  return Value::string(at_end ? text.substr(0, rest) : text.substr(part.size()), self.is_safe());
}

}  // namespace

const std::vector<Named>& text_methods() {
  static const std::vector<Named> table = {
      {"upper", mapped<upper_text>},
      {"lower", mapped<lower_text>},
      {"capitalize", mapped<capitalize_text>},
      {"title", mapped<title_text>},
      {"swapcase", mapped<swapped_case>},
      {"strip", strip<Side::kBoth>},
      {"lstrip", strip<Side::kLeft>},
      {"rstrip", strip<Side::kRight>},
      {"split", split<false>},
      {"rsplit", split<true>},
      {"splitlines", lines},
      {"startswith", begins<false>},
      {"endswith", begins<true>},
      {"find", find<false>},
      {"rfind", find<true>},
      {"index", index<false>},
      {"rindex", index<true>},
      {"count", count},
      {"replace", replace},
      {"join", join},
      {"format", format_braces},
      {"isalpha", all_of<Class::kAlpha>},
      {"isdigit", all_of<Class::kDigit>},
      {"isdecimal", all_of<Class::kDigit>},
      {"isalnum", all_of<Class::kAlnum>},
      {"isspace", all_of<Class::kSpace>},
      {"isupper", is_case<true>},
      {"islower", is_case<false>},
      {"center", center},
      {"ljust", justify<true>},
      {"rjust", justify<false>},
      {"zfill", zero_fill},
      {"partition", partition<false>},
      {"rpartition", partition<true>},
      {"removeprefix", remove<false>},
      {"removesuffix", remove<true>},
  };
  return table;
}

}  // namespace maie::prompt
