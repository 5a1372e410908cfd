#pragma once

#include <cstdint>
#include <optional>
#include <vector>

namespace maie::store {

/// Bytes [begin, end) of a file.
struct ByteRange {
  uint64_t begin = 0;
  uint64_t end = 0;

  uint64_t size() const { return end - begin; }
  friend bool operator==(const ByteRange&, const ByteRange&) = default;
};

/// A set of bytes of a file as ranges that do not touch, in order. One thread at a time.
class ByteRanges {
 public:
  void add(ByteRange range);
  void remove(ByteRange range);
  void clear() { ranges_.clear(); }

  /// Bytes in the set.
  uint64_t size() const;
  /// The first range of [0, file_size) that is not in the set, cut to `limit`; nullopt: none.
  std::optional<ByteRange> first_gap(uint64_t file_size, uint64_t limit) const;
  const std::vector<ByteRange>& list() const { return ranges_; }

 private:
  std::vector<ByteRange> ranges_;
};

}  // namespace maie::store
