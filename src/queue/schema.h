#pragma once

#include "queue/database.h"

namespace maie::queue {

/// Both bring the tables of a file up to date, within the transaction of the caller. The version
/// of the tables is SQLite's user_version; a file of a newer program is kUnsupported.
///
/// Times: columns that end in _boot are milliseconds since the machine was started; meta.boot_id
/// says which start. The others are wall clock, for people.
Status prepare_queue_tables(Database& db);
Status prepare_live_tables(Database& db);

}  // namespace maie::queue
