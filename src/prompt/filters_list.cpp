#include <algorithm>

#include "prompt/builtin_support.h"

namespace maie::prompt {

Value value_at(Render& render, const Value& value, const Value& path) {
  Heap& heap = render.heap();
  const auto step = [&](const Value& object, const Value& key) {
    const Value item = item_of(heap, object, key);
    const bool attribute = item.is(Kind::kUndefined) && key.is(Kind::kString) &&
                           !(object.is(Kind::kDict) && object.as_dict().find(key) != nullptr);
    return attribute ? render.attribute(object, key.text()) : item;
  };
  if (!path.is(Kind::kString)) return step(value, path);
  Value at = value;
  std::string_view rest = path.text();
  while (true) {
    const size_t dot = rest.find('.');
    const std::string_view part = rest.substr(0, dot);
    const bool index =
        !part.empty() && part.size() < 10 &&
        std::all_of(part.begin(), part.end(), [](char c) { return c >= '0' && c <= '9'; });
    at = step(at, index ? Value::integer(std::stoll(std::string(part))) : Value::string(part));
    if (dot == std::string_view::npos) return at;
    rest.remove_prefix(dot + 1);
  }
}

namespace {

/// How sort, unique, min and max look at an item: one of its attributes, without regard to case.
class Key {
 public:
  Key(Render& render, const Value* case_sensitive, const Value* attribute)
      : render_(render), fold_(!flag(case_sensitive)), attribute_(attribute) {}

  Value operator()(const Value& item) const {
    return folded(absent(attribute_) ? item : value_at(render_, item, *attribute_));
  }

  /// With "a,b" as attribute: the list of both.
  Value of_several(const Value& item) const {
    if (absent(attribute_) || !attribute_->is(Kind::kString)) return (*this)(item);
    std::vector<Value> parts;
    std::string_view rest = attribute_->text();
    while (true) {
      const size_t comma = rest.find(',');
      render_.heap().push(parts,
                          folded(value_at(render_, item, Value::string(rest.substr(0, comma)))));
      if (comma == std::string_view::npos) break;
      rest.remove_prefix(comma + 1);
    }
    return render_.heap().list(std::move(parts));
  }

  Value folded(const Value& value) const {
    if (!fold_ || !value.is(Kind::kString)) return value;
    return render_.heap().text(lower_text(value.text()));
  }

 private:
  Render& render_;
  bool fold_;
  const Value* attribute_;
};

Value count(Render&, const Value& self, const Arguments& arguments) {
  (void)arguments.bind("length", {});
  return Value::integer(length(self));
}

Value first(Render& render, const Value& self, const Arguments& arguments) {
  (void)arguments.bind("first", {});
  const auto items = items_of(render.heap(), self);
  return items.empty() ? Value::undefined("there is no first item, the sequence is empty")
                       : items[0];
}

Value last(Render& render, const Value& self, const Arguments& arguments) {
  (void)arguments.bind("last", {});
  if (self.is(Kind::kList) && self.as_list().sort == Sequence::kGenerator) {
    fail("the last item of this filter's result is not known; put \"| list\" before \"| last\"");
  }
  const auto items = items_of(render.heap(), self);
  return items.empty() ? Value::undefined("there is no last item, the sequence is empty")
                       : items.back();
}

Value to_list(Render& render, const Value& self, const Arguments& arguments) {
  (void)arguments.bind("list", {});
  return render.heap().list(items_of(render.heap(), self));
}

Value join(Render& render, const Value& self, const Arguments& arguments) {
  Heap& heap = render.heap();
  const auto a = arguments.bind("join", {"d", "attribute"});
  std::vector<Value> items = items_of(heap, self);
  if (!absent(a[1])) {
    for (Value& item : items) item = value_at(render, item, *a[1]);
  }
  const Value between = as_string(heap, given(a[0], Value::string("")));
  std::vector<Value> parts;
  for (const Value& item : items) {
    if (!parts.empty()) heap.push(parts, between);
    heap.push(parts, item);
  }
  return concatenate(heap, parts, render.escaping());
}

Value reverse(Render& render, const Value& self, const Arguments& arguments) {
  (void)arguments.bind("reverse", {});
  if (self.is(Kind::kString)) {
    return slice(render.heap(), self, Value::none(), Value::none(), Value::integer(-1));
  }
  auto items = items_of(render.heap(), self);
  std::reverse(items.begin(), items.end());
  return render.heap().list(std::move(items), Sequence::kGenerator);
}

/// Items by their keys; a stable sort, also backwards, as Python's.
std::vector<Value> sorted(Heap& heap, const std::vector<Value>& items,
                          const std::vector<Value>& keys, bool backwards) {
  std::vector<size_t> order(items.size());
  for (size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    return backwards ? less(heap, keys[b], keys[a]) : less(heap, keys[a], keys[b]);
  });
  std::vector<Value> out;
  for (const size_t i : order) heap.push(out, items[i]);
  return out;
}

Value sort(Render& render, const Value& self, const Arguments& arguments) {
  const auto a = arguments.bind("sort", {"reverse", "case_sensitive", "attribute"});
  const Key key(render, a[1], a[2]);
  const auto items = items_of(render.heap(), self);
  std::vector<Value> keys;
  for (const Value& item : items) render.heap().push(keys, key.of_several(item));
  return render.heap().list(sorted(render.heap(), items, keys, flag(a[0])));
}

Value unique(Render& render, const Value& self, const Arguments& arguments) {
  const auto a = arguments.bind("unique", {"case_sensitive", "attribute"});
  const Key key(render, a[0], a[1]);
  const Value seen = render.heap().dict();
  std::vector<Value> out;
  for (const Value& item : items_of(render.heap(), self)) {
    const Value k = key(item);
    charge_key(render.heap(), k);
    (void)hash(k);
    if (seen.as_dict().find(k) != nullptr) continue;
    render.heap().set(seen.as_dict(), k, item);
    render.heap().push(out, item);
  }
  return render.heap().list(std::move(out), Sequence::kGenerator);
}

Value extreme(Render& render, const Value& self, const Arguments& arguments, bool largest) {
  const auto a = arguments.bind(largest ? "max" : "min", {"case_sensitive", "attribute"});
  const Key key(render, a[0], a[1]);
  const auto items = items_of(render.heap(), self);
  if (items.empty()) return Value::undefined("the sequence is empty");
  Value best = items[0], best_key = key(items[0]);
  for (size_t i = 1; i < items.size(); ++i) {
    const Value k = key(items[i]);
    const bool better =
        largest ? less(render.heap(), best_key, k) : less(render.heap(), k, best_key);
    if (!better) continue;
    best = items[i];
    best_key = k;
  }
  return best;
}

Value minimum(Render& render, const Value& self, const Arguments& arguments) {
  return extreme(render, self, arguments, false);
}
Value maximum(Render& render, const Value& self, const Arguments& arguments) {
  return extreme(render, self, arguments, true);
}

Value sum(Render& render, const Value& self, const Arguments& arguments) {
  const auto a = arguments.bind("sum", {"attribute", "start"});
  Value total = given(a[1], Value::integer(0));
  if (total.is(Kind::kString)) fail("sum does not join strings; use \"| join\"");
  for (const Value& item : items_of(render.heap(), self)) {
    const Value part = absent(a[0]) ? item : value_at(render, item, *a[0]);
    total = arithmetic(render.heap(), Operator::kAdd, total, part);
  }
  return total;
}

Value batch(Render& render, const Value& self, const Arguments& arguments) {
  Heap& heap = render.heap();
  const auto a = arguments.bind("batch", {"linecount", "fill_with"}, 1);
  const int64_t size = need_integer(*a[0], "the size of a batch");
  std::vector<Value> rows, row;
  for (const Value& item : items_of(heap, self)) {
    if (int64_t(row.size()) == size) heap.push(rows, heap.list(std::exchange(row, {})));
    heap.push(row, item);
  }
  if (!row.empty()) {
    while (!absent(a[1]) && int64_t(row.size()) < size) heap.push(row, *a[1]);
    heap.push(rows, heap.list(std::move(row)));
  }
  return heap.list(std::move(rows), Sequence::kGenerator);
}

Value dict_sort(Render& render, const Value& self, const Arguments& arguments) {
  Heap& heap = render.heap();
  const auto a = arguments.bind("dictsort", {"case_sensitive", "by", "reverse"});
  const std::string_view by = need_string(given(a[1], Value::string("key")), "by");
  if (by != "key" && by != "value") fail("dictsort goes by \"key\" or by \"value\"");
  if (!self.is(Kind::kDict)) {
    need_defined(self);
    fail("dictsort needs a dictionary, not a " + std::string(type_name(self)));
  }
  const Key key(render, a[0], nullptr);
  std::vector<Value> items, keys;
  for (const auto& [k, v] : self.as_dict().entries) {
    heap.push(items, heap.pair(k, v));
    heap.push(keys, key(by == "key" ? k : v));
  }
  return heap.list(sorted(heap, items, keys, flag(a[2])));
}

Value items(Render& render, const Value& self, const Arguments& arguments) {
  (void)arguments.bind("items", {});
  Heap& heap = render.heap();
  std::vector<Value> out;
  if (self.is(Kind::kDict)) {
    for (const auto& [k, v] : self.as_dict().entries) heap.push(out, heap.pair(k, v));
  } else if (!self.is(Kind::kUndefined)) {
    fail("items needs a dictionary, not a " + std::string(type_name(self)));
  }
  return heap.list(std::move(out), Sequence::kGenerator);
}

}  // namespace

const std::vector<Named>& list_filters() {
  static const std::vector<Named> table = {
      {"length", count},  {"count", count},        {"first", first},     {"last", last},
      {"list", to_list},  {"join", join},          {"reverse", reverse}, {"sort", sort},
      {"unique", unique}, {"min", minimum},        {"max", maximum},     {"sum", sum},
      {"batch", batch},   {"dictsort", dict_sort}, {"items", items}};
  return table;
}

}  // namespace maie::prompt
