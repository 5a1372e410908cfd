#pragma once

#include <climits>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace maie::text {

inline constexpr int32_t kNoRank = INT_MAX;

/// What two neighbours merge to, and when: lower ranks first. Inside this folder only.
struct Merged {
  int32_t rank = kNoRank;
  int32_t id = -1;
};

/// Pair of ids to merge: open addressing, keys of 64 bits, half full at most.
class PairIndex {
 public:
  void reserve(size_t count) {
    size_t size = 16;
    while (size < 2 * count) size *= 2;
    slots_.assign(size, {kEmpty, {}});
  }
  // A pair that is listed twice keeps its last rank, as a dictionary filled in order does.
  void set(int32_t left, int32_t right, Merged merged) {
    const uint64_t k = key(left, right);
    for (size_t at = mix(k);; ++at) {
      Slot& slot = slots_[at & (slots_.size() - 1)];
      if (slot.key != kEmpty && slot.key != k) continue;
      slot = {k, merged};
      return;
    }
  }
  Merged find(int32_t left, int32_t right) const {
    const uint64_t k = key(left, right);
    for (size_t at = mix(k);; ++at) {
      const Slot& slot = slots_[at & (slots_.size() - 1)];
      if (slot.key == k) return slot.merged;
      if (slot.key == kEmpty) return {};
    }
  }

 private:
  struct Slot {
    uint64_t key;
    Merged merged;
  };
  static constexpr uint64_t kEmpty = ~uint64_t{0};
  static uint64_t key(int32_t left, int32_t right) {
    return uint64_t{static_cast<uint32_t>(left)} << 32 | static_cast<uint32_t>(right);
  }
  static size_t mix(uint64_t k) {
    k *= 0x9E3779B97F4A7C15u;
    return static_cast<size_t>(k ^ (k >> 29));
  }
  std::vector<Slot> slots_;
};

}  // namespace maie::text
