#include "summary/realign.h"

#include <algorithm>
#include <cstdint>

#include "text/edit_distance.h"
#include "text/fold.h"
#include "text/normalize.h"
#include "text/utf8.h"

namespace maie::summary {
namespace {

constexpr size_t kMostCells = 64'000'000;  // of the matrix of words, one byte each

// A word as it stands, and as it is compared.
struct Word {
  std::string text;
  std::string key;
  bool starts_line = false;
};

std::vector<std::string> split_lines(std::string_view text) {
  std::vector<std::string> out;
  while (true) {
    const size_t end = text.find('\n');
    out.emplace_back(text::strip(text.substr(0, end)));
    if (end == std::string_view::npos) return out;
    text.remove_prefix(end + 1);
  }
}

void append_words(std::string_view line, std::vector<Word>& out) {
  bool starts_line = true;
  for (size_t at = 0; at < line.size();) {
    const size_t start = line.find_first_not_of(" \t", at);
    if (start == std::string_view::npos) return;
    at = std::min(line.find_first_of(" \t", start), line.size());
    Word word{std::string(line.substr(start, at - start)), "", starts_line};
    word.key = text::normalize_for_scoring(word.text);
    std::erase(word.key, ' ');
    if (word.key.empty() && !out.empty() && !starts_line) {
      out.back().text += " " + word.text;  // a dash or the like belongs to the word before it
    } else {
      out.push_back(std::move(word));
      starts_line = false;
    }
  }
}

// The label in front of a line of the answer, if it is one of the input's.
std::string take_label(std::string& line, const std::vector<LabelledLine>& lines) {
  for (const LabelledLine& known : lines) {
    if (known.label.empty() || !line.starts_with(known.label)) continue;
    std::string_view rest = std::string_view(line).substr(known.label.size());
    if (!rest.starts_with(':')) continue;
    line = std::string(text::strip(rest.substr(1)));
    return known.label;
  }
  return "";
}

bool ends_sentence(const Word& word) {
  return word.text.ends_with('.') || word.text.ends_with('?') || word.text.ends_with('!') ||
         word.text.ends_with("…");
}

// Which answer words each boundary between input words can fall before: the columns in which the
// cheapest path crosses the row. Both bounds inclusive.
struct Crossing {
  size_t first = 0, last = 0;
};

std::vector<Crossing> crossings(const std::vector<Word>& rows, const std::vector<Word>& columns) {
  enum Move : uint8_t { kBoth, kRow, kColumn };
  const size_t N = rows.size(), M = columns.size();
  std::vector<uint8_t> moves((N + 1) * (M + 1), kColumn);
  std::vector<uint32_t> cost(M + 1);
  for (size_t j = 0; j <= M; ++j) cost[j] = uint32_t(j);
  for (size_t i = 1; i <= N; ++i) {
    uint32_t diagonal = cost[0]++;
    moves[i * (M + 1)] = kRow;
    for (size_t j = 1; j <= M; ++j) {
      const uint32_t both = diagonal + (rows[i - 1].key == columns[j - 1].key ? 0 : 1);
      diagonal = cost[j];
      const uint32_t row = cost[j] + 1, column = cost[j - 1] + 1;
      cost[j] = std::min({both, row, column});
      moves[i * (M + 1) + j] = cost[j] == both ? kBoth : cost[j] == row ? kRow : kColumn;
    }
  }
  std::vector<Crossing> out(N + 1);
  out[N].last = M;
  size_t i = N, j = M;
  while (i > 0 || j > 0) {
    const uint8_t move = moves[i * (M + 1) + j];
    if (move != kRow && j > 0) --j;
    if (move != kColumn) {
      out[i].first = move == kBoth ? j + 1 : j;
      --i;
      out[i].last = j;
    }
  }
  out[0].first = 0;
  return out;
}

size_t best_cut(const Crossing& crossing, const std::vector<Word>& words) {
  for (size_t at = crossing.first; at <= crossing.last && at < words.size(); ++at) {
    if (words[at].starts_line) return at;
  }
  for (size_t at = crossing.first; at <= crossing.last; ++at) {
    if (at > 0 && ends_sentence(words[at - 1])) return at;
  }
  return crossing.first;
}

std::string joined(const std::vector<Word>& words, size_t first, size_t last) {
  std::string out;
  for (size_t i = first; i < last; ++i) out += (i > first ? " " : "") + words[i].text;
  return out;
}

Result<std::vector<std::string>> by_words(const std::vector<LabelledLine>& lines,
                                          const std::vector<std::string>& answer) {
  std::vector<Word> given, got;
  std::vector<size_t> ends;  // of each line, in words
  for (const LabelledLine& line : lines) {
    append_words(line.text, given);
    ends.push_back(given.size());
  }
  for (const std::string& line : answer) append_words(line, got);
  if ((given.size() + 1) * (got.size() + 1) > kMostCells) {
    return invalid_input("the answer is too long to find its lines again");
  }
  const std::vector<Crossing> crossing = crossings(given, got);
  std::vector<std::string> out;
  size_t at = 0;
  for (size_t i = 0; i < lines.size(); ++i) {
    const size_t cut =
        i + 1 == lines.size() ? got.size() : std::max(at, best_cut(crossing[ends[i]], got));
    std::string text = joined(got, at, cut);
    out.push_back(text.empty() ? lines[i].text : std::move(text));
    at = cut;
  }
  return out;
}

bool is_blank(const LabelledLine& line) { return text::strip(line.text).empty(); }

std::string joined_keys(const std::vector<std::string>& words) {
  std::string out;
  for (const std::string& word : words) out += word + ' ';
  return out;
}

}  // namespace

Status check_words(std::string_view input, std::string_view answer, double most_changed) {
  const std::vector<std::string> given = text::scoring_words(input);
  const std::vector<std::string> got = text::scoring_words(answer);
  const double n = double(given.size()), m = double(got.size());
  if (m < 0.75 * n - 2 || m > 1.25 * n + 2) {
    return invalid_input("the answer has " + std::to_string(got.size()) + " words where " +
                         std::to_string(given.size()) + " were given");
  }
  const std::string before = joined_keys(given), after = joined_keys(got);
  const double changed = text::edit_rate(text::edit_distance(before, after), before, after);
  if (changed > most_changed) {
    return invalid_input("the answer has " + std::to_string(int(changed * 100)) +
                         "% of its letters changed, more than " +
                         std::to_string(int(most_changed * 100)) + "%");
  }
  return {};
}

Result<std::vector<std::string>> realign(const std::vector<LabelledLine>& lines,
                                         std::string_view answer, double most_changed) {
  std::vector<std::string> got, labels;
  for (std::string& line : split_lines(answer)) {
    if (line.empty()) continue;
    labels.push_back(take_label(line, lines));
    got.push_back(std::move(line));
  }
  std::string all_given, all_got;
  for (const LabelledLine& line : lines) all_given += line.text + "\n";
  for (const std::string& line : got) all_got += line + "\n";
  MAIE_TRY(check_words(all_given, all_got, most_changed));

  // Line by line where the answer kept them.
  std::vector<std::string> out;
  size_t next = 0;
  bool kept = true;
  for (const LabelledLine& line : lines) {
    if (is_blank(line)) {
      out.push_back(line.text);
      continue;
    }
    kept = kept && next < got.size() && labels[next] == line.label &&
           check_words(line.text, got[next], std::max(most_changed, 0.5)).ok();
    if (!kept) break;
    out.push_back(got[next++]);
  }
  if (kept && next == got.size()) return out;
  return by_words(lines, got);
}

}  // namespace maie::summary
