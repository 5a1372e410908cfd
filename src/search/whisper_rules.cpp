#include "search/whisper_rules.h"

#include <algorithm>
#include <limits>

#include "base/check.h"
#include "search/row_math.h"

namespace maie::search {
namespace {

constexpr float kForbidden = -std::numeric_limits<float>::infinity();

void forbid(std::span<float> row, int begin, int end) {
  const int size = static_cast<int>(row.size());
  begin = std::clamp(begin, 0, size);
  end = std::clamp(end, begin, size);
  std::fill(row.begin() + begin, row.begin() + end, kForbidden);
}

void forbid(std::span<float> row, int id) {
  if (id >= 0 && id < static_cast<int>(row.size())) row[id] = kForbidden;
}

void penalise_repetition(std::span<float> row, std::span<const int> generated, float penalty) {
  std::vector<int> seen(generated.begin(), generated.end());
  std::sort(seen.begin(), seen.end());
  seen.erase(std::unique(seen.begin(), seen.end()), seen.end());
  for (const int id : seen) row[id] = row[id] < 0 ? row[id] * penalty : row[id] / penalty;
}

// Forbids what would complete an n-gram that was said before.
void forbid_repeated_ngrams(std::span<float> row, std::span<const int> generated, size_t n) {
  if (generated.size() < n) return;
  const std::span<const int> tail = generated.last(n - 1);
  for (size_t i = 0; i + n <= generated.size(); ++i) {
    if (std::equal(tail.begin(), tail.end(), generated.begin() + i)) {
      forbid(row, generated[i + n - 1]);
    }
  }
}

// The grammar: text stands between timestamps, timestamps come in pairs at a border, time never
// runs backwards. Returns the part of the row that may still be finite and its log-sum.
AllowedRow apply_timestamp_grammar(std::span<float> row, std::span<const int> generated, int prefix,
                                   const TokenIds& ids, int max_initial) {
  const int step = static_cast<int>(generated.size());
  const int V = ids.vocabulary;
  const int first_time = ids.timestamp_begin;
  forbid(row, ids.no_timestamps);

  if (step == 0 && prefix == 0) {  // the first token is a time near the start
    forbid(row, 0, first_time);
    if (max_initial >= 0 && max_initial < V - first_time) {
      forbid(row, first_time + max_initial + 1, V);
    }
    return {first_time, V, log_sum_exp(row.subspan(first_time))};
  }
  if (step <= prefix) return {0, V, log_sum_exp(row)};

  const std::span<const int> said = generated.subspan(prefix);
  const int last = said.back();
  const int previous = said.size() < 2 ? last : said[said.size() - 2];
  if (ids.is_timestamp(last) && ids.is_timestamp(previous)) {  // a pair, or the first: now text
    forbid(row, first_time, V);
    return {0, first_time, log_sum_exp(row.first(first_time))};
  }
  int earliest = first_time;
  if (ids.is_timestamp(last)) {  // text was closed: the pair's second time, or the end
    forbid(row, 0, ids.eot);
    earliest = last;
  } else {  // inside text: a time must be later than the newest one
    const auto newest =
        std::find_if(said.rbegin(), said.rend(), [&](int id) { return ids.is_timestamp(id); });
    if (newest != said.rend()) earliest = *newest + 1;
  }
  forbid(row, first_time, earliest);

  // When all times together are likelier than any one text token, it is time for a time.
  // Log-softmax would lower both sides alike, so raw logits serve.
  const float times = log_sum_exp(row.subspan(first_time));
  const std::span<float> rest = row.first(first_time);
  if (times > row_max(rest)) {
    forbid(row, 0, first_time);
    return {first_time, V, times};
  }
  return {0, V, log_add_exp(log_sum_exp(rest), times)};
}

}  // namespace

AllowedRow apply_rules(std::span<float> row, std::span<const int> generated, int prefix,
                       bool timestamps, const TokenIds& ids, const RuleOptions& options) {
  check(static_cast<int>(row.size()) == ids.vocabulary,
        "a row of logits must be as wide as the vocabulary");
  for (const int id : generated) {
    check(id >= 0 && id < ids.vocabulary, "a generated token must lie in the vocabulary");
  }
  if (options.repetition_penalty != 1) {
    penalise_repetition(row, generated, options.repetition_penalty);
  }
  if (options.no_repeat_ngram_size > 0) {
    forbid_repeated_ngrams(row, generated, static_cast<size_t>(options.no_repeat_ngram_size));
  }
  for (const int id : options.suppress) forbid(row, id);
  if (static_cast<int>(generated.size()) == prefix) {
    for (const int id : options.suppress_begin) forbid(row, id);
  }
  if (timestamps && ids.timestamp_begin >= 0) {
    return apply_timestamp_grammar(row, generated, prefix, ids,
                                   options.max_initial_timestamp_index);
  }
  return {0, ids.vocabulary, log_sum_exp(row)};
}

}  // namespace maie::search
