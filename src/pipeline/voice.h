#pragma once

#include <optional>
#include <string>
#include <vector>

#include "audio/clip.h"
#include "audio/voice_activity.h"
#include "base/cancel.h"
#include "models/silero/silero.h"
#include "pipeline/transcribe.h"

namespace maie::pipeline {

/// Finds where somebody speaks: with Silero where its weights are at hand, else with the energy
/// gate. One thread at a time.
class VoiceDetector {
 public:
  /// @param path  Silero safetensors; empty: the energy gate.
  static Result<VoiceDetector> load(Stream& s, const std::string& path);

  /// "silero" or "energy".
  std::string name() const { return silero_ ? "silero" : "energy"; }

  /// Speech in samples [begin, end) of `clip`, in the clip's own samples. Reads the clip piece by
  /// piece.
  Result<std::vector<SampleSpan>> find(Stream& s, const audio::Clip& clip, int64_t begin,
                                       int64_t end, const VadOptions& options,
                                       const CancelToken& cancel) const;

 private:
  std::optional<silero::Silero> silero_;
};

/// The Silero weights that belong to a model: $MAIE_VAD_MODEL, then silero_vad*.safetensors in the
/// model's folder, then in the folder `vad` beside it (or model.safetensors there). Empty when
/// there are none.
std::string find_vad_weights(const std::string& model_path);

}  // namespace maie::pipeline
