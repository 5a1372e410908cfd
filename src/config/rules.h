#pragma once

#include <string>
#include <vector>

#include "config/load.h"

namespace maie::config {

/// The rules that span several values, or a value and this machine. Sentences about what breaks
/// them; each names the keys and where their values come from.
std::vector<std::string> broken_rules(const Loaded& loaded);

/// Whether a key is one that examples and templates ship ("CHANGE_ME_IN_PRODUCTION"), or of that
/// shape: words such as "change", "example" or "secret" between few letters, or one letter
/// repeated.
bool is_placeholder(std::string_view key);

}  // namespace maie::config
