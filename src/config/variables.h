#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "config/load.h"
#include "config/values.h"

namespace maie::config {

/// The environment, asked for settings. Names compare without case, as the older service read them.
class Variables {
 public:
  explicit Variables(const SettingsSource& source);

  /// What a variable holds; empty where it is not set or blank.
  std::string text(std::string_view name) const;

  /// The first of MAIE_SECTION__KEY, its _FILE, the other names and the older ones that says
  /// something. kInvalidInput for a _FILE that cannot be read.
  /// @param warnings  gets a sentence for an older name
  Result<std::optional<Given>> find(const Setting& setting,
                                    std::vector<std::string>& warnings) const;

  /// Sentences about MAIE_<SECTION>__ variables that no setting has, and older names without
  /// meaning.
  std::vector<std::string> strangers() const;

 private:
  const char* raw(const std::string& name) const;

  const SettingsSource& source_;
  std::map<std::string, std::string> spelt_;  // in capitals -> as it is set
};

/// The known name that looks most like `name`, as "; did you mean api.port?"; empty where none
/// does.
std::string nearest_key(std::string_view name);

}  // namespace maie::config
