#include "llm/sequence.h"

#include <algorithm>

#include "ops/paged_attention.h"

namespace maie::llm {
namespace {

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

}  // namespace

Status Job::status() const {
  const std::lock_guard lock(mutex_);
  if (abandoned_) return cancelled("nobody waits for the answer");
  return cancel_ != nullptr ? cancel_->status() : Status();
}

bool Job::give_token(int32_t token) {
  const std::lock_guard lock(mutex_);
  ++steps_;
  if (abandoned_) return false;
  return !request_.on_token || request_.on_token(token);
}

void Job::give_progress(const Progress& progress) {
  const std::lock_guard lock(mutex_);
  ++steps_;
  if (!abandoned_ && request_.on_progress) request_.on_progress(progress);
}

void Job::finish(Result<TokenAnswer> result) {
  const std::lock_guard lock(mutex_);
  if (!result_) result_.emplace(std::move(result));
  changed_.notify_all();
}

std::optional<Result<TokenAnswer>> Job::wait_for(std::chrono::milliseconds moment) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, moment, [&] { return result_.has_value(); });
  return result_;
}

void Job::abandon() {
  const std::lock_guard lock(mutex_);
  abandoned_ = true;
}

uint64_t Job::steps() const { return steps_; }

Sequence::Sequence(std::shared_ptr<Job> the_job)
    : job(std::move(the_job)),
      tokens(job->request().prompt),
      answer(job->request().rules, job->request().prompt) {
  usage.prompt_tokens = prompt_size();
  if (job->request().spelling) {
    look_up.emplace(job->request().prompt, *job->request().spelling, size_t(ops::kExactRows - 1));
  }
}

Status Sequence::take_next(std::span<float> logits) {
  MAIE_ASSIGN(const std::optional<int32_t> token, answer.next(logits));
  if (!token) return {};
  if (usage.answer_tokens == 0) usage.first_token_s = seconds_since(job->request().started);
  ++usage.answer_tokens;
  tokens.push_back(*token);
  if (look_up) look_up->push(*token);
  stopped = !job->give_token(*token);
  return {};
}

Status Sequence::decide(Tensor logits) {
  const int64_t rows = logits.dim(0);
  size_t accepted = 0;
  for (int64_t row = 0; row < rows && !over(); ++row) {
    MAIE_TRY(take_next(logits.rows(row, 1).span<float>()));
    const bool came_true = accepted < draft.size() && !over() && tokens.back() == draft[accepted];
    if (!came_true) break;
    ++accepted;
    ++read;
  }
  if (look_up && !draft.empty()) look_up->judge(draft.size(), accepted);
  usage.proposed_tokens += int64_t(draft.size());
  usage.accepted_tokens += int64_t(accepted);
  draft.clear();
  while (!over() && answer.is_forced()) MAIE_TRY(take_next({}));
  usage.forced_tokens = answer.forced_tokens();
  return {};
}

void Sequence::guess(size_t room) {
  draft.clear();
  const auto left = size_t(std::max<int64_t>(0, answer.tokens_left() - 1));
  if (!look_up || std::min(room, left) == 0) return;
  draft = look_up->propose(std::min(room, left));
  draft.resize(answer.allowed(draft));
}

}  // namespace maie::llm
