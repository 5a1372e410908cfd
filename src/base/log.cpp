#include "base/log.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <memory>
#include <mutex>

#include "base/json.h"

namespace maie {
namespace {

bool g_as_json = false;  // set once by configure_log, before other threads log

spdlog::logger& logger() {
  static const std::shared_ptr<spdlog::logger> instance = [] {
    auto made =
        std::make_shared<spdlog::logger>("maie", std::make_shared<spdlog::sinks::stderr_sink_mt>());
    made->set_pattern("maie: %v");
    made->set_level(spdlog::level::info);
    return made;
  }();
  return *instance;
}

void emit(spdlog::level::level_enum level, const char* name, std::string_view message) {
  if (!logger().should_log(level)) return;
  if (g_as_json) {
    const Json line = {{"level", name}, {"message", message}};
    const std::string text = line.dump(-1, ' ', false, Json::error_handler_t::replace);
    logger().log(level, spdlog::string_view_t(text.data(), text.size()));
  } else {
    logger().log(level, spdlog::string_view_t(message.data(), message.size()));
  }
}

}  // namespace

void configure_log(LogLevel least, bool as_json) {
  static constexpr spdlog::level::level_enum kLevels[] = {spdlog::level::debug, spdlog::level::info,
                                                          spdlog::level::warn, spdlog::level::err,
                                                          spdlog::level::off};
  logger().set_level(kLevels[int(least)]);
  logger().set_pattern(as_json ? "%v" : "maie: %v");
  g_as_json = as_json;
}

void log_debug(std::string_view message) { emit(spdlog::level::debug, "debug", message); }
void log_info(std::string_view message) { emit(spdlog::level::info, "info", message); }
void log_warning(std::string_view message) { emit(spdlog::level::warn, "warning", message); }
void log_error(std::string_view message) { emit(spdlog::level::err, "error", message); }

}  // namespace maie
