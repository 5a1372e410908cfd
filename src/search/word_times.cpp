#include "search/word_times.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"
#include "search/row_math.h"
#include "search/time_map.h"

namespace maie::search {
namespace {

constexpr double kLongestMedian = 0.7;
constexpr std::string_view kSentenceEnds = ".。!！?？";

// "Is a substring of", the test the reference makes; true for the empty text. Bytes serve: in UTF-8
// no character begins inside another.
bool among(std::string_view text, std::string_view set) {
  return set.find(text) != std::string_view::npos;
}

std::string_view strip(std::string_view text) {
  constexpr std::string_view kSpace = " \t\n\r\f\v";
  const size_t begin = text.find_first_not_of(kSpace);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kSpace) - begin + 1);
}

bool starts_with_space(const std::string& text) { return !text.empty() && text.front() == ' '; }
bool ends_with_space(const std::string& text) { return !text.empty() && text.back() == ' '; }

// A pause inside the first word or two after a silence: keep their ends, move their starts.
void shorten_start(std::vector<TimedWord>& words, const DurationLimits& limits,
                   double last_speech) {
  TimedWord& first = words.front();
  const bool has_second = words.size() > 1;
  if (!(first.end - last_speech > limits.median * 4)) return;
  const bool two_long = has_second && words[1].end - first.start > limits.longest * 2;
  if (!(first.duration() > limits.longest || two_long)) return;
  if (has_second && words[1].duration() > limits.longest) {
    const double border = std::max(words[1].end / 2, words[1].end - limits.longest);
    first.end = words[1].start = border;
  }
  first.start = std::max(0.0, first.end - limits.longest);
}

// The segment's own timestamps win where a word reaches more than half a second beyond them;
// elsewhere the words are the better measurement.
void reconcile_borders(TimedSegment& segment, double median) {
  TimedWord& first = segment.words.front();
  TimedWord& last = segment.words.back();
  if (segment.start < first.end && segment.start - 0.5 > first.start) {
    first.start = std::max(0.0, std::min(first.end - median, segment.start));
  } else {
    segment.start = first.start;
  }
  if (segment.end > last.start && segment.end + 0.5 < last.end) {
    last.end = std::max(last.start + median, segment.end);
  } else {
    segment.end = last.end;
  }
}

bool is_anomalous(const TimedSegment& segment, std::string_view punctuation) {
  constexpr int kWordsLookedAt = 8;
  if (segment.words.empty()) return false;
  double score = 0;
  int count = 0;
  for (const TimedWord& word : segment.words) {
    if (among(word.text, punctuation)) continue;
    if (count == kWordsLookedAt) break;
    score += word_anomaly(word);
    ++count;
  }
  return score >= 3 || score + 0.01 >= count;
}

}  // namespace

float text_probability(std::span<const float> row, int token, int eot) {
  check(eot > 0 && eot <= static_cast<int>(row.size()), "the end of text must lie in the row");
  check(token >= 0 && token < eot, "only text tokens have a text probability");
  return std::exp(row[token] - log_sum_exp(row.first(eot)));
}

std::vector<TimedWord> time_words(std::span<const PathStep> path, std::span<const WordTokens> words,
                                  std::span<const float> text_probs) {
  if (words.empty() || path.empty()) return {};
  const std::vector<double> starts = token_starts(path);
  check(starts.size() == text_probs.size() + 1,
        "a path has one row more than there are text tokens");
  std::vector<TimedWord> timed;
  timed.reserve(words.size());
  size_t at = 0;
  for (const WordTokens& word : words) {
    const size_t count = word.tokens.size();
    check(count > 0 && count <= text_probs.size() - at, "words must consist of the text tokens");
    double sum = 0;
    for (size_t i = at; i < at + count; ++i) sum += text_probs[i];
    timed.push_back(
        {word.text, word.tokens, starts[at], starts[at + count], sum / static_cast<double>(count)});
    at += count;
  }
  check(at == text_probs.size(), "words must consist of all text tokens");
  return timed;
}

DurationLimits limit_durations(std::vector<TimedWord>& words) {
  std::vector<double> durations;
  for (const TimedWord& word : words) {
    if (word.duration() != 0) durations.push_back(word.duration());
  }
  DurationLimits limits;
  if (!durations.empty()) {
    std::sort(durations.begin(), durations.end());
    const size_t n = durations.size();
    const double median =
        n % 2 == 1 ? durations[n / 2] : (durations[n / 2 - 1] + durations[n / 2]) / 2;
    limits.median = std::min(kLongestMedian, median);
  }
  limits.longest = 2 * limits.median;
  if (durations.empty()) return limits;
  for (size_t i = 1; i < words.size(); ++i) {
    if (!(words[i].duration() > limits.longest)) continue;
    if (among(words[i].text, kSentenceEnds)) {
      words[i].end = words[i].start + limits.longest;
    } else if (among(words[i - 1].text, kSentenceEnds)) {
      words[i].start = words[i].end - limits.longest;
    }
  }
  return limits;
}

void merge_punctuation(std::vector<TimedWord>& words, std::string_view prepend,
                       std::string_view append) {
  const auto clear = [](TimedWord& word) {
    word.text.clear();
    word.tokens.clear();
  };
  if (words.size() < 2) return;
  size_t following = words.size() - 1;
  for (size_t i = words.size() - 1; i-- > 0;) {
    TimedWord& word = words[i];
    if (!(starts_with_space(word.text) && among(strip(word.text), prepend))) {
      following = i;
      continue;
    }
    TimedWord& next = words[following];
    next.text = word.text + next.text;
    next.tokens.insert(next.tokens.begin(), word.tokens.begin(), word.tokens.end());
    clear(word);
  }
  size_t previous = 0;
  for (size_t i = 1; i < words.size(); ++i) {
    TimedWord& word = words[i];
    TimedWord& before = words[previous];
    if (ends_with_space(before.text) || !among(word.text, append)) {
      previous = i;
      continue;
    }
    before.text += word.text;
    before.tokens.insert(before.tokens.end(), word.tokens.begin(), word.tokens.end());
    clear(word);
  }
}

double attach_words(std::span<const TimedWord> words, const DurationLimits& limits,
                    double last_speech, std::span<TimedSegment> segments) {
  size_t next = 0;
  for (TimedSegment& segment : segments) {
    const double offset = static_cast<double>(segment.seek) / 100;
    segment.words.clear();
    for (size_t taken = 0; next < words.size() && taken < segment.text_tokens; ++next) {
      taken += words[next].tokens.size();
      if (words[next].text.empty()) continue;
      TimedWord word = words[next];
      word.start = round_decimals(offset + word.start, 2);
      word.end = round_decimals(offset + word.end, 2);
      segment.words.push_back(std::move(word));
    }
    if (segment.words.empty()) continue;
    shorten_start(segment.words, limits, last_speech);
    reconcile_borders(segment, limits.median);
    last_speech = segment.end;
  }
  return last_speech;
}

double word_anomaly(const TimedWord& word) {
  const double duration = word.duration();
  return (word.probability < 0.15 ? 1.0 : 0.0) + 15 * std::max(0.0, 0.133 - duration) +
         std::max(0.0, duration - 2.0);
}

SilenceVerdict judge_silence(std::span<const TimedSegment> segments, const WindowPlace& window,
                             double threshold_s, double last_speech, std::string_view punctuation) {
  const auto with_words = [&](size_t from) {
    size_t i = from;
    while (i < segments.size() && segments[i].words.empty()) ++i;
    return i;
  };
  const double offset = static_cast<double>(window.seek) / 100;
  const double window_end = offset + 30;
  const double content_s = static_cast<double>(window.content_frames) / 100;
  SilenceVerdict verdict;
  verdict.keep = segments.size();

  const size_t first = with_words(0);
  if (first < segments.size() && is_anomalous(segments[first], punctuation)) {
    const double gap = segments[first].start - offset;
    if (gap > threshold_s) {
      verdict.seek = window.seek + std::llrint(gap * 100);
      verdict.keep = 0;
      verdict.drop_window = true;
      return verdict;
    }
  }
  double previous_end = last_speech;
  for (size_t i = first; i < segments.size(); i = with_words(i + 1)) {
    const TimedSegment& segment = segments[i];
    if (is_anomalous(segment, punctuation)) {
      const size_t next = with_words(i + 1);
      const bool has_next = next < segments.size();
      const double next_start =
          has_next ? segments[next].words.front().start : offset + window.size / 100.0;
      const bool silent_before = segment.start - previous_end > threshold_s ||
                                 segment.start < threshold_s || segment.start - offset < 2;
      const bool silent_after = next_start - segment.end > threshold_s ||
                                (has_next && is_anomalous(segments[next], punctuation)) ||
                                window_end - segment.end < 2;
      if (silent_before && silent_after) {
        verdict.seek = content_s - segment.end < threshold_s
                           ? window.content_frames
                           : std::llrint(std::max(offset + 1, segment.start) * 100);
        verdict.keep = i;
        return verdict;
      }
    }
    previous_end = segment.end;
  }
  return verdict;
}

}  // namespace maie::search
