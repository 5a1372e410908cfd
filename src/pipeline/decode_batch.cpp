#include "pipeline/decode_batch.h"

#include <algorithm>
#include <functional>

namespace maie::pipeline {

int32_t CellPool::take() {
  int32_t cell = fresh_;
  if (!free_.empty()) {
    cell = free_.back();
    free_.pop_back();
  } else {
    check(size_t(fresh_) < references_.size(), "the decoder cache has room for every hypothesis");
    ++fresh_;
  }
  references_[size_t(cell)] = 1;
  return cell;
}

void CellPool::share(std::span<const int32_t> cells) {
  for (const int32_t cell : cells) ++references_[size_t(cell)];
}

void CellPool::release(std::span<const int32_t> cells) {
  for (const int32_t cell : cells) {
    if (--references_[size_t(cell)] == 0) free_.push_back(cell);
  }
}

using History = std::vector<int32_t>;

struct DecodeBatch::Active {
  WindowJob job;
  size_t attempt = 0;  // index of the temperature
  std::unique_ptr<search::WindowSearch> search;
  bool prefilled = false;
  std::vector<History> histories;  // of the rows of the last pass; one row after the prompt
  std::vector<search::Attempt> failed;
  std::vector<search::Outcome> failed_outcomes;
  // Where this window's logits lie in the pass being run.
  int64_t first_logits = 0;
  int64_t logits_rows = 0;
};

DecodeBatch::DecodeBatch(whisper::Model& model, ThreadPool& threads, const BatchOptions& options)
    : model_(model), threads_(threads), options_(options), cells_(model.cells()) {}

DecodeBatch::~DecodeBatch() = default;

void DecodeBatch::add(WindowJob job) {
  auto active = std::make_unique<Active>();
  active->job = std::move(job);
  start_attempt(*active);
  active_.push_back(std::move(active));
}

void DecodeBatch::start_attempt(Active& active) {
  for (const History& history : active.histories) cells_.release(history);
  active.histories.clear();
  active.prefilled = false;
  search::SearchOptions options = options_.search;
  options.temperature = float(options_.temperatures[active.attempt]);
  options.seed = search::derive_seed(active.job.seed, active.attempt);
  active.search = std::make_unique<search::WindowSearch>(active.job.prompt, options_.ids, options);
}

// Appends the rows this window wants next, and the cells they write to.
void DecodeBatch::collect_rows(Active& active) {
  active.first_logits = int64_t(wanted_.size());
  const whisper::Window* window = active.job.window.get();
  if (!active.prefilled) {
    const auto prompt = active.search->prompt();
    History history(prompt.size());
    for (int32_t& cell : history) cell = cells_.take();
    active.histories.push_back(std::move(history));
    const int32_t* cells = active.histories.front().data();
    for (size_t position = 0; position < prompt.size(); ++position) {
      const bool needed = int(position) == active.search->no_speech_position();
      if (needed || position + 1 == prompt.size()) wanted_.push_back(int(rows_.size()));
      rows_.push_back({prompt[position], int(position), {cells, int32_t(position) + 1}, window});
    }
  } else {
    std::vector<History> next;
    for (const search::Row& row : active.search->rows()) {
      next.push_back(active.histories[size_t(row.parent)]);
      cells_.share(next.back());
      next.back().push_back(cells_.take());
      wanted_.push_back(int(rows_.size()));
      rows_.push_back(
          {row.token, row.position, {next.back().data(), int32_t(next.back().size())}, window});
    }
    for (const History& history : active.histories) cells_.release(history);
    active.histories = std::move(next);  // moves the vectors, not their elements: pointers stay
  }
  active.logits_rows = int64_t(wanted_.size()) - active.first_logits;
}

// Called when a search is done: accepts the outcome, or starts the next temperature.
std::optional<WindowOutcome> DecodeBatch::conclude(Active& active) {
  search::Outcome outcome = active.search->outcome();
  search::Attempt attempt{.avg_log_prob = outcome.avg_log_prob,
                          .compression_ratio = options_.compression_ratio(outcome.tokens),
                          .no_speech_prob = outcome.no_speech_prob,
                          .stopped_repetition = outcome.stopped_repetition};
  const bool retry = search::judge(attempt, options_.gates) == search::Verdict::kRetry;
  bool failed = false;
  if (retry) {
    active.failed.push_back(attempt);
    active.failed_outcomes.push_back(std::move(outcome));
    if (++active.attempt < options_.temperatures.size()) {
      start_attempt(active);
      return std::nullopt;
    }
    failed = true;
    const size_t best = search::choose_failed(active.failed, options_.gates);
    outcome = std::move(active.failed_outcomes[best]);
    attempt = active.failed[best];
  }
  for (const History& history : active.histories) cells_.release(history);
  const size_t last = std::min(active.attempt, options_.temperatures.size() - 1);
  return WindowOutcome{.index = active.job.index,
                       .prompt = std::move(active.job.prompt),
                       .window = std::move(active.job.window),
                       .decoded = std::move(outcome),
                       .temperature = options_.temperatures[last],
                       .compression_ratio = attempt.compression_ratio,
                       .failed_gates = failed};
}

Result<std::vector<WindowOutcome>> DecodeBatch::step() {
  rows_.clear();
  wanted_.clear();
  for (const auto& active : active_) collect_rows(*active);

  const int64_t V = model_.config().vocabulary;
  const int64_t W = int64_t(wanted_.size());
  if (logits_.size_bytes() < size_t(W * V) * sizeof(float)) {
    logits_ = OwnedTensor({}, DType::kF32, {W, V});
  }
  const Tensor logits(logits_.view().raw(), DType::kF32, {W, V});
  MAIE_TRY(model_.decode(rows_, wanted_, logits));

  threads_.for_each(int64_t(active_.size()), [&](int64_t index, int) {
    Active& active = *active_[size_t(index)];
    std::span<float> mine = logits.rows(active.first_logits, active.logits_rows).span<float>();
    if (!active.prefilled) {
      active.prefilled = true;
      const size_t row = static_cast<size_t>(V);
      if (active.search->no_speech_position() >= 0) {
        active.search->set_no_speech_logits(mine.first(row));
      }
      mine = mine.last(row);
    }
    active.search->advance(mine);
  });

  std::vector<WindowOutcome> done;
  for (auto& active : active_) {
    if (!active->search->done()) continue;
    if (std::optional<WindowOutcome> outcome = conclude(*active)) {
      done.push_back(std::move(*outcome));
      active.reset();
    }
  }
  std::erase(active_, nullptr);
  return done;
}

}  // namespace maie::pipeline
