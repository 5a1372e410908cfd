#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/cancel.h"
#include "base/status.h"
#include "store/hub_cache.h"

namespace maie::store {

/// What the check of one snapshot found.
struct Verification {
  struct Bad {
    std::string path;           ///< within the model
    std::string problem;        ///< a sentence
    bool is_as_pulled = false;  ///< its hash is right: fetching it again gives the same
  };
  int files = 0;            ///< looked at
  int unhashed = 0;         ///< of them, those whose hash is not known: only heads were checked
  uint64_t size_bytes = 0;  ///< of all of them
  std::vector<Bad> bad;     ///< empty: all is well
};

/// Told the file being read and how many bytes of all were.
using VerifyProgress = std::function<void(const std::string& path, uint64_t done, uint64_t total)>;

/// Computes the hash of every file of a snapshot and compares it with the name of its blob (or,
/// where there are no symlinks, with what was noted when it was pulled); reads the heads of its
/// weight files; misses files that were pulled and shards that an index names. kCancelled alone is
/// an error: everything else is a finding.
Result<Verification> verify(const HubCache& cache, const std::string& commit,
                            const CancelToken* cancel, const VerifyProgress& progress);

}  // namespace maie::store
