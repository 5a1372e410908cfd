// A GGUF file as a network: metadata, names and shapes, and a row of each matrix. The seeds come
// from make_gguf network=1 layers=1 width=32 heads=2 kv_heads=1 head_width=16 ff_width=32
// vocabulary=32 context=64, one with embedding=q8_0, the other with architecture=llama tied=0
// type=q5_1.
#include <cstdint>
#include <vector>

#include "models/qwen3/weights.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace maie;
  const auto file = formats::Gguf::parse(std::as_bytes(std::span(data, size)), "fuzz.gguf");
  if (!file.has_value()) return 0;
  const auto weights = qwen3::Weights::open(*file);
  if (!weights.has_value()) return 0;
  for (const qwen3::WeightSpec& spec : qwen3::weight_specs((*weights)->config())) {
    if (spec.shape.rank() != 2) continue;
    std::vector<float> row(size_t(spec.shape.dim(1)));
    (void)(*weights)->matrix(spec.name).read_floats(spec.shape.dim(0) - 1, 1, row).ok();
  }
  return 0;
}
