#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <string>

#include "base/check.h"

namespace maie {

/// At most four extents, rows contiguous, last index fastest. Rank 0 is a scalar of one element.
class Shape {
 public:
  static constexpr int kMaxRank = 4;

  Shape() = default;
  Shape(std::initializer_list<int64_t> dims) {
    check(dims.size() <= kMaxRank, "a shape has at most four dimensions");
    for (const int64_t dim : dims) append(dim);
  }

  void append(int64_t dim) {
    check(rank_ < kMaxRank, "a shape has at most four dimensions");
    check(dim >= 0, "a dimension is not negative");
    dims_[size_t(rank_++)] = dim;
  }

  int rank() const { return rank_; }
  /// Extent of dimension `index`; negative counts from the end.
  int64_t dim(int index) const {
    if (index < 0) index += rank_;
    check(index >= 0 && index < rank_, "dimension index within the rank");
    return dims_[size_t(index)];
  }
  /// Number of elements.
  int64_t size() const {
    int64_t size = 1;
    for (int i = 0; i < rank_; ++i) size *= dims_[size_t(i)];
    return size;
  }
  /// "[1500, 768]"
  std::string to_string() const {
    std::string text = "[";
    for (int i = 0; i < rank_; ++i) {
      if (i > 0) text += ", ";
      text += std::to_string(dims_[size_t(i)]);
    }
    return text + "]";
  }

  friend bool operator==(const Shape& a, const Shape& b) {
    if (a.rank_ != b.rank_) return false;
    for (int i = 0; i < a.rank_; ++i) {
      if (a.dims_[size_t(i)] != b.dims_[size_t(i)]) return false;
    }
    return true;
  }

 private:
  std::array<int64_t, kMaxRank> dims_{};
  int rank_ = 0;
};

}  // namespace maie
