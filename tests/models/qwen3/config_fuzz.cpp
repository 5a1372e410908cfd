// libFuzzer: whatever the configuration texts say, a Config is sane or there is a sentence. The
// input is split at its first zero byte into config and generation JSON.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "models/qwen3/config.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const size_t cut = std::min(text.size(), text.find('\0'));
  const std::string_view generation = cut < text.size() ? text.substr(cut + 1) : std::string_view();
  const auto config = maie::qwen3::config_from_huggingface(text.substr(0, cut), generation, "fuzz");
  if (!config.has_value()) return 0;
  if (config->heads % config->kv_heads != 0 || config->head_width % 2 != 0) std::abort();
  for (const int token : config->end_tokens) {
    if (token < 0 || token >= config->vocabulary) std::abort();
  }
  const std::vector<float> frequencies = config->rope_frequencies();
  if (int64_t(frequencies.size()) != config->head_width / 2) std::abort();
  for (const float frequency : frequencies) {
    if (!std::isfinite(frequency) || frequency < 0) std::abort();
  }
  return 0;
}
