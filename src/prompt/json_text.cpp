#include <algorithm>
#include <cmath>
#include <cstdio>

#include "prompt/failure.h"
#include "prompt/operations.h"
#include "prompt/python_text.h"
#include "text/utf8.h"

namespace maie::prompt {
namespace {

/// A string of the caller's document: itself where it is valid UTF-8.
Value outside_text(Heap& heap, const std::string& text) {
  heap.charge_text(text.size());
  std::string repaired = text::repair_utf8(text);
  return repaired == text ? Value::string(text) : heap.text(std::move(repaired));
}

class Writer {
 public:
  Writer(Heap& heap, const JsonStyle& style) : heap_(heap), style_(style) {}

  void write(const Value& value, size_t depth) {
    heap_.step();
    if (depth > heap_.limits().data_depth) {
      over_limit("a value for tojson is nested more than " +
                 std::to_string(heap_.limits().data_depth) + " levels deep");
    }
    switch (value.kind()) {
      case Kind::kNone: return append("null");
      case Kind::kBool: return append(value.as_bool() ? "true" : "false");
      case Kind::kInt: return append(std::to_string(value.as_int()));
      case Kind::kFloat: return append(number(value.as_double()));
      case Kind::kString: return quoted(value.text());
      case Kind::kList:
        if (value.as_list().sort != Sequence::kList && value.as_list().sort != Sequence::kTuple) {
          break;
        }
        return list(value.as_list().items, depth);
      case Kind::kDict: return object(value.as_dict(), depth);
      default: break;
    }
    need_defined(value);
    fail("a " + std::string(type_name(value)) +
         " cannot be written as JSON; put \"| list\" before "
         "\"| tojson\" if it is a sequence");
  }

  std::string take() { return std::move(out_); }

 private:
  void append(std::string_view text) {
    heap_.charge_bytes(text.size());
    out_ += text;
  }

  static std::string number(double d) {
    if (std::isnan(d)) return "NaN";
    if (std::isinf(d)) return d < 0 ? "-Infinity" : "Infinity";
    return float_text(d);
  }

  void new_line(size_t depth) {
    if (!style_.indented) return;
    append("\n");
    for (size_t i = 0; i < depth; ++i) append(style_.indent);
  }

  void list(const std::vector<Value>& items, size_t depth) {
    if (items.empty()) return append("[]");
    append("[");
    for (size_t i = 0; i < items.size(); ++i) {
      if (i > 0) append(style_.item_separator);
      new_line(depth + 1);
      write(items[i], depth + 1);
    }
    new_line(depth);
    append("]");
  }

  void object(const Dict& dict, size_t depth) {
    if (dict.entries.empty()) return append("{}");
    auto entries = dict.entries;
    if (style_.sort_keys) {
      std::stable_sort(entries.begin(), entries.end(),
                       [&](const auto& a, const auto& b) { return less(heap_, a.first, b.first); });
    }
    append("{");
    for (size_t i = 0; i < entries.size(); ++i) {
      if (i > 0) append(style_.item_separator);
      new_line(depth + 1);
      key(entries[i].first);
      append(style_.key_separator);
      write(entries[i].second, depth + 1);
    }
    new_line(depth);
    append("}");
  }

  void key(const Value& key) {
    switch (key.kind()) {
      case Kind::kString: return quoted(key.text());
      case Kind::kNone: return quoted("null");
      case Kind::kBool: return quoted(key.as_bool() ? "true" : "false");
      case Kind::kInt: return quoted(std::to_string(key.as_int()));
      case Kind::kFloat: return quoted(number(key.as_double()));
      default: fail("a " + std::string(type_name(key)) + " cannot be a key in JSON");
    }
  }

  void escaped(unsigned unit) {
    char text[16];
    std::snprintf(text, sizeof(text), "\\u%04x", unit);
    append(text);
  }

  void quoted(std::string_view text) {
    heap_.charge_text(text.size());
    append("\"");
    size_t plain = 0;  // the start of what needs no escape
    for (size_t at = 0; at < text.size();) {
      const size_t start = at;
      const char32_t c = next_code_point(text, at);
      if (c >= 0x20 && c != '"' && c != '\\' && (c < 0x7F || !style_.ensure_ascii)) continue;
      append(text.substr(plain, start - plain));
      plain = at;
      switch (c) {
        case '"': append("\\\""); break;
        case '\\': append("\\\\"); break;
        case '\n': append("\\n"); break;
        case '\r': append("\\r"); break;
        case '\t': append("\\t"); break;
        case '\f': append("\\f"); break;
        case '\b': append("\\b"); break;
        default:
          if (c >= 0x10000) {
            escaped(0xD800 + unsigned((c - 0x10000) >> 10));
            escaped(0xDC00 + unsigned((c - 0x10000) & 0x3FF));
          } else {
            escaped(unsigned(c));
          }
      }
    }
    append(text.substr(plain));
    append("\"");
  }

  Heap& heap_;
  const JsonStyle& style_;
  std::string out_;
};

}  // namespace

Value from_json(Heap& heap, const Json& json, size_t depth) {
  if (depth > heap.limits().data_depth) {
    over_limit("the data is nested more than " + std::to_string(heap.limits().data_depth) +
               " levels deep");
  }
  switch (json.type()) {
    case Json::value_t::boolean: return Value::boolean(json.get<bool>());
    case Json::value_t::number_integer: return Value::integer(json.get<int64_t>());
    case Json::value_t::number_unsigned: {
      const uint64_t number = json.get<uint64_t>();
      if (number > uint64_t(INT64_MAX)) {
        fail("the data holds the whole number " + std::to_string(number) +
             ", which does not fit 64 bits with a sign");
      }
      return Value::integer(int64_t(number));
    }
    case Json::value_t::number_float: return Value::number(json.get<double>());
    case Json::value_t::string: return outside_text(heap, json.get_ref<const std::string&>());
    case Json::value_t::array: {
      std::vector<Value> items;
      for (const Json& item : json) heap.push(items, from_json(heap, item, depth + 1));
      return heap.list(std::move(items));
    }
    case Json::value_t::object: {
      const Value dict = heap.dict();
      for (auto it = json.begin(); it != json.end(); ++it) {
        const Value key = outside_text(heap, it.key());
        heap.set(dict.as_dict(), key, from_json(heap, *it, depth + 1));
      }
      return dict;
    }
    default: return Value::none();
  }
}

std::string to_json(Heap& heap, const Value& value, const JsonStyle& style) {
  Writer writer(heap, style);
  writer.write(value, 0);
  return writer.take();
}

}  // namespace maie::prompt
