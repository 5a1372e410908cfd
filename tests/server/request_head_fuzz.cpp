// libFuzzer: any bytes as a request. A head that is taken means one thing only: no byte that
// another reader could take for the end of a line, one host, one length; its fields are those that
// a plain reader finds; written again it says the same. The body is the same however it is cut.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "server/http/characters.h"
#include "server/http/head_check.h"
#include "server/http/request_parser.h"
#include "server/http/target.h"

namespace {

using namespace maie::http;
using Fields = std::vector<std::pair<std::string, std::string>>;

void check(bool holds) {
  if (!holds) std::abort();
}

/// The end of the head, found in pieces as they come from a connection.
size_t end_in_pieces(std::string_view bytes, size_t piece) {
  size_t known = 0;
  while (known < bytes.size()) {
    const size_t seen = std::min(known + piece, bytes.size());
    const size_t end = find_head_end(bytes.substr(0, seen), known);
    if (end != std::string_view::npos) return end;
    known = seen;
  }
  return std::string_view::npos;
}

/// What stands between the colons and the line ends.
Fields plain_fields(std::string_view head) {
  Fields out;
  head.remove_prefix(head.find("\r\n") + 2);
  while (!head.starts_with("\r\n")) {
    const size_t end = head.find("\r\n"), colon = head.find(':');
    check(end != std::string_view::npos && colon < end);
    out.emplace_back(head.substr(0, colon), trim(head.substr(colon + 1, end - colon - 1)));
    head.remove_prefix(end + 2);
  }
  return out;
}

size_t count(const Fields& fields, std::string_view name) {
  return size_t(std::count_if(fields.begin(), fields.end(),
                              [&](const auto& f) { return equal_fold(f.first, name); }));
}

void check_bytes(std::string_view head) {
  for (size_t i = 0; i < head.size(); ++i) {
    if (head[i] == '\r') check(i + 1 < head.size() && head[i + 1] == '\n');
    if (head[i] == '\n') check(i > 0 && head[i - 1] == '\r');
    if (is_control(head[i])) check(std::string_view("\r\n\t").find(head[i]) != std::string::npos);
  }
}

void check_meaning(std::string_view head, RequestParser& parser) {
  const Fields fields = plain_fields(head);
  check(parser.headers().all() == fields && fields.size() <= kMostHeaderFields);
  check(head.starts_with(parser.method() + " " + parser.target() + " HTTP/1."));
  check(is_token(parser.method()) && parser.target().size() <= kMostTargetBytes);
  check(count(fields, "host") == 1 || (count(fields, "host") == 0 && !parser.version_11()));
  check(count(fields, "content-length") + count(fields, "transfer-encoding") <= 1);
  const std::string_view length = parser.headers().get("content-length");
  check(parser.content_length().has_value() == !length.empty());
  if (!length.empty()) check(*parser.content_length() == std::stoull(std::string(length)));

  std::string again =
      parser.method() + " " + parser.target() + (parser.version_11() ? " HTTP/1.1" : " HTTP/1.0");
  for (const auto& [name, value] : fields) again += "\r\n" + name + ": " + value;
  again += "\r\n\r\n";
  RequestParser second;
  check(find_head_end(again) == again.size() && !second.parse_head(again));
  check(second.headers().all() == fields && second.target() == parser.target());
  check(second.keep_alive() == parser.keep_alive() && second.done() == parser.done());
}

/// The body, or how it fails, and the bytes behind it.
std::string body_of(std::string_view head, std::string_view rest, size_t piece) {
  RequestParser parser;
  check(!parser.parse_head(head));
  std::string body, held;
  const auto sink = [&](std::string_view bytes) { body += bytes; };
  size_t at = 0;
  for (; at < rest.size() && !parser.done(); at += std::min(piece, rest.size() - at)) {
    held += rest.substr(at, piece);
    const auto used = parser.parse_body(held, sink);
    if (!used) return "broken";
    check(*used <= held.size());
    held.erase(0, *used);
  }
  if (!parser.done()) return "unfinished";
  return body + '\x1f' + held + std::string(rest.substr(at));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const size_t end = find_head_end(bytes);
  for (const size_t piece : {1, 2, 5}) check(end_in_pieces(bytes, piece) == end);
  if (end == std::string_view::npos) return 0;
  const std::string_view head = bytes.substr(0, end);
  const auto refusal = check_head(head);
  RequestParser parser;
  const auto second = parser.parse_head(head);
  if (refusal) check(second.has_value() && second->status == refusal->status);
  if (second) {
    check(second->status >= 400 && !second->message.empty());
    return 0;
  }
  for (size_t cut = 0; cut < end; ++cut) check(!check_head_start(head.substr(0, cut)));
  check_bytes(head);
  check_meaning(head, parser);
  const std::string whole = body_of(head, bytes.substr(end), size);
  for (const size_t piece : {1, 2, 3, 16}) check(body_of(head, bytes.substr(end), piece) == whole);
  return 0;
}
