#pragma once

#include <cstdint>
#include <deque>
#include <initializer_list>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "prompt/limits.h"

namespace maie::prompt {

class Heap;
class Render;
struct List;
struct Dict;
struct Function;
struct LoopState;
struct MacroData;
struct BlockCall;

enum class Kind : uint8_t {
  kUndefined,
  kNone,
  kBool,
  kInt,
  kFloat,
  kString,
  kList,
  kDict,
  kNamespace,
  kFunction,
  kLoop,
};

/// A value of the template language: 16 bytes, copied freely, owns nothing. What it points to
/// belongs to the Heap of the render, to the parsed template (constants) or to the caller's JSON,
/// and all of these outlive the render. Strings are valid UTF-8.
class Value {
 public:
  Value() : text_("") {}
  static Value none() { return Value(Kind::kNone); }
  static Value boolean(bool b);
  static Value integer(int64_t i);
  static Value number(double d);
  /// `safe` text is not escaped again where escaping is on (jinja2's Markup).
  static Value string(std::string_view text, bool safe = false);
  /// `why` is the message of the error that using the value will give.
  static Value undefined(std::string_view why);
  static Value list(List* list);
  static Value dict(Dict* dict);
  static Value name_space(Dict* attributes);
  static Value function(const Function* function);
  static Value loop(LoopState* loop);

  Kind kind() const { return kind_; }
  bool is(Kind kind) const { return kind_ == kind; }
  bool is_number() const { return kind_ >= Kind::kBool && kind_ <= Kind::kFloat; }
  bool is_integral() const { return kind_ == Kind::kBool || kind_ == Kind::kInt; }
  bool is_safe() const { return kind_ == Kind::kString && safe_; }

  // Each only for its kind.
  bool as_bool() const { return int_ != 0; }
  int64_t as_int() const { return int_; }  ///< also of a bool
  double as_double() const { return kind_ == Kind::kFloat ? double_ : double(int_); }
  std::string_view text() const { return {text_, size_}; }  ///< of a string or an undefined
  List& as_list() const { return *list_; }
  Dict& as_dict() const { return *dict_; }  ///< also of a namespace
  const Function& as_function() const { return *function_; }
  LoopState& as_loop() const { return *loop_; }
  const void* address() const { return text_; }

 private:
  explicit Value(Kind kind) : kind_(kind), int_(0) {}
  Kind kind_ = Kind::kUndefined;
  bool safe_ = false;
  uint32_t size_ = 0;
  union {
    int64_t int_;
    double double_;
    const char* text_;
    List* list_;
    Dict* dict_;
    const Function* function_;
    LoopState* loop_;
  };
};

/// What Python would call a list; most of the difference between the sorts is how they print.
enum class Sequence : uint8_t { kList, kTuple, kRange, kKeys, kValues, kItems, kGenerator };

struct List {
  std::vector<Value> items;
  Sequence sort = Sequence::kList;
  bool consumed = false;                  ///< a generator can be walked once
  int64_t start = 0, stop = 0, step = 1;  ///< of a range, for printing
};

/// A dictionary in insertion order. Keys may be anything Python can hash.
struct Dict {
  std::vector<std::pair<Value, Value>> entries;
  std::unordered_multimap<size_t, size_t>
      index;  ///< hash to entry; filled from kIndexed entries on

  static constexpr size_t kIndexed = 9;
  const Value* find(const Value& key) const;
  const Value* find(std::string_view key) const { return find(Value::string(key)); }
  void set(const Value& key, const Value& value);
};

/// The arguments of a call.
struct Arguments {
  std::vector<Value> positional;
  std::vector<std::pair<std::string_view, Value>> named;
  Value caller;  ///< the function of a call block; undefined otherwise

  /// The arguments by parameter name, nullptr where absent; fails when one is unknown or given
  /// twice.
  std::vector<const Value*> bind(std::string_view function,
                                 std::initializer_list<std::string_view> parameters,
                                 size_t required = 0) const;
};

/// A filter, test, method or global. `self` is the value it is applied to.
using Builtin = Value (*)(Render& render, const Value& self, const Arguments& arguments);

/// Something that can be called.
struct Function {
  std::string_view name;
  Builtin builtin = nullptr;
  Value self;                        ///< of a bound method
  const MacroData* macro = nullptr;  ///< instead of a builtin
  const BlockCall* block = nullptr;  ///< instead of a builtin
};

/// Owns what a render makes, and counts it. Everything is freed at once with the heap, so that
/// values in circles (a namespace that holds itself) cost nothing and nothing dangles. One render
/// at a time.
class Heap {
 public:
  explicit Heap(const Limits& limits) : limits_(limits) {}
  Heap(const Heap&) = delete;
  Heap& operator=(const Heap&) = delete;

  /// Counts work; throws Failure at the limit.
  void step(size_t count = 1) {
    steps_ += count;
    if (steps_ > limits_.steps) too_many_steps();
  }
  void charge_text(size_t bytes) { step(1 + bytes / 32); }
  /// Counts memory about to be used; throws Failure at the limit.
  void charge_bytes(size_t bytes);

  Value text(std::string text, bool safe = false);
  /// A list of `items`, already charged per item by whoever made them.
  Value list(std::vector<Value> items, Sequence sort = Sequence::kList);
  Value pair(const Value& a, const Value& b);
  Value dict();
  Value function(Function function);
  Value undefined(std::string why) { return Value::undefined(text(std::move(why)).text()); }
  void set(Dict& dict, const Value& key, const Value& value);
  void push(std::vector<Value>& items, const Value& value) {
    step();
    charge_bytes(sizeof(Value));
    items.push_back(value);
  }

  const Limits& limits() const { return limits_; }

 private:
  [[noreturn]] void too_many_steps() const;
  const Limits& limits_;
  size_t steps_ = 0;
  size_t bytes_ = 0;
  std::deque<std::string> texts_;
  std::deque<List> lists_;
  std::deque<Dict> dicts_;
  std::deque<Function> functions_;
};

}  // namespace maie::prompt
