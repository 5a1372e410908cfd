// libFuzzer: whatever the configuration texts say, a Config is sane or there is a sentence. The
// input is split at zero bytes into config, generation and preprocessor JSON, and a token list.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "models/whisper/config.h"
#include "models/whisper/vocabulary.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  std::array<std::string_view, 4> parts;
  for (auto& part : parts) {
    part = rest.substr(0, rest.find('\0'));
    rest.remove_prefix(std::min(rest.size(), part.size() + 1));
  }
  const auto config = maie::whisper::config_from_huggingface(parts[0], parts[1], parts[2], "fuzz");
  if (config) {
    if (config->width % config->decoder_heads != 0) std::abort();
    for (const auto& head : config->alignment_heads) {
      if (head.layer >= config->decoder_layers || head.head >= config->decoder_heads) std::abort();
    }
  }
  (void)maie::whisper::parse_vocabulary_json(parts[3], "fuzz");
  (void)maie::whisper::parse_vocabulary_text(parts[3], "fuzz");
  return 0;
}
