#include "tensor/tensor.h"

#include <cstdlib>
#include <new>

namespace maie {

std::string to_string(Device device) {
  return device.kind == Device::Kind::kCpu ? "cpu" : "cuda:" + std::to_string(device.index);
}

Buffer::Buffer(Device device, size_t size_bytes) : size_bytes_(size_bytes), device_(device) {
  check(device.kind == Device::Kind::kCpu, "this build holds buffers on the CPU only");
  if (size_bytes == 0) return;
  const size_t rounded = (size_bytes + 63) / 64 * 64;
  if (rounded < size_bytes) throw std::bad_alloc();
  void* bytes = std::aligned_alloc(64, rounded);
  if (bytes == nullptr) throw std::bad_alloc();
  data_.reset(static_cast<std::byte*>(bytes));
}

void Buffer::Free::operator()(std::byte* bytes) const { std::free(bytes); }

}  // namespace maie
