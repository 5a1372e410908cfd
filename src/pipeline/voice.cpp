#include "pipeline/voice.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>

namespace maie::pipeline {

namespace fs = std::filesystem;

Result<VoiceDetector> VoiceDetector::load(Stream& s, const std::string& path) {
  VoiceDetector detector;
  if (!path.empty()) {
    MAIE_ASSIGN(detector.silero_, silero::Silero::load(s, path));
  }
  return detector;
}

Result<std::vector<SampleSpan>> VoiceDetector::find(Stream& s, const audio::Clip& clip,
                                                    int64_t begin, int64_t end,
                                                    const VadOptions& options,
                                                    const CancelToken& cancel) const {
  constexpr int64_t kPiece = audio::kVadWindow * 1024;  // about half a minute
  std::vector<float> probabilities;
  probabilities.reserve(size_t((end - begin) / audio::kVadWindow + 2));
  std::vector<float> samples;
  silero::State state;
  audio::EnergyGate gate;
  for (int64_t first = begin; first < end; first += kPiece) {
    MAIE_TRY(cancel.status());
    samples.resize(size_t(std::min(kPiece, end - first)));
    MAIE_TRY(clip.read(first, samples));
    if (silero_) {
      MAIE_TRY(silero_->probabilities(s, samples, state, probabilities));
    } else {
      gate.push(samples, probabilities);
    }
  }
  if (!silero_) gate.finish(probabilities);

  audio::VadParameters parameters;
  parameters.threshold = options.threshold;
  parameters.min_speech_ms = options.min_speech_ms;
  parameters.max_speech_s = options.max_speech_s;
  parameters.min_silence_ms = options.min_silence_ms;
  parameters.speech_pad_ms = options.speech_pad_ms;
  std::vector<SampleSpan> spans = audio::speech_spans(probabilities, end - begin, parameters);
  for (SampleSpan& span : spans) {
    span.begin += begin;
    span.end += begin;
  }
  return spans;
}

std::string find_vad_weights(const std::string& model_path) {
  if (const char* named = std::getenv("MAIE_VAD_MODEL"); named != nullptr && *named != 0) {
    return named;
  }
  std::error_code ignored;
  const fs::path model = fs::absolute(model_path, ignored);
  const fs::path folder = fs::is_directory(model, ignored) ? model : model.parent_path();
  const fs::path beside = folder.parent_path() / "vad";
  for (const fs::path& place : {folder, beside}) {
    std::vector<fs::path> found;
    for (const auto& entry : fs::directory_iterator(place, ignored)) {
      const std::string name = entry.path().filename().string();
      if (name.starts_with("silero_vad") && name.ends_with(".safetensors")) {
        found.push_back(entry.path());
      }
    }
    // The newest by name, whatever order the folder is listed in.
    if (!found.empty()) return std::max_element(found.begin(), found.end())->string();
  }
  const fs::path plain = beside / "model.safetensors";
  return fs::exists(plain, ignored) ? plain.string() : std::string();
}

}  // namespace maie::pipeline
