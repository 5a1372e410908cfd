#pragma once

#include <array>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "base/status.h"
#include "models/qwen3/weights.h"
#include "ops/linear.h"

namespace maie::qwen3 {

/// Turns stored weights into layers ready to run, read piece by piece by the stream's team. What
/// goes wrong is kept in `status`, and what is packed after it is empty. One thread at a time.
class Packer {
 public:
  /// @param wanted  of the products. `auto` takes what each matrix is stored as: int4 for codes of
  ///   4 bits, int8 for all other codes (5 and 6 bits stay so), and for floats what `auto` is on
  ///   the device.
  Packer(Stream& s, const Weights& weights, ComputeType wanted)
      : stream_(s), weights_(weights), wanted_(wanted) {}

  const Weights& weights() const { return weights_; }
  ComputeType wanted() const { return wanted_; }

  /// The type that a matrix gets on a device.
  static ComputeType type_of(Device device, ComputeType wanted,
                             const formats::StoredMatrix& matrix);

  /// Matrices of one width, one below the other: one product makes all their outputs. The pages of
  /// the file that they lie in are given back to the system.
  ops::LinearWeights linear(const std::vector<std::string>& names);

  /// Of most of what was packed.
  ComputeType type() const;
  const Status& status() const { return status_; }
  size_t packed_bytes() const { return packed_bytes_; }

 private:
  ComputeType type_of(const formats::StoredMatrix& matrix) const {
    return type_of(stream_.device(), wanted_, matrix);
  }
  ops::LinearSource source(const formats::StoredMatrix& matrix, ComputeType stack);
  ops::QuantisedSource codes(const formats::StoredMatrix& matrix);
  ops::QuantisedSource codes8(const formats::StoredMatrix& matrix);
  ops::QuantisedSource rounded(const formats::StoredMatrix& matrix);
  ops::FloatSource floats(const formats::StoredMatrix& matrix);
  void read_floats(const formats::StoredMatrix& matrix, int64_t row, std::span<float> out);
  void keep(const Status& status);

  Stream& stream_;
  const Weights& weights_;
  ComputeType wanted_;
  std::mutex mutex_;
  Status status_;                     // guarded by the mutex while a layer is packed
  std::array<int64_t, 16> values_{};  // packed so far, by type
  size_t packed_bytes_ = 0;
};

}  // namespace maie::qwen3
