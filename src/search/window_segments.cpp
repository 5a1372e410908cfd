#include "search/window_segments.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"

namespace maie::search {
namespace {

constexpr double kFramesPerSecond = 100;
constexpr double kSecondsPerTimestamp = 0.02;
constexpr int kFramesPerTimestamp = 2;
constexpr size_t kRoomToSpeak = 32;

std::span<const int> first(std::span<const int> tokens, size_t count) {
  return tokens.first(std::min(count, tokens.size()));
}
std::span<const int> last(std::span<const int> tokens, size_t count) {
  return tokens.last(std::min(count, tokens.size()));
}

}  // namespace

SplitWindow split_window(std::span<const int> tokens, const TokenIds& ids, int64_t seek, int size) {
  SplitWindow split;
  split.seek = seek + size;
  const double offset = static_cast<double>(seek) / kFramesPerSecond;
  const auto time_of = [&](int id) { return (id - ids.timestamp_begin) * kSecondsPerTimestamp; };
  const size_t n = tokens.size();
  split.single_timestamp_ending =
      n >= 2 && !ids.is_timestamp(tokens[n - 2]) && ids.is_timestamp(tokens[n - 1]);

  std::vector<size_t> cuts;  // a segment ends before each
  for (size_t i = 1; i < n; ++i) {
    if (ids.is_timestamp(tokens[i - 1]) && ids.is_timestamp(tokens[i])) cuts.push_back(i);
  }
  if (cuts.empty()) {
    double duration = static_cast<double>(size) / kFramesPerSecond;
    const auto newest =
        std::find_if(tokens.rbegin(), tokens.rend(), [&](int id) { return ids.is_timestamp(id); });
    if (newest != tokens.rend() && *newest != ids.timestamp_begin) duration = time_of(*newest);
    split.segments.push_back({offset, offset + duration, {tokens.begin(), tokens.end()}});
    return split;
  }
  if (split.single_timestamp_ending) cuts.push_back(n);
  size_t begin = 0;
  for (const size_t end : cuts) {
    const std::span<const int> slice = tokens.subspan(begin, end - begin);
    split.segments.push_back({offset + time_of(slice.front()),
                              offset + time_of(slice.back()),
                              {slice.begin(), slice.end()}});
    begin = end;
  }
  if (!split.single_timestamp_ending) {
    const int heard = kFramesPerTimestamp * (tokens[begin - 1] - ids.timestamp_begin);
    if (heard > 0) split.seek = seek + heard;  // 0 would decode the same window for ever
  }
  return split;
}

std::vector<SeekClip> seek_clips(std::span<const double> seconds, int64_t content_frames) {
  std::vector<int64_t> points;
  for (const double s : seconds) points.push_back(std::llrint(s * kFramesPerSecond));
  if (points.empty()) points.push_back(0);
  if (points.size() % 2 == 1) points.push_back(content_frames);
  std::vector<SeekClip> clips;
  for (size_t i = 0; i < points.size(); i += 2) clips.push_back({points[i], points[i + 1]});
  return clips;
}

std::vector<int> build_prompt(const PromptParts& parts, const TokenIds& ids) {
  check(parts.max_length >= 64, "the text context must hold a prompt");
  const size_t limit = static_cast<size_t>(parts.max_length / 2 - 1);
  const auto prefix = first(parts.prefix, limit);
  auto hotwords = prefix.empty() ? first(parts.hotwords, limit) : std::span<const int>();
  auto previous = last(parts.previous, limit);

  const size_t fixed = parts.sot_sequence.size() + prefix.size() + 3;
  const size_t taken = std::min(fixed + kRoomToSpeak, static_cast<size_t>(parts.max_length));
  const size_t room = static_cast<size_t>(parts.max_length) - taken;
  hotwords = first(hotwords, room);
  previous = last(previous, room - hotwords.size());

  std::vector<int> prompt;
  const auto append = [&](std::span<const int> tokens) {
    prompt.insert(prompt.end(), tokens.begin(), tokens.end());
  };
  if (ids.start_of_prev >= 0 && !(hotwords.empty() && previous.empty())) {
    prompt.push_back(ids.start_of_prev);
    append(hotwords);
    append(previous);
  }
  append(parts.sot_sequence);
  if (parts.without_timestamps && ids.no_timestamps >= 0) prompt.push_back(ids.no_timestamps);
  if (!prefix.empty()) {
    if (!parts.without_timestamps && ids.timestamp_begin >= 0)
      prompt.push_back(ids.timestamp_begin);
    append(prefix);
  }
  return prompt;
}

}  // namespace maie::search
