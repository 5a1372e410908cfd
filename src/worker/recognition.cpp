// From a recording to its transcript.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>

#include "audio/decode.h"
#include "base/log.h"
#include "pipeline/result_blocks.h"
#include "worker/job_context.h"

namespace maie::worker {
namespace {

namespace fs = std::filesystem;
using SteadyClock = std::chrono::steady_clock;

constexpr int kLeastRateHz = 8000;  // docs/spec/service.md, 4.1

double seconds_since(SteadyClock::time_point start) {
  return std::chrono::duration<double>(SteadyClock::now() - start).count();
}

// The file of a recording: a path of ours below the audio folder, whatever the payload says.
Result<std::string> file_of(const JobContext& job, const std::string& audio) {
  const fs::path path(audio);
  const bool climbs = std::find(path.begin(), path.end(), fs::path("..")) != path.end();
  if (audio.empty() || path.is_absolute() || climbs || audio.find('\0') != audio.npos) {
    return invalid_input("the recording of this task has no place in the audio folder");
  }
  const std::string file = job.settings().paths.audio_dir + "/" + audio;
  std::error_code error;
  if (!fs::is_regular_file(file, error)) {
    return not_found("Audio file not found: " + path.filename().string());
  }
  return file;
}

Result<audio::Clip> decode(JobContext& job, const Recording& recording) {
  job.step = Step::kDecode;
  MAIE_TRY(job.run.begin(jobs::kStageDecode));
  MAIE_ASSIGN(const std::string file, file_of(job, recording.path));
  MAIE_ASSIGN(audio::Clip clip, audio::decode(file, {}, &job.run.cancel()));
  if (clip.duration_s() < recording.least_s) {
    char text[64];
    std::snprintf(text, sizeof text, "Audio too short: %.2fs < %.1fs", clip.duration_s(),
                  recording.least_s);
    return invalid_input(text);
  }
  if (clip.info().rate_hz > 0 && clip.info().rate_hz < kLeastRateHz) {
    return invalid_input("INVALID_SAMPLE_RATE: " + std::to_string(clip.info().rate_hz) +
                         " Hz, at least " + std::to_string(kLeastRateHz) + " Hz are needed");
  }
  if (recording.strict && !clip.warnings().empty()) return corrupt(clip.warnings().front());
  job.run.progress(1);
  return clip;
}

Json asr_block(const pipeline::ModelInfo& model, const pipeline::TranscribeOptions& options) {
  pipeline::ModelInfo shown = model;
  shown.path = fs::path(model.path).filename().string();
  return pipeline::versions_block("", shown, options, {}, "")["asr_backend"];
}

// A later attempt shows its followers what the earlier one has heard.
void tell_all(TaskRun& run, const pipeline::Transcript& transcript) {
  run.tell(jobs::ReadyEvent{transcript.duration_s});
  for (const pipeline::Segment& segment : transcript.segments)
    run.tell(jobs::SegmentEvent{segment});
}

}  // namespace

Result<Recognition> recognise(JobContext& job, const Recording& recording) {
  TaskRun& run = job.run;
  if (std::optional<Recognition> kept = restored_recognition(run)) {
    run.audio_duration(kept->transcript.duration_s);
    tell_all(run, kept->transcript);
    return std::move(*kept);
  }
  Recognition out;
  SteadyClock::time_point start = SteadyClock::now();
  MAIE_ASSIGN(const audio::Clip clip, decode(job, recording));
  out.times.decode_s = seconds_since(start);
  out.times.audio_s = clip.duration_s();
  run.audio_duration(clip.duration_s());

  job.step = Step::kRecognise;
  MAIE_TRY(run.begin(jobs::kStageRecognise));
  MAIE_ASSIGN(const ModelPool::Loan loan,
              job.borrow(job.tools.models.recogniser, Step::kFitRecogniser, Step::kLoadRecogniser));
  PooledRecogniser& recogniser = loan.as<PooledRecogniser>();
  job.step = Step::kOptions;
  MAIE_TRY(recogniser.validate(recording.options));
  job.step = Step::kRecognise;
  run.tell(jobs::ReadyEvent{clip.duration_s()});
  start = SteadyClock::now();
  MAIE_ASSIGN(out.transcript, recogniser.transcribe(
                                  clip, recording.options,
                                  {.progress = [&run](double fraction) { run.progress(fraction); },
                                   .segment =
                                       [&run](const pipeline::Segment& segment) {
                                         run.tell(jobs::SegmentEvent{segment});
                                         run.alive();
                                       }},
                                  run.cancel()));
  out.times.recognise_s = seconds_since(start);
  pipeline::ModelInfo info = recogniser.info();
  info.sha256 = recogniser.model_hash();
  out.asr_block = asr_block(info, recording.options);
  if (const Status kept = save(run, out); !kept.ok()) {
    log_warning("no checkpoint after recognition: " + kept.message());
  }
  return out;
}

}  // namespace maie::worker
