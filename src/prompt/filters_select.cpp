#include <algorithm>

#include "prompt/builtin_support.h"

namespace maie::prompt {
namespace {

/// The arguments without the first `count` plain ones.
Arguments rest_of(const Arguments& arguments, size_t count) {
  Arguments rest = arguments;
  count = std::min(count, rest.positional.size());
  rest.positional.erase(rest.positional.begin(), rest.positional.begin() + std::ptrdiff_t(count));
  return rest;
}

Value map(Render& render, const Value& self, const Arguments& arguments) {
  Heap& heap = render.heap();
  std::vector<Value> out;
  if (!truth(self)) return heap.list({}, Sequence::kGenerator);  // also of none, as in jinja2
  if (arguments.positional.empty()) {
    const auto a = arguments.bind("map", {"attribute", "default"}, 1);
    for (const Value& item : items_of(heap, self)) {
      const Value value = value_at(render, item, *a[0]);
      heap.push(out, value.is(Kind::kUndefined) ? given(a[1], value) : value);
    }
    return heap.list(std::move(out), Sequence::kGenerator);
  }
  const std::string_view name = need_string(arguments.positional[0], "the filter of map()");
  const Builtin filter = find_filter(name);
  const Arguments rest = rest_of(arguments, 1);
  for (const Value& item : items_of(heap, self)) {
    if (filter == nullptr) fail("there is no filter \"" + std::string(name) + "\"");
    heap.push(out, render.apply(filter, item, rest));
  }
  return heap.list(std::move(out), Sequence::kGenerator);
}

/// The items that pass the test (or fail it, unless `wanted`). With `by_attribute` the first
/// argument names what of the item is tested; without a test its truth counts.
Value chosen(Render& render, const Value& self, const Arguments& arguments, bool by_attribute,
             bool wanted) {
  Heap& heap = render.heap();
  const size_t names = by_attribute ? 1 : 0;
  if (!truth(self)) return heap.list({}, Sequence::kGenerator);
  if (arguments.positional.size() < names) fail("this filter needs the name of an attribute");
  Builtin test = nullptr;
  std::string_view name;
  if (arguments.positional.size() > names) {
    name = need_string(arguments.positional[names], "the name of a test");
    test = find_test(name);
  }
  const Arguments rest = rest_of(arguments, names + 1);
  std::vector<Value> out;
  for (const Value& item : items_of(heap, self)) {
    if (test == nullptr && !name.empty()) fail("there is no test \"" + std::string(name) + "\"");
    const Value value = by_attribute ? value_at(render, item, arguments.positional[0]) : item;
    const bool passes = truth(test != nullptr ? render.apply(test, value, rest) : value);
    if (passes == wanted) heap.push(out, item);
  }
  return heap.list(std::move(out), Sequence::kGenerator);
}

template <bool by_attribute, bool wanted>
Value choose(Render& render, const Value& self, const Arguments& arguments) {
  return chosen(render, self, arguments, by_attribute, wanted);
}

}  // namespace

const std::vector<Named>& select_filters() {
  static const std::vector<Named> table = {{"map", map},
                                           {"select", choose<false, true>},
                                           {"reject", choose<false, false>},
                                           {"selectattr", choose<true, true>},
                                           {"rejectattr", choose<true, false>}};
  return table;
}

}  // namespace maie::prompt
