#include <charconv>
#include <cmath>
#include <cstdio>
#include <optional>

#include "prompt/builtin_support.h"

namespace maie::prompt {
namespace {

/// A text without white space around it and underscores between its digits, as Python reads
/// numbers.
std::optional<std::string> plain_number(std::string_view text) {
  std::string out;
  text = strip_text(text, Side::kBoth);
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '_') {
      out += text[i];
      continue;
    }
    const auto is_digit = [&](size_t at) {
      return at < text.size() && std::isalnum(uint8_t(text[at]));
    };
    if (i == 0 || !is_digit(i - 1) || !is_digit(i + 1)) return std::nullopt;
  }
  return out;
}

std::optional<int64_t> read_whole(std::string_view text, int64_t base) {
  auto number = plain_number(text);
  if (!number) return std::nullopt;
  std::string_view digits = *number;
  bool negative = false;
  if (!digits.empty() && (digits[0] == '-' || digits[0] == '+')) {
    negative = digits[0] == '-';
    digits.remove_prefix(1);
  }
  if (digits.size() > 2 && digits[0] == '0') {
    const char mark = char(digits[1] | 32);
    const int64_t marked = mark == 'x' ? 16 : mark == 'o' ? 8 : mark == 'b' ? 2 : 0;
    if (marked != 0 && (base == marked || base == 0)) {
      base = marked;
      digits.remove_prefix(2);
    }
  }
  if (base == 0) base = 10;
  if (base < 2 || base > 36) fail("the base of int() is between 2 and 36");
  uint64_t value = 0;
  const char* end = digits.data() + digits.size();
  const auto read = std::from_chars(digits.data(), end, value, int(base));
  if (digits.empty() || read.ptr != end || read.ec == std::errc::invalid_argument) {
    return std::nullopt;
  }
  if (read.ec != std::errc() || value > uint64_t(INT64_MAX)) {
    fail("the number " + std::string(text) + " does not fit 64 bits");
  }
  return negative ? -int64_t(value) : int64_t(value);
}

std::optional<double> read_real(std::string_view text) {
  auto number = plain_number(text);
  if (!number || number->empty()) return std::nullopt;
  std::string_view digits = *number;
  if (digits[0] == '+') digits.remove_prefix(1);
  if (digits.empty() || digits[0] == '+' || digits.find('(') != std::string_view::npos) {
    return std::nullopt;
  }
  double value = 0;
  const char* end = digits.data() + digits.size();
  const auto read = std::from_chars(digits.data(), end, value);
  if (read.ptr != end || read.ec == std::errc::invalid_argument) return std::nullopt;
  if (read.ec == std::errc::result_out_of_range) {
    const bool negative = digits[0] == '-';
    const size_t e = digits.find_first_of("eE");
    const bool tiny = e != std::string_view::npos && digits.substr(e + 1, 1) == "-";
    value = tiny ? 0.0 : HUGE_VAL;
    return negative ? -value : value;
  }
  return value;
}

Value whole_of(double d) {
  if (!(std::abs(d) < 9.2e18)) fail("the number " + float_text(d) + " does not fit 64 bits");
  return Value::integer(int64_t(d));
}

Value to_int(Render&, const Value& self, const Arguments& arguments) {
  const auto a = arguments.bind("int", {"default", "base"});
  need_defined(self);
  const Value otherwise = given(a[0], Value::integer(0));
  if (self.is_integral()) return Value::integer(self.as_int());
  if (self.is(Kind::kFloat)) {
    return std::isnan(self.as_double()) ? otherwise : whole_of(self.as_double());
  }
  if (!self.is(Kind::kString)) return otherwise;
  const int64_t base = need_integer(given(a[1], Value::integer(10)), "the base of int()");
  if (const auto whole = read_whole(self.text(), base)) return Value::integer(*whole);
  const auto real = read_real(self.text());
  return real && std::isfinite(*real) ? whole_of(*real) : otherwise;
}

Value to_float(Render&, const Value& self, const Arguments& arguments) {
  const auto a = arguments.bind("float", {"default"});
  need_defined(self);
  const Value otherwise = given(a[0], Value::number(0));
  if (self.is_number()) return Value::number(self.as_double());
  if (!self.is(Kind::kString)) return otherwise;
  const auto real = read_real(self.text());
  return real ? Value::number(*real) : otherwise;
}

/// To the nearest, halves to even, as decimal digits of the exact value.
double round_common(double value, int64_t precision) {
  if (!std::isfinite(value) || precision > 323) return value;
  if (precision < 0) {
    if (precision < -308) return std::copysign(0.0, value);
    const double unit = std::pow(10.0, double(-precision));
    return std::nearbyint(value / unit) * unit;
  }
  char text[700];
  std::snprintf(text, sizeof(text), "%.*f", int(precision), value);
  double rounded = value;
  std::from_chars(text, text + std::char_traits<char>::length(text), rounded);
  return rounded;
}

int64_t round_whole(int64_t value, int64_t precision) {
  if (precision >= 0) return value;
  if (precision < -18) return 0;
  int64_t unit = 1;
  for (int64_t i = 0; i < -precision; ++i) unit *= 10;
  const int64_t rest = value % unit, half = unit / 2, down = value - rest;
  const int64_t size = rest < 0 ? -rest : rest, away = rest < 0 ? -unit : unit;
  const bool odd = (down / unit) % 2 != 0;
  int64_t out = down;
  if ((size > half || (size == half && odd)) && __builtin_add_overflow(down, away, &out)) {
    fail("a whole number grew beyond 64 bits");
  }
  return out;
}

Value round(Render&, const Value& self, const Arguments& arguments) {
  const auto a = arguments.bind("round", {"precision", "method"});
  const int64_t precision =
      need_integer(given(a[0], Value::integer(0)), "the precision of round()");
  const std::string_view method =
      need_string(given(a[1], Value::string("common")), "the method of round()");
  if (!self.is_number()) {
    need_defined(self);
    fail("a " + std::string(type_name(self)) + " cannot be rounded; put \"| float\" before it");
  }
  if (method == "common") {
    if (self.is_integral()) return Value::integer(round_whole(self.as_int(), precision));
    return Value::number(round_common(self.as_double(), precision));
  }
  if (method != "ceil" && method != "floor") fail("round() knows common, ceil and floor");
  if (precision < -308 || precision > 308) fail("the precision of round() is too large");
  const double unit = std::pow(10.0, double(precision));
  const double scaled = self.as_double() * unit;
  if (!std::isfinite(scaled)) fail("the number is too large to be rounded so");
  return Value::number(((method == "ceil" ? std::ceil(scaled) : std::floor(scaled)) + 0.0) / unit);
}

Value absolute(Render& render, const Value& self, const Arguments& arguments) {
  (void)arguments.bind("abs", {});
  if (self.is(Kind::kFloat)) return Value::number(std::abs(self.as_double()));
  const int64_t value = need_integer(self, "what abs is applied to");
  if (value >= 0) return Value::integer(value);
  return arithmetic(render.heap(), Operator::kSubtract, Value::integer(0), self);
}

}  // namespace

const std::vector<Named>& number_filters() {
  static const std::vector<Named> table = {
      {"int", to_int}, {"float", to_float}, {"round", round}, {"abs", absolute}};
  return table;
}

}  // namespace maie::prompt
