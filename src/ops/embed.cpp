#include "ops/embed.h"

#include "kernels/cpu/embed.h"
#include "ops/dispatch.h"

namespace maie::ops {

void embed(Stream& s, std::span<const int> ids, std::span<const int> position_of,
           const EmbeddingTable& table, ConstTensor positions, Tensor y) {
  const auto [V, C] = table.values.dims<2>();
  check(y.shape() == Shape({int64_t(ids.size()), C}) && ids.size() == position_of.size(),
        "embed: shape of y");
  check(positions.dim(1) == C, "embed: width of positions");
  for (size_t r = 0; r < ids.size(); ++r) {
    check(ids[r] >= 0 && ids[r] < V, "embed: token within the vocabulary");
    check(position_of[r] >= 0 && position_of[r] < positions.dim(0), "embed: position in the table");
  }
  if (s.is_dry_run()) return;
  switch (s.device().kind) {
    case Device::Kind::kCpu:
      cpu::embed(ids, position_of, table.values, table.scales, positions.data<float>(), C,
                 y.data<float>());
      return;
    case Device::Kind::kCuda: break;
  }
  no_backend(s.device());
}

void embed(Stream& s, std::span<const int> ids, const EmbeddingTable& table, Tensor y) {
  const auto [V, C] = table.values.dims<2>();
  check(y.shape() == Shape({int64_t(ids.size()), C}), "embed: shape of y");
  for (const int id : ids) check(id >= 0 && id < V, "embed: token within the vocabulary");
  if (s.is_dry_run()) return;
  switch (s.device().kind) {
    case Device::Kind::kCpu:
      cpu::embed(ids, {}, table.values, table.scales, nullptr, C, y.data<float>());
      return;
    case Device::Kind::kCuda: break;
  }
  no_backend(s.device());
}

void embed(Stream& s, std::span<const int> ids, const EmbeddingRows& table, Tensor y) {
  check(y.shape() == Shape({int64_t(ids.size()), table.width}), "embed: shape of y");
  for (const int id : ids)
    check(id >= 0 && id < table.vocabulary, "embed: token within the vocabulary");
  if (s.is_dry_run()) return;
  switch (s.device().kind) {
    case Device::Kind::kCpu:
      for (size_t r = 0; r < ids.size(); ++r) {
        table.read(ids[r], y.rows(int64_t(r), 1).span<float>());
      }
      return;
    case Device::Kind::kCuda: break;
  }
  no_backend(s.device());
}

}  // namespace maie::ops
