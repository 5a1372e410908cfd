#pragma once

#include <string>
#include <string_view>

#include "base/status.h"

namespace maie::net {

/// An absolute http or https URL, taken apart by libcurl.
struct Url {
  std::string text;    ///< whole; may hold a password or a signed query, so it is not for messages
  std::string scheme;  ///< "http" or "https"
  std::string host;    ///< IPv6 addresses in brackets
  int port = 0;

  std::string place() const { return host + ":" + std::to_string(port); }  ///< for messages
  bool same_origin(const Url& other) const {
    return scheme == other.scheme && host == other.host && port == other.port;
  }
  bool is_this_machine() const;  ///< localhost, 127.x.x.x or [::1]
};

/// kInvalidInput unless it is an http or https URL without blanks and control characters.
Result<Url> parse_url(const std::string& text);

/// Where a `Location` leads, relative or absolute. kUnavailable when that is no http or https URL,
/// or http coming from https.
Result<Url> follow_location(const Url& from, const std::string& location);

}  // namespace maie::net
