#include "pipeline/sentences.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace maie::pipeline {
namespace {

constexpr double kPause = 1.0;
constexpr double kLongest = 15.0;

bool ends_sentence(std::string_view word) {
  // A quotation mark or bracket may follow the full stop.
  for (const std::string_view closing : {"\"", "'", "”", "’", ")", "]"}) {
    if (word.ends_with(closing)) word.remove_suffix(closing.size());
  }
  static constexpr std::array<std::string_view, 7> kEnds = {".", "?", "!", "…", "。", "？", "！"};
  return std::any_of(kEnds.begin(), kEnds.end(),
                     [word](std::string_view end) { return word.ends_with(end); });
}

// Splits a range that runs too long at its longest pauses.
void split_long(std::span<const search::TimedWord> words, WordRange range,
                std::vector<WordRange>& out) {
  const bool is_long = words[range.last - 1].end - words[range.first].start > kLongest;
  size_t cut = 0;
  double longest = -1;
  for (size_t i = range.first + 1; is_long && i < range.last; ++i) {
    if (words[i].text.empty()) continue;
    const double pause = words[i].start - words[i - 1].end;
    if (pause > longest) {
      longest = pause;
      cut = i;
    }
  }
  if (cut == 0) {
    out.push_back(range);
    return;
  }
  split_long(words, {range.first, cut}, out);
  split_long(words, {cut, range.last}, out);
}

}  // namespace

std::vector<WordRange> sentences_of(std::span<const search::TimedWord> words) {
  std::vector<WordRange> segments;
  size_t first = 0;
  for (size_t i = 1; i <= words.size(); ++i) {
    if (i < words.size()) {
      if (words[i].text.empty()) continue;  // belongs to the word before
      size_t before = i - 1;
      while (before > first && words[before].text.empty()) --before;
      const bool pause = words[i].start - words[before].end > kPause;
      if (!pause && !ends_sentence(words[before].text)) continue;
    }
    split_long(words, {first, i}, segments);
    first = i;
  }
  return segments;
}

}  // namespace maie::pipeline
