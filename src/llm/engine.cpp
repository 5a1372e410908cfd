// The engine's thread: who is served, and what comes out of a pass. What goes into one:
// engine_plan.cpp.

#include "llm/engine.h"

#include <algorithm>

#include "base/guarded.h"
#include "base/log.h"

namespace maie::llm {
namespace {

constexpr int64_t kPage = ops::kKvPage;
constexpr int64_t kExact = ops::kExactRows;
constexpr std::chrono::milliseconds kPoll{10};

int64_t pages_for(const TokenRequest& request) {
  const int64_t tokens = int64_t(request.prompt.size()) + request.rules.max_tokens;
  return (tokens + kPage - 1) / kPage;
}

// Functions of requests may throw what they like; one request fails then, not the program.
template <class Body>
Status caught(Body&& body) {
  try {
    return guarded(body);
  } catch (const std::exception& error) {
    return internal_error(error.what());
  } catch (...) {
    return internal_error("a function of a request threw something");
  }
}

}  // namespace

Engine::Engine(Network& network, const EngineOptions& options)
    : network_(network),
      options_(options),
      pool_(network.pages()),
      cache_(pool_, options.chunk, kPage),
      logits_({}, DType::kF32, {2 * options.slots + kExact, network.vocabulary()}) {
  check(options.slots >= 1, "an engine has a slot");
  check(network.max_rows() >= options.slots * kExact + options.chunk,
        "a pass has room for all answers and a chunk");
  thread_ = std::thread([this] { work(); });
}

Engine::~Engine() { close(); }

void Engine::close() {
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

Result<TokenAnswer> Engine::run(TokenRequest request, const CancelToken* cancel,
                                double stall_limit_s) {
  if (request.prompt.empty()) return invalid_input("a prompt without tokens");
  if (pages_for(request) > pool_.size()) {
    return invalid_input("a prompt of " + std::to_string(request.prompt.size()) + " tokens and " +
                         std::to_string(request.rules.max_tokens) +
                         " for the answer are more than the cache of " +
                         std::to_string(pool_.size() * kPage) + " tokens holds");
  }
  const auto job = std::make_shared<Job>(std::move(request), cancel);
  {
    const std::lock_guard lock(mutex_);
    if (closing_) return unavailable("the model is being closed");
    waiting_.push_back(job);
  }
  changed_.notify_all();

  uint64_t seen = 0;
  auto last_step = std::chrono::steady_clock::now();
  while (true) {
    if (auto result = job->wait_for(kPoll)) return std::move(*result);
    if (cancel != nullptr && cancel->is_cancelled()) {
      job->abandon();
      return cancel->status();
    }
    // A request that waits for its turn is not stalled while others are served.
    const uint64_t steps = job->steps() > 0 ? job->steps() : passes_.load();
    const auto now = std::chrono::steady_clock::now();
    if (steps != seen) {
      seen = steps;
      last_step = now;
    } else if (std::chrono::duration<double>(now - last_step).count() > stall_limit_s) {
      job->abandon();
      return unavailable("nothing came from the model for " + std::to_string(stall_limit_s) +
                         " s; try again, or allow more");
    }
  }
}

void Engine::work() {
  while (true) {
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [&] {
        return closing_ || !waiting_.empty() || !active_.empty() || next_ != nullptr;
      });
      if (closing_) break;
    }
    const Status status = caught([&] {
      sweep();
      admit();
      Pass pass = plan();
      if (!pass.tokens.empty()) execute(pass);
    });
    if (status.ok()) continue;
    log_error("language model: " + status.message());
    fail_all(status);
  }
  fail_all(unavailable("the model is being closed"));
  const std::lock_guard lock(mutex_);
  for (const auto& job : waiting_) job->finish(unavailable("the model is being closed"));
}

void Engine::fail_all(const Status& status) {
  for (auto& sequence : active_) release(*sequence, status);
  active_.clear();
  if (next_ != nullptr) release(*next_, status);
  next_.reset();
}

// Forgets the requests nobody waits for and those that have their answer.
void Engine::sweep() {
  std::erase_if(active_, [&](const std::unique_ptr<Sequence>& sequence) {
    if (sequence->pages.empty()) return true;
    const Status status = sequence->job->status();
    if (status.ok()) return false;
    release(*sequence, status);
    return true;
  });
  const auto is_unwanted = [](const std::shared_ptr<Job>& job) {
    const Status status = job->status();
    if (!status.ok()) job->finish(status);
    return !status.ok();
  };
  if (next_ != nullptr && is_unwanted(next_->job)) next_.reset();
  const std::lock_guard lock(mutex_);
  std::erase_if(waiting_, is_unwanted);
}

// Requests in the order they came. Those behind one that waits for pages wait too, so that its turn
// comes.
void Engine::admit() {
  while (int(active_.size()) < options_.slots) {
    if (next_ == nullptr) {
      std::shared_ptr<Job> job;
      {
        const std::lock_guard lock(mutex_);
        if (waiting_.empty()) return;
        job = waiting_.front();
        waiting_.pop_front();
      }
      const Status status = caught([&] { next_ = std::make_unique<Sequence>(job); });
      if (!status.ok()) job->finish(status);
      if (!status.ok()) continue;
    }
    bool has_pages = false;
    const Status status = caught([&] { has_pages = give_pages(*next_); });
    if (!status.ok()) {
      release(*next_, status);
      next_.reset();
    } else if (has_pages) {
      active_.push_back(std::move(next_));
    } else {
      return;
    }
  }
}

// All pages a request may need, so that nobody runs out of them half-way.
bool Engine::give_pages(Sequence& sequence) {
  const TokenRequest& request = sequence.job->request();
  const int64_t total = pages_for(request);
  // The last token is always read: its logits are not kept.
  const int64_t most = (sequence.prompt_size() - 1) / options_.chunk * options_.chunk;
  std::vector<int32_t> pages = cache_.find(request.prompt, most);
  const auto cached = int64_t(pages.size());
  if (!cache_.make_room(total - cached)) {
    pool_.let_go(pages);
    return false;
  }
  while (int64_t(pages.size()) < total) pages.push_back(pool_.take());
  sequence.pages = std::move(pages);
  sequence.read = cached * kPage;
  restore(sequence);
  sequence.usage.cached_tokens = sequence.read;
  return true;
}

// The whole chunks of what recurs, less than the prompt.
std::span<const int32_t> Engine::recurring(const Sequence& sequence) const {
  const TokenRequest& request = sequence.job->request();
  if (options_.store == nullptr || request.recurring_tokens <= 0) return {};
  const int64_t tokens = std::min(request.recurring_tokens, sequence.prompt_size() - 1);
  return std::span(request.prompt).first(size_t(tokens / options_.chunk * options_.chunk));
}

// Fills pages from the disk.
void Engine::restore(Sequence& sequence) {
  const auto tokens = recurring(sequence);
  if (int64_t(tokens.size()) <= sequence.read) return;
  const std::vector<std::byte> stored = options_.store->load(tokens);
  if (stored.empty()) return;
  const size_t size = network_.page_bytes();
  for (int64_t page = sequence.read / kPage; page < int64_t(tokens.size()) / kPage; ++page) {
    network_.write_page(sequence.pages[size_t(page)],
                        std::span(stored).subspan(size_t(page) * size, size));
  }
  sequence.read = int64_t(tokens.size());
  keep_prompt(sequence);
}

void Engine::execute(Pass& pass) {
  const Tensor logits = logits_.view().rows(0, int64_t(pass.wanted.size()));
  const Status ran =
      caught([&] { return network_.forward(pass.tokens, pass.entries, pass.wanted, logits); });
  ++passes_;
  for (const Part& part : pass.parts) {
    if (part.rows == 0) continue;
    Sequence& sequence = *part.sequence;
    const Status status = ran.ok() ? caught([&] { return settle(part); }) : ran;
    if (!status.ok()) {
      release(sequence, status);
    } else if (sequence.over()) {
      sequence.usage.total_s = std::chrono::duration<double>(std::chrono::steady_clock::now() -
                                                             sequence.job->request().started)
                                   .count();
      const auto first = sequence.tokens.begin() + std::ptrdiff_t(sequence.prompt_size());
      TokenAnswer answer{{first, sequence.tokens.end()},
                         sequence.stopped ? Finish::kStop : sequence.answer.finish(),
                         sequence.usage};
      release(sequence, std::move(answer));
    }
  }
}

// What a pass gave one sequence.
Status Engine::settle(const Part& part) {
  Sequence& sequence = *part.sequence;
  const bool was_prompt = sequence.reads_prompt();
  sequence.read += part.rows;
  if (was_prompt) keep_prompt(sequence);
  if (was_prompt && !sequence.reads_prompt()) store_prompt(sequence);
  if (!sequence.reads_prompt()) {
    ++sequence.usage.passes;
    const Tensor logits = logits_.view().rows(part.first_wanted, part.wanted);
    if (part.wanted > 0 || sequence.answer.is_forced()) MAIE_TRY(sequence.decide(logits));
  }
  sequence.job->give_progress({sequence.prompt_size(),
                               std::min(sequence.read, sequence.prompt_size()),
                               sequence.usage.answer_tokens});
  return sequence.job->status();
}

void Engine::keep_prompt(Sequence& sequence) {
  if (!options_.prefix_cache) return;
  const int64_t read = std::min(sequence.read, sequence.prompt_size());
  const auto whole = size_t(read / options_.chunk * options_.chunk);
  cache_.add(std::span(sequence.job->request().prompt).first(whole), sequence.pages);
}

// Leaves what recurs to the disk, once the prompt is read.
void Engine::store_prompt(const Sequence& sequence) {
  const auto tokens = recurring(sequence);
  if (tokens.empty() || options_.store->has(tokens)) return;
  const size_t size = network_.page_bytes();
  const size_t pages = tokens.size() / size_t(kPage);
  std::vector<std::byte> bytes(pages * size);
  for (size_t page = 0; page < pages; ++page) {
    network_.read_page(sequence.pages[page], std::span(bytes).subspan(page * size, size));
  }
  options_.store->save(tokens, std::move(bytes));
}

// The end of a request: its pages go back, its answer goes out. `sweep` removes it.
void Engine::release(Sequence& sequence, Result<TokenAnswer> result) {
  pool_.let_go(sequence.pages);
  sequence.pages.clear();
  sequence.job->finish(std::move(result));
}

}  // namespace maie::llm
