#include "models/qwen3/packer.h"

#include <algorithm>
#include <mutex>

#include "ops/compute_types.h"

namespace maie::qwen3 {
namespace {

constexpr int64_t kRowsAtOnce = 64;

// All rows in float32, worked out by the team.
Status read_floats(Stream& s, const formats::StoredMatrix& matrix, float* out) {
  std::mutex mutex;
  Status status;
  s.threads().for_each((matrix.rows() + kRowsAtOnce - 1) / kRowsAtOnce, [&](int64_t piece, int) {
    const int64_t first = piece * kRowsAtOnce;
    const int64_t count = std::min(kRowsAtOnce, matrix.rows() - first);
    const Status read = matrix.read_floats(
        first, count, {out + first * matrix.columns(), size_t(count * matrix.columns())});
    if (read.ok()) return;
    const std::lock_guard lock(mutex);
    status = read;
  });
  return status;
}

}  // namespace

ops::LinearWeights Packer::linear(std::initializer_list<std::string> names) {
  if (!status_.ok()) return {};
  int64_t rows = 0, columns = 0;
  for (const std::string& name : names) {
    rows += weights_.matrix(name).rows();
    columns = weights_.matrix(name).columns();
  }
  const OwnedTensor all({}, DType::kF32, {rows, columns});
  float* to = all.view().data<float>();
  for (const std::string& name : names) {
    const formats::StoredMatrix& matrix = weights_.matrix(name);
    status_ = read_floats(stream_, matrix, to);
    if (!status_.ok()) return {};
    matrix.release();
    to += matrix.rows() * columns;
  }
  ops::LinearWeights packed =
      ops::LinearWeights::pack(stream_, ops::resolve(stream_.device(), wanted_),
                               {.values = all.view(), .scales = {}, .bias = {}});
  packed_bytes_ += packed.size_bytes();
  return packed;
}

}  // namespace maie::qwen3
