#include "server/http/response_head.h"

#include <array>
#include <boost/beast/http/status.hpp>
#include <ctime>

#include "server/http/characters.h"

namespace maie::http {
namespace {

/// "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110, 5.6.7), in any locale.
std::string date_now() {
  static constexpr std::array kDays = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static constexpr std::array kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  thread_local std::time_t known = 0;
  thread_local std::string text;
  const std::time_t now = std::time(nullptr);
  if (now == known) return text;
  std::tm parts{};
  ::gmtime_r(&now, &parts);
  const auto two = [](int n) {
    return std::string{static_cast<char>('0' + n / 10 % 10), static_cast<char>('0' + n % 10)};
  };
  text = std::string(kDays[static_cast<size_t>(parts.tm_wday)]) + ", " + two(parts.tm_mday) + " " +
         kMonths[static_cast<size_t>(parts.tm_mon)] + " " + std::to_string(parts.tm_year + 1900) +
         " " + two(parts.tm_hour) + ":" + two(parts.tm_min) + ":" + two(parts.tm_sec) + " GMT";
  known = now;
  return text;
}

/// Fields that this file writes itself.
bool is_ours(std::string_view name) {
  for (const char* ours :
       {"content-length", "transfer-encoding", "connection", "content-type", "date"}) {
    if (equal_fold(name, ours)) return true;
  }
  return false;
}

void add_field(std::string& out, std::string_view name, std::string_view value) {
  out += name;
  out += ": ";
  for (const char c : value) out += is_control(c) ? ' ' : c;
  out += "\r\n";
}

}  // namespace

bool has_body(int status) { return status >= 200 && status != 204 && status != 304; }

std::string format_head(const Response& response, Framing framing, bool keep_alive) {
  const int status = response.status >= 100 && response.status <= 999 ? response.status : 500;
  const auto reason =
      boost::beast::http::obsolete_reason(boost::beast::http::int_to_status(unsigned(status)));
  std::string out = "HTTP/1.1 " + std::to_string(status) + " ";
  out.append(reason.data(), reason.size());
  out += "\r\n";
  for (const auto& [name, value] : response.headers.all()) {
    if (is_token(name) && !is_ours(name)) add_field(out, name, value);
  }
  add_field(out, "Date", date_now());
  if (has_body(status)) {
    if (!response.content_type.empty()) add_field(out, "Content-Type", response.content_type);
    if (framing == Framing::kLength) {
      add_field(out, "Content-Length", std::to_string(response.body.size()));
    } else if (framing == Framing::kChunked) {
      add_field(out, "Transfer-Encoding", "chunked");
    }
  }
  add_field(out, "Connection", keep_alive ? "keep-alive" : "close");
  return out + "\r\n";
}

}  // namespace maie::http
