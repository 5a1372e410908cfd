#include <locale.h>

#include <ctime>

#include "prompt/builtin_support.h"

namespace maie::prompt {
namespace {

constexpr int64_t kMaxRange = 100'000;  // jinja2's sandbox has the same
constexpr size_t kMaxTimeFormat = 1'000;

Value range(Render& render, const Value&, const Arguments& arguments) {
  const auto a = arguments.bind("range", {"start", "stop", "step"}, 1);
  if (!arguments.named.empty()) fail("range() takes no named arguments");
  const int64_t first = need_integer(*a[0], "an argument of range()");
  const bool one = a[1] == nullptr;
  const int64_t start = one ? 0 : first;
  const int64_t stop = one ? first : need_integer(*a[1], "an argument of range()");
  const int64_t step = a[2] == nullptr ? 1 : need_integer(*a[2], "an argument of range()");
  if (step == 0) fail("the step of range() is zero");
  // As unsigned numbers, so that no difference can overflow.
  const bool none = step > 0 ? start >= stop : start <= stop;
  const uint64_t span =
      step > 0 ? uint64_t(stop) - uint64_t(start) : uint64_t(start) - uint64_t(stop);
  const uint64_t stride = step > 0 ? uint64_t(step) : 0 - uint64_t(step);
  const uint64_t count = none ? 0 : (span - 1) / stride + 1;
  if (count > uint64_t(kMaxRange)) {
    over_limit("range() makes at most " + std::to_string(kMaxRange) + " numbers");
  }
  std::vector<Value> items;
  for (uint64_t i = 0; i < count; ++i) {
    render.heap().push(items, Value::integer(int64_t(uint64_t(start) + i * uint64_t(step))));
  }
  const Value value = render.heap().list(std::move(items), Sequence::kRange);
  value.as_list().start = start;
  value.as_list().stop = stop;
  value.as_list().step = step;
  return value;
}

/// The dictionary that dict(...) and namespace(...) make.
Value collected(Render& render, const Arguments& arguments, std::string_view what) {
  Heap& heap = render.heap();
  const Value dict = heap.dict();
  if (arguments.positional.size() > 1)
    fail(std::string(what) + "() takes at most one plain argument");
  for (const Value& source : arguments.positional) {
    if (source.is(Kind::kDict)) {
      for (const auto& [key, value] : source.as_dict().entries)
        heap.set(dict.as_dict(), key, value);
      continue;
    }
    need_defined(source);
    for (const Value& entry : items_of(heap, source)) {
      const std::vector<Value> pair = items_of(heap, entry);
      if (pair.size() != 2) fail(std::string(what) + "() needs pairs of key and value");
      heap.set(dict.as_dict(), pair[0], pair[1]);
    }
  }
  for (const auto& [name, value] : arguments.named) {
    heap.set(dict.as_dict(), Value::string(name), value);
  }
  return dict;
}

Value make_dict(Render& render, const Value&, const Arguments& arguments) {
  return collected(render, arguments, "dict");
}

Value make_namespace(Render& render, const Value&, const Arguments& arguments) {
  const Value attributes = collected(render, arguments, "namespace");
  for (const auto& [key, value] : attributes.as_dict().entries) {
    if (key.is(Kind::kString) && key.text().substr(0, 1) == "_") {
      fail("the attributes of a namespace do not begin with \"_\"; rename \"" +
           std::string(key.text()) + "\"");
    }
  }
  return Value::name_space(&attributes.as_dict());
}

Value raise_exception(Render& render, const Value&, const Arguments& arguments) {
  const auto a = arguments.bind("raise_exception", {"message"}, 1);
  fail("the template refuses its input: " + to_text(render.heap(), *a[0]));
}

/// The local time, by C's strftime directives in the C locale; %f is microseconds, and %z and %Z
/// are empty, as in Python for a time without zone.
Value strftime_now(Render& render, const Value&, const Arguments& arguments) {
  const auto a = arguments.bind("strftime_now", {"format"}, 1);
  const std::string format(need_string(*a[0], "the format of strftime_now()"));
  if (format.size() > kMaxTimeFormat) {
    over_limit("the format of strftime_now() is longer than " + std::to_string(kMaxTimeFormat));
  }
  const auto now = render.now();
  const std::time_t seconds = std::chrono::system_clock::to_time_t(now);
  std::tm local = {};
  localtime_r(&seconds, &local);
  static const locale_t c_locale = newlocale(LC_ALL_MASK, "C", nullptr);
  std::string out;
  for (size_t i = 0; i < format.size(); ++i) {
    if (format[i] != '%' || i + 1 == format.size()) {
      out += format[i];
      continue;
    }
    size_t end = i + 1;  // of the flags GNU allows before the letter
    while (end + 1 < format.size() &&
           std::string_view("-_0^#EO").find(format[end]) != std::string_view::npos) {
      ++end;
    }
    const char letter = format[end];
    if (letter == 'f') {
      const auto part =
          std::chrono::duration_cast<std::chrono::microseconds>(now.time_since_epoch());
      char digits[8];
      std::snprintf(digits, sizeof(digits), "%06d", int(part.count() % 1'000'000));
      out += digits;
    } else if (std::isalpha(uint8_t(letter)) && letter != 'z' && letter != 'Z') {
      char text[200];
      const std::string one = format.substr(i, end + 1 - i);
      out.append(text, strftime_l(text, sizeof(text), one.c_str(), &local, c_locale));
    } else if (letter == '%') {
      out += '%';
    } else if (letter != 'z' && letter != 'Z') {
      out += format.substr(i, end + 1 - i);
    }
    i = end;
  }
  return render.heap().text(std::move(out));
}

constexpr Named kGlobals[] = {{"range", range},
                              {"dict", make_dict},
                              {"namespace", make_namespace},
                              {"raise_exception", raise_exception},
                              {"strftime_now", strftime_now}};

}  // namespace

Builtin find_global(std::string_view name) {
  for (const Named& known : kGlobals) {
    if (known.name == name) return known.builtin;
  }
  return nullptr;
}

}  // namespace maie::prompt
