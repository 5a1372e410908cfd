// libFuzzer: a config.json up to the first line end, then a safetensors file. Whatever they are,
// each quantised layer gives a matrix whose every value can be had, or a sentence.
#include <algorithm>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "formats/quantised_linear.h"

using namespace maie;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const size_t end = std::min(text.find('\n'), size);
  const auto json = parse_json(text.substr(0, end));
  if (!json || end == size) return 0;
  const auto config = formats::parse_quantisation(*json);
  if (!config) {
    if (config.error().message().empty()) std::abort();
    return 0;
  }
  const auto bytes = std::as_bytes(std::span(data, size)).subspan(end + 1);
  const auto file = formats::Safetensors::parse(bytes, "fuzz");
  if (!*config || !file) return 0;
  for (const std::string_view name : (*file)->names()) {
    const std::string prefix(name.substr(0, std::min(name.rfind('.'), name.size())));
    if (!formats::has_quantised_linear(**file, prefix, (*config)->method)) continue;
    const auto matrix = formats::read_quantised_linear(**file, prefix, **config);
    if (!matrix) {
      if (matrix.error().message().empty()) std::abort();
      continue;
    }
    std::vector<float> values(size_t(matrix->rows * matrix->columns));
    formats::dequantize(*matrix, 0, matrix->rows, values);
    (void)formats::to_w8(*matrix);
    (void)formats::to_w4(*matrix);
  }
  return 0;
}
