#pragma once

#include <optional>
#include <string_view>

#include "server/http/refusal.h"

namespace maie::http {

inline constexpr size_t kMostHeaderFields = 100;

/// Where in `bytes` the head of a request ends: behind its empty line; npos while that is missing.
/// @param known  bytes at the front that an earlier call has seen
size_t find_head_end(std::string_view bytes, size_t known = 0);

/// What shows already before a head is complete: that it cannot become one (another protocol, line
/// ends without carriage return).
std::optional<Refusal> check_head_start(std::string_view bytes);

/// Everything two readers of one head could disagree about is refused: line ends other than CRLF,
/// continued lines, blanks before the colon, control characters, more than one Content-Length or
/// one beside Transfer-Encoding, encodings other than "chunked", no Host or two of them, versions
/// other than 1.0 and 1.1.
/// @param head  a whole head, its empty line included
std::optional<Refusal> check_head(std::string_view head);

}  // namespace maie::http
