#pragma once

#include <string>
#include <string_view>

#include "base/json.h"
#include "config/settings_table.h"

namespace maie::config {

/// What somebody wrote for a setting.
struct Given {
  Json value;            ///< of the file: as typed there; of a variable or flag: a string
  bool is_text = false;  ///< a variable or flag: numbers, switches and lists are read from the text
  std::string origin;    ///< "maie.toml:12", "MAIE_API__PORT", "--port"
};

/// Nothing was written: an empty text.
bool is_blank(const Given& given);

/// Puts the value into its field, when it is one that the setting takes.
bool assign(const Setting& setting, const Given& given, Settings& settings);

/// "a whole number from 1 to 65535": what a setting takes, in words.
std::string allowed(const Setting& setting);

/// The sentence about a value that `assign` refused: names place, key, value (not of a secret) and
/// what is allowed.
std::string refusal(const Setting& setting, const Given& given);

/// The value a setting has now; null for an optional one that is not set. Whole numbers are
/// integers.
Json value_of(const Setting& setting, const Settings& settings);

/// The same, with secrets as kMask where they are set.
Json masked_value_of(const Setting& setting, const Settings& settings);
inline constexpr std::string_view kMask = "********";

/// Text from outside as it may stand in a message: quoted, control characters escaped, cut.
std::string in_quotes(std::string_view text);

}  // namespace maie::config
