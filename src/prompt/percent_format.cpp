#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstdio>

#include "prompt/failure.h"
#include "prompt/operations.h"
#include "prompt/python_text.h"
#include "text/utf8.h"

namespace maie::prompt {
namespace {

constexpr int kMaxWidth = 10'000;  // of one field: enough for any text, too little to fill memory

/// One "%-08.3f" of a format.
struct Field {
  bool left = false, plus = false, space = false, zero = false, alternate = false;
  int width = 0;
  int precision = -1;
};

/// Hands out the arguments of a format one after the other, or by name.
class Formatter {
 public:
  Formatter(Heap& heap, std::string_view format, const Value& arguments)
      : heap_(heap), format_(format), arguments_(arguments) {
    is_tuple_ = arguments.is(Kind::kList) && arguments.as_list().sort == Sequence::kTuple;
  }

  std::string run() {
    std::string out;
    while (at_ < format_.size()) {
      const size_t sign = std::min(format_.find('%', at_), format_.size());
      out += format_.substr(at_, sign - at_);
      at_ = sign + 1;
      if (sign == format_.size()) break;
      const std::string text = field();
      heap_.charge_text(text.size());
      heap_.charge_bytes(text.size());
      out += text;
    }
    const bool all_used = is_tuple_ ? next_ == arguments_.as_list().items.size()
                                    : next_ > 0 || by_name_ || can_be_left_over(arguments_);
    if (!all_used) fail("a format with \"%\" has more arguments than fields");
    return out;
  }

 private:
  /// What Python takes for a mapping, whose members need not all be used.
  static bool can_be_left_over(const Value& v) {
    return v.is(Kind::kDict) || v.is(Kind::kUndefined) ||
           (v.is(Kind::kList) &&
            (v.as_list().sort == Sequence::kList || v.as_list().sort == Sequence::kRange));
  }

  char peek() const { return at_ < format_.size() ? format_[at_] : '\0'; }

  Value argument() {
    if (is_tuple_) {
      const auto& items = arguments_.as_list().items;
      if (next_ < items.size()) return items[next_++];
    } else if (next_++ == 0) {
      return arguments_;
    }
    fail("a format with \"%\" has more fields than arguments");
  }

  int size() {
    int64_t number = 0;
    if (peek() == '*') {
      ++at_;
      number = need_integer(argument(), "the width of a format field");
    } else {
      while (std::isdigit(uint8_t(peek()))) {
        number = std::min<int64_t>(number * 10 + (format_[at_++] - '0'), kMaxWidth + 1);
      }
    }
    if (number > kMaxWidth || number < -kMaxWidth) {
      over_limit("a format field is wider than " + std::to_string(kMaxWidth));
    }
    return int(number);
  }

  std::string field() {
    Field f;
    Value value;
    bool named = false;
    if (peek() == '(') {
      const size_t close = format_.find(')', at_);
      if (close == std::string_view::npos) fail("a format field has no \")\"");
      if (!arguments_.is(Kind::kDict)) fail("a format with names needs a dictionary");
      value = item_of(heap_, arguments_, Value::string(format_.substr(at_ + 1, close - at_ - 1)));
      need_defined(value);
      by_name_ = named = true;
      at_ = close + 1;
    }
    for (bool more = true; more;) {
      switch (peek()) {
        case '-': f.left = true; break;
        case '+': f.plus = true; break;
        case ' ': f.space = true; break;
        case '0': f.zero = true; break;
        case '#': f.alternate = true; break;
        default: more = false;
      }
      if (more) ++at_;
    }
    f.width = size();
    if (f.width < 0) {
      f.left = true;
      f.width = -f.width;
    }
    if (peek() == '.') {
      ++at_;
      f.precision = std::max(0, size());
    }
    while (peek() == 'l' || peek() == 'h' || peek() == 'L') ++at_;
    const char type = peek();
    ++at_;
    if (type == '%') return "%";
    if (std::string_view("diuoxXeEfFgGcrsa").find(type) == std::string_view::npos || type == '\0') {
      fail("a format has a field of unknown type; write \"%%\" for a percent sign");
    }
    if (!named) value = argument();
    return padded(f, type, converted(f, type, value));
  }

  std::string converted(const Field& f, char type, const Value& value) {
    switch (type) {
      case 's':
      case 'r':
      case 'a': {
        const std::string text = type == 's' ? to_text(heap_, value) : repr(heap_, value);
        return f.precision < 0 ? text : text.substr(0, byte_offset(text, f.precision));
      }
      case 'c': {
        if (value.is(Kind::kString) && count_code_points(value.text()) == 1) {
          return std::string(value.text());
        }
        const int64_t code = need_integer(value, "the argument of %c");
        if (code < 0 || code > 0x10FFFF || (code >= 0xD800 && code < 0xE000)) {
          fail("the argument of %c is no character");
        }
        std::string out;
        text::append_utf8(out, char32_t(code));
        return out;
      }
      case 'd':
      case 'i':
      case 'u':
      case 'o':
      case 'x':
      case 'X': return whole(f, type, value);
      default: return real(f, type, value);
    }
  }

  static std::string sign(const Field& f, bool negative) {
    return negative ? "-" : f.plus ? "+" : f.space ? " " : "";
  }

  std::string whole(const Field& f, char type, const Value& value) {
    int64_t number = 0;
    const bool decimal = type == 'd' || type == 'i' || type == 'u';
    if (value.is(Kind::kFloat) && decimal && std::abs(value.as_double()) < 9e18) {
      number = int64_t(value.as_double());
    } else {
      number = need_integer(value, "the argument of %" + std::string(1, type));
    }
    const uint64_t size = number < 0 ? 0 - uint64_t(number) : uint64_t(number);
    char digits[32];
    const char* format = type == 'o' ? "%lo" : type == 'x' ? "%lx" : type == 'X' ? "%lX" : "%lu";
    std::snprintf(digits, sizeof(digits), format, static_cast<unsigned long>(size));
    std::string text = digits;
    if (int(text.size()) < f.precision) text.insert(0, size_t(f.precision) - text.size(), '0');
    const char* prefix = !f.alternate || decimal ? ""
                         : type == 'o'           ? "0o"
                         : type == 'x'           ? "0x"
                                                 : "0X";
    return sign(f, number < 0) + prefix + text;
  }

  std::string real(const Field& f, char type, const Value& value) {
    if (!value.is_number()) {
      need_defined(value);
      fail("the argument of %" + std::string(1, type) + " must be a number");
    }
    const double number = value.as_double();
    const std::string head = sign(f, std::signbit(number) && !std::isnan(number));
    if (!std::isfinite(number)) {
      const bool capital = std::isupper(uint8_t(type)) != 0;
      if (std::isnan(number)) return head + (capital ? "NAN" : "nan");
      return head + (capital ? "INF" : "inf");
    }
    const std::string format = std::string("%") + (f.alternate ? "#" : "") + ".*" + type;
    const int precision = f.precision < 0 ? 6 : f.precision;
    std::string text(size_t(precision) + 340, '\0');
    const int size =
        std::snprintf(text.data(), text.size(), format.c_str(), precision, std::abs(number));
    text.resize(size_t(size));
    return head + text;
  }

  std::string padded(const Field& f, char type, std::string text) {
    const int64_t missing = f.width - count_code_points(text);
    if (missing <= 0) return text;
    heap_.charge_bytes(size_t(missing));
    if (f.left) return text + std::string(size_t(missing), ' ');
    const bool number = std::string_view("diuoxXeEfFgG").find(type) != std::string_view::npos;
    if (!f.zero || !number) return std::string(size_t(missing), ' ') + text;
    size_t at = !text.empty() && (text[0] == '-' || text[0] == '+' || text[0] == ' ') ? 1 : 0;
    if (text.size() > at + 1 && text[at] == '0' && std::isalpha(uint8_t(text[at + 1]))) at += 2;
    return text.insert(at, size_t(missing), '0');
  }

  Heap& heap_;
  std::string_view format_;
  const Value& arguments_;
  size_t at_ = 0;
  size_t next_ = 0;
  bool is_tuple_ = false;
  bool by_name_ = false;
};

}  // namespace

Value format_percent(Heap& heap, const Value& format, const Value& arguments) {
  heap.charge_text(format.text().size());
  return heap.text(Formatter(heap, format.text(), arguments).run());
}

}  // namespace maie::prompt
