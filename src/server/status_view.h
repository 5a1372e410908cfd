#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "jobs/stored_result.h"
#include "queue/task_queue.h"

namespace maie::server {

/// "PENDING", "PREPROCESSING", "PROCESSING_ASR", "PROCESSING_LLM", "COMPLETE", "FAILED",
/// "CANCELLED": what clients see of state and stage.
std::string_view status_of(const queue::Task& task);

/// The states a client means by one of those words; empty for another word. Those of running tasks
/// cannot be told apart in the store: all mean running.
std::vector<queue::TaskState> states_of(std::string_view status);

/// Unix milliseconds as "2026-01-02T03:04:05.678Z"; null for none.
Json time_of(std::optional<queue::WallMs> time);

/// The same read back, in any offset, with or without fraction; a date alone is its first moment in
/// UTC. nullopt where it is no such time.
std::optional<queue::WallMs> time_from(std::string_view text);

/// The members every view of a task begins with (docs/spec/service.md, 1.7).
Json task_head(const queue::Task& task);

/// GET /v1/tasks/{id} and the items of the list: the head, and what a person who waits wants to
/// know.
Json task_view(const queue::Task& task, const std::optional<queue::LiveProgress>& progress);

/// GET /v1/status/{id}: the head and the three blocks.
Json status_view(const queue::Task& task, const jobs::StoredResult& result, jobs::ResultKeys keys);

/// "en", "vi", "both"; nullopt for another word.
std::optional<jobs::ResultKeys> result_keys_of(std::string_view word);

}  // namespace maie::server
