#include <cmath>
#include <functional>

#include "prompt/failure.h"
#include "prompt/operations.h"
#include "prompt/python_text.h"

namespace maie::prompt {
namespace {

constexpr size_t kTupleKeyItems = 16;
constexpr size_t kTupleKeyDepth = 1;

void enter(Heap& heap, size_t depth) {
  heap.step();
  if (depth > heap.limits().data_depth) {
    over_limit("a value is nested more than " + std::to_string(heap.limits().data_depth) +
               " levels deep");
  }
}

/// Exact for every pair of 64-bit integer and double where long double has 64 bits of mantissa.
bool same_number(const Value& a, const Value& b) {
  if (!a.is(Kind::kFloat) && !b.is(Kind::kFloat)) return a.as_int() == b.as_int();
  if (a.is(Kind::kFloat) && b.is(Kind::kFloat)) return a.as_double() == b.as_double();
  const Value& whole = a.is(Kind::kFloat) ? b : a;
  const Value& real = a.is(Kind::kFloat) ? a : b;
  return static_cast<long double>(whole.as_int()) == static_cast<long double>(real.as_double());
}

bool less_number(const Value& a, const Value& b) {
  if (!a.is(Kind::kFloat) && !b.is(Kind::kFloat)) return a.as_int() < b.as_int();
  const auto wide = [](const Value& v) {
    return v.is(Kind::kFloat) ? static_cast<long double>(v.as_double())
                              : static_cast<long double>(v.as_int());
  };
  return wide(a) < wide(b);
}

bool is_tuple(const Value& v) { return v.is(Kind::kList) && v.as_list().sort == Sequence::kTuple; }

bool equal_items(Heap& heap, const List& a, const List& b, size_t depth) {
  const auto set_like = [](Sequence s) { return s == Sequence::kKeys || s == Sequence::kItems; };
  const bool comparable = (a.sort == b.sort || (set_like(a.sort) && set_like(b.sort))) &&
                          a.sort != Sequence::kGenerator && a.sort != Sequence::kValues;
  if (!comparable) return &a == &b;
  if (a.items.size() != b.items.size()) return false;
  for (size_t i = 0; i < a.items.size(); ++i) {
    if (!equals(heap, a.items[i], b.items[i], depth + 1)) return false;
  }
  return true;
}

}  // namespace

bool equals(Heap& heap, const Value& a, const Value& b, size_t depth) {
  enter(heap, depth);
  if (a.is_number() && b.is_number()) return same_number(a, b);
  if (a.kind() != b.kind()) return false;
  switch (a.kind()) {
    case Kind::kUndefined:
    case Kind::kNone: return true;
    case Kind::kString:
      if (a.text().size() != b.text().size()) return false;
      heap.charge_text(a.text().size());
      return a.text() == b.text();
    case Kind::kList: return equal_items(heap, a.as_list(), b.as_list(), depth);
    case Kind::kDict: {
      const Dict &x = a.as_dict(), &y = b.as_dict();
      if (x.entries.size() != y.entries.size()) return false;
      for (const auto& [key, value] : x.entries) {
        const Value* other = y.find(key);
        if (other == nullptr || !equals(heap, value, *other, depth + 1)) return false;
      }
      return true;
    }
    default: return a.address() == b.address();
  }
}

bool less(Heap& heap, const Value& a, const Value& b, size_t depth) {
  enter(heap, depth);
  if (a.is_number() && b.is_number()) return less_number(a, b);
  if (a.is(Kind::kString) && b.is(Kind::kString)) {
    heap.charge_text(std::min(a.text().size(), b.text().size()));
    return a.text() < b.text();  // the order of UTF-8 bytes is the order of code points
  }
  if (a.is(Kind::kList) && b.is(Kind::kList) && a.as_list().sort == b.as_list().sort &&
      (is_tuple(a) || a.as_list().sort == Sequence::kList)) {
    const auto &x = a.as_list().items, &y = b.as_list().items;
    for (size_t i = 0; i < x.size() && i < y.size(); ++i) {
      if (!equals(heap, x[i], y[i], depth + 1)) return less(heap, x[i], y[i], depth + 1);
    }
    return x.size() < y.size();
  }
  need_defined(a);
  need_defined(b);
  fail("a " + std::string(type_name(a)) + " and a " + std::string(type_name(b)) +
       " have no order; compare values of one type");
}

size_t hash(const Value& key, size_t depth) {
  switch (key.kind()) {
    case Kind::kNone: return 0x9e3779b9;
    case Kind::kBool:
    case Kind::kInt: return std::hash<int64_t>()(key.as_int());
    case Kind::kFloat: {
      const double d = key.as_double();
      if (d == std::floor(d) && std::abs(d) < 9e18) return std::hash<int64_t>()(int64_t(d));
      return std::hash<double>()(d);
    }
    case Kind::kString: return std::hash<std::string_view>()(key.text());
    case Kind::kUndefined: return 1;
    case Kind::kList:
      if (is_tuple(key)) {
        const auto& items = key.as_list().items;
        if (items.size() > kTupleKeyItems || depth >= kTupleKeyDepth) {
          fail("this tuple is too large for a key");
        }
        size_t code = items.size();
        for (const Value& item : items) code = code * 31 + hash(item, depth + 1);
        return code;
      }
      [[fallthrough]];
    case Kind::kDict:
      fail("a " + std::string(type_name(key)) +
           " cannot be a key; use a string, a number or a tuple");
    default: return std::hash<const void*>()(key.address());
  }
}

void charge_key(Heap& heap, const Value& key) {
  heap.step();
  if (key.is(Kind::kString)) heap.charge_text(key.text().size());
  if (!is_tuple(key) || key.as_list().items.size() > kTupleKeyItems) return;
  for (const Value& item : key.as_list().items) {
    if (item.is(Kind::kString)) heap.charge_text(item.text().size());
    if (is_tuple(item)) fail("a tuple within a tuple cannot be a key");
  }
}

bool same_key(const Value& a, const Value& b) {
  if (a.is_number() && b.is_number()) return same_number(a, b);
  if (a.kind() != b.kind()) return false;
  switch (a.kind()) {
    case Kind::kUndefined:
    case Kind::kNone: return true;
    case Kind::kString: return a.text() == b.text();
    case Kind::kList: {
      if (!is_tuple(a) || !is_tuple(b)) return false;
      const auto &x = a.as_list().items, &y = b.as_list().items;
      if (x.size() != y.size() || x.size() > kTupleKeyItems) return false;
      for (size_t i = 0; i < x.size(); ++i) {
        if (!same_key(x[i], y[i])) return false;
      }
      return true;
    }
    case Kind::kDict: return false;
    default: return a.address() == b.address();
  }
}

bool contains(Heap& heap, const Value& container, const Value& item) {
  switch (container.kind()) {
    case Kind::kString:
      if (!item.is(Kind::kString)) {
        need_defined(item);
        fail("\"in\" a string needs a string on its left, not " + std::string(type_name(item)));
      }
      heap.charge_text(container.text().size());
      return container.text().find(item.text()) != std::string_view::npos;
    case Kind::kDict:
      charge_key(heap, item);
      (void)hash(item);
      return container.as_dict().find(item) != nullptr;
    default:
      for (const Value& candidate : items_of(heap, container)) {
        if (equals(heap, candidate, item)) return true;
      }
      return false;
  }
}

}  // namespace maie::prompt
