#pragma once

#include <initializer_list>
#include <string>
#include <vector>

#include "base/status.h"
#include "models/qwen3/weights.h"
#include "ops/linear.h"

namespace maie::qwen3 {

/// Turns stored weights into layers ready to run. What goes wrong is kept in `status`, and what is
/// packed after it is empty. One thread at a time.
class Packer {
 public:
  /// @param wanted  of the products; `auto` takes what each matrix is stored as.
  Packer(Stream& s, const Weights& weights, ComputeType wanted)
      : stream_(s), weights_(weights), wanted_(wanted) {}

  const Weights& weights() const { return weights_; }
  ComputeType wanted() const { return wanted_; }

  /// Matrices of one width, one below the other: one product makes all their outputs. The pages of
  /// the file that they lie in are given back to the system.
  ops::LinearWeights linear(std::initializer_list<std::string> names);

  const Status& status() const { return status_; }
  size_t packed_bytes() const { return packed_bytes_; }

 private:
  Stream& stream_;
  const Weights& weights_;
  ComputeType wanted_;
  Status status_;
  size_t packed_bytes_ = 0;
};

}  // namespace maie::qwen3
