#include <algorithm>
#include <cmath>

#include "prompt/failure.h"
#include "prompt/operations.h"
#include "prompt/python_text.h"
#include "prompt/render.h"

namespace maie::prompt {
namespace {

[[noreturn]] void no_such_operation(std::string_view sign, const Value& a, const Value& b) {
  need_defined(a);
  need_defined(b);
  fail("\"" + std::string(sign) + "\" does not work on a " + std::string(type_name(a)) + " and a " +
       std::string(type_name(b)) + "; convert one, for example with \"| string\"");
}

[[noreturn]] void overflow() { fail("a whole number grew beyond 64 bits"); }

int64_t whole_power(int64_t base, int64_t exponent) {
  int64_t result = 1;
  if (base == 0 || base == 1) return exponent == 0 ? 1 : base;
  if (base == -1) return exponent % 2 == 0 ? 1 : -1;
  for (; exponent > 0; --exponent) {  // at most 63 rounds before it overflows
    if (__builtin_mul_overflow(result, base, &result)) overflow();
  }
  return result;
}

Value whole_numbers(Operator op, int64_t a, int64_t b) {
  int64_t out = 0;
  switch (op) {
    case Operator::kAdd:
      if (__builtin_add_overflow(a, b, &out)) overflow();
      return Value::integer(out);
    case Operator::kSubtract:
      if (__builtin_sub_overflow(a, b, &out)) overflow();
      return Value::integer(out);
    case Operator::kMultiply:
      if (__builtin_mul_overflow(a, b, &out)) overflow();
      return Value::integer(out);
    case Operator::kPower:
      if (b >= 0) return Value::integer(whole_power(a, b));
      if (a == 0) fail("zero to a negative power");
      return Value::number(std::pow(double(a), double(b)));
    default: break;
  }
  if (b == 0) fail("division by zero");
  if (op == Operator::kDivide) {
    return Value::number(double(static_cast<long double>(a) / static_cast<long double>(b)));
  }
  if (b == -1) {  // the one division that can overflow
    if (op == Operator::kModulo) return Value::integer(0);
    if (__builtin_sub_overflow(int64_t{0}, a, &out)) overflow();
    return Value::integer(out);
  }
  const int64_t rest = a % b;
  const bool round_down = rest != 0 && (rest < 0) != (b < 0);
  if (op == Operator::kModulo) return Value::integer(round_down ? rest + b : rest);
  return Value::integer(a / b - (round_down ? 1 : 0));
}

Value real_numbers(Operator op, double a, double b) {
  switch (op) {
    case Operator::kAdd: return Value::number(a + b);
    case Operator::kSubtract: return Value::number(a - b);
    case Operator::kMultiply: return Value::number(a * b);
    case Operator::kPower: {
      if (a == 0 && b < 0) fail("zero to a negative power");
      const double out = std::pow(a, b);
      if (std::isinf(out) && std::isfinite(a) && std::isfinite(b)) fail("a number is too large");
      if (std::isnan(out) && !std::isnan(a) && !std::isnan(b)) {
        fail("a negative number to a fractional power");
      }
      return Value::number(out);
    }
    default: break;
  }
  if (b == 0) fail("division by zero");
  if (op == Operator::kDivide) return Value::number(a / b);
  double rest = std::fmod(a, b);
  if (rest != 0 && (b < 0) != (rest < 0)) rest += b;
  if (rest == 0) rest = std::copysign(0.0, b);
  if (op == Operator::kModulo) return Value::number(rest);
  const double quotient = (a - rest) / b;
  if (quotient == 0) return Value::number(std::copysign(0.0, a / b));
  const double floor = std::floor(quotient);
  return Value::number(quotient - floor > 0.5 ? floor + 1 : floor);
}

Value repeated(Heap& heap, const Value& value, int64_t count) {
  const size_t size = value.is(Kind::kString) ? value.text().size() : value.as_list().items.size();
  const size_t times = count > 0 ? size_t(count) : 0;
  if (size > 0 && times > heap.limits().value_bytes / size) {
    over_limit("a repetition makes more than " + std::to_string(heap.limits().value_bytes) +
               " bytes");
  }
  if (value.is(Kind::kString)) {
    heap.charge_bytes(size * times);  // before the memory is taken
    std::string out;
    out.reserve(size * times);
    for (size_t i = 0; i < times && size > 0; ++i) out += value.text();
    return heap.text(std::move(out), value.is_safe());
  }
  std::vector<Value> items;
  for (size_t i = 0; i < times && size > 0; ++i) {
    for (const Value& item : value.as_list().items) heap.push(items, item);
  }
  return heap.list(std::move(items), value.as_list().sort);
}

bool can_repeat(const Value& v) {
  return v.is(Kind::kString) || (v.is(Kind::kList) && (v.as_list().sort == Sequence::kList ||
                                                       v.as_list().sort == Sequence::kTuple));
}

}  // namespace

Value arithmetic(Heap& heap, Operator op, const Value& a, const Value& b) {
  static constexpr std::string_view kSigns[] = {"+", "-", "*", "/", "//", "%", "**"};
  if (a.is_integral() && b.is_integral()) return whole_numbers(op, a.as_int(), b.as_int());
  if (a.is_number() && b.is_number()) return real_numbers(op, a.as_double(), b.as_double());
  if (op == Operator::kAdd && a.is(Kind::kString) && b.is(Kind::kString)) {
    return concatenate(heap, {a, b}, true);
  }
  if (op == Operator::kAdd && a.is(Kind::kList) && b.is(Kind::kList) && can_repeat(a) &&
      a.as_list().sort == b.as_list().sort) {
    std::vector<Value> items;
    for (const Value& item : a.as_list().items) heap.push(items, item);
    for (const Value& item : b.as_list().items) heap.push(items, item);
    return heap.list(std::move(items), a.as_list().sort);
  }
  if (op == Operator::kMultiply) {
    if (can_repeat(a) && b.is_integral()) return repeated(heap, a, b.as_int());
    if (can_repeat(b) && a.is_integral()) return repeated(heap, b, a.as_int());
  }
  if (op == Operator::kModulo && a.is(Kind::kString)) return format_percent(heap, a, b);
  no_such_operation(kSigns[size_t(op)], a, b);
}

int64_t need_integer(const Value& value, std::string_view what) {
  if (value.is_integral()) return value.as_int();
  need_defined(value);
  fail(std::string(what) + " must be a whole number, not a " + std::string(type_name(value)));
}

std::string_view need_string(const Value& value, std::string_view what) {
  if (value.is(Kind::kString)) return value.text();
  need_defined(value);
  fail(std::string(what) + " must be a string, not a " + std::string(type_name(value)));
}

}  // namespace maie::prompt
