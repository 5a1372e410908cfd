#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/cancel.h"
#include "base/status.h"
#include "tensor/dtype.h"

namespace maie::audio {
class Clip;
}

namespace maie::pipeline {

/// As vad_model_path: no network, the energy gate.
inline constexpr char kEnergyGate[] = "energy";

/// What to load and how to run it; fixed for the life of a Transcriber.
struct TranscriberOptions {
  std::string model_path;      ///< directory (Hugging Face or CTranslate2) or ggml-*.bin file
  std::string vad_model_path;  ///< Silero safetensors or kEnergyGate; empty: looked for beside the
                               ///< model, else the energy gate
  ComputeType compute_type = ComputeType::kAuto;
  int threads = 0;     ///< 0: one per core
  int batch_size = 8;  ///< windows decoded together, at most
  int max_rows = 64;   ///< hypotheses decoded together, at most: bounds beam_size and best_of
};

/// Voice activity parameters (Silero's names, spec of the segmentation in docs/models/silero.md).
struct VadOptions {
  double threshold = 0.5;
  int min_speech_ms = 0;
  double max_speech_s = 30.0;
  int min_silence_ms = 160;
  int speech_pad_ms = 400;
};

/// Seconds [start, end) of the recording to transcribe.
struct ClipRange {
  double start_s = 0;
  double end_s = 0;  ///< 0 or past the end: to the end
};

/// How one recording is transcribed. Defaults are those of the command line.
struct TranscribeOptions {
  std::string language;                     ///< code; empty: detected where the model can
  std::vector<std::string> languages = {};  ///< candidates of the detection; empty: all it knows
  std::string task = "transcribe";          ///< or "translate"
  int beam_size = 5;
  int best_of = 5;  ///< samples per temperature above 0
  double patience = 1.0;
  double length_penalty = 1.0;
  double repetition_penalty = 1.0;
  int no_repeat_ngram_size = 0;
  std::vector<double> temperatures = {0.0, 0.2, 0.4, 0.6, 0.8, 1.0};
  double compression_ratio_threshold = 2.4;
  double log_prob_threshold =
      -1.0;  ///< 0.4 of it takes text out where the model has no no-speech token
  double no_speech_threshold = 0.6;
  bool batched = true;  ///< packed voice regions; false: the sequential window loop
  bool condition_on_previous_text = false;  ///< sequential loop only
  bool without_timestamps = false;          ///< no times inside a window: one segment each
  /// Batched mode: let the model write timestamp tokens. Default: the words are decoded without
  /// them, aligned by cross-attention and cut into sentences. The sequential loop always needs the
  /// tokens.
  bool timestamp_tokens = false;
  bool word_timestamps = false;
  bool vad = true;
  VadOptions vad_options;
  std::string initial_prompt;
  std::string hotwords;
  std::vector<int> suppress_tokens = {-1};  ///< -1: the non-speech symbols
  bool suppress_blank = true;
  std::optional<double> hallucination_silence_s;  ///< needs word_timestamps
  bool stop_repetition = true;                    ///< end a hypothesis that repeats itself
  std::optional<ClipRange> clip;
  uint64_t seed = 0;
};

struct Word {
  double start_s = 0;
  double end_s = 0;
  std::string text;        ///< with its leading space, as the model wrote it
  double probability = 0;  ///< mean over its tokens
};

struct Segment {
  double start_s = 0;
  double end_s = 0;
  std::string text;  ///< with its leading space
  std::vector<int> tokens;
  std::vector<Word> words;  ///< only with word_timestamps
  double temperature = 0;
  double avg_logprob = 0;
  double confidence = 0;  ///< exp(mean token log-probability), 0..1
  double compression_ratio = 0;
  double no_speech_probability = 0;
};

/// A stretch of the recording, and why it gave no text.
struct DroppedRegion {
  double start_s = 0;
  double end_s = 0;
  std::string reason;  ///< "no_speech", "repetition", "low_confidence", "hallucination", "empty"
  std::string text;    ///< what was taken out, if anything was decoded
};

struct TimeSpan {
  double start_s = 0;
  double end_s = 0;
};

/// Everything a transcription says about a recording and about itself.
struct Transcript {
  std::vector<Segment> segments;
  std::string language;  ///< code; empty where the model has no languages
  double language_probability = 0;
  double duration_s = 0;  ///< of the recording
  double duration_after_vad_s = 0;
  std::string vad;                     ///< "silero", "energy" or "off"
  std::vector<TimeSpan> speech;        ///< voice regions found
  std::vector<DroppedRegion> dropped;  ///< filtered text and why
  std::vector<TimeSpan> uncovered;     ///< voice but no text
  std::vector<std::string> warnings;   ///< about the audio and the run
  double wall_s = 0;                   ///< time the transcription took
};

struct ModelInfo {
  std::string path;
  std::string source;        ///< "huggingface", "ctranslate2", "ggml"
  std::string stored_type;   ///< as in the file
  std::string compute_type;  ///< as computed
  std::string vad;           ///< path of the VAD weights, empty for the energy gate
  std::string sha256;        ///< of the weight files; filled by Transcriber::model_hash
  size_t weight_bytes = 0;   ///< memory of the packed weights
};

/// Told about from the thread that transcribes.
struct TranscribeCallbacks {
  /// Fraction of the recording done, 0..1, at most some times a second.
  std::function<void(double fraction)> progress;
  /// A finished segment; they come in order of time.
  std::function<void(const Segment&)> segment;
};

/// A loaded recogniser with its voice-activity model. One thread at a time.
class Transcriber {
 public:
  static Result<std::unique_ptr<Transcriber>> load(const TranscriberOptions& options);
  ~Transcriber();

  /// Checks options against the model (unknown language, task the model lacks, ...).
  Status validate(const TranscribeOptions& options) const;

  /// Transcribes one recording. Ends with kCancelled within a second of `cancel`.
  Result<Transcript> transcribe(const audio::Clip& clip, const TranscribeOptions& options,
                                const TranscribeCallbacks& callbacks, const CancelToken& cancel);

  const ModelInfo& info() const;
  /// SHA-256 over the weight files, computed on first use and remembered on disk by size and time.
  std::string model_hash();

 private:
  class Engine;
  explicit Transcriber(std::unique_ptr<Engine> engine);
  std::unique_ptr<Engine> engine_;
};

}  // namespace maie::pipeline
