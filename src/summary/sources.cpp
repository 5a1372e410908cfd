#include "summary/sources.h"

#include <algorithm>
#include <cmath>

#include "summary/pieces.h"
#include "text/fold.h"

namespace maie::summary {
namespace {

constexpr double kLeastScore = 0.35;
constexpr double kWorthASentence = 0.15;  // what a neighbour has to add to join the passage
constexpr size_t kMostSentences = 3;
constexpr size_t kLongSentence = 400;  // bytes

std::vector<int> sorted_once(std::vector<int> ids) {
  std::sort(ids.begin(), ids.end());
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
  return ids;
}

}  // namespace

PassageFinder::PassageFinder(const Transcript& transcript) {
  for (size_t t = 0; t < transcript.turns.size(); ++t) {
    const Turn& turn = transcript.turns[t];
    for (const Span span : sentences(turn.text, kLongSentence)) {
      Sentence sentence{t, 0, 0, {}};
      if (turn.is_timed()) {
        const double per_byte = (turn.end_s - turn.start_s) / double(turn.text.size());
        sentence.start_s = turn.start_s + per_byte * double(span.start);
        sentence.end_s = turn.start_s + per_byte * double(span.end);
      }
      for (const std::string& word : text::scoring_words(
               std::string_view(turn.text).substr(span.start, span.end - span.start))) {
        const auto [at, is_new] = ids_.emplace(word, int(ids_.size()));
        if (is_new) places_.emplace_back();
        sentence.words.push_back(at->second);
      }
      sentence.words = sorted_once(std::move(sentence.words));
      for (const int word : sentence.words) places_[size_t(word)].push_back(sentences_.size());
      sentences_.push_back(std::move(sentence));
    }
  }
}

// Inverse document frequency; a word that occurs nowhere (-1) weighs most.
double PassageFinder::weight(int word) const {
  const double n = double(sentences_.size());
  return std::log(1 + n / (word < 0 ? 0.5 : double(places_[size_t(word)].size())));
}

PassageFinder::Wanted PassageFinder::wanted(std::string_view item) const {
  Wanted out;
  std::vector<std::string> words = text::scoring_words(item);
  std::sort(words.begin(), words.end());
  words.erase(std::unique(words.begin(), words.end()), words.end());
  for (const std::string& word : words) {
    const auto at = ids_.find(word);
    if (at != ids_.end()) out.words.push_back(at->second);
    out.total += weight(at == ids_.end() ? -1 : at->second);
  }
  out.count = words.size();
  std::sort(out.words.begin(), out.words.end());
  return out;
}

// Weight of the words that occur in the sentences [first, last], and how many these are.
double PassageFinder::found(const std::vector<int>& words, size_t first, size_t last,
                            size_t* count) const {
  double sum = 0;
  *count = 0;
  for (const int word : words) {
    for (size_t i = first; i <= last; ++i) {
      const auto& own = sentences_[i].words;
      if (!std::binary_search(own.begin(), own.end(), word)) continue;
      sum += weight(word);
      ++*count;
      break;
    }
  }
  return sum;
}

std::optional<Passage> PassageFinder::find(std::string_view item, size_t first_turn,
                                           size_t last_turn) const {
  const Wanted wanted = this->wanted(item);
  if (wanted.words.empty()) return {};
  // Words that are everywhere ("the") find nothing, and looking at all their places takes time.
  const size_t everywhere = std::max<size_t>(50, sentences_.size() / 5);
  const bool all_common = std::all_of(wanted.words.begin(), wanted.words.end(), [&](int word) {
    return places_[size_t(word)].size() > everywhere;
  });
  std::unordered_map<size_t, double> scores;
  for (const int word : wanted.words) {
    if (!all_common && places_[size_t(word)].size() > everywhere) continue;
    for (const size_t place : places_[size_t(word)]) {
      const size_t turn = sentences_[place].turn;
      if (turn >= first_turn && turn <= last_turn) scores[place] += weight(word);
    }
  }
  if (scores.empty()) return {};
  const auto best =
      std::max_element(scores.begin(), scores.end(), [](const auto& a, const auto& b) {
        return a.second != b.second ? a.second < b.second : a.first > b.first;
      });
  size_t first = best->first, last = first, count = 0;
  double sum = found(wanted.words, first, last, &count);
  while (last - first + 1 < kMostSentences) {
    const auto gain = [&](size_t from, size_t to) {
      size_t with = 0;
      return found(wanted.words, from, to, &with) - sum;
    };
    const auto within = [&](size_t i) {
      return sentences_[i].turn >= first_turn && sentences_[i].turn <= last_turn;
    };
    const double before = first > 0 && within(first - 1) ? gain(first - 1, last) : 0;
    const double after =
        last + 1 < sentences_.size() && within(last + 1) ? gain(first, last + 1) : 0;
    if (std::max(before, after) < kWorthASentence * wanted.total) break;
    (before > after ? --first : ++last);
    sum = found(wanted.words, first, last, &count);
  }
  const double score = sum / wanted.total;
  if (score < kLeastScore || (count < 2 && wanted.count > 1)) return {};
  const Sentence &a = sentences_[first], &b = sentences_[last];
  return Passage{a.turn, b.turn, a.start_s, std::max(a.end_s, b.end_s), score};
}

}  // namespace maie::summary
