#pragma once

#include <string_view>

namespace maie {

enum class LogLevel { kDebug, kInfo, kWarning, kError, kOff };

/// Messages of the program to its operator, on stderr; never results. Any thread may call.
/// @param as_json one JSON object a line with `level` and `message` instead of plain text.
void configure_log(LogLevel least, bool as_json);

void log_debug(std::string_view message);
void log_info(std::string_view message);
void log_warning(std::string_view message);
void log_error(std::string_view message);

}  // namespace maie
