// A kept prefix of any bytes: refused, or pages of the right size.
#include <cstdint>
#include <cstdlib>

#include "base/file.h"
#include "llm/prefix_store.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::vector<int32_t> tokens = {1, 2, 3, 4};
  const auto body = std::as_bytes(std::span(data, size));
  // As it is, and behind a head that fits, so that the parts are reached.
  std::string file = "MAIEKV01" + maie::sha256_hex(body);
  file.append(reinterpret_cast<const char*>(data), size);
  for (const auto bytes : {body, std::as_bytes(std::span<const char>(file))}) {
    const auto pages = maie::llm::parse_stored_prefix(bytes, "m", tokens, 16, 4);
    if (pages && pages->size() != 16) std::abort();
  }
  return 0;
}
