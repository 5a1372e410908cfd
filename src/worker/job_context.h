#pragma once

#include <chrono>
#include <string>

#include "base/status.h"
#include "jobs/job.h"
#include "jobs/stored_result.h"
#include "pipeline/document.h"
#include "worker/checkpoints.h"
#include "worker/job_runner.h"

namespace maie::worker {

/// One job in work. `step` says what a failure would be about.
struct JobContext {
  TaskRun& run;
  const RunnerTools& tools;
  Step step = Step::kPayload;
  std::chrono::steady_clock::time_point started = std::chrono::steady_clock::now();

  const config::Settings& settings() const { return tools.settings; }
  double elapsed_s() const;
  std::string program_version() const;  ///< as results show it
  /// Waits for a model of the pool.
  Result<ModelPool::Loan> borrow(const std::string& name, Step fit, Step load);
};

/// A recording to be recognised.
struct Recording {
  std::string path;  ///< below the audio folder
  pipeline::TranscribeOptions options;
  double least_s = 0;   ///< a shorter one is refused
  bool strict = false;  ///< so is one with anything wrong
};

/// Decodes and recognises, or takes what an attempt before this one kept.
Result<Recognition> recognise(JobContext& job, const Recording& recording);

/// What is made of a text.
struct DocumentWants {
  bool clean = false;
  std::string template_id;  ///< empty: no summary
};
struct WrittenDocument {
  pipeline::Document document;
  std::string llm_hash;
};

/// The schema of the template, null without a summary. To be asked before the work.
Result<Json> check_template(JobContext& job, const std::string& template_id);
Result<WrittenDocument> write_document(JobContext& job, const summary::Transcript& transcript,
                                       const DocumentWants& wants, jobs::StageTimes& times);

/// A file per kind of task.
Result<jobs::StoredResult> run_audio_job(JobContext& job, const jobs::AudioJob& audio);
Result<jobs::StoredResult> run_text_job(JobContext& job, const jobs::TextJob& text);
Result<jobs::StoredResult> run_speech_job(JobContext& job, const jobs::SpeechJob& speech);
Result<jobs::StoredResult> run_chat_job(JobContext& job, const jobs::ChatJob& chat);

}  // namespace maie::worker
