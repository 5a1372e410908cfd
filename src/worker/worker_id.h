#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

namespace maie::worker {

/// "<host>-<pid>-<start time>": which process a lease belongs to (queue::WorkerRecord::id).
std::string worker_id_of_process();

/// The same of another process of this machine; nullopt when there is none.
std::optional<std::string> worker_id_of(pid_t pid);

/// Whether a worker is known to be gone: one of this host whose process no longer exists. Of other
/// hosts nothing is known.
bool is_gone(const std::string& worker_id);

}  // namespace maie::worker
