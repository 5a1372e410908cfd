// From segments to cues in four steps: clean the text, cut it into units at which a line may end
// (with measured or interpolated times), fill lines and cues with units, and put the cues' times in
// order.
#include "text/subtitle_layout.h"

#include <utf8proc.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "text/utf8.h"

namespace maie::text {
namespace {

int64_t to_ms(double seconds) {
  constexpr double kMostSeconds = 1e9;
  if (std::isnan(seconds)) return 0;
  return static_cast<int64_t>(std::floor(std::clamp(seconds, 0.0, kMostSeconds) * 1000 + 0.5));
}

struct Cluster {
  std::u32string points;
  int width = 0;
};

std::vector<Cluster> clusters_of(std::string_view text) {
  std::vector<Cluster> clusters;
  utf8proc_int32_t state = 0;
  char32_t previous = 0;
  for (const char32_t c : decode_utf8(text)) {
    const bool first = clusters.empty();
    if (first || utf8proc_grapheme_break_stateful(static_cast<utf8proc_int32_t>(previous),
                                                  static_cast<utf8proc_int32_t>(c), &state)) {
      clusters.emplace_back();
    }
    Cluster& cluster = clusters.back();
    cluster.points.push_back(c);
    cluster.width = std::max(cluster.width, utf8proc_charwidth(static_cast<utf8proc_int32_t>(c)));
    previous = c;
  }
  return clusters;
}

// Typographic rule of scripts without spaces: these do not begin a line, those do not end one.
bool closes(char32_t c) {
  return std::u32string_view(
             U"、。，．・：；？！）］｝〉》」』】〕’”…ー々ぁぃぅぇぉっゃゅょァィゥェォッャュョ")
             .find(c) != std::u32string_view::npos;
}
bool opens(char32_t c) {
  return std::u32string_view(U"（［｛〈《「『【〔‘“").find(c) != std::u32string_view::npos;
}

bool may_break_between(const Cluster& left, const Cluster& right) {
  if (left.width < 2 && right.width < 2) return false;
  return !closes(right.points.front()) && !opens(left.points.back());
}

// Cuts a unit wherever `cut(i)` says that cluster i begins a new one; times go by characters.
template <class Cut>
void append_cut(const LayoutUnit& unit, const std::vector<Cluster>& clusters, Cut cut,
                std::vector<LayoutUnit>& out) {
  const auto time_at = [&](size_t i) {
    const auto all = static_cast<double>(clusters.size());
    const double share = static_cast<double>(i) / all;
    return unit.start_ms + static_cast<int64_t>(std::floor(
                               share * static_cast<double>(unit.end_ms - unit.start_ms)));
  };
  for (size_t i = 0; i < clusters.size(); ++i) {
    if (i == 0) {
      out.push_back(unit);
      out.back().text.clear();
      out.back().width = 0;
    } else if (cut(i)) {
      out.back().end_ms = time_at(i);
      LayoutUnit rest;
      rest.start_ms = time_at(i);
      rest.end_ms = unit.end_ms;
      rest.breakable = true;
      out.push_back(std::move(rest));
    }
    out.back().text += encode_utf8(clusters[i].points);
    out.back().width += clusters[i].width;
  }
}

std::vector<LayoutUnit> units_by_words(const std::string& text, const Cue& cue, int64_t start_ms,
                                       int64_t end_ms) {
  std::vector<LayoutUnit> units;
  size_t at = 0;
  int64_t last_ms = start_ms;
  for (const CueWord& word : cue.words) {
    const std::string clean = clean_cue_text(word.text);
    if (clean.empty()) continue;
    const bool spaced = at < text.size() && text[at] == ' ';
    if (spaced) ++at;
    if (text.compare(at, clean.size(), clean) != 0) return {};
    if (!std::isfinite(word.start_s) || !std::isfinite(word.end_s)) return {};
    at += clean.size();
    LayoutUnit unit{.text = clean, .spaced = spaced, .starts_word = true};
    unit.start_ms = std::clamp(to_ms(word.start_s), last_ms, end_ms);
    unit.end_ms = std::clamp(to_ms(word.end_s), unit.start_ms, end_ms);
    unit.width = display_width(clean);
    last_ms = unit.start_ms;
    units.push_back(std::move(unit));
  }
  if (at != text.size()) return {};
  for (size_t i = 0; i < units.size(); ++i) {
    units[i].breakable = i == 0 || units[i].spaced ||
                         may_break_between(clusters_of(units[i - 1].text).back(),
                                           clusters_of(units[i].text).front());
  }
  return units;
}

std::vector<LayoutUnit> units_by_characters(const std::string& text, int64_t start_ms,
                                            int64_t end_ms) {
  std::vector<LayoutUnit> units;
  const auto all = static_cast<double>(text.size());
  const auto time_at = [&](size_t byte) {
    const double share = static_cast<double>(byte) / all;
    return start_ms +
           static_cast<int64_t>(std::floor(share * static_cast<double>(end_ms - start_ms)));
  };
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find(' ', at), text.size());
    LayoutUnit word{.text = text.substr(at, end - at),
                    .spaced = at > 0,
                    .starts_word = true,
                    .breakable = true};
    word.start_ms = time_at(at);
    word.end_ms = time_at(end);
    const std::vector<Cluster> clusters = clusters_of(word.text);
    append_cut(
        word, clusters, [&](size_t i) { return may_break_between(clusters[i - 1], clusters[i]); },
        units);
    at = end + 1;
  }
  return units;
}

// No unit may be wider than a line: cut those that are.
std::vector<LayoutUnit> fit_units(std::vector<LayoutUnit> units, int line_width) {
  std::vector<LayoutUnit> out;
  for (LayoutUnit& unit : units) {
    if (unit.width <= line_width) {
      out.push_back(std::move(unit));
      continue;
    }
    const std::vector<Cluster> clusters = clusters_of(unit.text);
    int width = 0;
    append_cut(
        unit, clusters,
        [&](size_t i) {
          if (i == 1) width = clusters[0].width;
          const bool cut = width + clusters[i].width > line_width;
          width = (cut ? 0 : width) + clusters[i].width;
          return cut;
        },
        out);
  }
  // Words glued to each other ("well" "-known", or Thai) stay on one line only where they fit.
  for (size_t begin = 0; begin < out.size();) {
    size_t end = begin + 1;
    int width = out[begin].width;
    for (; end < out.size() && !out[end].breakable; ++end) width += out[end].width;
    if (width > line_width) {
      for (size_t i = begin; i < end; ++i) out[i].breakable = true;
    }
    begin = end;
  }
  return out;
}

struct Limits {
  int line_width, line_count, prefix_width, words;
  int64_t cue_ms;
};

struct Piece {
  size_t begin = 0, end = 0;
  std::vector<size_t> line_starts;
};

// Fills cues greedily. @param cue_width  a cue is full at this width even when its lines are not.
std::vector<Piece> fill(const std::vector<LayoutUnit>& units, const Limits& limits,
                        int64_t start_ms, int64_t cue_width) {
  std::vector<Piece> pieces;
  for (size_t begin = 0; begin < units.size();) {
    Piece piece{begin, begin, {begin}};
    const int64_t from_ms = begin == 0 ? start_ms : units[begin].start_ms;
    int64_t line = limits.prefix_width, whole = 0;
    int words = 0;
    for (size_t i = begin; i < units.size();) {
      size_t end = i + 1;
      int64_t width = units[i].width;
      int new_words = units[i].starts_word ? 1 : 0;
      for (; end < units.size() && !units[end].breakable; ++end) {
        width += units[end].width;
        new_words += units[end].starts_word ? 1 : 0;
      }
      const int64_t space = units[i].spaced ? 1 : 0;
      if (i > begin) {
        if (limits.cue_ms > 0 && units[end - 1].end_ms - from_ms > limits.cue_ms) break;
        if (limits.words > 0 && words + new_words > limits.words) break;
        if (whole + space + width > cue_width) break;
      }
      if (i == begin) {
        line += width;
      } else if (line + space + width <= limits.line_width) {
        line += space + width;
      } else if (static_cast<int>(piece.line_starts.size()) < limits.line_count) {
        piece.line_starts.push_back(i);
        line = width;
      } else {
        break;
      }
      whole += space + width;
      words += new_words;
      piece.end = i = end;
    }
    begin = piece.end;
    pieces.push_back(std::move(piece));
  }
  return pieces;
}

// Greedy filling leaves a last cue of one word; when the same number of cues can be filled evenly,
// that reads better.
std::vector<Piece> fill_evenly(const std::vector<LayoutUnit>& units, const Limits& limits,
                               int64_t start_ms) {
  std::vector<Piece> greedy = fill(units, limits, start_ms, INT64_MAX);
  if (greedy.size() < 2) return greedy;
  double total = 0;
  for (const LayoutUnit& unit : units) total += unit.width + (unit.spaced ? 1 : 0);
  for (const double slack : {1.05, 1.2, 1.4}) {
    const auto width = std::ceil(slack * total / static_cast<double>(greedy.size()));
    std::vector<Piece> even = fill(units, limits, start_ms, static_cast<int64_t>(width));
    if (even.size() == greedy.size()) return even;
  }
  return greedy;
}

void append_split(const Cue& cue, LayoutCue whole, const std::string& text,
                  const SubtitleOptions& options, bool prefixed, std::vector<LayoutCue>& out) {
  // Two columns hold any character; a hundred thousand are more than any display has.
  const int line_width = std::clamp(options.max_line_width, 2, 100'000);
  std::vector<LayoutUnit> units = units_by_words(text, cue, whole.start_ms, whole.end_ms);
  whole.timed_words = !units.empty();
  if (units.empty()) units = units_by_characters(text, whole.start_ms, whole.end_ms);
  units = fit_units(std::move(units), line_width);
  const int prefix = prefixed && !whole.speaker.empty() ? display_width(whole.speaker) + 2 : 0;
  const int64_t cue_ms = to_ms(options.max_cue_s);
  const Limits limits{line_width, std::max(options.max_line_count, 1), prefix,
                      std::max(options.max_words, 0), cue_ms};
  const std::vector<Piece> pieces = fill_evenly(units, limits, whole.start_ms);
  for (size_t p = 0; p < pieces.size(); ++p) {
    const Piece& piece = pieces[p];
    LayoutCue cut;
    cut.speaker = whole.speaker;
    cut.timed_words = whole.timed_words;
    cut.units.assign(units.begin() + static_cast<ptrdiff_t>(piece.begin),
                     units.begin() + static_cast<ptrdiff_t>(piece.end));
    for (const size_t start : piece.line_starts) cut.line_starts.push_back(start - piece.begin);
    cut.start_ms = p == 0 ? whole.start_ms : cut.units.front().start_ms;
    cut.end_ms = p + 1 == pieces.size() ? whole.end_ms : cut.units.back().end_ms;
    if (cue_ms > 0) {
      // A segment that begins long before its first word: show the words, not the pause.
      if (cut.timed_words) {
        cut.start_ms = std::max(
            cut.start_ms, std::min(cut.units.back().end_ms - cue_ms, cut.units.front().start_ms));
      }
      cut.end_ms = std::min(cut.end_ms, cut.start_ms + cue_ms);
    }
    out.push_back(std::move(cut));
  }
}

void sort_by_start(std::vector<LayoutCue>& cues) {
  std::stable_sort(cues.begin(), cues.end(),
                   [](const LayoutCue& a, const LayoutCue& b) { return a.start_ms < b.start_ms; });
}

void order_times(std::vector<LayoutCue>& cues, int64_t least_ms) {
  sort_by_start(cues);
  std::map<std::string, int64_t> latest;  // start of the speaker's cue before
  for (LayoutCue& cue : cues) {
    // Two cues of a speaker at one instant: a millisecond apart, or the first would have no time.
    const auto [before, first] = latest.emplace(cue.speaker, cue.start_ms);
    if (!first) cue.start_ms = before->second = std::max(cue.start_ms, before->second + 1);
    cue.end_ms = std::max(cue.end_ms, cue.start_ms + 1);
  }
  sort_by_start(cues);
  for (size_t i = 0; i < cues.size(); ++i) {
    LayoutCue& cue = cues[i];
    int64_t until_ms = cue.start_ms + least_ms;
    if (i + 1 < cues.size()) until_ms = std::min(until_ms, cues[i + 1].start_ms);
    cue.end_ms = std::max(cue.end_ms, until_ms);
  }
  std::map<std::string, int64_t> next;  // start of the speaker's cue after
  for (auto cue = cues.rbegin(); cue != cues.rend(); ++cue) {
    const auto [after, last] = next.emplace(cue->speaker, cue->start_ms);
    if (!last) cue->end_ms = std::min(cue->end_ms, after->second);
    after->second = cue->start_ms;
  }
}

}  // namespace

std::string clean_cue_text(std::string_view text) {
  std::string out;
  bool space = false;
  for (const char32_t c : decode_utf8(text)) {
    if ((c >= 0x09 && c <= 0x0D) || c == ' ' || c == 0x85 || c == 0x2028 || c == 0x2029) {
      space = true;
      continue;
    }
    if (c < 0x20 || (c >= 0x7F && c < 0xA0) || c == 0xFEFF) continue;
    if (space && !out.empty()) out.push_back(' ');
    space = false;
    if (c == '>') {
      while (out.ends_with("--")) out.pop_back();
    }
    append_utf8(out, c);
  }
  return strip(out).empty() ? std::string() : out;
}

int display_width(std::string_view text) {
  int width = 0;
  for (const Cluster& cluster : clusters_of(text)) width += cluster.width;
  return width;
}

std::vector<LayoutCue> lay_out(std::span<const Cue> cues, const SubtitleOptions& options,
                               LayoutMode mode) {
  std::vector<LayoutCue> out;
  for (const Cue& cue : cues) {
    const std::string text = clean_cue_text(cue.text);
    if (text.empty()) continue;
    LayoutCue whole;
    whole.speaker = clean_cue_text(cue.speaker);
    whole.start_ms = to_ms(cue.start_s);
    whole.end_ms = std::max(to_ms(cue.end_s), whole.start_ms + 1);
    if (mode != LayoutMode::kWhole) {
      append_split(cue, std::move(whole), text, options, mode == LayoutMode::kSplitPrefixed, out);
      continue;
    }
    whole.line_starts = {0};
    whole.units.push_back({.text = text, .start_ms = whole.start_ms, .end_ms = whole.end_ms});
    out.push_back(std::move(whole));
  }
  order_times(out, mode == LayoutMode::kWhole ? 0 : to_ms(options.min_cue_s));
  return out;
}

}  // namespace maie::text
