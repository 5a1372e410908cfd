#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/status.h"
#include "llm/language_model.h"
#include "pipeline/transcribe.h"

namespace maie::jobs {

/// What is made of a recording or a text.
struct Features {
  bool raw_transcript = false;
  bool clean_transcript = false;
  bool summary = false;
  bool enhancement_metrics = false;  ///< accepted; metrics are always given
};

/// A recording of the job API (kind "audio").
struct AudioJob {
  std::string audio;      ///< path below the audio folder: "<task id>/raw.m4a"
  std::string file_name;  ///< as the client named it; for people only
  Features features;
  std::string template_id;              ///< empty: no summary
  std::string asr_backend;              ///< "whisper"
  std::optional<bool> vad;              ///< absent: as configured
  std::optional<double> vad_threshold;  ///< absent: as configured
  std::string language;                 ///< empty: as configured
};

/// A text of the job API (kind "text").
struct TextJob {
  std::string text;
  Features features;
  std::string template_id;
};

/// A recording of the OpenAI routes (kinds "transcription" and "translation").
struct SpeechJob {
  std::string audio;
  std::string file_name;
  std::string model;  ///< as the client named it; empty: the default recogniser
  pipeline::TranscribeOptions options;
  std::vector<std::string> languages;  ///< candidates of the detection
  bool strict = false;                 ///< a stage that did less than asked is an error
};

/// A conversation (kind "chat"); `request` is complete.
struct ChatJob {
  std::string model;
  llm::Request request;
};

using Job = std::variant<AudioJob, TextJob, SpeechJob, ChatJob>;

/// "audio", "text", "transcription", "translation", "chat"
std::string_view kind_of(const Job& job);

/// The payload of a task and back: JSON with a format number, so that a worker of another version
/// refuses what it does not know (kUnsupported) instead of guessing.
std::string to_payload(const Job& job);
Result<Job> from_payload(std::string_view kind, std::string_view payload);

/// Stages as workers report them (queue::Task::stage, LiveProgress::stage); names of the metrics'
/// label `stage` too.
inline constexpr std::string_view kStageDecode = "decode", kStageRecognise = "asr",
                                  kStageEnhance = "enhance", kStageSummarise = "summarize";

}  // namespace maie::jobs
