#pragma once

#include <cstddef>
#include <optional>
#include <span>

/// Whether a decoded window is believed, decoded again at a higher temperature, or taken as
/// silence. Pure functions; the caller decodes and runs the ladder:
///
///     for (temperature : ladder) { attempt = ...; if (judge(attempt, gates) != Verdict::kRetry)
///     use it; } otherwise use attempts[choose_failed(attempts, gates)], but report the last
///     temperature.
namespace maie::search {

/// Thresholds of the quality gate; an empty one switches its test off.
struct Gates {
  std::optional<double> compression_ratio = 2.4;  ///< above: the text repeats itself
  std::optional<double> log_prob = -1.0;          ///< below: the model guessed
  std::optional<double> no_speech = 0.6;          ///< above: nobody spoke
};

/// What one decoding of a window measured.
struct Attempt {
  double avg_log_prob = 0;       ///< Outcome::avg_log_prob; NaN for no tokens, passes every test
  double compression_ratio = 0;  ///< UTF-8 length of the stripped text / its zlib length
  double no_speech_prob = 0;
  bool stopped_repetition = false;  ///< Outcome::stopped_repetition: counts as a bad ratio
};

enum class Verdict {
  kAccept,
  kAcceptSilence,  ///< failed, but because nobody spoke: a higher temperature would invent words
  kRetry,
};

Verdict judge(const Attempt& attempt, const Gates& gates);

/// The least bad of attempts that all failed: of those whose compression ratio passed (of all, if
/// none did) the one with the highest avg_log_prob, the first of equals.
/// @throws ContractError for no attempts.
size_t choose_failed(std::span<const Attempt> attempts, const Gates& gates);

/// Whether the window is skipped as silence: no_speech_prob above its gate and the text not likely
/// enough to overrule it. A NaN avg_log_prob (no tokens) never overrules.
bool is_silent(const Attempt& attempt, const Gates& gates);

}  // namespace maie::search
