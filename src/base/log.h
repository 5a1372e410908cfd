#pragma once

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "base/status.h"

namespace maie {

/// Messages of the program to its operator; never results. Every function here may be called from
/// any thread, but from no signal handler, and never throws: a line that a full disk does not take
/// is lost.

enum class LogLevel { kDebug, kInfo, kWarning, kError, kOff };

/// "debug", "info", "warning", "error", "off"
std::string_view to_string(LogLevel level);
std::optional<LogLevel> parse_log_level(std::string_view name);

/// The command line's log: on stderr, as "maie: message".
/// @param as_json one JSON object a line with `level` and `message` instead of plain text.
void configure_log(LogLevel least, bool as_json);

/// A server's log.
struct LogOptions {
  LogLevel least = LogLevel::kInfo;
  /// One object a line: ts (RFC 3339), level, msg, request_id, task_id, trace_id, span_id where
  /// they are known, then the fields. Else "ts level request_id task_id message name=value".
  bool json = false;
  bool to_stderr = true;  ///< under a journal (JOURNAL_STREAM) with its priorities, without times
  /// Folder of <stem>.log and, for errors alone, errors.log; made when absent. Empty: no files.
  /// Each process needs a stem of its own: with "worker-1", errors go to errors.worker-1.log.
  std::string dir = {};
  std::string stem = "app";
  uint64_t rotation_bytes = uint64_t{500} << 20;  ///< of one file; <stem>.1.log is the one before
  int rotated_files = 10;                         ///< kept of each
  double retention_days = 30;                     ///< rotated files older than this are removed
};
/// Replaces what was configured before. On failure the files are left out, and the status says why.
Status configure_log(const LogOptions& options);

/// Changes the level alone (SIGHUP).
void set_log_level(LogLevel least);
LogLevel log_level();

/// Begins new files (SIGUSR1), also where somebody else has moved the old ones away.
Status rotate_log();

/// A member of a line: {"status", 200}. Refers to its texts, so use it where it is made.
struct LogField {
  std::string_view name;
  std::variant<std::string_view, int64_t, double, bool> value;

  template <class T>
  LogField(std::string_view name_, const T& value_) : name(name_) {
    if constexpr (std::same_as<T, bool>) {
      value = value_;
    } else if constexpr (std::integral<T>) {
      value = int64_t(value_);
    } else if constexpr (std::floating_point<T>) {
      value = double(value_);
    } else {
      value = std::string_view(value_);
    }
  }
};
using LogFields = std::initializer_list<LogField>;

void log_debug(std::string_view message, LogFields fields = {});
void log_info(std::string_view message, LogFields fields = {});
void log_warning(std::string_view message, LogFields fields = {});
void log_error(std::string_view message, LogFields fields = {});

/// Whose work a line is about; empty where it is nobody's.
struct LogIds {
  std::string request_id = {}, task_id = {}, trace_id = {}, span_id = {};
};

/// Gives the lines of this thread their ids until the end of the scope; what is empty is taken from
/// the scope around it. Not across a co_await: the thread goes on with another request.
class LogScope {
 public:
  explicit LogScope(LogIds ids);
  ~LogScope();
  LogScope(const LogScope&) = delete;
  LogScope& operator=(const LogScope&) = delete;

  /// Those of this thread now, to hand them to another one.
  static const LogIds& current();

 private:
  LogIds ids_;
  const LogIds* around_;
};

}  // namespace maie
