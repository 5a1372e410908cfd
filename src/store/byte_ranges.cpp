#include "store/byte_ranges.h"

#include <algorithm>

namespace maie::store {

void ByteRanges::add(ByteRange range) {
  if (range.size() == 0) return;
  // Everything that touches the new range melts into it.
  auto first = std::find_if(ranges_.begin(), ranges_.end(),
                            [&](const ByteRange& r) { return r.end >= range.begin; });
  auto last = first;
  for (; last != ranges_.end() && last->begin <= range.end; ++last) {
    range.begin = std::min(range.begin, last->begin);
    range.end = std::max(range.end, last->end);
  }
  ranges_.insert(ranges_.erase(first, last), range);
}

void ByteRanges::remove(ByteRange range) {
  std::vector<ByteRange> rest;
  for (const ByteRange& r : ranges_) {
    const ByteRange before{r.begin, std::min(r.end, range.begin)};
    const ByteRange after{std::max(r.begin, range.end), r.end};
    if (before.begin < before.end) rest.push_back(before);
    if (after.begin < after.end) rest.push_back(after);
  }
  ranges_ = std::move(rest);
}

uint64_t ByteRanges::size() const {
  uint64_t sum = 0;
  for (const ByteRange& range : ranges_) sum += range.size();
  return sum;
}

std::optional<ByteRange> ByteRanges::first_gap(uint64_t file_size, uint64_t limit) const {
  uint64_t begin = 0, end = file_size;
  for (const ByteRange& range : ranges_) {
    if (range.begin > begin) {
      end = std::min(end, range.begin);
      break;
    }
    begin = range.end;
  }
  if (begin >= end) return std::nullopt;
  return ByteRange{begin, begin + std::min(end - begin, limit)};
}

}  // namespace maie::store
