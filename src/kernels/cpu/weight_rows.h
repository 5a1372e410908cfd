#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "tensor/linear_source.h"

namespace maie::cpu {

/// The rows of linear layers stacked one below the other, as the packers read them. A view of the
/// sources, whose forms it has checked. Any thread.
class WeightRows {
 public:
  /// @param sources  at least one, all of the same width.
  explicit WeightRows(std::span<const LinearSource> sources);

  int64_t rows() const { return starts_.back(); }
  int64_t columns() const { return columns_; }
  std::span<const LinearSource> sources() const { return sources_; }

  /// Weights of one row in float32. @param out [columns]
  void floats(int64_t row, float* out) const;
  /// 8-bit values of a row, weight = value * factor: those that are stored, or else the rounded
  /// weights. Returns the factor. @param out [columns]
  float int8(int64_t row, int8_t* out) const;
  /// Codes of rows [first, first + count) of sources that have some of 4 to 6 bits, all as many;
  /// where a source needs no offsets they are computed.
  /// @param out  its offsets may be null when no source has any.
  void codes(int64_t first, int64_t count, const QuantisedRows& out) const;
  /// [rows], zero for a source without; empty when none has any.
  std::vector<float> bias() const;

 private:
  struct Place {
    const LinearSource& source;
    int64_t row;
  };
  Place find(int64_t row) const;

  std::span<const LinearSource> sources_;
  std::vector<int64_t> starts_;  // first row of each source, and the end
  int64_t columns_ = 0;
};

}  // namespace maie::cpu
