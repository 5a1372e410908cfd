#pragma once

#include <optional>
#include <string>

#include "config/settings.h"
#include "summary/template_store.h"
#include "worker/failure.h"
#include "worker/models.h"
#include "worker/task_run.h"

namespace maie::worker {

/// What jobs work with. Not owned; any number of jobs at once.
struct RunnerTools {
  const config::Settings& settings;
  Models& models;
  summary::TemplateStore& templates;
};

/// How a job ended: a stored result (jobs::StoredResult as bytes), or why there is none. What a
/// cancelled one returns means nothing: TaskRun::stop_reason says why it was stopped.
struct Outcome {
  std::optional<std::string> result;
  JobFailure failure;
};

/// Works on a task of any kind, from its checkpoints on, and returns within 2 s of its
/// cancellation, but for a model being loaded. Throws what no Status is made for (bad_alloc).
Outcome run_job(TaskRun& run, const RunnerTools& tools);

}  // namespace maie::worker
