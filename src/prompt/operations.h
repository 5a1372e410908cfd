#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "prompt/value.h"

/// What Python does with values: truth, comparison, printing, indexing, arithmetic.
namespace maie::prompt {

/// Python's name of the value's type: "str", "list", ...
std::string_view type_name(const Value& value);

/// A value where an undefined one cannot serve; throws Failure with the reason it is undefined.
void need_defined(const Value& value);

bool truth(const Value& value);
/// Number of items or code points; throws Failure for what has none.
int64_t length(const Value& value);

bool equals(Heap& heap, const Value& a, const Value& b, size_t depth = 0);
/// a < b; throws Failure where Python would raise TypeError.
bool less(Heap& heap, const Value& a, const Value& b, size_t depth = 0);
/// For keys of dictionaries: equal keys have the same hash. Throws Failure for what cannot be a
/// key: lists, dictionaries, and tuples of more than 16 items or with tuples in them.
size_t hash(const Value& key, size_t depth = 0);
/// Counts the work of looking a key up, before it is hashed.
void charge_key(Heap& heap, const Value& key);
/// Equality of two values that have a hash.
bool same_key(const Value& a, const Value& b);
bool contains(Heap& heap, const Value& container, const Value& item);

/// str(value) and repr(value).
std::string to_text(Heap& heap, const Value& value);
std::string repr(Heap& heap, const Value& value, size_t depth = 0);
/// str(value) as a string value; the value itself when it is one.
Value as_string(Heap& heap, const Value& value);
/// repr(float).
std::string float_text(double value);

/// The items of whatever can be looped over; consumes a generator. Throws Failure for what cannot.
std::vector<Value> items_of(Heap& heap, const Value& value);

enum class Operator : uint8_t {
  kAdd,
  kSubtract,
  kMultiply,
  kDivide,
  kFloorDivide,
  kModulo,
  kPower
};
Value arithmetic(Heap& heap, Operator op, const Value& a, const Value& b);
/// The texts after one another; where one is safe, the others are escaped first.
Value concatenate(Heap& heap, const std::vector<Value>& parts, bool escape);
/// `&` `<` `>` `'` `"` as HTML writes them.
std::string escape_html(std::string_view text);

/// container[key] without the attributes; undefined when there is none.
Value item_of(Heap& heap, const Value& container, const Value& key);
/// container[from:to:step]; an undefined or none bound is absent.
Value slice(Heap& heap, const Value& container, const Value& from, const Value& to,
            const Value& step);

/// The whole number in `value`; throws Failure that names `what` otherwise.
int64_t need_integer(const Value& value, std::string_view what);
std::string_view need_string(const Value& value, std::string_view what);

/// Values of `json`, whose strings they point into. Throws Failure for numbers beyond 64 bits.
Value from_json(Heap& heap, const Json& json, size_t depth = 0);
/// Python's "%" of a string.
Value format_percent(Heap& heap, const Value& format, const Value& arguments);

/// How JSON is written; json.dumps of Python.
struct JsonStyle {
  bool indented = false;
  std::string indent;  ///< of one level
  std::string item_separator = ", ";
  std::string key_separator = ": ";
  bool ensure_ascii = false;
  bool sort_keys = false;
};
std::string to_json(Heap& heap, const Value& value, const JsonStyle& style);

}  // namespace maie::prompt
