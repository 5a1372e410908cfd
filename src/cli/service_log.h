#pragma once

#include <string>

#include "base/log.h"
#include "config/settings.h"

namespace maie::cli {

LogLevel log_level_of(const config::Settings& settings);

/// The log of a server process, as the settings want it.
/// @param stem  of its files: each process needs its own
Status start_log(const config::Settings& settings, std::string stem = "app");

}  // namespace maie::cli
