#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/status.h"
#include "grammar/matcher.h"
#include "llm/language_model.h"
#include "search/token_sampler.h"
#include "text/bpe_tokenizer.h"

namespace maie::llm {

/// What the tokens of one answer must keep to.
struct AnswerRules {
  search::SamplingRules sampling;
  int64_t max_tokens = 0;           ///< at least 1; an end token is not counted
  std::vector<int32_t> end_tokens;  ///< any of them ends the answer, and is no part of it
  /// Bits of the ids that may be written at all (end tokens among them): rows of the logits beyond
  /// the vocabulary and holes in it are none.
  std::shared_ptr<const std::vector<uint32_t>> writable;

  std::shared_ptr<grammar::Constraint> constraint;  ///< of the document; null: free text
  std::optional<text::BpeTokenizer> tokenizer;      ///< spells forced text; absent: none is forced

  /// With a constraint: the answer thinks first, in free text up to `think_end`.
  struct Thinking {
    std::vector<int32_t> opening;  ///< appended before anything: <think> and a line break, or none
    int32_t think_end = -1;        ///< the token </think>
    std::vector<int32_t> closing;  ///< appended when `most_tokens` were thought; has `think_end`
    std::vector<int32_t> after;    ///< appended behind `think_end`
    int64_t most_tokens = 0;
  };
  std::optional<Thinking> thinking;
};

/// Decides the tokens of an answer one by one, from logits, or without them where only one is
/// possible. Depends on nothing but rules, prompt and logits, so that whoever computes logits ahead
/// (speculation) or together with others (batches) gets the same answer. One thread at a time.
class Answer {
 public:
  /// @param prompt  counts for penalties only. @throws ContractError for rules without room.
  Answer(AnswerRules rules, std::span<const int32_t> prompt);

  /// The next token is certain: `next` looks at no logits.
  bool is_forced() const { return !forced_.empty(); }
  /// Decides the next token; nothing when the model ended the answer. Only while not `ended`.
  /// @param logits [V] behind all tokens so far; overwritten.
  /// @return kInternal when nothing may follow, which is a bug here or in the weights.
  Result<std::optional<int32_t>> next(std::span<float> logits);

  bool ended() const { return finish_.has_value(); }
  /// Only when `ended`.
  Finish finish() const { return *finish_; }

  /// How many of `draft` the rules can at all allow one after the other.
  size_t allowed(std::span<const int32_t> draft);

  int64_t tokens() const { return count_; }
  int64_t tokens_left() const { return rules_.max_tokens - count_; }
  int64_t forced_tokens() const { return forced_count_; }

 private:
  enum class Phase { kFree, kThinking, kBetween, kDocument };
  bool is_end(int32_t token) const;
  void forbid(std::span<float> logits);
  void write(int32_t token);
  void write_thinking(int32_t token);
  void look_ahead();
  bool is_closed();
  void force_text();

  AnswerRules rules_;
  search::TokenPenalties penalties_;
  search::TokenSampler sampler_;
  std::unique_ptr<grammar::Matcher> matcher_;
  Phase phase_ = Phase::kFree;
  std::vector<uint32_t> thinkable_;  // `writable` without end tokens
  std::deque<int32_t> forced_;
  std::optional<Finish> finish_;
  int64_t count_ = 0, forced_count_ = 0;
};

}  // namespace maie::llm
