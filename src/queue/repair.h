#pragma once

#include <string>

#include "base/status.h"

namespace maie::queue {

// What happens to a damaged queue.db. For the one who is alone with the folder (FolderLock).

/// kCorrupt when queue.db is found damaged. Every start checks the whole file while it is small
/// (64 MiB: 0.1 s where it lies in memory, 1.3 s from a disk of 50 to 160 MB/s), else the table of
/// tasks (a tenth of that): what else is damaged shows when it is read. After damage that showed
/// (mark_as_damaged) the whole file and its indexes are checked.
Status look_for_damage(const std::string& folder);

/// Asks who is alone next for a whole check. Goes with a check that finds nothing, or a repair.
void mark_as_damaged(const std::string& folder);
bool is_marked_as_damaged(const std::string& folder);

/// Copies what is readable of queue.db to a new file and puts that in its place; the damaged one
/// stays as queue.db.corrupt-<UTC time>. Logs how many tasks were saved. Tasks that lost their
/// payload or result are kept as failed with DATA_LOST, so that nobody waits for them in vain.
Status repair(const std::string& folder);

/// Ends a repair that was cut short after the new file was complete.
Status finish_repair(const std::string& folder);

}  // namespace maie::queue
