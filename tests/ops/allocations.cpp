// Replaces the global operator new of the test program by one that counts. Memory comes from
// malloc, so that sanitizers still see every block.

#include "tests/ops/allocations.h"

#include <atomic>
#include <cstdlib>
#include <new>

namespace {

std::atomic<bool> g_counting{false};
std::atomic<size_t> g_count{0}, g_bytes{0}, g_largest{0};

void note(size_t bytes) {
  if (!g_counting.load(std::memory_order_relaxed)) return;
  g_count.fetch_add(1);
  g_bytes.fetch_add(bytes);
  size_t largest = g_largest.load();
  while (largest < bytes && !g_largest.compare_exchange_weak(largest, bytes)) {
  }
}

void* allocate(size_t bytes, size_t alignment) {
  note(bytes);
  if (bytes == 0) bytes = 1;
  void* memory =
      alignment <= alignof(std::max_align_t)
          ? std::malloc(bytes)
          : std::aligned_alloc(alignment, (bytes + alignment - 1) / alignment * alignment);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

}  // namespace

void* operator new(size_t bytes) { return allocate(bytes, 0); }
void* operator new[](size_t bytes) { return allocate(bytes, 0); }
void* operator new(size_t bytes, std::align_val_t alignment) {
  return allocate(bytes, size_t(alignment));
}
void* operator new[](size_t bytes, std::align_val_t alignment) {
  return allocate(bytes, size_t(alignment));
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, size_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, size_t, std::align_val_t) noexcept { std::free(memory); }
void operator delete[](void* memory, size_t, std::align_val_t) noexcept { std::free(memory); }

namespace maie::testing {

CountAllocations::CountAllocations() {
  g_count = g_bytes = g_largest = 0;
  g_counting = true;
}
CountAllocations::~CountAllocations() { g_counting = false; }
size_t CountAllocations::count() const { return g_count; }
size_t CountAllocations::bytes() const { return g_bytes; }
size_t CountAllocations::largest_bytes() const { return g_largest; }

}  // namespace maie::testing
