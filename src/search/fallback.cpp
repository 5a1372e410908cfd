#include "search/fallback.h"

#include "base/check.h"

namespace maie::search {
namespace {

bool repeats_itself(const Attempt& a, const Gates& gates) {
  return a.stopped_repetition ||
         (gates.compression_ratio && a.compression_ratio > *gates.compression_ratio);
}

bool is_unlikely(const Attempt& a, const Gates& gates) {
  return gates.log_prob && a.avg_log_prob < *gates.log_prob;  // false for NaN, on purpose
}

}  // namespace

Verdict judge(const Attempt& attempt, const Gates& gates) {
  const bool unlikely = is_unlikely(attempt, gates);
  if (unlikely && gates.no_speech && attempt.no_speech_prob > *gates.no_speech) {
    return Verdict::kAcceptSilence;
  }
  return unlikely || repeats_itself(attempt, gates) ? Verdict::kRetry : Verdict::kAccept;
}

size_t choose_failed(std::span<const Attempt> attempts, const Gates& gates) {
  check(!attempts.empty(), "a choice among no attempts");
  bool some_ratio_passed = false;
  for (const Attempt& a : attempts)
    some_ratio_passed = some_ratio_passed || !repeats_itself(a, gates);
  size_t best = attempts.size();
  for (size_t i = 0; i < attempts.size(); ++i) {
    if (some_ratio_passed && repeats_itself(attempts[i], gates)) continue;
    if (best == attempts.size() || attempts[i].avg_log_prob > attempts[best].avg_log_prob) best = i;
  }
  return best;
}

bool is_silent(const Attempt& attempt, const Gates& gates) {
  if (!gates.no_speech || !(attempt.no_speech_prob > *gates.no_speech)) return false;
  return !(gates.log_prob && attempt.avg_log_prob > *gates.log_prob);
}

}  // namespace maie::search
