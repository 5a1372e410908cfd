#include "llm/answer.h"

#include <algorithm>

namespace maie::llm {

Answer::Answer(AnswerRules rules, std::span<const int32_t> prompt)
    : rules_(std::move(rules)), penalties_(rules_.sampling, prompt) {
  check(rules_.max_tokens >= 1 && rules_.writable != nullptr, "an answer has room for a token");
  if (rules_.constraint == nullptr) return;
  matcher_ = std::make_unique<grammar::Matcher>(rules_.constraint);
  phase_ = Phase::kDocument;
  if (rules_.thinking) {
    phase_ = Phase::kThinking;
    forced_.assign(rules_.thinking->opening.begin(), rules_.thinking->opening.end());
    thinkable_ = *rules_.writable;
    for (const int32_t id : rules_.end_tokens) {
      if (id >= 0 && size_t(id) / 32 < thinkable_.size())
        thinkable_[size_t(id) / 32] &= ~(1u << (id % 32));
    }
  }
  look_ahead();
}

bool Answer::is_end(int32_t token) const {
  return std::find(rules_.end_tokens.begin(), rules_.end_tokens.end(), token) !=
         rules_.end_tokens.end();
}

void Answer::forbid(std::span<float> logits) {
  switch (phase_) {
    case Phase::kDocument:
      search::forbid_unset(matcher_->mask(uint64_t(tokens_left())), logits);
      return;
    case Phase::kThinking: search::forbid_unset(thinkable_, logits); return;
    default: search::forbid_unset(*rules_.writable, logits); return;
  }
}

Result<std::optional<int32_t>> Answer::next(std::span<float> logits) {
  check(!ended(), "an answer that ended has no next token");
  int32_t token = -1;
  if (is_forced()) {
    token = forced_.front();
    forced_.pop_front();
    ++forced_count_;
  } else {
    forbid(logits);
    penalties_.apply(logits);
    token = sampler_.choose(logits, rules_.sampling, uint64_t(count_));
    if (token < 0) {
      return internal_error("no token may follow after " + std::to_string(count_) +
                            " of the answer; are the weights damaged?");
    }
    if (is_end(token)) {
      finish_ = Finish::kStop;
      return std::optional<int32_t>();
    }
  }
  write(token);
  return std::optional<int32_t>(token);
}

void Answer::write(int32_t token) {
  ++count_;
  penalties_.count(token);
  if (phase_ == Phase::kDocument) {
    check(matcher_->accept(token), "a token of the mask fits the document");
  } else if (phase_ != Phase::kFree) {
    write_thinking(token);
  }
  look_ahead();
  if (!ended() && tokens_left() == 0) finish_ = Finish::kLength;
}

void Answer::write_thinking(int32_t token) {
  const AnswerRules::Thinking& thinking = *rules_.thinking;
  if (phase_ == Phase::kThinking && token == thinking.think_end) {
    if (forced_.empty()) forced_.assign(thinking.after.begin(), thinking.after.end());
    phase_ = Phase::kBetween;
  } else if (phase_ == Phase::kThinking && forced_.empty() && count_ >= thinking.most_tokens) {
    forced_.assign(thinking.closing.begin(), thinking.closing.end());
  }
  if (phase_ == Phase::kBetween && forced_.empty()) phase_ = Phase::kDocument;
}

// Once a token is written: is the document closed, is what follows certain?
void Answer::look_ahead() {
  if (phase_ != Phase::kDocument || !forced_.empty()) return;
  if (is_closed()) {
    finish_ = Finish::kStop;
  } else {
    force_text();
  }
}

bool Answer::is_closed() {
  if (!matcher_->complete()) return false;
  const auto mask = matcher_->mask();
  for (size_t word = 0; word < mask.size(); ++word) {
    uint32_t bits = mask[word];
    for (const int32_t end : rules_.constraint->trie().end_tokens()) {
      if (size_t(end) / 32 == word) bits &= ~(1u << (end % 32));
    }
    if (bits != 0) return false;
  }
  return true;
}

void Answer::force_text() {
  if (!rules_.tokenizer) return;
  const std::string text = matcher_->forced();
  if (text.empty()) return;
  const auto ids = rules_.tokenizer->encode(text, text::AddedTokens::kAsText);
  if (!ids) return;
  // A vocabulary that puts a space before every text would not spell this one.
  std::string spelled;
  for (const int32_t id : *ids) spelled += rules_.constraint->trie().bytes(id);
  if (spelled != text) return;
  const size_t safe = matcher_->safe_to_append(*ids);
  // The encoding may take more tokens than the budget counts on.
  size_t count = 0;
  while (count < safe && matcher_->accept((*ids)[count])) {
    ++count;
    if (tokens_left() - int64_t(count) < int64_t(matcher_->tokens_to_finish())) {
      matcher_->rollback(1);
      --count;
      break;
    }
  }
  matcher_->rollback(count);
  forced_.assign(ids->begin(), ids->begin() + std::ptrdiff_t(count));
}

size_t Answer::allowed(std::span<const int32_t> draft) {
  size_t count = 0;
  if (phase_ != Phase::kDocument) {
    while (count < draft.size() && !is_end(draft[count])) ++count;
    return count;
  }
  while (count < draft.size() && !is_end(draft[count]) && matcher_->accept(draft[count])) ++count;
  matcher_->rollback(count);
  return count;
}

}  // namespace maie::llm
