#include <algorithm>

#include "prompt/builtin_support.h"

namespace maie::prompt {
namespace {

Value dict_get(Render& render, const Value& self, const Arguments& arguments) {
  const auto a = arguments.bind("get", {"key", "default"}, 1);
  charge_key(render.heap(), *a[0]);
  (void)hash(*a[0]);
  const Value* found = self.as_dict().find(*a[0]);
  return found != nullptr ? *found : given(a[1], Value::none());
}

template <Sequence sort>
Value dict_view(Render& render, const Value& self, const Arguments& arguments) {
  (void)arguments.bind("this method", {});
  Heap& heap = render.heap();
  std::vector<Value> out;
  for (const auto& [key, value] : self.as_dict().entries) {
    heap.push(out, sort == Sequence::kItems  ? heap.pair(key, value)
                   : sort == Sequence::kKeys ? key
                                             : value);
  }
  return heap.list(std::move(out), sort);
}

Value dict_copy(Render& render, const Value& self, const Arguments& arguments) {
  (void)arguments.bind("copy", {});
  const Value copy = render.heap().dict();
  for (const auto& [key, value] : self.as_dict().entries) {
    render.heap().set(copy.as_dict(), key, value);
  }
  return copy;
}

Value list_copy(Render& render, const Value& self, const Arguments& arguments) {
  (void)arguments.bind("copy", {});
  return render.heap().list(items_of(render.heap(), self));
}

Value list_count(Render& render, const Value& self, const Arguments& arguments) {
  const auto a = arguments.bind("count", {"value"}, 1);
  int64_t hits = 0;
  for (const Value& item : self.as_list().items) hits += equals(render.heap(), item, *a[0]) ? 1 : 0;
  return Value::integer(hits);
}

Value list_index(Render& render, const Value& self, const Arguments& arguments) {
  const auto a = arguments.bind("index", {"value", "start", "stop"}, 1);
  const auto& items = self.as_list().items;
  const int64_t size = int64_t(items.size());
  const auto position = [&](const Value* v, int64_t fallback) {
    const int64_t i = v == nullptr ? fallback : need_integer(*v, "a position");
    return i < 0 ? std::max<int64_t>(0, i + size) : std::min(i, size);
  };
  for (int64_t i = position(a[1], 0), end = position(a[2], size); i < end; ++i) {
    if (equals(render.heap(), items[size_t(i)], *a[0])) return Value::integer(i);
  }
  fail("the list does not contain what index() looks for");
}

struct Methods {
  std::vector<Named> callable;
  std::vector<std::string_view> forbidden;  ///< they would change the object
};

const Methods* methods_of_type(const Value& value) {
  static const Methods text = {text_methods(), {}};
  static const Methods dict = {{{"get", dict_get},
                                {"items", dict_view<Sequence::kItems>},
                                {"keys", dict_view<Sequence::kKeys>},
                                {"values", dict_view<Sequence::kValues>},
                                {"copy", dict_copy}},
                               {"clear", "pop", "popitem", "setdefault", "update"}};
  static const Methods list = {
      {{"copy", list_copy}, {"count", list_count}, {"index", list_index}},
      {"append", "clear", "extend", "insert", "pop", "remove", "reverse", "sort"}};
  static const Methods tuple = {{{"count", list_count}, {"index", list_index}}, {}};
  if (value.is(Kind::kString)) return &text;
  if (value.is(Kind::kDict)) return &dict;
  if (!value.is(Kind::kList)) return nullptr;
  const Sequence sort = value.as_list().sort;
  return sort == Sequence::kList                                ? &list
         : sort == Sequence::kTuple || sort == Sequence::kRange ? &tuple
                                                                : nullptr;
}

/// Reads the fields of a format, {like.this[0]!r}.
class BraceFormat {
 public:
  BraceFormat(Render& render, std::string_view format, const Arguments& arguments)
      : render_(render), format_(format), arguments_(arguments) {}

  std::string run() {
    std::string out;
    for (size_t at = 0; at < format_.size();) {
      const char c = format_[at];
      if ((c == '{' || c == '}') && at + 1 < format_.size() && format_[at + 1] == c) {
        out += c;
        at += 2;
      } else if (c == '{') {
        const size_t close = format_.find('}', at);
        if (close == std::string_view::npos) fail("a field of format() has no \"}\"");
        const std::string text = field(format_.substr(at + 1, close - at - 1));
        render_.heap().charge_bytes(text.size());
        out += text;
        at = close + 1;
      } else if (c == '}') {
        fail("a \"}\" of format() has no \"{\"; write \"}}\"");
      } else {
        out += c;
        ++at;
      }
    }
    return out;
  }

 private:
  std::string field(std::string_view text) {
    if (text.find_first_of(":{") != std::string_view::npos) {
      fail("format() takes no format specification; use \"%.2f\" % value, or \"| round\"");
    }
    const size_t mark = text.find('!');
    const std::string_view conversion = mark == std::string_view::npos ? "!s" : text.substr(mark);
    if (conversion != "!s" && conversion != "!r") fail("format() knows the conversions !s and !r");
    const Value value = walk(text.substr(0, mark));
    return conversion == "!r" ? repr(render_.heap(), value) : to_text(render_.heap(), value);
  }

  static bool is_number(std::string_view text) {
    return !text.empty() && text.size() < 10 &&
           text.find_first_not_of("0123456789") == std::string_view::npos;
  }

  Value walk(std::string_view path) {
    size_t end = std::min(path.find_first_of(".["), path.size());
    Value value = argument(path.substr(0, end));
    path.remove_prefix(end);
    while (!path.empty()) {
      const bool index = path[0] == '[';
      path.remove_prefix(1);
      end = std::min(index ? path.find(']') : path.find_first_of(".["), path.size());
      const std::string_view key = path.substr(0, end);
      if (index && end == path.size()) fail("a field of format() has no \"]\"");
      value = !index ? render_.attribute(value, key)
                     : item_of(render_.heap(), value,
                               is_number(key) ? Value::integer(std::stoll(std::string(key)))
                                              : Value::string(key));
      need_defined(value);
      path.remove_prefix(end + (index ? 1 : 0));
    }
    return value;
  }

  Value argument(std::string_view name) {
    if (name.empty() || is_number(name)) {
      const size_t at = name.empty() ? next_++ : size_t(std::stoull(std::string(name)));
      numbered_ = numbered_ || !name.empty();
      if (numbered_ && next_ > 0) fail("the fields of format() are all numbered, or none is");
      if (at < arguments_.positional.size()) return arguments_.positional[at];
      fail("format() has a field for argument " + std::to_string(at) + ", which is not there");
    }
    for (const auto& [known, value] : arguments_.named) {
      if (known == name) return value;
    }
    fail("format() has no argument \"" + std::string(name) + "\"");
  }

  Render& render_;
  std::string_view format_;
  const Arguments& arguments_;
  size_t next_ = 0;
  bool numbered_ = false;
};

}  // namespace

Value format_braces(Render& render, const Value& self, const Arguments& arguments) {
  render.heap().charge_text(self.text().size());
  return render.heap().text(BraceFormat(render, self.text(), arguments).run());
}

Value method_of(Heap& heap, const Value& value, std::string_view name) {
  const Methods* methods = methods_of_type(value);
  if (methods == nullptr) return Value::none();
  const auto found = std::find_if(methods->callable.begin(), methods->callable.end(),
                                  [&](const Named& m) { return m.name == name; });
  if (found != methods->callable.end()) {
    Function function;
    function.name = found->name;
    function.builtin = found->builtin;
    function.self = value;
    return heap.function(function);
  }
  if (std::find(methods->forbidden.begin(), methods->forbidden.end(), name) !=
      methods->forbidden.end()) {
    return heap.undefined("a template cannot change a " + std::string(type_name(value)) + " with " +
                          std::string(name) + "(); build a new one, or use a namespace()");
  }
  return Value::none();
}

}  // namespace maie::prompt
