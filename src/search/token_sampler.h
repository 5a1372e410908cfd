#pragma once

#include <cstdint>
#include <span>
#include <unordered_map>
#include <vector>

#include "search/row_math.h"

namespace maie::search {

/// How a language model's next token is drawn (docs/spec/models.md 6.6).
struct SamplingRules {
  double temperature = 1;         ///< below 1e-5: the likeliest token, of equal ones the lowest id
  int top_k = 0;                  ///< the k likeliest and what equals the last of them; 0: all
  double top_p = 1;               ///< the fewest likeliest that have this share together
  double min_p = 0;               ///< those with this share of the likeliest's probability
  double repetition_penalty = 1;  ///< of tokens in prompt and answer
  double frequency_penalty = 0;   ///< times the count in the answer
  double presence_penalty = 0;    ///< of tokens in the answer
  uint64_t seed = 0;

  bool greedy() const { return temperature < 1e-5; }
  bool penalises() const {
    return repetition_penalty != 1 || frequency_penalty != 0 || presence_penalty != 0;
  }
};

/// The penalties of one text. One thread at a time.
class TokenPenalties {
 public:
  /// @param prompt  counts for the repetition penalty only.
  TokenPenalties(const SamplingRules& rules, std::span<const int32_t> prompt);

  void count(int32_t token);  ///< of the answer
  /// Lowers the logits of tokens that were there before: first repetition (divides a positive one,
  /// multiplies a negative one), then frequency and presence.
  void apply(std::span<float> logits) const;

 private:
  SamplingRules rules_;
  std::unordered_map<int32_t, int> counts_;  ///< in the answer; 0: in the prompt only
};

/// Sets to -inf every logit whose bit (id % 32 of word id / 32) is not set; ids past the last word
/// have none.
void forbid_unset(std::span<const uint32_t> allowed, std::span<float> logits);

/// A number in [0, 1) that depends on seed and position alone (splitmix64 of both).
double uniform_at(uint64_t seed, uint64_t position);

/// Chooses a token from a row of logits, after penalties and forbidden tokens (-inf). Truncates in
/// the order min-p, top-k, top-p, then inverts the cumulative distribution of what is left at
/// `uniform_at(seed, position)`, likeliest first. Never sorts the vocabulary. One thread at a time.
class TokenSampler {
 public:
  /// @param position  of the token in the answer.
  /// @return -1 when everything is forbidden or the row holds no number.
  int32_t choose(std::span<const float> logits, const SamplingRules& rules, uint64_t position);

  /// What may be drawn, likeliest first (of equal ones the lowest id), with probabilities. Sampling
  /// without any truncation does not go through this list. Valid until the next call.
  std::span<const Candidate> candidates(std::span<const float> logits, const SamplingRules& rules);

 private:
  float k_th(std::span<const float> logits, int k, float least);
  void gather(std::span<const float> logits, float least);
  void keep_top_p(std::span<const float> logits, const SamplingRules& rules, float top,
                  float least);

  std::vector<Candidate> kept_;
  std::vector<float> scratch_;
};

}  // namespace maie::search
