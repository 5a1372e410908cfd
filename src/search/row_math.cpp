// Reductions over rows of logits. One body, compiled for every vector width and chosen at run time.
// A row of 51,865 floats is 207 kB: it lives in the second-level cache, so each pass costs about as
// much as reading it, and the passes that take an exponential are bound by that.

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "search/row_math.cpp"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
// The math library guards itself per target, so it comes after highway.h.
#include "hwy/contrib/math/math-inl.h"

#include "search/row_math.h"

#include <algorithm>
#include <cmath>
#include <limits>

#ifndef MAIE_SEARCH_ROW_MATH_ONCE
#define MAIE_SEARCH_ROW_MATH_ONCE
namespace maie::search {
constexpr float kForbidden = -std::numeric_limits<float>::infinity();
// exp(x) for x below this adds nothing to a sum that holds a 1, and stays a normal number.
constexpr float kLowestExponent = -87.0f;
constexpr size_t kSampleBlock = 256;
}  // namespace maie::search
#endif

HWY_BEFORE_NAMESPACE();
namespace maie::search {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

float RowMax(const float* row, size_t size) {
  const hn::ScalableTag<float> d;
  const size_t lanes = hn::Lanes(d);
  float best = kForbidden;
  size_t i = 0;
  if (size >= 4 * lanes) {
    auto m0 = hn::LoadU(d, row);
    auto m1 = m0, m2 = m0, m3 = m0;
    for (; i + 4 * lanes <= size; i += 4 * lanes) {
      m0 = hn::Max(m0, hn::LoadU(d, row + i));
      m1 = hn::Max(m1, hn::LoadU(d, row + i + lanes));
      m2 = hn::Max(m2, hn::LoadU(d, row + i + 2 * lanes));
      m3 = hn::Max(m3, hn::LoadU(d, row + i + 3 * lanes));
    }
    best = hn::GetLane(hn::MaxOfLanes(d, hn::Max(hn::Max(m0, m1), hn::Max(m2, m3))));
  }
  for (; i < size; ++i) best = std::max(best, row[i]);
  return best;
}

// sum_i exp((row[i] - shift) * scale), every term clamped to at least exp(-87). The clamp stands in
// for 0: 51,865 such terms are 1e-33, and it keeps -inf out of the polynomial.
float SumExp(const float* row, size_t size, float shift, float scale) {
  const hn::ScalableTag<float> d;
  const size_t lanes = hn::Lanes(d);
  const auto vshift = hn::Set(d, shift);
  const auto vscale = hn::Set(d, scale);
  const auto lowest = hn::Set(d, kLowestExponent);
  auto sum0 = hn::Zero(d);
  auto sum1 = hn::Zero(d);
  size_t i = 0;
  for (; i + 2 * lanes <= size; i += 2 * lanes) {
    const auto x0 = hn::Mul(hn::Sub(hn::LoadU(d, row + i), vshift), vscale);
    const auto x1 = hn::Mul(hn::Sub(hn::LoadU(d, row + i + lanes), vshift), vscale);
    sum0 = hn::Add(sum0, hn::Exp(d, hn::Max(x0, lowest)));
    sum1 = hn::Add(sum1, hn::Exp(d, hn::Max(x1, lowest)));
  }
  float sum = hn::GetLane(hn::SumOfLanes(d, hn::Add(sum0, sum1)));
  for (; i < size; ++i) sum += std::exp(std::max((row[i] - shift) * scale, kLowestExponent));
  return sum;
}

void AddToRow(float* row, size_t size, float addend) {
  const hn::ScalableTag<float> d;
  const size_t lanes = hn::Lanes(d);
  const auto v = hn::Set(d, addend);
  size_t i = 0;
  for (; i + lanes <= size; i += lanes) hn::StoreU(hn::Add(hn::LoadU(d, row + i), v), d, row + i);
  for (; i < size; ++i) row[i] += addend;
}

// First index at or after `from` of a stretch (at most `*length` long) that holds a value above
// `bar`; `size` when there is none. Stretches are 8 vectors, so the common "nothing here" costs
// 8 loads, 8 maxima and one reduction.
size_t NextAbove(const float* row, size_t size, size_t from, float bar, size_t* length) {
  const hn::ScalableTag<float> d;
  const size_t lanes = hn::Lanes(d);
  const size_t block = 8 * lanes;
  size_t i = from;
  for (; i + block <= size; i += block) {
    auto m0 = hn::Max(hn::LoadU(d, row + i), hn::LoadU(d, row + i + lanes));
    auto m1 = hn::Max(hn::LoadU(d, row + i + 2 * lanes), hn::LoadU(d, row + i + 3 * lanes));
    auto m2 = hn::Max(hn::LoadU(d, row + i + 4 * lanes), hn::LoadU(d, row + i + 5 * lanes));
    auto m3 = hn::Max(hn::LoadU(d, row + i + 6 * lanes), hn::LoadU(d, row + i + 7 * lanes));
    const auto m = hn::Max(hn::Max(m0, m1), hn::Max(m2, m3));
    if (hn::GetLane(hn::MaxOfLanes(d, m)) > bar) {
      *length = block;
      return i;
    }
  }
  *length = size - i;
  return i;
}

}  // namespace HWY_NAMESPACE
}  // namespace maie::search
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace maie::search {
HWY_EXPORT(RowMax);
HWY_EXPORT(SumExp);
HWY_EXPORT(AddToRow);
HWY_EXPORT(NextAbove);

float row_max(std::span<const float> row) {
  return HWY_DYNAMIC_DISPATCH(RowMax)(row.data(), row.size());
}

float log_sum_exp(std::span<const float> row) {
  const float top = row_max(row);
  if (!(top > kForbidden)) return kForbidden;
  return top + std::log(HWY_DYNAMIC_DISPATCH(SumExp)(row.data(), row.size(), top, 1.0f));
}

float log_add_exp(float a, float b) {
  const float high = std::max(a, b);
  const float low = std::min(a, b);
  if (low == kForbidden) return high;
  return high + std::log1p(std::exp(low - high));
}

void log_softmax_in_place(std::span<float> row) {
  const float sum = log_sum_exp(row);
  if (sum == kForbidden) return;
  HWY_DYNAMIC_DISPATCH(AddToRow)(row.data(), row.size(), -sum);
}

void top_k(std::span<const float> row, int k, std::vector<Candidate>& out) {
  out.clear();
  if (k <= 0) return;
  const size_t wanted = static_cast<size_t>(k);
  out.reserve(wanted + 1);
  // Ids come in rising order and only a strictly larger value displaces one, so of equal values the
  // lower id stays in front.
  float bar = kForbidden;
  size_t length = 0;
  for (size_t i = 0; i < row.size(); i += length) {
    i = HWY_DYNAMIC_DISPATCH(NextAbove)(row.data(), row.size(), i, bar, &length);
    for (size_t j = i; j < i + length; ++j) {
      if (!(row[j] > bar)) continue;
      const Candidate entry{static_cast<int>(j), row[j]};
      const auto place = std::upper_bound(
          out.begin(), out.end(), entry,
          [](const Candidate& a, const Candidate& b) { return a.value > b.value; });
      out.insert(place, entry);
      if (out.size() > wanted) out.pop_back();
      if (out.size() == wanted) bar = out.back().value;
    }
  }
}

int sample_row(std::span<const float> row, float inverse_temperature, double uniform,
               std::vector<float>& scratch) {
  const float top = row_max(row);
  if (!(top > kForbidden)) return -1;
  // Two levels: the mass of blocks first, then single ids inside the one block that is hit.
  scratch.clear();
  double total = 0;
  for (size_t i = 0; i < row.size(); i += kSampleBlock) {
    const size_t size = std::min(kSampleBlock, row.size() - i);
    scratch.push_back(HWY_DYNAMIC_DISPATCH(SumExp)(row.data() + i, size, top, inverse_temperature));
    total += scratch.back();
  }
  double left = uniform * total;
  size_t block = 0;
  while (block + 1 < scratch.size() && left >= scratch[block]) left -= scratch[block++];
  int last_allowed = -1;
  for (size_t i = block * kSampleBlock; i < row.size(); ++i) {
    if (row[i] == kForbidden) continue;
    last_allowed = static_cast<int>(i);
    left -= std::exp(static_cast<double>(row[i] - top) * inverse_temperature);
    if (left < 0) return last_allowed;
  }
  if (last_allowed >= 0) return last_allowed;
  // Rounding ran past the last allowed id: that id is the answer.
  for (size_t i = block * kSampleBlock; i-- > 0;) {
    if (row[i] != kForbidden) return static_cast<int>(i);
  }
  return -1;
}

}  // namespace maie::search
#endif
