#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "audio/clip.h"
#include "audio/voice_activity.h"
#include "base/cancel.h"
#include "models/silero/silero.h"
#include "pipeline/transcribe.h"
#include "search/time_map.h"

namespace maie::pipeline {

/// Where somebody speaks, in samples of a clip, in order and without overlap.
struct Voice {
  std::vector<SampleSpan> regions;  ///< to be recognised: padded, short pauses included
  std::vector<SampleSpan>
      sounding;  ///< within them, where there is voice: no padding, no pause of 0.1 s
};

/// Finds where somebody speaks: with Silero where its weights are at hand, else with the energy
/// gate. One thread at a time.
class VoiceDetector {
 public:
  /// @param path  Silero safetensors; empty: the energy gate.
  static Result<VoiceDetector> load(Stream& s, const std::string& path);

  /// "silero" or "energy".
  std::string name() const { return silero_ ? "silero" : "energy"; }

  /// Voice in samples [begin, end) of `clip`. Reads the clip piece by piece.
  Result<Voice> find(Stream& s, const audio::Clip& clip, int64_t begin, int64_t end,
                     const VadOptions& options, const CancelToken& cancel) const;

 private:
  std::optional<silero::Silero> silero_;
};

/// The part of a word, in seconds of the recording, that sounds: cross-attention gives the silence
/// around a sentence to its first and last word. Of several stretches of voice the one that fills
/// most of the word counts; a word of silence alone stays as it is.
/// @param sounding  as in Voice.
search::TimeSpan without_silence(search::TimeSpan word, std::span<const SampleSpan> sounding);

/// The Silero weights that belong to a model: $MAIE_VAD_MODEL, then silero_vad*.safetensors in the
/// model's folder, then in the folder `vad` beside it (or model.safetensors there). Empty when
/// there are none.
std::string find_vad_weights(const std::string& model_path);

}  // namespace maie::pipeline
