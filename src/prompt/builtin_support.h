#pragma once

#include <string>
#include <string_view>

#include "prompt/builtins.h"
#include "prompt/failure.h"
#include "prompt/operations.h"
#include "prompt/python_text.h"
#include "prompt/render.h"

/// What the filters and methods have in common.
namespace maie::prompt {

/// The argument, or the fallback where it was not given.
inline Value given(const Value* argument, const Value& fallback) {
  return argument != nullptr ? *argument : fallback;
}
inline bool flag(const Value* argument, bool fallback = false) {
  return argument != nullptr ? truth(*argument) : fallback;
}
inline bool absent(const Value* argument) {
  return argument == nullptr || argument->is(Kind::kNone);
}

/// The characters a strip takes away; nullptr for white space. `storage` holds the text.
inline const std::string_view* characters(const Value* argument, std::string_view& storage) {
  if (absent(argument)) return nullptr;
  storage = need_string(*argument, "the characters to strip");
  return &storage;
}

/// `count` times `fill`; throws Failure before too much memory is used.
inline std::string padding(Heap& heap, int64_t count, std::string_view fill = " ") {
  std::string out;
  if (count <= 0) return out;
  if (size_t(count) > heap.limits().value_bytes / fill.size()) {
    over_limit("a text is padded to more than " + std::to_string(heap.limits().value_bytes) +
               " bytes");
  }
  heap.charge_bytes(size_t(count) * fill.size());
  for (int64_t i = 0; i < count; ++i) out += fill;
  return out;
}

/// str.replace, with the size of the result counted before it is made. A negative count is all.
Value replaced(Heap& heap, std::string_view text, std::string_view from, std::string_view to,
               int64_t count, bool safe);
/// str.center.
Value centered(Heap& heap, std::string_view text, int64_t width, std::string_view fill);
/// str.splitlines; the lines are views of `text`.
std::vector<std::string_view> split_lines(std::string_view text, bool keep_ends = false);

/// str.format with fields {}, {0}, {name}, {a.b}, {a[0]} and !r, without format specifications.
Value format_braces(Render& render, const Value& self, const Arguments& arguments);

/// `value.a.b.0` as filters with an attribute find it: elements before attributes.
Value value_at(Render& render, const Value& value, const Value& path);

}  // namespace maie::prompt
