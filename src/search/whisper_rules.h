#pragma once

#include <span>
#include <vector>

/// Which tokens Whisper may say next: penalties, suppressed tokens and the grammar of timestamps.
/// Follows CTranslate2 (arXiv:2212.04356 gives the idea, not the details).
namespace maie::search {

/// The ids decoding has to know. Models found in the wild lack some of them: -1 means "has none",
/// and every rule about that token is then skipped. Timestamps are the ids [timestamp_begin,
/// vocabulary), each 0.02 s later than the one before.
struct TokenIds {
  int vocabulary = 0;  ///< V, the width of a row of logits
  int eot = -1;        ///< end of text; ids below it are text
  int sot = -1;        ///< start of transcript
  int start_of_prev = -1;
  int no_timestamps = -1;
  int no_speech = -1;
  int timestamp_begin = -1;

  bool is_timestamp(int id) const { return timestamp_begin >= 0 && id >= timestamp_begin; }
  bool is_text(int id) const { return id < eot; }
};

struct RuleOptions {
  std::vector<int> suppress;        ///< never said
  std::vector<int> suppress_begin;  ///< not said first, usually {" ", eot}
  int max_initial_timestamp_index =
      50;                        ///< latest first timestamp in steps of 0.02 s; < 0: no limit
  float repetition_penalty = 1;  ///< > 1 makes tokens already said less likely
  int no_repeat_ngram_size = 0;  ///< > 0: no run of that many tokens is said twice
};

/// What the rules left of a row.
struct AllowedRow {
  int begin = 0;  ///< every id outside [begin, end) is -inf
  int end = 0;
  float log_sum = 0;  ///< log_sum_exp of the row after the rules; -inf when nothing is allowed
};

/// Applies all rules to one row of raw logits, in the order of the specification: repetition
/// penalty, repeated n-grams, suppressed ids, ids suppressed at the beginning, timestamps.
/// @param row         [V] logits, changed in place: forbidden ids become -inf.
/// @param generated   tokens said so far, forced prefix included; its length is the step.
/// @param prefix      how many of them are a forced prefix (those to come included).
/// @param timestamps  whether the grammar of timestamps holds (not when the prompt ended with
///                    "no timestamps").
/// @throws ContractError when the row is not V wide. Any thread. Costs one pass over the row.
AllowedRow apply_rules(std::span<float> row, std::span<const int> generated, int prefix,
                       bool timestamps, const TokenIds& ids, const RuleOptions& options);

}  // namespace maie::search
