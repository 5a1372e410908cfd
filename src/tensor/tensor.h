#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <span>

#include "tensor/device.h"
#include "tensor/dtype.h"
#include "tensor/shape.h"

namespace maie {

/// A read-only view of contiguous elements: pointer, type, shape, device. Owns nothing; the class
/// that stores one names the owner. Passed by value.
class ConstTensor {
 public:
  ConstTensor() = default;
  ConstTensor(const void* data, DType type, Shape shape, Device device = {})
      : data_(data), shape_(shape), device_(device), type_(type) {}

  const void* raw() const { return data_; }
  DType dtype() const { return type_; }
  const Shape& shape() const { return shape_; }
  Device device() const { return device_; }
  int rank() const { return shape_.rank(); }
  int64_t dim(int index) const { return shape_.dim(index); }
  int64_t size() const { return shape_.size(); }
  size_t size_bytes() const { return size_t(size()) * size_of(type_); }
  /// False for a default-made view (an absent bias, an absent weight).
  explicit operator bool() const { return data_ != nullptr; }

  /// Elements as `Elem`, which must be the view's type.
  template <class Elem>
  const Elem* data() const {
    check(DTypeOf<Elem>::value == type_, "tensor element type");
    return static_cast<const Elem*>(data_);
  }
  template <class Elem>
  std::span<const Elem> span() const {
    return {data<Elem>(), size_t(size())};
  }

  /// Exactly `N` extents, for structured bindings: `const auto [T, C] = x.dims<2>();`
  template <int N>
  std::array<int64_t, N> dims() const {
    check(rank() == N, "tensor rank");
    std::array<int64_t, N> out;
    for (int i = 0; i < N; ++i) out[size_t(i)] = dim(i);
    return out;
  }

  /// Rows [first, first+count) of the first dimension.
  ConstTensor rows(int64_t first, int64_t count) const {
    return {static_cast<const std::byte*>(data_) + row_offset(first, count), type_,
            row_shape(count), device_};
  }
  /// The same elements under another shape of equal size.
  ConstTensor reshaped(Shape shape) const {
    check(shape.size() == size(), "reshape keeps the number of elements");
    return {data_, type_, shape, device_};
  }

 protected:
  size_t row_offset(int64_t first, int64_t count) const {
    check(rank() >= 1 && first >= 0 && count >= 0 && first + count <= dim(0), "rows within");
    return dim(0) == 0 ? 0 : size_t(first) * (size_bytes() / size_t(dim(0)));
  }
  Shape row_shape(int64_t count) const {
    Shape shape{count};
    for (int i = 1; i < rank(); ++i) shape.append(dim(i));
    return shape;
  }

  const void* data_ = nullptr;
  Shape shape_;
  Device device_;
  DType type_ = DType::kF32;
};

/// A view whose elements may be written. Converts to ConstTensor.
class Tensor : public ConstTensor {
 public:
  Tensor() = default;
  Tensor(void* data, DType type, Shape shape, Device device = {})
      : ConstTensor(data, type, shape, device) {}

  void* raw() const { return const_cast<void*>(data_); }
  template <class Elem>
  Elem* data() const {
    return const_cast<Elem*>(ConstTensor::data<Elem>());
  }
  template <class Elem>
  std::span<Elem> span() const {
    return {data<Elem>(), size_t(size())};
  }
  Tensor rows(int64_t first, int64_t count) const {
    return {static_cast<std::byte*>(raw()) + row_offset(first, count), type_, row_shape(count),
            device_};
  }
  Tensor reshaped(Shape shape) const {
    check(shape.size() == size(), "reshape keeps the number of elements");
    return {raw(), type_, shape, device_};
  }
};

/// Owns bytes on a device; moves, does not copy. Start aligned to 64 bytes, contents undefined.
class Buffer {
 public:
  Buffer() = default;
  /// @throws std::bad_alloc when the device has no room.
  Buffer(Device device, size_t size_bytes);

  std::byte* data() const { return data_.get(); }
  size_t size_bytes() const { return size_bytes_; }
  Device device() const { return device_; }

 private:
  struct Free {
    void operator()(std::byte* bytes) const;
  };
  std::unique_ptr<std::byte[], Free> data_;
  size_t size_bytes_ = 0;
  Device device_;
};

/// A buffer with a type and a shape: what a class uses to own one tensor.
class OwnedTensor {
 public:
  OwnedTensor() = default;
  OwnedTensor(Device device, DType type, Shape shape)
      : buffer_(device, size_t(shape.size()) * size_of(type)),
        view_(buffer_.data(), type, shape, device) {}

  /// Valid while this object lives, also after it was moved.
  Tensor view() const { return view_; }
  size_t size_bytes() const { return buffer_.size_bytes(); }

 private:
  Buffer buffer_;
  Tensor view_;
};

}  // namespace maie
