#pragma once

#include <string>
#include <string_view>

#include "base/status.h"
#include "config/settings.h"
#include "queue/task.h"

namespace maie::worker {

/// What a task was at when it failed: together with the code of the failure this decides what its
/// client reads (docs/spec/service.md, 2.5; docs/workers.md has the table).
enum class Step {
  kPayload,        ///< reading the task
  kDecode,         ///< of the recording
  kFitRecogniser,  ///< whether the budget of memory can ever hold it
  kLoadRecogniser,
  kOptions,  ///< whether the recogniser can do what is asked
  kRecognise,
  kEmpty,  ///< nothing was said
  kTemplate,
  kFitLanguageModel,
  kLoadLanguageModel,
  kEnhance,
  kSummarise,
  kAnswer,  ///< of a conversation
  kStore,   ///< of checkpoints and results, in the queue
};

/// A failed task.
struct JobFailure {
  queue::TaskError error;
  bool try_again = false;  ///< it may work later
};

/// @param kind  of the task (jobs::kind_of)
JobFailure failure_of(std::string_view kind, Step step, const Status& status,
                      const config::Settings& settings);

/// The stage of a step as clients see it: "preprocessing", "asr", "llm"; of a text always
/// "text_processing".
std::string stage_of(std::string_view kind, Step step);

/// What a task was at when all that is known is its stage (jobs::kStage...).
Step step_of_stage(std::string_view stage);

/// A message without folders of this machine and addresses of its neighbours.
std::string for_clients(std::string message, const config::Settings& settings);

}  // namespace maie::worker
