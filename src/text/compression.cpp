#include "text/compression.h"

#include <zlib.h>

#include <vector>

#include "base/check.h"

namespace maie::text {

double compression_ratio(std::string_view text) {
  if (text.empty()) return 0;
  uLongf size = compressBound(text.size());
  std::vector<Bytef> compressed(size);
  const int result =
      compress2(compressed.data(), &size, reinterpret_cast<const Bytef*>(text.data()), text.size(),
                Z_DEFAULT_COMPRESSION);
  check(result == Z_OK, "zlib compresses into a buffer of compressBound bytes");
  return static_cast<double>(text.size()) / static_cast<double>(size);
}

}  // namespace maie::text
