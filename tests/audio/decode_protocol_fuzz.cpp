// Any bytes as the conversation of the decoding child, in pieces of the size the first byte gives.
#include <algorithm>
#include <cstdint>

#include "audio/decode_protocol.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const size_t piece = size_t{data[0]} + 1;
  std::span<const std::byte> bytes = std::as_bytes(std::span(data + 1, size - 1));
  maie::audio::DecodeMessageParser parser;
  while (true) {
    const auto message = parser.next();
    if (!message) return 0;
    if (*message) {
      if ((*message)->text.size() > maie::audio::kMaxText) __builtin_trap();
      continue;
    }
    if (bytes.empty()) return 0;
    const size_t count = std::min(piece, bytes.size());
    parser.push(bytes.first(count));
    bytes = bytes.subspan(count);
  }
}
