// The next token of a language model. A vocabulary has 150,000 entries and a step of a small model
// takes 25 ms, so a step may look at every logit a few times but never sort them: thresholds first
// (min-p and top-k are one each), then only what lies above is gathered and sorted.

#include "search/token_sampler.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace maie::search {
namespace {

constexpr float kForbidden = -std::numeric_limits<float>::infinity();
constexpr int kInsertionLimit = 64;  // up to so many, top_k's insertion beats a selection

uint64_t splitmix64(uint64_t x) {
  x += 0x9E3779B97F4A7C15u;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
  return x ^ (x >> 31);
}

bool likelier(const Candidate& a, const Candidate& b) {
  return a.value != b.value ? a.value > b.value : a.id < b.id;
}

}  // namespace

TokenPenalties::TokenPenalties(const SamplingRules& rules, std::span<const int32_t> prompt)
    : rules_(rules) {
  if (rules.repetition_penalty == 1) return;
  for (const int32_t token : prompt) counts_.emplace(token, 0);
}

void TokenPenalties::count(int32_t token) {
  if (rules_.penalises()) ++counts_[token];
}

void TokenPenalties::apply(std::span<float> logits) const {
  if (!rules_.penalises()) return;
  const auto repetition = float(rules_.repetition_penalty);
  for (const auto& [token, count] : counts_) {
    if (token < 0 || size_t(token) >= logits.size()) continue;
    float& logit = logits[size_t(token)];
    if (logit == kForbidden) continue;
    logit = logit > 0 ? logit / repetition : logit * repetition;
    if (count == 0) continue;
    logit -= float(rules_.frequency_penalty * count + rules_.presence_penalty);
  }
}

void forbid_unset(std::span<const uint32_t> allowed, std::span<float> logits) {
  for (size_t first = 0; first < logits.size(); first += 32) {
    const uint32_t word = first / 32 < allowed.size() ? allowed[first / 32] : 0;
    if (word == UINT32_MAX) continue;
    const size_t count = std::min<size_t>(32, logits.size() - first);
    float* row = logits.data() + first;
    if (word == 0) {
      std::fill_n(row, count, kForbidden);
    } else {
      for (size_t i = 0; i < count; ++i) row[i] = (word >> i & 1) != 0 ? row[i] : kForbidden;
    }
  }
}

double uniform_at(uint64_t seed, uint64_t position) {
  return double(splitmix64(splitmix64(seed) + position) >> 11) * 0x1p-53;
}

int32_t TokenSampler::choose(std::span<const float> logits, const SamplingRules& rules,
                             uint64_t position) {
  const float top = row_max(logits);
  if (!(top > kForbidden) || !std::isfinite(top)) return -1;
  if (rules.greedy()) {
    return int32_t(std::find(logits.begin(), logits.end(), top) - logits.begin());
  }
  const double uniform = uniform_at(rules.seed, position);
  if (rules.top_k <= 0 && rules.top_p >= 1 && rules.min_p <= 0) {
    return sample_row(logits, float(1 / rules.temperature), uniform, scratch_);
  }
  const auto all = candidates(logits, rules);
  double left = uniform;
  for (const Candidate& one : all) {
    left -= one.value;
    if (left < 0) return one.id;
  }
  return all.empty() ? -1 : all.back().id;  // the shares add up to a little less than 1
}

// The k-th largest of the values from `least` up; `least` where there are fewer.
float TokenSampler::k_th(std::span<const float> logits, int k, float least) {
  if (k <= kInsertionLimit) {
    top_k(logits, k, kept_);
    return int(kept_.size()) < k ? least : std::max(least, kept_.back().value);
  }
  gather(logits, least);
  if (size_t(k) >= kept_.size()) return least;
  const auto k_th = kept_.begin() + (k - 1);
  std::nth_element(kept_.begin(), k_th, kept_.end(), likelier);
  return k_th->value;
}

void TokenSampler::gather(std::span<const float> logits, float least) {
  kept_.clear();
  for (size_t id = 0; id < logits.size(); ++id) {
    if (logits[id] >= least && logits[id] > kForbidden) kept_.push_back({int(id), logits[id]});
  }
}

// Gathers enough of the likeliest for `top_p`: a margin below the top that grows until their mass
// suffices. The total is that of all values from `least` up.
void TokenSampler::keep_top_p(std::span<const float> logits, const SamplingRules& rules, float top,
                              float least) {
  const auto weight = [&](float value) {
    return std::exp((double(value) - double(top)) / rules.temperature);
  };
  double total = 0;
  bool all = true;
  if (least == kForbidden) {
    scratch_.assign(logits.begin(), logits.end());
    for (float& value : scratch_) value = (value - top) / float(rules.temperature);
    total = std::exp(double(log_sum_exp(scratch_)));
    for (double margin = 4; margin <= 64; margin *= 2) {
      gather(logits, float(top - margin * rules.temperature));
      double mass = 0;
      for (const Candidate& one : kept_) mass += weight(one.value);
      // A hair more than needed, as the total is a float's.
      all = mass <= rules.top_p * total * (1 + 1e-5);
      if (!all) break;
    }
    if (all) gather(logits, kForbidden);
  } else {
    gather(logits, least);
  }
  std::sort(kept_.begin(), kept_.end(), likelier);
  if (all) {
    total = 0;
    for (const Candidate& one : kept_) total += weight(one.value);
  }
  double mass = 0;
  size_t count = 0;
  while (count < kept_.size() && (count == 0 || mass < rules.top_p * total)) {
    mass += weight(kept_[count++].value);
  }
  kept_.resize(count);
}

std::span<const Candidate> TokenSampler::candidates(std::span<const float> logits,
                                                    const SamplingRules& rules) {
  kept_.clear();
  const float top = row_max(logits);
  if (!(top > kForbidden)) return kept_;
  if (rules.greedy()) {
    kept_.push_back({int(std::find(logits.begin(), logits.end(), top) - logits.begin()), 1});
    return kept_;
  }
  float least = kForbidden;
  if (rules.min_p > 0) {
    least = std::min(top, float(top + rules.temperature * std::log(std::min(1.0, rules.min_p))));
  }
  if (rules.top_k > 0) least = k_th(logits, rules.top_k, least);
  if (rules.top_p < 1) {
    keep_top_p(logits, rules, top, least);
  } else {
    gather(logits, least);
    std::sort(kept_.begin(), kept_.end(), likelier);
  }
  double total = 0;
  std::vector<double> weights;
  weights.reserve(kept_.size());
  for (const Candidate& one : kept_) {
    weights.push_back(std::exp((double(one.value) - double(top)) / rules.temperature));
    total += weights.back();
  }
  for (size_t i = 0; i < kept_.size(); ++i) kept_[i].value = float(weights[i] / total);
  return kept_;
}

}  // namespace maie::search
