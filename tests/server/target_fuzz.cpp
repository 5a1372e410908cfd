// libFuzzer: any bytes as the target of a request. What is taken is plain text without a way up,
// and comes back the same from the target written of it, in both forms.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "base/ascii.h"
#include "server/http/characters.h"
#include "server/http/target.h"

namespace {

using namespace maie::http;

void check(bool holds) {
  if (!holds) std::abort();
}

bool is_plain(std::string_view text) {
  return valid_utf8(text) && std::none_of(text.begin(), text.end(), is_control);
}

void append_encoded(std::string& out, std::string_view text, std::string_view plain) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  for (const char c : text) {
    const bool letter = (maie::lower(c) >= 'a' && maie::lower(c) <= 'z') || (c >= '0' && c <= '9');
    if (letter || (c != '\0' && plain.find(c) != std::string_view::npos)) {
      out += c;
    } else {
      const auto byte = static_cast<uint8_t>(c);
      out += {'%', kHex[byte >> 4], kHex[byte & 15]};
    }
  }
}

std::string written(const Target& target) {
  std::string out;
  append_encoded(out, target.path, "/-._~");
  char separator = '?';
  for (const auto& [name, value] : target.query) {
    out += separator;
    append_encoded(out, name, "-._~");
    out += '=';
    append_encoded(out, value, "-._~");
    separator = '&';
  }
  return out;
}

void check_path(const std::string& path) {
  check(path.starts_with('/') && is_plain(path));
  check(path == "/" || !path.ends_with('/'));
  const std::string closed = path + '/';
  check(closed.find("/./") == std::string::npos && closed.find("/../") == std::string::npos);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto target = parse_target(text);
  if (!target) {
    const maie::Code code = target.error().code();
    check(code ==
          (size > kMostTargetBytes ? maie::Code::kResourceExhausted : maie::Code::kInvalidInput));
    check(!target.error().message().empty() && is_plain(target.error().message()));
    return 0;
  }
  check(size <= kMostTargetBytes);
  check_path(target->path);
  check(target->query.size() <= kMostQueryParameters);
  for (const auto& [name, value] : target->query) check(is_plain(name) && is_plain(value));
  const std::string origin_form = written(*target);
  for (const std::string& form : {origin_form, "http://host:1" + origin_form}) {
    if (form.size() > kMostTargetBytes) continue;
    const auto again = parse_target(form);
    check(again.has_value() && again->path == target->path && again->query == target->query);
  }
  return 0;
}
