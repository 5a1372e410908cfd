#include "prompt/builtin_support.h"

namespace maie::prompt {
namespace {

using Check = bool (*)(Render& render, const Value& value);

/// A test without arguments.
template <Check check>
Value test(Render& render, const Value& self, const Arguments& arguments) {
  (void)arguments.bind("this test", {});
  return Value::boolean(check(render, self));
}

template <Kind kind>
bool is_kind(Render&, const Value& v) {
  return v.is(kind);
}

bool is_defined(Render&, const Value& v) { return !v.is(Kind::kUndefined); }
bool is_true(Render&, const Value& v) { return v.is(Kind::kBool) && v.as_bool(); }
bool is_false(Render&, const Value& v) { return v.is(Kind::kBool) && !v.as_bool(); }
bool is_numeric(Render&, const Value& v) { return v.is_number(); }
bool is_safe(Render&, const Value& v) { return v.is_safe(); }
// jinja2's undefined values and loops can be called, as far as Python can tell.
bool is_callable(Render&, const Value& v) {
  return v.is(Kind::kFunction) || v.is(Kind::kUndefined) || v.is(Kind::kLoop);
}

bool is_iterable(Render&, const Value& v) {
  return v.is(Kind::kUndefined) || v.is(Kind::kString) || v.is(Kind::kList) || v.is(Kind::kDict) ||
         v.is(Kind::kLoop);
}

bool is_sequence(Render&, const Value& v) {
  if (v.is(Kind::kList)) return v.as_list().sort <= Sequence::kRange;
  return v.is(Kind::kUndefined) || v.is(Kind::kString) || v.is(Kind::kDict);
}

template <bool upper>
bool is_case(Render& render, const Value& v) {
  const std::string text = to_text(render.heap(), v);
  const std::string mapped = upper ? upper_text(text) : lower_text(text);
  const std::string other = upper ? lower_text(text) : upper_text(text);
  return mapped == text && other != text;
}

template <int64_t rest>
bool has_rest(Render& render, const Value& v) {
  const Value modulo = arithmetic(render.heap(), Operator::kModulo, v, Value::integer(2));
  return equals(render.heap(), modulo, Value::integer(rest));
}

Value divisible(Render& render, const Value& self, const Arguments& arguments) {
  const auto a = arguments.bind("divisibleby", {"num"}, 1);
  const Value rest = arithmetic(render.heap(), Operator::kModulo, self, *a[0]);
  return Value::boolean(equals(render.heap(), rest, Value::integer(0)));
}

Value same_as(Render& render, const Value& self, const Arguments& arguments) {
  const auto a = arguments.bind("sameas", {"other"}, 1);
  if (self.kind() != a[0]->kind()) return Value::boolean(false);
  if (self.is_number() || self.is(Kind::kNone) || self.is(Kind::kString)) {
    return Value::boolean(equals(render.heap(), self, *a[0]));
  }
  return Value::boolean(self.address() == a[0]->address());
}

Value is_in(Render& render, const Value& self, const Arguments& arguments) {
  const auto a = arguments.bind("in", {"seq"}, 1);
  return Value::boolean(contains(render.heap(), *a[0], self));
}

enum class Order : uint8_t { kEqual, kNotEqual, kLess, kLessEqual, kGreater, kGreaterEqual };
template <Order order>
Value compare(Render& render, const Value& self, const Arguments& arguments) {
  const auto a = arguments.bind("this test", {"other"}, 1);
  Heap& heap = render.heap();
  const Value& other = *a[0];
  switch (order) {
    case Order::kEqual: return Value::boolean(equals(heap, self, other));
    case Order::kNotEqual: return Value::boolean(!equals(heap, self, other));
    case Order::kLess: return Value::boolean(less(heap, self, other));
    case Order::kGreater: return Value::boolean(less(heap, other, self));
    case Order::kLessEqual:
      return Value::boolean(less(heap, self, other) || equals(heap, self, other));
    case Order::kGreaterEqual:
      return Value::boolean(less(heap, other, self) || equals(heap, self, other));
  }
  return Value();
}

Value is_filter(Render& render, const Value& self, const Arguments& arguments) {
  (void)arguments.bind("filter", {});
  charge_key(render.heap(), self);
  (void)hash(self);
  return Value::boolean(self.is(Kind::kString) && find_filter(self.text()) != nullptr);
}

Value is_test(Render& render, const Value& self, const Arguments& arguments) {
  (void)arguments.bind("test", {});
  charge_key(render.heap(), self);
  (void)hash(self);
  return Value::boolean(self.is(Kind::kString) && find_test(self.text()) != nullptr);
}

constexpr Named kTests[] = {
    {"defined", test<is_defined>},
    {"undefined", test<is_kind<Kind::kUndefined>>},
    {"none", test<is_kind<Kind::kNone>>},
    {"boolean", test<is_kind<Kind::kBool>>},
    {"integer", test<is_kind<Kind::kInt>>},
    {"float", test<is_kind<Kind::kFloat>>},
    {"number", test<is_numeric>},
    {"string", test<is_kind<Kind::kString>>},
    {"mapping", test<is_kind<Kind::kDict>>},
    {"iterable", test<is_iterable>},
    {"sequence", test<is_sequence>},
    {"callable", test<is_callable>},
    {"true", test<is_true>},
    {"false", test<is_false>},
    {"escaped", test<is_safe>},
    {"lower", test<is_case<false>>},
    {"upper", test<is_case<true>>},
    {"odd", test<has_rest<1>>},
    {"even", test<has_rest<0>>},
    {"divisibleby", divisible},
    {"sameas", same_as},
    {"in", is_in},
    {"eq", compare<Order::kEqual>},
    {"equalto", compare<Order::kEqual>},
    {"==", compare<Order::kEqual>},
    {"ne", compare<Order::kNotEqual>},
    {"!=", compare<Order::kNotEqual>},
    {"lt", compare<Order::kLess>},
    {"lessthan", compare<Order::kLess>},
    {"<", compare<Order::kLess>},
    {"le", compare<Order::kLessEqual>},
    {"<=", compare<Order::kLessEqual>},
    {"gt", compare<Order::kGreater>},
    {"greaterthan", compare<Order::kGreater>},
    {">", compare<Order::kGreater>},
    {"ge", compare<Order::kGreaterEqual>},
    {">=", compare<Order::kGreaterEqual>},
    {"filter", is_filter},
    {"test", is_test},
};

}  // namespace

Builtin find_test(std::string_view name) {
  for (const Named& known : kTests) {
    if (known.name == name) return known.builtin;
  }
  return nullptr;
}

Builtin find_filter(std::string_view name) {
  for (const auto* table :
       {&text_filters(), &list_filters(), &select_filters(), &number_filters()}) {
    for (const Named& known : *table) {
      if (known.name == name) return known.builtin;
    }
  }
  return nullptr;
}

}  // namespace maie::prompt
