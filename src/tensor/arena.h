#pragma once

#include "tensor/tensor.h"

namespace maie {

/// Activations of one stream: tensors are taken from the front and given back all at once when the
/// Scope that saw them ends. Forward code allocates nothing else.
///
/// An arena made with `measuring` owns no memory: it hands out views without data and only counts,
/// so a dry run of the forward code (ops return at once on such views) finds the size needed before
/// anything is loaded. One arena belongs to one stream: rewinding while a device still computes is
/// safe because the next user of those bytes queues behind.
class Arena {
 public:
  Arena(Device device, size_t size_bytes) : buffer_(device, size_bytes), device_(device) {}
  static Arena measuring(Device device) {
    Arena arena(device, 0);
    arena.measuring_ = true;
    return arena;
  }

  bool is_measuring() const { return measuring_; }
  size_t peak_bytes() const { return peak_; }
  size_t capacity_bytes() const { return buffer_.size_bytes(); }

  /// A tensor of undefined contents, valid until the enclosing Scope ends. Aligned to 64 bytes.
  Tensor tensor(DType type, const Shape& shape) {
    const size_t bytes = (size_t(shape.size()) * size_of(type) + 63) / 64 * 64;
    const size_t start = used_;
    used_ += bytes;
    if (used_ > peak_) peak_ = used_;
    if (measuring_) return Tensor(nullptr, type, shape, device_);
    check(used_ <= buffer_.size_bytes(), "arena is large enough (its dry run missed a case)");
    return Tensor(buffer_.data() + start, type, shape, device_);
  }

  /// Gives back on destruction what was taken during its life.
  class Scope {
   public:
    explicit Scope(Arena& arena) : arena_(arena), start_(arena.used_) {}
    ~Scope() { arena_.used_ = start_; }
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;

   private:
    Arena& arena_;
    size_t start_;
  };

 private:
  Buffer buffer_;
  Device device_;
  size_t used_ = 0;
  size_t peak_ = 0;
  bool measuring_ = false;
};

}  // namespace maie
