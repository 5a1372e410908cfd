#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/sample_span.h"

namespace maie::audio {

/// Samples per voice-activity window, at 16 kHz: 32 ms. Everything below counts in such windows.
inline constexpr int64_t kVadWindow = 512;

/// How speech probabilities become spans. The defaults are faster-whisper's for whole files.
struct VadParameters {
  double threshold = 0.5;  ///< a window at or above it starts or continues speech
  /// Below it silence starts; absent means max(threshold - 0.15, 0.01).
  std::optional<double> neg_threshold = std::nullopt;
  double min_speech_ms = 0;  ///< shorter speech is dropped (cuts by max_speech_s are not)
  double max_speech_s = std::numeric_limits<double>::infinity();  ///< longer speech is cut
  double min_silence_ms = 2000;                                   ///< silence that ends speech
  double speech_pad_ms = 400;                ///< kept on both sides; neighbours share a short gap
  double min_silence_at_max_speech_ms = 98;  ///< a pause must be longer than this to cut in
  /// Where over-long speech is cut: true, in its longest pause (silero 6.2); false, in its last one
  /// (faster-whisper).
  bool cut_in_longest_silence = false;

  /// Silero 6.2 `get_speech_timestamps`.
  static VadParameters silero() {
    return {.min_speech_ms = 250,
            .min_silence_ms = 100,
            .speech_pad_ms = 30,
            .cut_in_longest_silence = true};
  }
  /// faster-whisper's batched mode: spans fit one 30 s window.
  static VadParameters batched() { return {.max_speech_s = 30, .min_silence_ms = 160}; }
};

/// Speech spans from one probability per window, in order and without overlap.
/// @param probabilities   window i covers samples [512 i, 512 (i + 1)).
/// @param length_samples  of the recording; no span ends behind it.
/// Follows silero-vad 6.2 `get_speech_timestamps` or, with cut_in_longest_silence false,
/// faster-whisper 1.2.1, to the sample. Pure; any thread.
std::vector<SampleSpan> speech_spans(std::span<const float> probabilities, int64_t length_samples,
                                     const VadParameters& parameters);

/// Speech starts and ends while audio arrives (silero 6.2 `VADIterator`). One thread at a time.
/// Unlike speech_spans it cannot look ahead: there is no maximum length and no minimum speech.
class SpeechIterator {
 public:
  struct Event {
    enum class Kind { kStart, kEnd };
    Kind kind = Kind::kStart;
    int64_t sample = 0;
    friend bool operator==(const Event&, const Event&) = default;
  };

  /// Of `parameters` threshold, neg_threshold, min_silence_ms and speech_pad_ms are used.
  explicit SpeechIterator(const VadParameters& parameters = VadParameters::silero());

  /// The probability of the next window; at most one event comes of it.
  std::optional<Event> push(float probability);
  bool speaking() const { return speaking_; }

 private:
  double threshold_;
  double neg_threshold_;
  double min_silence_;
  double pad_;
  int64_t consumed_ = 0;
  int64_t silence_start_ = 0;  // 0: none
  bool speaking_ = false;
};

/// Voice activity without a network, for when no Silero weights are found: a score per window that
/// is 0.5 or more where somebody probably speaks. It looks for what voices do and noises do not:
/// energy well above the floor of the last seconds, made by a pitch between 60 and 400 Hz that
/// glides, and not by one partial alone. Whispering is missed; singing passes, and so do some
/// chords and instruments that glide. Feed its scores to speech_spans. Numbers: energy_gate.cpp.
///
/// Decisions need to look ahead, so scores come late; `finish` gives the rest. Memory is constant,
/// about 100 KB; hours are fine. One thread at a time; one object per recording.
class EnergyGate {
 public:
  EnergyGate();
  EnergyGate(EnergyGate&&) noexcept;
  EnergyGate& operator=(EnergyGate&&) noexcept;
  ~EnergyGate();

  /// The next samples (16 kHz mono, full scale 1, any count); appends the scores that became ready.
  void push(std::span<const float> samples, std::vector<float>& scores);
  /// The end: appends what is left. Altogether there is one score per started window.
  void finish(std::vector<float>& scores);

 private:
  class Detector;
  std::unique_ptr<Detector> detector_;
};

}  // namespace maie::audio
