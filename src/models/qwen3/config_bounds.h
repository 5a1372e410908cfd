#pragma once

#include <cstdint>
#include <string>

#include "base/status.h"
#include "models/qwen3/config.h"

namespace maie::qwen3 {

// Far above every published model; sizes multiplied with each other stay far below 2^63.
inline constexpr int64_t kMostWidth = 65536;
inline constexpr int64_t kMostMlpWidth = 4 * kMostWidth;
inline constexpr int64_t kMostLayers = 512;
inline constexpr int64_t kMostHeads = 1024;
inline constexpr int64_t kMostHeadWidth = 1024;
inline constexpr int64_t kMostVocabulary = 4'000'000;
inline constexpr int64_t kMostContext = 16'777'216;

/// Whether the heads, within their bounds, go together. @param file  for messages.
Status check_heads(const Config& config, const std::string& file);

}  // namespace maie::qwen3
