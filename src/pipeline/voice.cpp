#include "pipeline/voice.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>

namespace maie::pipeline {

namespace fs = std::filesystem;

namespace {
constexpr double kSoundingPauseMs = 100;
}

Result<VoiceDetector> VoiceDetector::load(Stream& s, const std::string& path) {
  VoiceDetector detector;
  if (!path.empty()) {
    MAIE_ASSIGN(detector.silero_, silero::Silero::load(s, path));
  }
  return detector;
}

Result<Voice> VoiceDetector::find(Stream& s, const audio::Clip& clip, int64_t begin, int64_t end,
                                  const VadOptions& options, const CancelToken& cancel) const {
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
  Voice voice{audio::speech_spans(probabilities, end - begin, parameters), {}};
  parameters.speech_pad_ms = 0;
  parameters.min_silence_ms = kSoundingPauseMs;
  voice.sounding = audio::speech_spans(probabilities, end - begin, parameters);
  for (std::vector<SampleSpan>* spans : {&voice.regions, &voice.sounding}) {
    for (SampleSpan& span : *spans) {
      span.begin += begin;
      span.end += begin;
    }
  }
  return voice;
}

search::TimeSpan without_silence(search::TimeSpan word, std::span<const SampleSpan> sounding) {
  constexpr double kRate = audio::Clip::kRate;
  auto span = std::partition_point(sounding.begin(), sounding.end(), [&](const SampleSpan& s) {
    return double(s.end) / kRate <= word.start;
  });
  search::TimeSpan best = word;
  double longest = 0;
  for (; span != sounding.end(); ++span) {
    // A detector hears a voice a window late.
    const double begin = double(span->begin - audio::kVadWindow) / kRate;
    if (begin >= word.end) break;
    const search::TimeSpan common{
        std::max(word.start, search::round_decimals(begin, 2)),
        std::min(word.end, search::round_decimals(double(span->end) / kRate, 2))};
    if (common.end - common.start > longest) {
      longest = common.end - common.start;
      best = common;
    }
  }
  return best;
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
