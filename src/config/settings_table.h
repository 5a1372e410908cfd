#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "config/settings.h"

namespace maie::config {

/// A field of Settings, by its type.
using Field = std::variant<Profile*, bool*, int*, int64_t*, double*, std::string*,
                           std::vector<std::string>*, std::optional<double>*, std::optional<int>*>;

/// An environment variable that is read beside MAIE_SECTION__KEY.
struct OtherName {
  std::string_view name;
  /// What it says in our words; blank: nothing. nullptr: it is said as we do.
  std::string (*translate)(std::string_view text) = nullptr;
};

/// One thing that an operator can choose. The file, the environment, the flags, `maie config` and
/// docs/configuration.md are all made from the table of these.
struct Setting {
  std::string_view key;  ///< "api.port"; "offline" stands before the first section
  Field (*field)(Settings& settings);
  std::string_view what;                         ///< one line for people
  double least = 0, most = 0;                    ///< numbers; both are allowed
  std::vector<std::string_view> choices{};       ///< words, in lower case; empty: any text
  bool (*fits)(std::string_view) = nullptr;      ///< what else a text has to be
  std::string_view form{};                       ///< and that in words: "a URL"
  bool secret = false;                           ///< never shown, logged, or taken from a flag
  std::string_view unset{};                      ///< what an empty value means: "the first found"
  std::string_view flag{};                       ///< "--port", where commands have a short form
  std::array<std::string_view, 3> by_profile{};  ///< in the order of Profile; blank: the default
  std::vector<OtherName> also{};                 ///< honoured, because users have them already
  std::vector<OtherName> older{};                ///< accepted with a warning
};

/// All settings, in the order in which they are shown: those without section first.
const std::vector<Setting>& settings_table();

/// nullptr when there is none of that key.
const Setting* find_setting(std::string_view key);

/// "MAIE_API__PORT" of "api.port", "MAIE_OFFLINE" of "offline".
std::string variable_of(std::string_view key);

/// Older names that nothing answers to any more, and why: {"REDIS_URL", "the queue is a file ..."}.
struct IgnoredName {
  std::string_view name;
  std::string_view reason;
};
const std::vector<IgnoredName>& ignored_names();

}  // namespace maie::config
