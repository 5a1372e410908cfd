// Vertical differences between neighbouring cells of the edit matrix are -1, 0 or 1, so a column of
// 64 cells is two words: where it rises (pv) and where it falls (mv). A block turns the column into
// the next one with a dozen operations and hands the horizontal difference at its last row to the
// block below.
#include "text/edit_distance.h"

#include <algorithm>
#include <string>
#include <unordered_map>
#include <vector>

#include "text/utf8.h"

namespace maie::text {
namespace {

struct Block {
  uint64_t pv = ~uint64_t{0};
  uint64_t mv = 0;
};

// Advances one block by one column. `eq` marks the rows whose character is the column's; `in` is
// the horizontal difference (-1, 0, 1) above its first row, the answer that of row `last`.
int step(Block& block, uint64_t eq, int in, unsigned last) {
  const uint64_t negative_in = in < 0 ? 1 : 0;
  const uint64_t xv = eq | block.mv;
  eq |= negative_in;
  const uint64_t xh = (((eq & block.pv) + block.pv) ^ block.pv) | eq;
  uint64_t ph = block.mv | ~(xh | block.pv);
  uint64_t mh = block.pv & xh;
  const int out = int((ph >> last) & 1) - int((mh >> last) & 1);
  ph = (ph << 1) | (in > 0 ? 1 : 0);
  mh = (mh << 1) | negative_in;
  block.pv = mh | ~(xv | ph);
  block.mv = ph & xv;
  return out;
}

// Rows of the pattern at which each character stands, block by block.
class Occurrences {
 public:
  explicit Occurrences(std::u32string_view pattern) : blocks_((pattern.size() + 63) / 64) {
    for (size_t i = 0; i < pattern.size(); ++i) {
      const auto [at, is_new] = rows_.try_emplace(pattern[i], bits_.size());
      if (is_new) bits_.resize(bits_.size() + blocks_);
      bits_[at->second + i / 64] |= uint64_t{1} << (i % 64);
    }
  }
  size_t blocks() const { return blocks_; }
  /// `blocks()` words, or null when the character does not occur.
  const uint64_t* of(char32_t c) const {
    const auto at = rows_.find(c);
    return at == rows_.end() ? nullptr : &bits_[at->second];
  }

 private:
  size_t blocks_;
  std::unordered_map<char32_t, size_t> rows_;
  std::vector<uint64_t> bits_;
};

void trim_common_ends(std::u32string_view& a, std::u32string_view& b) {
  const auto front = std::mismatch(a.begin(), a.end(), b.begin(), b.end());
  const auto same = size_t(front.first - a.begin());
  a.remove_prefix(same);
  b.remove_prefix(same);
  while (!a.empty() && !b.empty() && a.back() == b.back()) {
    a.remove_suffix(1);
    b.remove_suffix(1);
  }
}

// Columns in stripes of rows, so that the memory of the character table stays linear: a stripe's
// horizontal differences at its last row are what the next stripe starts from.
constexpr size_t kStripe = 64 * 256;

int64_t distance(std::u32string_view rows, std::u32string_view columns) {
  std::vector<int8_t> above(columns.size(), 1);
  for (size_t start = 0; start < rows.size(); start += kStripe) {
    const std::u32string_view stripe = rows.substr(start, kStripe);
    const Occurrences occurrences(stripe);
    std::vector<Block> blocks(occurrences.blocks());
    const auto last = unsigned((stripe.size() - 1) % 64);
    for (size_t j = 0; j < columns.size(); ++j) {
      const uint64_t* equal = occurrences.of(columns[j]);
      int carry = above[j];
      for (size_t b = 0; b < blocks.size(); ++b) {
        carry = step(blocks[b], equal ? equal[b] : 0, carry, b + 1 == blocks.size() ? last : 63);
      }
      above[j] = int8_t(carry);
    }
  }
  int64_t sum = int64_t(rows.size());
  for (const int8_t difference : above) sum += difference;
  return sum;
}

}  // namespace

int64_t edit_distance(std::string_view a, std::string_view b) {
  const std::u32string first = decode_utf8(a), second = decode_utf8(b);
  std::u32string_view rows = first, columns = second;
  trim_common_ends(rows, columns);
  if (rows.size() > columns.size()) std::swap(rows, columns);
  if (rows.empty()) return int64_t(columns.size());
  return distance(rows, columns);
}

int64_t count_code_points(std::string_view text) { return int64_t(decode_utf8(text).size()); }

double edit_rate(int64_t distance, std::string_view a, std::string_view b) {
  const int64_t longer = std::max(count_code_points(a), count_code_points(b));
  return longer == 0 ? 0.0 : double(distance) / double(longer);
}

}  // namespace maie::text
