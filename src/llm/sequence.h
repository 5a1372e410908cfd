#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "base/cancel.h"
#include "llm/answer.h"
#include "llm/look_up.h"
#include "tensor/tensor.h"

namespace maie::llm {

/// A request to the engine, in tokens.
struct TokenRequest {
  std::vector<int32_t> prompt;
  int64_t recurring_tokens = 0;  ///< so many first ones recur in other requests: kept on the disk
  /// When it was asked; times are counted from here.
  std::chrono::steady_clock::time_point started = std::chrono::steady_clock::now();
  AnswerRules rules;
  /// What guesses are made with; absent: none are made.
  std::optional<Spelling> spelling;
  /// Gets each token of the answer; false: the answer ends behind it.
  std::function<bool(int32_t token)> on_token;
  std::function<void(const Progress&)> on_progress;
};

struct TokenAnswer {
  std::vector<int32_t> tokens;
  Finish finish = Finish::kStop;
  Usage usage;
};

/// A request between the thread that waits for it and the engine's. The functions of the request
/// are called, and the answer is left, only while nobody has `abandon`ed it.
class Job {
 public:
  /// @param cancel  may be null; looked at while nobody has abandoned the job.
  Job(TokenRequest request, const CancelToken* cancel)
      : request_(std::move(request)), cancel_(cancel) {}

  const TokenRequest& request() const { return request_; }

  // The engine's side.
  /// kCancelled when nobody waits any more, or the caller asked to stop.
  Status status() const;
  /// False when the answer shall end behind the token, or nobody waits any more.
  bool give_token(int32_t token);
  void give_progress(const Progress& progress);
  void finish(Result<TokenAnswer> result);

  // The waiting side.
  /// Waits a moment. The result once there is one.
  std::optional<Result<TokenAnswer>> wait_for(std::chrono::milliseconds moment);
  /// After this no function of the request is called.
  void abandon();
  /// Changes whenever something came from the model.
  uint64_t steps() const;

 private:
  const TokenRequest request_;
  const CancelToken* const cancel_;
  mutable std::mutex mutex_;  // also held while functions of the request run
  std::condition_variable changed_;
  std::optional<Result<TokenAnswer>> result_;
  bool abandoned_ = false;
  std::atomic<uint64_t> steps_{0};
};

/// A request that has a slot. Belongs to the engine's thread.
struct Sequence {
  explicit Sequence(std::shared_ptr<Job> job);

  int64_t prompt_size() const { return int64_t(job->request().prompt.size()); }
  bool reads_prompt() const { return read < prompt_size(); }
  /// Decides tokens from logits behind the last one and behind those of `draft` that come true,
  /// then those that are certain without any.
  /// @param logits  [1 + draft, V], overwritten; no rows where the next token is certain.
  Status decide(Tensor logits);
  /// Guesses for the next pass, which has room for so many.
  void guess(size_t room);

  std::shared_ptr<Job> job;
  std::vector<int32_t> tokens;  // prompt and answer
  int64_t read = 0;             // of them, in the cache
  std::vector<int32_t> pages;
  std::vector<int32_t> draft;  // read behind `tokens` in the pass under way
  Answer answer;
  std::optional<LookUp> look_up;
  bool stopped = false;  // by the request's function
  Usage usage;

  bool over() const { return stopped || answer.ended(); }

 private:
  Status take_next(std::span<float> logits);
};

}  // namespace maie::llm
