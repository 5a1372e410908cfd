#include "prompt/value.h"

#include <algorithm>

#include "prompt/failure.h"
#include "prompt/operations.h"

namespace maie::prompt {

Value Value::boolean(bool b) {
  Value value(Kind::kBool);
  value.int_ = b ? 1 : 0;
  return value;
}

Value Value::integer(int64_t i) {
  Value value(Kind::kInt);
  value.int_ = i;
  return value;
}

Value Value::number(double d) {
  Value value(Kind::kFloat);
  value.double_ = d;
  return value;
}

Value Value::string(std::string_view text, bool safe) {
  check(text.size() <= UINT32_MAX, "a text of 4 GiB in a template");
  Value value(Kind::kString);
  value.safe_ = safe;
  value.size_ = uint32_t(text.size());
  value.text_ = text.data() == nullptr ? "" : text.data();
  return value;
}

Value Value::undefined(std::string_view why) {
  Value value = string(why);
  value.kind_ = Kind::kUndefined;
  return value;
}

Value Value::list(List* list) {
  Value value(Kind::kList);
  value.list_ = list;
  return value;
}

Value Value::dict(Dict* dict) {
  Value value(Kind::kDict);
  value.dict_ = dict;
  return value;
}

Value Value::name_space(Dict* attributes) {
  Value value(Kind::kNamespace);
  value.dict_ = attributes;
  return value;
}

Value Value::function(const Function* function) {
  Value value(Kind::kFunction);
  value.function_ = function;
  return value;
}

Value Value::loop(LoopState* loop) {
  Value value(Kind::kLoop);
  value.loop_ = loop;
  return value;
}

const Value* Dict::find(const Value& key) const {
  if (entries.size() < kIndexed) {
    for (const auto& [k, v] : entries) {
      if (same_key(k, key)) return &v;
    }
    return nullptr;
  }
  const auto [first, last] = index.equal_range(hash(key));
  for (auto it = first; it != last; ++it) {
    if (same_key(entries[it->second].first, key)) return &entries[it->second].second;
  }
  return nullptr;
}

void Dict::set(const Value& key, const Value& value) {
  const size_t code = hash(key);  // also refuses what cannot be a key
  if (const Value* found = find(key)) {
    *const_cast<Value*>(found) = value;
    return;
  }
  entries.emplace_back(key, value);
  if (entries.size() == kIndexed) {
    for (size_t i = 0; i < entries.size(); ++i) index.emplace(hash(entries[i].first), i);
  } else if (entries.size() > kIndexed) {
    index.emplace(code, entries.size() - 1);
  }
}

std::vector<const Value*> Arguments::bind(std::string_view function,
                                          std::initializer_list<std::string_view> parameters,
                                          size_t required) const {
  std::vector<const Value*> bound(parameters.size(), nullptr);
  if (positional.size() > bound.size()) {
    fail(std::string(function) + "() takes at most " + std::to_string(bound.size()) +
         " arguments, not " + std::to_string(positional.size()));
  }
  for (size_t i = 0; i < positional.size(); ++i) bound[i] = &positional[i];
  for (const auto& [name, value] : named) {
    const auto* at = std::find(parameters.begin(), parameters.end(), name);
    if (at == parameters.end()) {
      fail(std::string(function) + "() has no parameter \"" + std::string(name) + "\"");
    }
    const Value*& slot = bound[size_t(at - parameters.begin())];
    if (slot != nullptr) {
      fail(std::string(function) + "() got \"" + std::string(name) + "\" twice");
    }
    slot = &value;
  }
  for (size_t i = 0; i < required; ++i) {
    if (bound[i] == nullptr) {
      fail(std::string(function) + "() needs the argument \"" + std::string(parameters.begin()[i]) +
           "\"");
    }
  }
  return bound;
}

void Heap::too_many_steps() const {
  over_limit("the template does more than " + std::to_string(limits_.steps) +
             " steps of work; shorten its loops or its input, or raise the limit");
}

void Heap::charge_bytes(size_t bytes) {
  if (bytes > limits_.value_bytes - bytes_) {
    over_limit("the template's values take more than " + std::to_string(limits_.value_bytes) +
               " bytes; shorten its loops or its input, or raise the limit");
  }
  bytes_ += bytes;
}

Value Heap::text(std::string text, bool safe) {
  charge_text(text.size());
  charge_bytes(text.size() + sizeof(std::string));
  texts_.push_back(std::move(text));
  return Value::string(texts_.back(), safe);
}

Value Heap::list(std::vector<Value> items, Sequence sort) {
  step();
  charge_bytes(sizeof(List));
  lists_.push_back({std::move(items), sort, false, 0, 0, 1});
  return Value::list(&lists_.back());
}

Value Heap::pair(const Value& a, const Value& b) {
  charge_bytes(2 * sizeof(Value));
  return list({a, b}, Sequence::kTuple);
}

Value Heap::dict() {
  step();
  charge_bytes(sizeof(Dict));
  return Value::dict(&dicts_.emplace_back());
}

Value Heap::function(Function function) {
  charge_bytes(sizeof(Function));
  return Value::function(&functions_.emplace_back(function));
}

void Heap::set(Dict& dict, const Value& key, const Value& value) {
  charge_key(*this, key);
  charge_bytes(4 * sizeof(Value));  // the entry and its place in the index
  dict.set(key, value);
}

}  // namespace maie::prompt
