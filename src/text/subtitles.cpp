#include "text/subtitles.h"

#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <functional>

#include "text/subtitle_layout.h"

namespace maie::text {
namespace {

// HH:MM:SS and milliseconds behind `point`; hours take more digits when they need them.
std::string clock_time(int64_t ms, char point) {
  char out[48];
  std::snprintf(out, sizeof out, "%02" PRId64 ":%02d:%02d%c%03d", ms / 3'600'000,
                static_cast<int>(ms / 60'000 % 60), static_cast<int>(ms / 1000 % 60), point,
                static_cast<int>(ms % 1000));
  return out;
}

std::string arrow(int64_t start_ms, int64_t end_ms, char point) {
  return clock_time(start_ms, point) + " --> " + clock_time(end_ms, point) + "\n";
}

std::string escape_vtt(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      default: out.push_back(c);
    }
  }
  return out;
}

// The lines of a cue; `write(i)` gives unit i as it is to be shown.
std::string join_lines(const LayoutCue& cue, const std::function<std::string(size_t)>& write) {
  std::string out;
  size_t line = 1;
  for (size_t i = 0; i < cue.units.size(); ++i) {
    if (line < cue.line_starts.size() && cue.line_starts[line] == i) {
      out.push_back('\n');
      ++line;
    } else if (i > 0 && cue.units[i].spaced) {
      out.push_back(' ');
    }
    out += write(i);
  }
  return out;
}

// Where each word of the cue begins: indexes of units, the first always 0, and the end at last.
std::vector<size_t> word_bounds(const LayoutCue& cue) {
  std::vector<size_t> bounds{0};
  for (size_t i = 1; i < cue.units.size(); ++i) {
    if (cue.units[i].starts_word) bounds.push_back(i);
  }
  bounds.push_back(cue.units.size());
  return bounds;
}

class SrtWriter {
 public:
  void write(int64_t start_ms, int64_t end_ms, std::string text) {
    blocks_.push_back({start_ms, end_ms, std::move(text)});
  }
  // One cue per word: all words stand still while the underline moves through them.
  void write_highlighted(const LayoutCue& cue, const std::string& prefix) {
    const std::vector<size_t> bounds = word_bounds(cue);
    int64_t from_ms = cue.start_ms;
    for (size_t w = 0; w + 1 < bounds.size(); ++w) {
      const bool last = w + 2 == bounds.size();
      const int64_t to_ms =
          last ? cue.end_ms : std::clamp(cue.units[bounds[w + 1]].start_ms, from_ms, cue.end_ms);
      if (to_ms == from_ms) continue;
      write(from_ms, to_ms, prefix + join_lines(cue, [&](size_t i) {
                              const bool inside = i >= bounds[w] && i < bounds[w + 1];
                              return inside ? "<u>" + cue.units[i].text + "</u>"
                                            : cue.units[i].text;
                            }));
      from_ms = to_ms;
    }
  }
  std::string take() {
    // The words of two speakers at once come from two cues: bring them into one order.
    std::stable_sort(blocks_.begin(), blocks_.end(),
                     [](const Block& a, const Block& b) { return a.start_ms < b.start_ms; });
    std::string out;
    size_t counter = 0;
    for (const Block& block : blocks_) {
      if (counter > 0) out.push_back('\n');
      out += std::to_string(++counter);
      out.push_back('\n');
      out += arrow(block.start_ms, block.end_ms, ',') + block.text;
      out.push_back('\n');
    }
    return out;
  }

 private:
  struct Block {
    int64_t start_ms, end_ms;
    std::string text;
  };
  std::vector<Block> blocks_;
};

std::string vtt_text(const LayoutCue& cue, bool stamps) {
  int64_t last_ms = cue.start_ms;  // stamps must rise strictly inside the cue
  return join_lines(cue, [&](size_t i) {
    const LayoutUnit& unit = cue.units[i];
    std::string text = escape_vtt(unit.text);
    if (!stamps || i == 0 || !unit.starts_word) return text;
    if (unit.start_ms <= last_ms || unit.start_ms >= cue.end_ms) return text;
    last_ms = unit.start_ms;
    std::string stamped(1, '<');
    stamped.append(clock_time(unit.start_ms, '.')).append(1, '>').append(text);
    return stamped;
  });
}

bool has_speaker(const std::vector<LayoutCue>& cues) {
  return std::any_of(cues.begin(), cues.end(),
                     [](const LayoutCue& cue) { return !cue.speaker.empty(); });
}

}  // namespace

std::string to_srt(std::span<const Cue> cues, const SubtitleOptions& options) {
  SrtWriter writer;
  for (const LayoutCue& cue : lay_out(cues, options, LayoutMode::kSplitPrefixed)) {
    const std::string prefix = cue.speaker.empty() ? "" : cue.speaker + ": ";
    if (options.highlight_words && cue.timed_words) {
      writer.write_highlighted(cue, prefix);
    } else {
      writer.write(cue.start_ms, cue.end_ms,
                   prefix + join_lines(cue, [&](size_t i) { return cue.units[i].text; }));
    }
  }
  return writer.take();
}

std::string to_vtt(std::span<const Cue> cues, const SubtitleOptions& options) {
  std::string out = "WEBVTT\n";
  int64_t counter = 0;
  for (const LayoutCue& cue : lay_out(cues, options, LayoutMode::kSplit)) {
    out.push_back('\n');
    if (options.identifiers) out += std::to_string(++counter) + "\n";
    out += arrow(cue.start_ms, cue.end_ms, '.');
    std::string name = cue.speaker;
    std::erase(name, '>');
    const std::string text = vtt_text(cue, options.highlight_words && cue.timed_words);
    out += name.empty() ? text : "<v " + escape_vtt(name) + ">" + text + "</v>";
    out.push_back('\n');
  }
  // The header is the first line and the empty one behind it, also when no cue follows.
  if (out == "WEBVTT\n") out.push_back('\n');
  return out;
}

std::string to_tsv(std::span<const Cue> cues, const SubtitleOptions& options) {
  const std::vector<LayoutCue> rows = lay_out(cues, options, LayoutMode::kWhole);
  const bool diarized = has_speaker(rows);
  std::string out = diarized ? "start\tend\tspeaker\ttext\n" : "start\tend\ttext\n";
  for (const LayoutCue& row : rows) {
    out += std::to_string(row.start_ms) + "\t" + std::to_string(row.end_ms) + "\t";
    if (diarized) out += row.speaker + "\t";
    out += row.units.front().text + "\n";
  }
  return out;
}

std::string to_txt(std::span<const Cue> cues, const SubtitleOptions& options) {
  const std::vector<LayoutCue> rows = lay_out(cues, options, LayoutMode::kWhole);
  const bool diarized = has_speaker(rows);
  std::string out;
  const LayoutCue* before = nullptr;
  for (const LayoutCue& row : rows) {
    const std::string& text = row.units.front().text;
    if (!diarized) {
      out += text + "\n";
    } else if (before != nullptr && before->speaker == row.speaker) {
      out.back() = ' ';  // the turn goes on
      out += text + "\n";
    } else {
      if (before != nullptr) out.push_back('\n');
      if (!row.speaker.empty()) out += row.speaker + ": ";
      out += text + "\n";
    }
    before = &row;
  }
  return out;
}

}  // namespace maie::text
