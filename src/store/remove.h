#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/status.h"
#include "store/hub_cache.h"

namespace maie::store {

/// What a removal takes away.
struct Removal {
  std::vector<std::string> commits;  ///< snapshots
  std::vector<std::string> paths;    ///< blobs and parts of downloads that nothing else refers to
  uint64_t freed_bytes = 0;
};

/// What removing a revision of a model would take away; without revision: all of them.
/// @return kNotFound when it is not here.
Result<Removal> plan_removal(const HubCache& cache, const std::string& revision);

/// Removes it: the snapshots with the refs that stand for them, then blobs that no snapshot of the
/// model links to any more, then folders that became empty. Files it does not know stay.
/// @return kUnavailable while a pull of the model runs.
Result<Removal> remove(const HubCache& cache, const std::string& revision);

}  // namespace maie::store
