#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/sample_span.h"

/// Regions of speech cut out of a recording and put end to end: how they are packed into windows,
/// and where a time in the packed audio lies in the recording. Samples are at 16 kHz.
namespace maie::search {

/// Consecutive regions decoded as one window.
struct SpeechGroup {
  std::vector<SampleSpan> regions;
  int64_t size = 0;  ///< samples of all regions together
};

/// Merges neighbours while their total stays within `max_samples`; a longer region stands alone.
/// @param regions  in order of time, not overlapping.
std::vector<SpeechGroup> group_regions(std::span<const SampleSpan> regions,
                                       int64_t max_samples = 30 * 16000);

/// Maps times of the concatenated regions back to the recording. Immutable.
class TimeMap {
 public:
  /// @throws ContractError for no regions.
  explicit TimeMap(std::span<const SampleSpan> regions, int rate_hz = 16000);

  /// The region that holds packed time `time_s`: the first that ends after it, the last one for
  /// times beyond. A time that is the end of something and falls exactly on a region's end stays in
  /// that region.
  size_t region_at(double time_s, bool is_end = false) const;

  /// The recording's time, rounded to 2 decimals: the silence cut out before the region is added.
  double restore(double time_s, bool is_end = false) const;
  double restore_in(size_t region, double time_s) const;

 private:
  int rate_hz_;
  std::vector<int64_t> packed_end_;       // of each region, in samples of the packed audio
  std::vector<double> silence_before_s_;  // cut out up to each region
};

struct TimeSpan {
  double start = 0;
  double end = 0;
};

/// Restores a segment that has no words.
TimeSpan restore_segment(const TimeMap& map, TimeSpan segment);

/// Restores a word: both ends move by the silence before the region its middle lies in, so that a
/// word is never torn apart.
TimeSpan restore_word(const TimeMap& map, TimeSpan word);

/// Rounds to `digits` decimals: the nearest decimal to the exact binary value, ties to even (as
/// Python's round).
double round_decimals(double value, int digits);

}  // namespace maie::search
