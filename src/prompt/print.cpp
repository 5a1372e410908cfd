#include <charconv>
#include <cmath>

#include "prompt/failure.h"
#include "prompt/operations.h"
#include "prompt/python_text.h"
#include "prompt/render.h"

namespace maie::prompt {
namespace {

std::string joined(Heap& heap, const std::vector<Value>& items, std::string_view open,
                   std::string_view close, size_t depth) {
  std::string out(open);
  for (size_t i = 0; i < items.size(); ++i) {
    if (i > 0) out += ", ";
    out += repr(heap, items[i], depth + 1);
  }
  return out += close;
}

std::string list_text(Heap& heap, const List& list, size_t depth) {
  switch (list.sort) {
    case Sequence::kTuple:
      return joined(heap, list.items, "(", list.items.size() == 1 ? ",)" : ")", depth);
    case Sequence::kRange:
      return "range(" + std::to_string(list.start) + ", " + std::to_string(list.stop) +
             (list.step == 1 ? ")" : ", " + std::to_string(list.step) + ")");
    case Sequence::kKeys: return joined(heap, list.items, "dict_keys([", "])", depth);
    case Sequence::kValues: return joined(heap, list.items, "dict_values([", "])", depth);
    case Sequence::kItems: return joined(heap, list.items, "dict_items([", "])", depth);
    case Sequence::kGenerator:
      fail(
          "the result of this filter can be looped over, not printed; put \"| list\" or "
          "\"| join\" behind it");
    case Sequence::kList: break;
  }
  return joined(heap, list.items, "[", "]", depth);
}

std::string dict_text(Heap& heap, const Dict& dict, size_t depth) {
  std::string out = "{";
  for (const auto& [key, value] : dict.entries) {
    if (out.size() > 1) out += ", ";
    out += repr(heap, key, depth + 1) + ": " + repr(heap, value, depth + 1);
  }
  return out + "}";
}

}  // namespace

std::string float_text(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value < 0 ? "-inf" : "inf";
  char digits[64];
  const auto end =
      std::to_chars(digits, digits + sizeof(digits), value, std::chars_format::scientific);
  const std::string_view shortest(digits, size_t(end.ptr - digits));
  const size_t e = shortest.find('e');
  int exponent = 0;
  const size_t sign = shortest[e + 1] == '+' ? 1 : 0;  // from_chars does not take a plus
  std::from_chars(shortest.data() + e + 1 + sign, end.ptr, exponent);
  if (exponent < -4 || exponent >= 16) return std::string(shortest);  // both write e-05, 1e+16
  const auto fixed =
      std::to_chars(digits, digits + sizeof(digits), value, std::chars_format::fixed);
  std::string out(digits, size_t(fixed.ptr - digits));
  if (out.find('.') == std::string::npos) out += ".0";
  return out;
}

std::string repr(Heap& heap, const Value& value, size_t depth) {
  heap.step();
  heap.charge_bytes(24);  // the text of a number
  if (depth > heap.limits().data_depth) {
    over_limit("a value to print is nested more than " + std::to_string(heap.limits().data_depth) +
               " levels deep");
  }
  switch (value.kind()) {
    case Kind::kUndefined: return "Undefined";
    case Kind::kNone: return "None";
    case Kind::kBool: return value.as_bool() ? "True" : "False";
    case Kind::kInt: return std::to_string(value.as_int());
    case Kind::kFloat: return float_text(value.as_double());
    case Kind::kString: {
      heap.charge_text(value.text().size());
      heap.charge_bytes(value.text().size());
      return value.is_safe() ? "Markup(" + repr_text(value.text()) + ")" : repr_text(value.text());
    }
    case Kind::kList: return list_text(heap, value.as_list(), depth);
    case Kind::kDict: return dict_text(heap, value.as_dict(), depth);
    case Kind::kNamespace: return "<Namespace " + dict_text(heap, value.as_dict(), depth) + ">";
    case Kind::kFunction: return "<function " + std::string(value.as_function().name) + ">";
    case Kind::kLoop: return loop_text(value.as_loop());
  }
  return {};
}

std::string to_text(Heap& heap, const Value& value) {
  if (value.is(Kind::kString)) return std::string(value.text());
  if (value.is(Kind::kUndefined)) return {};
  return repr(heap, value);
}

Value as_string(Heap& heap, const Value& value) {
  return value.is(Kind::kString) ? value : heap.text(to_text(heap, value));
}

std::string escape_html(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '\'': out += "&#39;"; break;
      case '"': out += "&#34;"; break;
      default: out += c;
    }
  }
  return out;
}

Value concatenate(Heap& heap, const std::vector<Value>& parts, bool escape) {
  bool safe = false;
  for (const Value& part : parts) safe = safe || (escape && part.is_safe());
  std::string out;
  for (const Value& part : parts) {
    const Value text = as_string(heap, part);
    heap.charge_text(text.text().size());
    heap.charge_bytes(text.text().size());  // before it is held twice
    out += safe && !text.is_safe() ? escape_html(text.text()) : std::string(text.text());
  }
  return heap.text(std::move(out), safe);
}

}  // namespace maie::prompt
