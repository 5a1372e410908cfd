#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/cancel.h"
#include "base/status.h"
#include "store/file_choice.h"
#include "store/hub_cache.h"
#include "store/model_facts.h"
#include "store/model_id.h"
#include "store/part_file.h"
#include "store/retry.h"
#include "store/settings.h"

namespace maie::net {
class HttpClient;
}

namespace maie::store {

/// What a pull is about to do, known before a byte is written.
struct PullPlan {
  std::string commit;
  std::vector<HubFile> files;  ///< chosen, those that are here already included
  uint64_t total_bytes = 0;    ///< of all of them
  uint64_t missing_bytes = 0;  ///< still to come
  ModelFacts facts;            ///< from config.json and the sizes; architecture empty: unknown
};

/// How far a pull is.
struct PullProgress {
  std::string file;          ///< what is being fetched
  uint64_t done_bytes = 0;   ///< of all files
  uint64_t total_bytes = 0;  ///< of all files
  bool checking = false;     ///< `file` is complete, its hash is being computed
};

struct PullOptions {
  FileChoice choice;
  int connections = 4;       ///< ranges at a time, 1 to 16
  bool recheck = false;      ///< compute the hashes of files that are here, fetch bad ones again
  uint64_t piece_bytes = 0;  ///< of a range; 0: by the size of the file
  RetryPolicy retry{};
  DiskCalls disk = DiskCalls::real();
  const CancelToken* cancel = nullptr;
  /// Asked once, before anything is written; a failure ends the pull with that.
  std::function<Status(const PullPlan&)> admit{};
  /// From any thread, one at a time.
  std::function<void(const PullProgress&)> progress{};
  std::function<void(const std::string& sentence)> say{};  ///< what a user may wonder about
};

struct PullResult {
  std::string path;  ///< the snapshot, or the one file asked for in it
  std::string commit;
  int fetched_files = 0;  ///< 0: everything was here
  uint64_t fetched_bytes = 0;
};

/// Fetches a model into the first cache of `settings`. A file gets its name only when its hash is
/// right, and the revision its name when all files are there; after any interruption the same call
/// goes on. Two pulls at once share the work.
///
/// Offline (settings.offline) nothing is fetched: what is here is checked to be complete.
/// @return kNotFound, kPermissionDenied, kUnavailable, kCorrupt, kResourceExhausted, kCancelled
Result<PullResult> pull(const ModelId& id, const Settings& settings, net::HttpClient& client,
                        const PullOptions& options);

}  // namespace maie::store
