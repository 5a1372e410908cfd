#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "search/repetition.h"
#include "search/row_math.h"
#include "search/whisper_rules.h"

/// The decoding of one 30 s window as a state machine that knows no model, so that the windows of
/// many files can share one batch. The caller owns the network and the key/value cache and does:
///
///     WindowSearch search(prompt, ids, options);
///     logits = model.prefill(search.prompt());             // one sequence, positions 0, 1, ...
///     if (search.no_speech_position() >= 0) search.set_no_speech_logits(logits at that position);
///     search.advance(logits of the last prompt position);  // one row
///     while (!search.done()) {
///       // row r continues the history that row rows()[r].parent of the previous call had (the
///       // prefill counts as one row, 0): copy or share the cache accordingly
///       search.advance(model.step(search.rows()));         // rows().size() rows of V
///     }
///     use(search.outcome());
///
/// A hypothesis that runs in circles (repetition.h) ends there, with one round kept and its score
/// that of the kept tokens; when it is the top beam, the search ends with it.
///
/// Results depend on logits, options and seed only, never on what else is in the batch.
/// One thread at a time per object; objects are independent, so a batch may be advanced in
/// parallel.
namespace maie::search {

struct SearchOptions {
  int beam_size = 5;         ///< hypotheses kept at temperature 0; 1 is greedy
  int best_of = 5;           ///< independent samples at a temperature above 0
  float patience = 1;        ///< stop after round(beam_size * patience) finished hypotheses
  float length_penalty = 1;  ///< final score = sum of log-probabilities / length^length_penalty
  float temperature = 0;
  uint64_t seed = 0;       ///< of sampling; give each window and temperature its own
  int max_length = 448;    ///< the model's text context
  int max_new_tokens = 0;  ///< > 0: replaces max_length by prompt + max_new_tokens, see below
  RuleOptions rules;
  RepetitionStop repetition_stop;
};

/// One sequence to run next: feed `token` at `position` on top of the history of `parent`, a row of
/// the previous call.
struct Row {
  int token = 0;
  int position = 0;
  int parent = 0;
};

struct Outcome {
  std::vector<int> tokens;             ///< forced prefix first, timestamps in place, no end of text
  std::vector<float> token_log_probs;  ///< after the rules, before any temperature; one per token
  double sum_log_prob = 0;  ///< of the free tokens, and the end of text where it was said
  double score = 0;         ///< sum_log_prob / size^length_penalty; -inf when empty
  /// score * size^length_penalty / (size + 1). NaN when `tokens` is empty (and the penalty is not
  /// 0), which passes every quality gate, as in the reference.
  double avg_log_prob = 0;
  double no_speech_prob = 0;        ///< 0 where the model has no such token
  bool stopped_repetition = false;  ///< a loop was cut off: treat the window as failed
  bool reached_limit = false;       ///< the step budget ended it, not the model
};

/// A uniform number in [0, 1) for one draw. Counter-based, so draws do not depend on each other's
/// order: that is what makes sampling independent of batching.
double uniform_at(uint64_t seed, int sample, int step);

/// A seed for one use (a window, a temperature) out of the user's.
uint64_t derive_seed(uint64_t seed, uint64_t use);

class WindowSearch {
 public:
  /// @param prompt  everything before the first free token (build_prompt). Up to and including the
  ///                last of the run of ids in [sot, no_timestamps] it is prefilled; what follows is
  ///                a forced prefix, fed token by token: it stays in the output, counts in the
  ///                length and the step budget, and adds 0 to the score (measured on CTranslate2
  ///                4.8.5).
  /// The step budget is min(L / 2, L - (prompt().size() - 1)) with L = max_length, or
  /// L = min(max_length, prompt + max_new_tokens); so at most half of that sum, as in the
  /// reference.
  /// @throws ContractError for an empty prompt, ids outside the vocabulary or beam_size < 1.
  WindowSearch(std::vector<int> prompt, const TokenIds& ids, SearchOptions options);

  /// What to prefill, as one sequence at positions 0..size-1.
  std::span<const int> prompt() const { return {prompt_.data(), prefill_}; }

  /// The position in prompt() whose raw logits set_no_speech_logits wants (that of the first sot);
  /// -1 when it wants none: the model has no such token, or the position is the last one, whose
  /// logits the first advance gets anyway.
  int no_speech_position() const { return no_speech_position_; }

  /// @param row  [V] raw logits at no_speech_position(). Not calling it leaves the probability 0.
  void set_no_speech_logits(std::span<const float> row);

  /// Takes the logits of the rows that were asked for: first of the last prompt position (one row),
  /// then of rows(). @param logits [rows, V], overwritten.
  /// @throws ContractError when done or when the size does not fit.
  void advance(std::span<float> logits);

  /// The rows to run next; empty when done.
  std::span<const Row> rows() const { return rows_; }
  bool done() const { return done_; }

  /// The best hypothesis. Only when done.
  Outcome outcome() const;

 private:
  struct Hypothesis {
    std::vector<int> tokens;
    std::vector<float> log_probs;
    double sum = 0;
    uint64_t sample = 0;  // which stream of random numbers
    bool looped = false;
    bool ran_out = false;
  };
  struct Choice {  // one continuation of one live hypothesis
    int parent = 0;
    int token = 0;
    float log_prob = 0;
    double sum = 0;
  };

  void advance_prefix(std::span<float> logits);
  void advance_beam(std::span<float> logits);
  void advance_samples(std::span<float> logits);
  AllowedRow constrain(std::span<float> row, const Hypothesis& h) const;
  Hypothesis extended(const Choice& choice) const;
  bool finishes(Hypothesis& h, bool last_step) const;
  void go_on_with(std::vector<Hypothesis> live, const std::vector<int>& parents);
  double final_score(const Hypothesis& h) const;
  bool sampling() const { return options_.temperature > 0; }

  std::vector<int> prompt_;
  TokenIds ids_;
  SearchOptions options_;
  size_t prefill_ = 0;
  int prefix_ = 0;  // length of the forced prefix
  int budget_ = 0;  // steps
  int no_speech_position_ = -1;
  bool no_speech_from_first_ = false;
  bool timestamps_ = true;
  double no_speech_prob_ = 0;

  int step_ = 0;
  bool done_ = false;
  std::vector<Hypothesis> live_;
  std::vector<Hypothesis> finished_;
  std::vector<Row> rows_;
  std::vector<Candidate> candidates_;  // scratch
  std::vector<float> scratch_;
};

}  // namespace maie::search
