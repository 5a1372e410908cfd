#include "base/log.h"

#include <spdlog/sinks/rotating_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <mutex>
#include <vector>

#include "base/log_line.h"

// Lines are made here (log_line.h) and spdlog's sinks only write them, so that a file, a terminal
// and a journal can each have its own form of the same message.
namespace maie {
namespace {

namespace fs = std::filesystem;

struct Output {
  spdlog::sink_ptr sink;
  LineForm form = LineForm::kPlain;
  LogLevel least = LogLevel::kDebug;
};

spdlog::level::level_enum spdlog_level(LogLevel level) {
  static constexpr spdlog::level::level_enum kLevels[] = {spdlog::level::debug, spdlog::level::info,
                                                          spdlog::level::warn, spdlog::level::err,
                                                          spdlog::level::off};
  return kLevels[int(level)];
}

Output stderr_output(LineForm form) {
  Output output{std::make_shared<spdlog::sinks::stderr_sink_st>(), form, LogLevel::kDebug};
  output.sink->set_pattern("%v");
  return output;
}

// Removes "<stem>.<n>.log" of that folder which were written to last so long ago.
void remove_old_files(const fs::path& file, double days) {
  const auto oldest =
      fs::file_time_type::clock::now() - std::chrono::duration_cast<fs::file_time_type::duration>(
                                             std::chrono::duration<double>(days * 86400));
  std::error_code error;
  for (fs::directory_iterator entry(file.parent_path(), error), end; !error && entry != end;
       entry.increment(error)) {
    const fs::path name = entry->path().filename();
    const std::string number = name.stem().extension().string();  // ".3" of "app.3.log"
    const bool rotated = name.extension() == ".log" && number.size() > 1 &&
                         number.find_first_not_of("0123456789", 1) == number.npos &&
                         name.stem().stem() == file.stem();
    std::error_code of_file;
    const auto written = rotated ? entry->last_write_time(of_file) : oldest;
    if (rotated && !of_file && written < oldest) fs::remove(entry->path(), of_file);
  }
}

// May throw, as the sinks of spdlog do.
Output file_output(const LogOptions& options, const std::string& stem, LogLevel least,
                   bool rotate) {
  const fs::path path = fs::path(options.dir) / (stem + ".log");
  spdlog::file_event_handlers events;
  events.before_open = [path, days = options.retention_days](const spdlog::filename_t&) {
    remove_old_files(path, days);
  };
  const size_t most_bytes = std::max<uint64_t>(options.rotation_bytes, 4096);
  Output output{
      std::make_shared<spdlog::sinks::rotating_file_sink_st>(
          path.string(), most_bytes, size_t(std::max(options.rotated_files, 1)), rotate, events),
      options.json ? LineForm::kJson : LineForm::kText, least};
  output.sink->set_pattern("%v");
  return output;
}

Status open_files(const LogOptions& options, bool rotate, std::vector<Output>& outputs) {
  if (options.dir.empty()) return {};
  try {
    fs::create_directories(options.dir);
    const bool alone = options.stem == "app";
    outputs.push_back(file_output(options, options.stem, LogLevel::kDebug, rotate));
    outputs.push_back(file_output(options, alone ? "errors" : "errors." + options.stem,
                                  LogLevel::kError, rotate));
    return {};
  } catch (const std::exception& error) {
    return unavailable("logs cannot be written to " + options.dir + ": " + error.what());
  }
}

// Whether stderr leads to the journal that the service manager names: "device:inode".
bool stderr_is_journal() {
  const char* named = std::getenv("JOURNAL_STREAM");
  struct stat info {};
  if (named == nullptr || ::fstat(STDERR_FILENO, &info) != 0) return false;
  return std::to_string(info.st_dev) + ":" + std::to_string(info.st_ino) == named;
}

struct Log {
  std::atomic<LogLevel> least{LogLevel::kInfo};
  std::mutex mutex;  // guards what follows; held while a line is written
  std::vector<Output> outputs{stderr_output(LineForm::kPlain)};
  LogOptions options;
};

// Never destroyed: threads that outlive main may still log.
Log& the_log() {
  static Log& log = *new Log;
  return log;
}

thread_local const LogIds* t_ids = nullptr;

void write(const Output& output, LogLevel level, const std::string& line) {
  try {
    output.sink->log(spdlog::details::log_msg("maie", spdlog_level(level), line));
    output.sink->flush();
  } catch (...) {  // a full disk, a closed pipe: there is nobody left to tell
  }
}

void emit(LogLevel level, std::string_view message, LogFields fields) {
  Log& log = the_log();
  if (level < log.least.load(std::memory_order_relaxed)) return;
  try {
    const LogRecord record{level, message, fields, LogScope::current(),
                           std::chrono::system_clock::now()};
    const std::lock_guard lock(log.mutex);
    std::string line;
    std::optional<LineForm> form;
    for (const Output& output : log.outputs) {
      if (level < output.least) continue;
      if (form != output.form) line = line_of(record, output.form);
      form = output.form;
      write(output, level, line);
    }
  } catch (...) {  // no memory for a line
  }
}

}  // namespace

std::string_view to_string(LogLevel level) {
  static constexpr std::string_view kNames[] = {"debug", "info", "warning", "error", "off"};
  return kNames[int(level)];
}

std::optional<LogLevel> parse_log_level(std::string_view name) {
  for (const LogLevel level :
       {LogLevel::kDebug, LogLevel::kInfo, LogLevel::kWarning, LogLevel::kError, LogLevel::kOff})
    if (to_string(level) == name) return level;
  return std::nullopt;
}

void configure_log(LogLevel least, bool as_json) {
  Log& log = the_log();
  log.least = least;
  const std::lock_guard lock(log.mutex);
  log.options = {};
  log.outputs = {stderr_output(as_json ? LineForm::kPlainJson : LineForm::kPlain)};
}

Status configure_log(const LogOptions& options) {
  std::vector<Output> outputs;
  if (options.to_stderr) {
    const bool journal = stderr_is_journal();
    outputs.push_back(stderr_output(options.json
                                        ? (journal ? LineForm::kJournalJson : LineForm::kJson)
                                        : (journal ? LineForm::kJournalText : LineForm::kText)));
  }
  Status status = open_files(options, false, outputs);
  Log& log = the_log();
  log.least = options.least;
  const std::lock_guard lock(log.mutex);
  log.options = options;
  log.outputs = std::move(outputs);
  return status;
}

void set_log_level(LogLevel least) { the_log().least = least; }
LogLevel log_level() { return the_log().least; }

Status rotate_log() {
  Log& log = the_log();
  const std::lock_guard lock(log.mutex);
  std::vector<Output> files;
  MAIE_TRY(open_files(log.options, true, files));
  if (files.empty()) return {};
  log.outputs.resize(log.options.to_stderr ? 1 : 0);
  for (Output& file : files) log.outputs.push_back(std::move(file));
  return {};
}

void log_debug(std::string_view message, LogFields fields) {
  emit(LogLevel::kDebug, message, fields);
}
void log_info(std::string_view message, LogFields fields) {
  emit(LogLevel::kInfo, message, fields);
}
void log_warning(std::string_view message, LogFields fields) {
  emit(LogLevel::kWarning, message, fields);
}
void log_error(std::string_view message, LogFields fields) {
  emit(LogLevel::kError, message, fields);
}

LogScope::LogScope(LogIds ids) : ids_(std::move(ids)), around_(t_ids) {
  const auto inherit = [](std::string& id, const std::string& outer) {
    if (id.empty()) id = outer;
  };
  const LogIds& outer = current();
  inherit(ids_.request_id, outer.request_id);
  inherit(ids_.task_id, outer.task_id);
  inherit(ids_.trace_id, outer.trace_id);
  inherit(ids_.span_id, outer.span_id);
  t_ids = &ids_;
}
LogScope::~LogScope() { t_ids = around_; }

const LogIds& LogScope::current() {
  static const LogIds kNone;
  return t_ids == nullptr ? kNone : *t_ids;
}

}  // namespace maie
