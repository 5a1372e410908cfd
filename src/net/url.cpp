#include "net/url.h"

#include <curl/curl.h>

#include <algorithm>
#include <charconv>
#include <memory>

#include "base/ascii.h"

namespace maie::net {
namespace {

struct FreeUrl {
  void operator()(CURLU* url) const { curl_url_cleanup(url); }
};
using CurlUrl = std::unique_ptr<CURLU, FreeUrl>;

std::string part(CURLU* url, CURLUPart which, unsigned flags = 0) {
  char* text = nullptr;
  if (curl_url_get(url, which, &text, flags) != CURLUE_OK) return {};
  std::string copy(text);
  curl_free(text);
  return copy;
}

// Fills in what a Url names; false when it is not for us.
bool take_apart(CURLU* url, Url& out) {
  out.text = part(url, CURLUPART_URL);
  out.scheme = lower(part(url, CURLUPART_SCHEME));
  out.host = lower(part(url, CURLUPART_HOST));
  const std::string port = part(url, CURLUPART_PORT, CURLU_DEFAULT_PORT);
  std::from_chars(port.data(), port.data() + port.size(), out.port);
  return (out.scheme == "http" || out.scheme == "https") && !out.host.empty() && out.port > 0;
}

bool has_blank_or_control(std::string_view text) {
  return std::any_of(text.begin(), text.end(),
                     [](unsigned char c) { return c <= 0x20 || c == 0x7f; });
}

}  // namespace

bool Url::is_this_machine() const {
  return host == "localhost" || host == "[::1]" || host.rfind("127.", 0) == 0;
}

Result<Url> parse_url(const std::string& text) {
  const CurlUrl url(curl_url());
  Url out;
  if (!url || has_blank_or_control(text) ||
      curl_url_set(url.get(), CURLUPART_URL, text.c_str(), 0) != CURLUE_OK ||
      !take_apart(url.get(), out)) {
    // Not repeated where it may hold a password, nor its query.
    const bool secret = text.find('@') != std::string::npos;
    const std::string shown =
        secret ? "what was given" : '"' + text.substr(0, text.find('?')) + '"';
    return invalid_input(shown +
                         " is no http or https address; write it like http://localhost:8000/v1");
  }
  return out;
}

Result<Url> follow_location(const Url& from, const std::string& location) {
  const CurlUrl url(curl_url());
  Url out;
  // CURLU_URLENCODE: servers do send blanks here, and libcurl itself takes them that way.
  if (!url || location.size() > 64 << 10 ||
      curl_url_set(url.get(), CURLUPART_URL, from.text.c_str(), 0) != CURLUE_OK ||
      curl_url_set(url.get(), CURLUPART_URL, location.c_str(), CURLU_URLENCODE) != CURLUE_OK ||
      !take_apart(url.get(), out) || has_blank_or_control(out.text)) {
    return unavailable(from.place() + ": redirects to an address we cannot ask");
  }
  if (from.scheme == "https" && out.scheme == "http") {
    return unavailable(from.place() + ": redirects from https to http at " + out.place() +
                       ", which is refused; ask that address itself if you trust it");
  }
  return out;
}

}  // namespace maie::net
