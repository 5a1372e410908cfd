#include "search/time_map.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/check.h"

namespace maie::search {

std::vector<SpeechGroup> group_regions(std::span<const SampleSpan> regions, int64_t max_samples) {
  std::vector<SpeechGroup> groups;
  for (const SampleSpan& region : regions) {
    if (groups.empty() || groups.back().size + region.size() > max_samples) groups.emplace_back();
    groups.back().regions.push_back(region);
    groups.back().size += region.size();
  }
  return groups;
}

TimeMap::TimeMap(std::span<const SampleSpan> regions, int rate_hz) : rate_hz_(rate_hz) {
  check(!regions.empty(), "a time map needs a region");
  int64_t silence = 0;
  int64_t previous_end = 0;
  for (const SampleSpan& region : regions) {
    silence += region.begin - previous_end;
    previous_end = region.end;
    packed_end_.push_back(region.end - silence);
    silence_before_s_.push_back(static_cast<double>(silence) / rate_hz);
  }
}

size_t TimeMap::region_at(double time_s, bool is_end) const {
  const int64_t sample = static_cast<int64_t>(time_s * rate_hz_);
  const auto first = packed_end_.begin();
  if (is_end) {
    const auto hit = std::lower_bound(first, packed_end_.end(), sample);
    if (hit != packed_end_.end() && *hit == sample) return static_cast<size_t>(hit - first);
  }
  const auto after = std::upper_bound(first, packed_end_.end(), sample);
  return std::min(static_cast<size_t>(after - first), packed_end_.size() - 1);
}

double TimeMap::restore(double time_s, bool is_end) const {
  return restore_in(region_at(time_s, is_end), time_s);
}

double TimeMap::restore_in(size_t region, double time_s) const {
  check(region < silence_before_s_.size(), "no such region");
  return round_decimals(silence_before_s_[region] + time_s, 2);
}

TimeSpan restore_segment(const TimeMap& map, TimeSpan segment) {
  return {map.restore(segment.start), map.restore(segment.end, true)};
}

TimeSpan restore_word(const TimeMap& map, TimeSpan word) {
  const size_t region = map.region_at((word.start + word.end) / 2);
  return {map.restore_in(region, word.start), map.restore_in(region, word.end)};
}

double round_decimals(double value, int digits) {
  if (!std::isfinite(value)) return value;
  char text[400];  // the largest double has 309 digits before the point
  const auto written =
      std::to_chars(text, text + sizeof text, value, std::chars_format::fixed, digits);
  double rounded = value;
  std::from_chars(text, written.ptr, rounded);
  return rounded;
}

}  // namespace maie::search
