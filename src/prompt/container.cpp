#include <algorithm>

#include "prompt/failure.h"
#include "prompt/operations.h"
#include "prompt/python_text.h"
#include "prompt/render.h"

namespace maie::prompt {
namespace {

bool has_index(Sequence sort) {
  return sort == Sequence::kList || sort == Sequence::kTuple || sort == Sequence::kRange;
}

/// The bounds of a Python slice over `size` items: first, and how many.
struct Walk {
  int64_t first, step, count;
};

Walk walk(int64_t size, const Value& from, const Value& to, const Value& step_value) {
  const auto absent = [](const Value& v) { return v.is(Kind::kNone) || v.is(Kind::kUndefined); };
  const int64_t step = absent(step_value) ? 1 : need_integer(step_value, "the step of a slice");
  if (step == 0) fail("the step of a slice is zero");
  const int64_t low = step > 0 ? 0 : -1, high = step > 0 ? size : size - 1;
  const auto bound = [&](const Value& v, int64_t fallback) {
    if (absent(v)) return fallback;
    int64_t i = need_integer(v, "the bound of a slice");
    if (i < 0) i = i < -size ? low : i + size;
    return std::clamp(i, low, high);
  };
  const int64_t first = bound(from, step > 0 ? low : high);
  const int64_t last = bound(to, step > 0 ? high : low);
  // Steps beyond the size take one item; clamping them keeps the sums below within 64 bits.
  const int64_t stride = std::clamp(step, -size - 1, size + 1);
  const int64_t span = stride > 0 ? last - first : first - last;
  const int64_t length = stride > 0 ? stride : -stride;
  return {first, stride, span <= 0 ? 0 : (span + length - 1) / length};
}

Value sliced_text(Heap& heap, const Value& text, const Walk& w) {
  heap.charge_text(text.text().size());
  if (w.step == 1) {
    const size_t begin = byte_offset(text.text(), w.first);
    const std::string_view rest = text.text().substr(begin);
    return Value::string(rest.substr(0, byte_offset(rest, w.count)), text.is_safe());
  }
  std::vector<std::string_view> characters;
  heap.charge_bytes(text.text().size() * sizeof(std::string_view));
  for (size_t at = 0; at < text.text().size();) {
    const size_t start = at;
    next_code_point(text.text(), at);
    characters.push_back(text.text().substr(start, at - start));
  }
  std::string out;
  for (int64_t i = 0; i < w.count; ++i) out += characters[size_t(w.first + i * w.step)];
  return heap.text(std::move(out), text.is_safe());
}

}  // namespace

std::string_view type_name(const Value& value) {
  switch (value.kind()) {
    case Kind::kUndefined: return "undefined";
    case Kind::kNone: return "none";
    case Kind::kBool: return "bool";
    case Kind::kInt: return "int";
    case Kind::kFloat: return "float";
    case Kind::kString: return "str";
    case Kind::kDict: return "dict";
    case Kind::kNamespace: return "namespace";
    case Kind::kFunction: return "function";
    case Kind::kLoop: return "loop";
    case Kind::kList: break;
  }
  static constexpr std::string_view kNames[] = {
      "list", "tuple", "range", "dict_keys", "dict_values", "dict_items", "generator"};
  return kNames[size_t(value.as_list().sort)];
}

void need_defined(const Value& value) {
  if (value.is(Kind::kUndefined)) {
    fail(value.text().empty() ? "a value is undefined" : std::string(value.text()));
  }
}

bool truth(const Value& value) {
  switch (value.kind()) {
    case Kind::kUndefined:
    case Kind::kNone: return false;
    case Kind::kBool:
    case Kind::kInt: return value.as_int() != 0;
    case Kind::kFloat: return value.as_double() != 0;
    case Kind::kString: return !value.text().empty();
    case Kind::kList:
      return value.as_list().sort == Sequence::kGenerator || !value.as_list().items.empty();
    case Kind::kDict: return !value.as_dict().entries.empty();
    default: return true;
  }
}

int64_t length(const Value& value) {
  switch (value.kind()) {
    case Kind::kUndefined: return 0;
    case Kind::kString: return count_code_points(value.text());
    case Kind::kDict: return int64_t(value.as_dict().entries.size());
    case Kind::kList:
      if (value.as_list().sort == Sequence::kGenerator) {
        fail("the result of this filter has no length; put \"| list\" behind it");
      }
      return int64_t(value.as_list().items.size());
    default: fail("a " + std::string(type_name(value)) + " has no length");
  }
}

std::vector<Value> items_of(Heap& heap, const Value& value) {
  std::vector<Value> items;
  switch (value.kind()) {
    case Kind::kUndefined: break;
    case Kind::kString:
      for (size_t at = 0; at < value.text().size();) {
        const size_t start = at;
        next_code_point(value.text(), at);
        heap.push(items, Value::string(value.text().substr(start, at - start), value.is_safe()));
      }
      break;
    case Kind::kList: {
      List& list = value.as_list();
      if (list.sort == Sequence::kGenerator && list.consumed) break;
      list.consumed = true;
      heap.step(list.items.size());
      heap.charge_bytes(list.items.size() * sizeof(Value));
      items = list.items;
      break;
    }
    case Kind::kDict:
      for (const auto& [key, unused] : value.as_dict().entries) heap.push(items, key);
      break;
    default: fail("a " + std::string(type_name(value)) + " cannot be looped over");
  }
  return items;
}

Value item_of(Heap& heap, const Value& container, const Value& key) {
  const auto absent = [&] {
    const std::string name = key.is(Kind::kString) ? repr_text(key.text()) : to_text(heap, key);
    return heap.undefined("a " + std::string(type_name(container)) + " has no element " + name);
  };
  switch (container.kind()) {
    case Kind::kUndefined: need_defined(container); break;
    case Kind::kDict: {
      const bool tuple = key.is(Kind::kList) && key.as_list().sort == Sequence::kTuple;
      if (key.is(Kind::kDict) || (key.is(Kind::kList) && !tuple)) break;
      charge_key(heap, key);
      if (const Value* found = container.as_dict().find(key)) return *found;
      break;
    }
    case Kind::kList: {
      const List& list = container.as_list();
      if (!key.is_integral() || !has_index(list.sort)) break;
      const int64_t size = int64_t(list.items.size());
      const int64_t i = key.as_int() < 0 ? key.as_int() + size : key.as_int();
      if (i >= 0 && i < size) return list.items[size_t(i)];
      break;
    }
    case Kind::kString: {
      if (!key.is_integral()) break;
      heap.charge_text(container.text().size());
      const std::string_view text = container.text();
      const int64_t i = key.as_int() < 0 ? key.as_int() + count_code_points(text) : key.as_int();
      const size_t begin = i < 0 ? text.size() : byte_offset(text, i);
      if (begin == text.size()) break;
      return Value::string(text.substr(begin, byte_offset(text.substr(begin), 1)),
                           container.is_safe());
    }
    default: break;
  }
  if (key.is(Kind::kList) || key.is(Kind::kDict)) return heap.undefined("there is no such element");
  return absent();
}

Value slice(Heap& heap, const Value& container, const Value& from, const Value& to,
            const Value& step) {
  need_defined(container);
  if (container.is(Kind::kString)) {
    return sliced_text(heap, container, walk(count_code_points(container.text()), from, to, step));
  }
  if (!container.is(Kind::kList) || !has_index(container.as_list().sort)) {
    fail("a " + std::string(type_name(container)) + " has no slices");
  }
  const List& list = container.as_list();
  const Walk w = walk(int64_t(list.items.size()), from, to, step);
  std::vector<Value> items;
  for (int64_t i = 0; i < w.count; ++i) heap.push(items, list.items[size_t(w.first + i * w.step)]);
  const Value out = heap.list(std::move(items), list.sort);
  if (list.sort == Sequence::kRange) {
    List& range = out.as_list();  // for printing only; unsigned because it may wrap around
    range.step = int64_t(uint64_t(list.step) * uint64_t(w.step));
    range.start = int64_t(uint64_t(list.start) + uint64_t(w.first) * uint64_t(list.step));
    range.stop = int64_t(uint64_t(range.start) + uint64_t(w.count) * uint64_t(range.step));
  }
  return out;
}

}  // namespace maie::prompt
