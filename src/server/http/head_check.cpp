#include "server/http/head_check.h"

#include <algorithm>

#include "server/http/characters.h"
#include "server/http/target.h"

namespace maie::http {
namespace {

using Problem = std::optional<Refusal>;

/// Takes a line off `text`, without its end. All line ends were checked to be CRLF.
std::string_view take_line(std::string_view& text) {
  const size_t end = text.find("\r\n");
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(std::min(end + 2, text.size()));
  return line;
}

bool has_bare_line_end(std::string_view text) {
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\n' && (i == 0 || text[i - 1] != '\r')) return true;
    if (text[i] == '\r' && i + 1 < text.size() && text[i + 1] != '\n') return true;
  }
  return false;
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

Problem check_version(std::string_view version) {
  if (version == "HTTP/1.1" || version == "HTTP/1.0") return std::nullopt;
  const bool well_formed = version.size() == 8 && version.starts_with("HTTP/") &&
                           is_digit(version[5]) && version[6] == '.' && is_digit(version[7]);
  if (!well_formed) return bad_request("the request line does not end with an HTTP version");
  return Refusal{505, "bad_request", "only HTTP/1.1 and HTTP/1.0 are spoken here"};
}

Problem check_request_line(std::string_view line) {
  const size_t first = line.find(' '), last = line.rfind(' ');
  if (first == std::string_view::npos || first == last) {
    return bad_request("the request line needs a method, a target and a version");
  }
  if (!is_token(line.substr(0, first))) return bad_request("the request's method is malformed");
  const std::string_view target = line.substr(first + 1, last - first - 1);
  if (target.size() > kMostTargetBytes) {
    return Refusal{414, "bad_request", "the request target is longer than 8192 bytes"};
  }
  const auto unprintable = [](char c) { return c == ' ' || is_control(c); };
  if (target.empty() || std::any_of(target.begin(), target.end(), unprintable)) {
    return bad_request("the request target is malformed");
  }
  return check_version(line.substr(last + 1));
}

/// The fields that decide where a request ends and whom it is for.
struct Framing {
  bool version_11 = true;
  int hosts = 0, lengths = 0, encodings = 0;

  Problem take(std::string_view name, std::string_view value) {
    if (equal_fold(name, "host")) {
      ++hosts;
      if (value.find_first_of(" \t,/@\\?#") != std::string_view::npos) {
        return bad_request("the Host field is malformed");
      }
    } else if (equal_fold(name, "content-length")) {
      ++lengths;
      const bool digits = std::all_of(value.begin(), value.end(), is_digit);
      if (value.empty() || value.size() > 18 || !digits) {
        return bad_request("the Content-Length field is malformed");
      }
    } else if (equal_fold(name, "transfer-encoding")) {
      ++encodings;
      if (!equal_fold(value, "chunked")) {
        return Refusal{501, "bad_request", "the only transfer encoding served here is chunked"};
      }
    }
    return std::nullopt;
  }

  Problem verdict() const {
    if (hosts > 1) return bad_request("the request has more than one Host field");
    if (hosts == 0 && version_11) return bad_request("the request has no Host field");
    if (lengths > 1) return bad_request("the request has more than one Content-Length field");
    if (encodings > 1) return bad_request("the request has more than one Transfer-Encoding field");
    if (lengths + encodings > 1) {
      return bad_request("the request has both Content-Length and Transfer-Encoding");
    }
    if (encodings > 0 && !version_11) {
      return bad_request("HTTP/1.0 has no Transfer-Encoding");
    }
    return std::nullopt;
  }
};

Problem check_field(std::string_view line, Framing& framing) {
  if (line.front() == ' ' || line.front() == '\t') {
    return bad_request("a header field is continued on a second line");
  }
  const size_t colon = line.find(':');
  if (colon == std::string_view::npos) return bad_request("a header line has no colon");
  if (!is_token(line.substr(0, colon))) return bad_request("a header field's name is malformed");
  const std::string_view value = line.substr(colon + 1);
  const auto forbidden = [](char c) { return is_control(c) && c != '\t'; };
  if (std::any_of(value.begin(), value.end(), forbidden)) {
    return bad_request("a header field's value has a control character");
  }
  return framing.take(line.substr(0, colon), trim(value));
}

}  // namespace

size_t find_head_end(std::string_view bytes, size_t known) {
  const size_t end = bytes.find("\r\n\r\n", known > 3 ? known - 3 : 0);
  return end == std::string_view::npos ? end : end + 4;
}

std::optional<Refusal> check_head_start(std::string_view bytes) {
  if (!bytes.empty() && !is_token_char(bytes.front())) {
    return bad_request("this is no HTTP request");
  }
  if (has_bare_line_end(bytes)) return bad_request("a line of the head does not end with CR LF");
  return std::nullopt;
}

std::optional<Refusal> check_head(std::string_view head) {
  if (auto problem = check_head_start(head)) return problem;
  const std::string_view request_line = take_line(head);
  if (auto problem = check_request_line(request_line)) return problem;
  Framing framing{.version_11 = request_line.ends_with("1.1")};
  size_t fields = 0;
  for (std::string_view line = take_line(head); !line.empty(); line = take_line(head)) {
    if (++fields > kMostHeaderFields) {
      return Refusal{431, "bad_request", "the request has more than 100 header fields"};
    }
    if (auto problem = check_field(line, framing)) return problem;
  }
  return framing.verdict();
}

}  // namespace maie::http
