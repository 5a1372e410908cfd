#include "cli/service_log.h"

#include <utility>

namespace maie::cli {

LogLevel log_level_of(const config::Settings& settings) {
  return parse_log_level(settings.logging.level).value_or(LogLevel::kInfo);
}

Status start_log(const config::Settings& settings, std::string stem) {
  LogOptions options;
  options.least = log_level_of(settings);
  options.json = settings.logging.format == "json";
  options.dir = settings.logging.dir;
  options.stem = std::move(stem);
  options.rotation_bytes = uint64_t(settings.logging.rotation_mb * 1024 * 1024);
  options.retention_days = settings.logging.retention_days;
  return configure_log(options);
}

}  // namespace maie::cli
