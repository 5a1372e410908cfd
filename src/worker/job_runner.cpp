#include "worker/job_runner.h"

#include "base/log.h"
#include "base/version.h"
#include "worker/job_context.h"

namespace maie::worker {
namespace {

Result<jobs::StoredResult> run(JobContext& job) {
  const queue::Task& task = job.run.task();
  MAIE_ASSIGN(const jobs::Job what, jobs::from_payload(task.kind, task.payload));
  struct Visitor {
    JobContext& job;
    Result<jobs::StoredResult> operator()(const jobs::AudioJob& audio) const {
      return run_audio_job(job, audio);
    }
    Result<jobs::StoredResult> operator()(const jobs::TextJob& text) const {
      return run_text_job(job, text);
    }
    Result<jobs::StoredResult> operator()(const jobs::SpeechJob& speech) const {
      return run_speech_job(job, speech);
    }
    Result<jobs::StoredResult> operator()(const jobs::ChatJob& chat) const {
      return run_chat_job(job, chat);
    }
  };
  return std::visit(Visitor{job}, what);
}

}  // namespace

double JobContext::elapsed_s() const {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
}

std::string JobContext::program_version() const {
  return settings().pipeline_version.empty() ? std::string(kVersion) : settings().pipeline_version;
}

Result<ModelPool::Loan> JobContext::borrow(const std::string& name, Step fit, Step load) {
  const TaskRun::Waiting waiting(run);
  step = fit;
  MAIE_TRY(tools.models.pool->can_fit(name));
  step = load;
  return tools.models.pool->borrow(name, run.cancel());
}

Outcome run_job(TaskRun& run, const RunnerTools& tools) {
  JobContext job{run, tools};
  const Result<jobs::StoredResult> result = maie::worker::run(job);
  if (result.has_value()) return {jobs::to_bytes(*result), {}};
  if (!run.cancel().is_cancelled()) {
    // With its paths: the log is the operator's.
    log_warning("the task failed: " + result.error().message(),
                {{"stage", stage_of(run.task().kind, job.step)}});
  }
  return {std::nullopt, failure_of(run.task().kind, job.step, result.error(), tools.settings)};
}

}  // namespace maie::worker
