#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/status.h"

namespace maie::http {

/// What a request names: the path decoded and without trailing slashes, the query in its order.
struct Target {
  std::string path;
  std::vector<std::pair<std::string, std::string>> query;
};

inline constexpr size_t kMostTargetBytes = 8 << 10;
inline constexpr size_t kMostQueryParameters = 200;

/// Reads a request target in origin form ("/a/b?c=d") or absolute form ("http://host/a/b?c=d").
/// @returns kResourceExhausted when it is too long; kInvalidInput, with a sentence for the client,
/// for bad escapes, control characters, bytes that are not UTF-8, "." and ".." as path segments,
/// fragments and too many parameters.
Result<Target> parse_target(std::string_view target);

}  // namespace maie::http
