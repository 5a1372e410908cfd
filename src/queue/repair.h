#pragma once

#include <string>

#include "base/status.h"

namespace maie::queue {

// What happens to a damaged queue.db. For the one who is alone with the folder (FolderLock).

/// kCorrupt when queue.db is found damaged. Every start checks the whole file while it is small
/// (256 MiB: a fraction of a second), else the table of tasks, and the whole file after damage that
/// showed while it was open (mark_as_damaged).
Status look_for_damage(const std::string& folder);

/// Asks the next start for a whole check.
void mark_as_damaged(const std::string& folder);

/// Copies what is readable of queue.db to a new file and puts that in its place; the damaged one
/// stays as queue.db.corrupt-<UTC time>. Logs how many tasks were saved. Tasks that lost their
/// payload or result are kept as failed with DATA_LOST, so that nobody waits for them in vain.
Status repair(const std::string& folder);

/// Ends a repair that was cut short after the new file was complete.
Status finish_repair(const std::string& folder);

}  // namespace maie::queue
