#include "summary/pieces.h"

#include <algorithm>
#include <cstdlib>

#include "text/utf8.h"

namespace maie::summary {
namespace {

constexpr std::u32string_view kEnds = U".?!…。？！";
constexpr std::u32string_view kClosing = U"\"'”’)]»";  // may stand between an end and the space

// A character with its place.
struct Letter {
  char32_t c;
  size_t start, end;
};

// The next character of valid UTF-8.
Letter letter_at(std::string_view text, size_t at) {
  const auto lead = static_cast<unsigned char>(text[at]);
  const size_t size = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  const size_t end = std::min(at + size, text.size());
  const std::u32string decoded = text::decode_utf8(text.substr(at, end - at));
  return {decoded.empty() ? U'?' : decoded[0], at, end};
}

// Cuts at white space, so that no cut has more than `most` bytes where there is any.
void cut_at_spaces(std::string_view text, Span span, size_t most, std::vector<Span>& out) {
  while (span.end - span.start > most) {
    size_t cut = 0, next = 0, within = span.start;
    for (size_t at = span.start; at < span.end;) {
      const Letter letter = letter_at(text, at);
      if (letter.end - span.start > most && within > span.start) break;
      if (text::is_white_space(letter.c) && at > span.start) {
        cut = at;
        next = letter.end;
      }
      within = at = letter.end;
    }
    if (cut == 0) cut = next = within;
    out.push_back({span.start, cut});
    span.start = next;
    while (span.start < span.end) {
      const Letter letter = letter_at(text, span.start);
      if (!text::is_white_space(letter.c)) break;
      span.start = letter.end;
    }
  }
  if (span.end > span.start) out.push_back(span);
}

double share_of(const Turn& turn, size_t at) {
  return turn.text.empty() ? 0 : double(at) / double(turn.text.size());
}

Fragment make_fragment(const Turn& turn, size_t index, size_t before, Span span) {
  Fragment out;
  out.turn = index;
  out.first = span.start == 0 || before == std::string::npos;
  if (before != std::string::npos) out.space = turn.text.substr(before, span.start - before);
  out.text = turn.text.substr(span.start, span.end - span.start);
  if (turn.is_timed()) {
    const double length = turn.end_s - turn.start_s;
    out.start_s = turn.start_s + length * share_of(turn, span.start);
    out.end_s = turn.start_s + length * share_of(turn, span.end);
  }
  return out;
}

// Runs of sentences of a long turn, all of about the same size.
Status cut_turn(const Turn& turn, size_t index, int64_t most_tokens, const TokenCount& count,
                std::vector<Fragment>& out) {
  // A token has at least one byte, so a cut of that many bytes fits in any case.
  const auto most_bytes = size_t(std::clamp<int64_t>(most_tokens, 16, 1000));
  const std::vector<Span> cuts = sentences(turn.text, most_bytes);
  std::vector<Fragment> pieces(cuts.size());  // only their tokens, to pack them
  for (size_t i = 0; i < cuts.size(); ++i) {
    const std::string_view text = turn.text;
    MAIE_ASSIGN(pieces[i].tokens, count(text.substr(cuts[i].start, cuts[i].end - cuts[i].start)));
  }
  size_t before = std::string::npos;
  for (const Range run : packed(pieces, most_tokens)) {
    const Span span{before == std::string::npos ? 0 : cuts[run.first].start,
                    run.last == cuts.size() ? turn.text.size() : cuts[run.last - 1].end};
    out.push_back(make_fragment(turn, index, before, span));
    for (size_t i = run.first; i < run.last; ++i) out.back().tokens += pieces[i].tokens;
    before = span.end;
  }
  return {};
}

std::vector<Range> greedy(const std::vector<Fragment>& fragments, int64_t limit) {
  std::vector<Range> out;
  int64_t sum = 0;
  for (size_t i = 0; i < fragments.size(); ++i) {
    if (out.empty() || sum + fragments[i].tokens > limit) {
      out.push_back({i, i});
      sum = 0;
    }
    sum += fragments[i].tokens;
    out.back().last = i + 1;
  }
  return out;
}

}  // namespace

std::vector<Span> sentences(std::string_view text, size_t most) {
  std::vector<Span> out;
  size_t start = 0, end = 0;  // of the sentence so far, up to its last character that is no space
  bool ended = false;         // it has its full stop
  const auto finish = [&] {
    if (end > start) cut_at_spaces(text, {start, end}, most, out);
    ended = false;
  };
  bool empty = true;
  for (size_t at = 0; at < text.size();) {
    const Letter letter = letter_at(text, at);
    at = letter.end;
    if (text::is_white_space(letter.c)) {
      if (!empty && (ended || letter.c == '\n')) {
        finish();
        empty = true;
      }
      continue;
    }
    if (empty) {
      start = letter.start;
      empty = false;
    }
    end = letter.end;
    if (kEnds.find(letter.c) != std::u32string_view::npos) {
      ended = true;
    } else if (kClosing.find(letter.c) == std::u32string_view::npos) {
      ended = false;
    }
  }
  if (!empty) finish();
  return out;
}

Result<std::vector<Fragment>> fragments(const Transcript& transcript, int64_t most_tokens,
                                        const TokenCount& count) {
  std::vector<Fragment> out;
  for (size_t i = 0; i < transcript.turns.size(); ++i) {
    const Turn& turn = transcript.turns[i];
    MAIE_ASSIGN(const int64_t tokens, count(line_of(turn)));
    if (tokens <= most_tokens || text::strip(turn.text).empty()) {
      out.push_back(make_fragment(turn, i, std::string::npos, {0, turn.text.size()}));
      out.back().tokens = tokens + 1;  // and the line end
      continue;
    }
    MAIE_TRY(cut_turn(turn, i, most_tokens, count, out));
  }
  return out;
}

std::vector<Range> packed(const std::vector<Fragment>& fragments, int64_t most_tokens) {
  std::vector<Range> best = greedy(fragments, most_tokens);
  // The same number of runs under the lowest limit that gives it: then none is much smaller.
  int64_t low = 0, high = most_tokens;
  while (low < high) {
    const int64_t middle = low + (high - low) / 2;
    std::vector<Range> runs = greedy(fragments, middle);
    if (runs.size() > best.size()) {
      low = middle + 1;
    } else {
      high = middle;
      best = std::move(runs);
    }
  }
  return best;
}

std::vector<Range> overlapping(const std::vector<Fragment>& fragments, std::vector<Range> ranges,
                               int64_t overlap_tokens) {
  for (size_t i = ranges.size(); i-- > 1;) {
    size_t& first = ranges[i].first;
    int64_t left = overlap_tokens;
    const size_t own = first;
    while (first > ranges[i - 1].first + 1) {
      left -= fragments[first - 1].tokens;
      if (left < 0 && first < own) break;
      --first;
    }
  }
  return ranges;
}

std::vector<Range> halves(const std::vector<Fragment>& fragments, Range range, int64_t least_tokens,
                          double overlap) {
  int64_t whole = 0;
  for (size_t i = range.first; i < range.last; ++i) whole += fragments[i].tokens;
  if (range.last - range.first < 2 || whole < least_tokens) return {};
  size_t at_turn = range.first, anywhere = range.first;  // the cut so far; at range.first: none
  int64_t off_turn = whole / 4, off_anywhere = whole;    // how far from the middle that is
  int64_t before = 0;
  for (size_t cut = range.first + 1; cut < range.last; ++cut) {
    before += fragments[cut - 1].tokens;
    const int64_t off = std::abs(before - whole / 2);
    if (fragments[cut].first && off <= off_turn) {
      at_turn = cut;
      off_turn = off;
    }
    if (off <= off_anywhere) {
      anywhere = cut;
      off_anywhere = off;
    }
  }
  const size_t cut = at_turn != range.first ? at_turn : anywhere;
  return overlapping(fragments, {{range.first, cut}, {cut, range.last}},
                     int64_t(double(whole) * overlap));
}

std::string text_of(const Transcript& transcript, const std::vector<Fragment>& fragments,
                    Range range) {
  const char between = between_turns(transcript);
  std::string out;
  for (size_t i = range.first; i < range.last; ++i) {
    const Fragment& fragment = fragments[i];
    if (i > range.first && fragment.turn == fragments[i - 1].turn) {
      out += fragment.space + fragment.text;
      continue;
    }
    if (i > range.first) out += between;
    out += line_of({transcript.turns[fragment.turn].speaker, 0, 0, fragment.text});
  }
  return out;
}

}  // namespace maie::summary
