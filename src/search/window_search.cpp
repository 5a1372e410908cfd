#include "search/window_search.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "base/check.h"

namespace maie::search {
namespace {

constexpr double kMinusInfinity = -std::numeric_limits<double>::infinity();

// The finaliser of SplitMix64 (Steele, Lea, Flood, OOPSLA 2014): every input bit reaches every
// output bit, so neighbouring counters give unrelated numbers.
uint64_t mix(uint64_t x) {
  x += 0x9E3779B97F4A7C15u;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
  return x ^ (x >> 31);
}

}  // namespace

double uniform_at(uint64_t seed, int sample, int step) {
  const uint64_t counter =
      (static_cast<uint64_t>(static_cast<uint32_t>(sample)) << 32) | static_cast<uint32_t>(step);
  return static_cast<double>(mix(mix(seed) ^ counter) >> 11) * 0x1p-53;
}

uint64_t derive_seed(uint64_t seed, uint64_t use) { return mix(mix(seed) + use); }

WindowSearch::WindowSearch(std::vector<int> prompt, const TokenIds& ids, SearchOptions options)
    : prompt_(std::move(prompt)), ids_(ids), options_(std::move(options)) {
  check(!prompt_.empty(), "a search needs a prompt");
  check(options_.beam_size >= 1 && options_.best_of >= 1, "a search needs at least one hypothesis");
  check(ids_.eot >= 0 && ids_.eot < ids_.vocabulary, "the end of text must lie in the vocabulary");
  for (const int id : prompt_) {
    check(id >= 0 && id < ids_.vocabulary, "prompt ids must lie in the vocabulary");
  }
  const auto first_sot = std::find(prompt_.begin(), prompt_.end(), ids_.sot);
  if (first_sot == prompt_.end()) {  // a model without a start token: all of it is prefilled
    prefill_ = prompt_.size();
  } else {
    // Without a "no timestamps" token the special ids end where the timestamps, or the ids, end.
    const int last_special = ids_.no_timestamps >= 0     ? ids_.no_timestamps
                             : ids_.timestamp_begin >= 0 ? ids_.timestamp_begin - 1
                                                         : ids_.vocabulary - 1;
    const auto end = std::find_if(first_sot, prompt_.end(),
                                  [&](int id) { return id < ids_.sot || id > last_special; });
    prefill_ = static_cast<size_t>(end - prompt_.begin());
    const int sot_position = static_cast<int>(first_sot - prompt_.begin());
    if (ids_.no_speech >= 0 && ids_.no_speech < ids_.vocabulary) {
      no_speech_from_first_ = sot_position + 1 == static_cast<int>(prefill_);
      if (!no_speech_from_first_) no_speech_position_ = sot_position;
    }
  }
  prefix_ = static_cast<int>(prompt_.size() - prefill_);
  timestamps_ = prompt_[prefill_ - 1] != ids_.no_timestamps;

  int length = options_.max_length;
  if (options_.max_new_tokens > 0) {
    length = std::min(length, static_cast<int>(prompt_.size()) + options_.max_new_tokens);
  }
  budget_ = std::min(length / 2, length - static_cast<int>(prefill_ - 1));
  live_.emplace_back();
  done_ = budget_ <= 0;
  if (done_) {  // no room to say anything
    live_.front().ran_out = true;
    finished_ = std::move(live_);
  }
}

void WindowSearch::set_no_speech_logits(std::span<const float> row) {
  check(static_cast<int>(row.size()) == ids_.vocabulary,
        "a row of logits must be as wide as the vocabulary");
  if (ids_.no_speech < 0 || ids_.no_speech >= ids_.vocabulary) return;
  no_speech_prob_ = std::exp(static_cast<double>(row[ids_.no_speech]) - log_sum_exp(row));
}

void WindowSearch::advance(std::span<float> logits) {
  check(!done_, "the search is over");
  const size_t expected = step_ == 0 ? 1 : rows_.size();
  check(logits.size() == expected * static_cast<size_t>(ids_.vocabulary),
        "one row of logits per row asked for");
  if (step_ == 0 && no_speech_from_first_) set_no_speech_logits(logits);
  if (step_ < prefix_) {
    advance_prefix(logits);
  } else if (sampling()) {
    advance_samples(logits);
  } else {
    advance_beam(logits);
  }
  ++step_;
}

Outcome WindowSearch::outcome() const {
  check(done_ && !finished_.empty(), "the outcome of an unfinished search");
  const Hypothesis* best = &finished_.front();
  for (const Hypothesis& h : finished_) {
    if (final_score(h) > final_score(*best)) best = &h;
  }
  Outcome outcome;
  outcome.tokens = best->tokens;
  outcome.token_log_probs = best->log_probs;
  outcome.sum_log_prob = best->sum;
  outcome.score = final_score(*best);
  const double length = static_cast<double>(best->tokens.size());
  outcome.avg_log_prob =
      outcome.score * std::pow(length, static_cast<double>(options_.length_penalty)) / (length + 1);
  outcome.no_speech_prob = no_speech_prob_;
  outcome.stopped_repetition = best->looped;
  outcome.reached_limit = best->ran_out;
  return outcome;
}

double WindowSearch::final_score(const Hypothesis& h) const {
  const double length = static_cast<double>(h.tokens.size());
  const double divisor = std::pow(length, static_cast<double>(options_.length_penalty));
  return divisor == 0 ? kMinusInfinity : h.sum / divisor;
}

AllowedRow WindowSearch::constrain(std::span<float> row, const Hypothesis& h) const {
  return apply_rules(row, h.tokens, prefix_, timestamps_, ids_, options_.rules);
}

WindowSearch::Hypothesis WindowSearch::extended(const Choice& choice) const {
  Hypothesis h = live_[choice.parent];
  h.sum = choice.sum;
  if (choice.token != ids_.eot || step_ < prefix_) {
    h.tokens.push_back(choice.token);
    h.log_probs.push_back(choice.log_prob);
  }
  return h;
}

// Whether a hypothesis that just got a token (not the end of text) ends here; cuts off a loop.
bool WindowSearch::finishes(Hypothesis& h, bool last_step) const {
  const std::span<const int> free = std::span<const int>(h.tokens).subspan(prefix_);
  if (const auto keep = find_loop(free, ids_, options_.repetition_stop)) {
    h.tokens.resize(prefix_ + *keep);
    h.log_probs.resize(h.tokens.size());
    h.sum = 0;
    for (size_t i = prefix_; i < h.log_probs.size(); ++i) h.sum += h.log_probs[i];
    h.looped = true;
    return true;
  }
  h.ran_out = last_step;
  return last_step;
}

// The token is given, so one row serves whatever the number of hypotheses.
void WindowSearch::advance_prefix(std::span<float> logits) {
  const int token = prompt_[prefill_ + static_cast<size_t>(step_)];
  const float log_prob = logits[token] - log_sum_exp(logits);
  Hypothesis h =
      extended({0, token, log_prob, 0.0});  // nobody chose it: it adds nothing to the score
  if (step_ + 1 == budget_) {
    h.ran_out = true;
    finished_.push_back(std::move(h));
    done_ = true;
    rows_.clear();
    return;
  }
  std::vector<Hypothesis> next;
  next.push_back(std::move(h));
  go_on_with(std::move(next), {0});
}

void WindowSearch::advance_beam(std::span<float> logits) {
  const size_t V = static_cast<size_t>(ids_.vocabulary);
  const size_t B = static_cast<size_t>(options_.beam_size);
  // Twice as many candidates as beams: even if every beam ends, as many continuations are left.
  std::vector<Choice> choices;
  for (size_t r = 0; r < live_.size(); ++r) {
    const std::span<float> row = logits.subspan(r * V, V);
    const AllowedRow allowed = constrain(row, live_[r]);
    top_k(row.subspan(allowed.begin, allowed.end - allowed.begin), static_cast<int>(2 * B),
          candidates_);
    for (const Candidate& c : candidates_) {
      const float log_prob = c.value - allowed.log_sum;
      choices.push_back(
          {static_cast<int>(r), allowed.begin + c.id, log_prob, live_[r].sum + log_prob});
    }
  }
  std::stable_sort(choices.begin(), choices.end(),
                   [](const Choice& a, const Choice& b) { return a.sum > b.sum; });
  if (choices.size() > 2 * B) choices.resize(2 * B);

  const bool last_step = step_ + 1 == budget_;
  std::vector<Hypothesis> next;
  std::vector<int> parents;
  size_t spare = B;  // the next unused candidate for a slot whose own one ended
  bool top_ended = false;
  bool top_looped = false;
  for (size_t k = 0; k < std::min(B, choices.size()); ++k) {
    Hypothesis h = extended(choices[k]);
    if (choices[k].token != ids_.eot && !finishes(h, last_step)) {
      next.push_back(std::move(h));
      parents.push_back(choices[k].parent);
      continue;
    }
    top_ended = top_ended || k == 0;
    top_looped = top_looped || (k == 0 && h.looped);
    finished_.push_back(std::move(h));
    while (spare < choices.size() && choices[spare].token == ids_.eot) ++spare;
    if (last_step || spare >= choices.size()) continue;
    next.push_back(extended(choices[spare]));
    parents.push_back(choices[spare].parent);
    ++spare;
  }

  // Patience is a matter of several beams; without a length penalty scores only fall, so nothing
  // can overtake a top beam that has ended.
  const float patience = B == 1 ? 1.0f : options_.patience;
  const size_t enough =
      std::max<size_t>(1, static_cast<size_t>(std::lround(static_cast<float>(B) * patience)));
  // A loop in the top beam is in the others too, only shifted: they are not worth waiting for.
  const bool decided = (options_.length_penalty == 0 && top_ended) || top_looped;
  if (choices.empty()) finished_.insert(finished_.end(), live_.begin(), live_.end());
  done_ = last_step || decided || finished_.size() >= enough || next.empty();
  if (done_) {
    rows_.clear();
  } else {
    go_on_with(std::move(next), parents);
  }
}

void WindowSearch::advance_samples(std::span<float> logits) {
  const size_t V = static_cast<size_t>(ids_.vocabulary);
  const float inverse_temperature = 1.0f / options_.temperature;
  const bool last_step = step_ + 1 == budget_;
  // The first free step has one row for all samples.
  const bool first = step_ == prefix_;
  const size_t samples = first ? static_cast<size_t>(options_.best_of) : live_.size();
  std::vector<Hypothesis> next;
  std::vector<int> parents;
  AllowedRow allowed;
  for (size_t s = 0; s < samples; ++s) {
    const size_t r = first ? 0 : s;
    const std::span<float> row = logits.subspan(r * V, V);
    if (!first || s == 0) allowed = constrain(row, live_[r]);
    const std::span<const float> open = row.subspan(allowed.begin, allowed.end - allowed.begin);
    const uint64_t sample = first ? s : live_[r].sample;
    const double uniform = uniform_at(options_.seed, static_cast<int>(sample), step_);
    const int drawn = sample_row(open, inverse_temperature, uniform, scratch_);
    if (drawn < 0) {  // everything is forbidden: this one ends as it is
      finished_.push_back(live_[r]);
      continue;
    }
    const float log_prob = open[drawn] - allowed.log_sum;
    const int token = allowed.begin + drawn;
    Hypothesis h = extended({static_cast<int>(r), token, log_prob, live_[r].sum + log_prob});
    h.sample = sample;
    if (token == ids_.eot || finishes(h, last_step)) {
      finished_.push_back(std::move(h));
    } else {
      next.push_back(std::move(h));
      parents.push_back(static_cast<int>(r));
    }
  }
  done_ = next.empty();
  if (done_) {
    rows_.clear();
  } else {
    go_on_with(std::move(next), parents);
  }
}

void WindowSearch::go_on_with(std::vector<Hypothesis> live, const std::vector<int>& parents) {
  live_ = std::move(live);
  rows_.clear();
  const int position = static_cast<int>(prefill_) + step_;
  for (size_t i = 0; i < live_.size(); ++i) {
    rows_.push_back({live_[i].tokens.back(), position, parents[i]});
  }
}

}  // namespace maie::search
