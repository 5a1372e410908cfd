#pragma once

#include <string>

namespace maie::http {

/// Why a request gets no handler: the server knows status and reason, the application the words.
struct Refusal {
  int status = 400;
  /// "too_large", "bad_form", "timeout", "not_found", "method", "bad_request", "too_many_parts",
  /// "disk_full", "overloaded", "internal", "encoding"
  std::string code;
  std::string message;  ///< a sentence without anything of this machine
};

inline Refusal bad_request(std::string message) { return {400, "bad_request", std::move(message)}; }

}  // namespace maie::http
