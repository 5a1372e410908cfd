#pragma once

#include <chrono>
#include <string>

#include "base/log.h"

namespace maie {

/// One message with everything that a line says of it.
struct LogRecord {
  LogLevel level;
  std::string_view message;
  LogFields fields;
  const LogIds& ids;
  std::chrono::system_clock::time_point time;
};

/// How a message becomes a line (without its end). All but kPlain are one line whatever the message
/// holds.
enum class LineForm {
  kPlain,        ///< "maie: message"
  kPlainJson,    ///< {"level", "message"}: the command line with --json
  kText,         ///< "2026-11-25T10:00:00.123Z INFO    message"
  kJson,         ///< {"ts", "level", "msg", ...}
  kJournalText,  ///< "<6>message": the journal has times of its own
  kJournalJson,  ///< <6>{"level", "msg", ...}
};
std::string line_of(const LogRecord& record, LineForm form);

/// "2026-11-25T10:00:00.123Z"
std::string rfc3339(std::chrono::system_clock::time_point time);

}  // namespace maie
