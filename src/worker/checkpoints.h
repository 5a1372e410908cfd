#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/json.h"
#include "jobs/stored_result.h"
#include "summary/enhance.h"
#include "worker/task_run.h"

namespace maie::worker {

/// A recording that was recognised: all that later stages and the result need of it.
struct Recognition {
  pipeline::Transcript transcript;
  Json asr_block;          ///< `versions.asr_backend`
  jobs::StageTimes times;  ///< of decoding and recognising, whichever attempt did it
  bool restored = false;   ///< by an attempt before this one
};

/// Checkpoints of the queue: "asr" after recognition, "enhance" after the text was cleaned. One
/// that cannot be read is as good as none: the stage runs again.
Status save(TaskRun& run, const Recognition& recognition);
std::optional<Recognition> restored_recognition(TaskRun& run);

struct CleanText {
  summary::Enhancement enhancement;
  double took_s = 0;
};
Status save(TaskRun& run, const CleanText& clean);
std::optional<CleanText> restored_clean_text(TaskRun& run);

}  // namespace maie::worker
