#include "config/rules.h"

#include <algorithm>
#include <filesystem>
#include <set>

#include "config/forms.h"

namespace maie::config {
namespace {

namespace fs = std::filesystem;

struct Rules {
  const Loaded& loaded;
  std::vector<std::string> broken;

  // "queue.lease_s (maie.toml:4)"
  std::string named(const std::string& key) const {
    const auto origin = loaded.origins.find(key);
    return key + (origin == loaded.origins.end() ? "" : " (" + origin->second + ")");
  }

  void keys() {
    const Settings& settings = loaded.settings;
    if (settings.profile == Profile::kDevelopment) return;
    const std::string profile(to_string(settings.profile));
    const std::string advice = "; make one with: openssl rand -hex 32";
    if (settings.profile == Profile::kProduction && settings.api.secret_key.empty()) {
      broken.push_back("api.secret_key is not set, and the profile production needs it" + advice);
    }
    if (is_placeholder(settings.api.secret_key)) {
      broken.push_back(named("api.secret_key") + " looks like the key of an example" + advice);
    }
    for (const std::string& key : settings.api.fallback_keys) {
      if (!is_placeholder(key)) continue;
      broken.push_back(named("api.fallback_keys") + " holds what looks like the key of an example" +
                       advice);
      return;
    }
  }

  void times() {
    const QueueSettings& queue = loaded.settings.queue;
    if (queue.heartbeat_s * 2 >= queue.lease_s) {
      broken.push_back(named("queue.heartbeat_s") + " has to be less than half of " +
                       named("queue.lease_s") + ", so that one lost sign of life is no death");
    }
  }

  void folder(const std::string& key, const std::string& path) {
    std::error_code error;
    const fs::file_status status = fs::status(path, error);
    if (!path.empty() && fs::exists(status) && !fs::is_directory(status)) {
      broken.push_back(named(key) + " is a file, and has to be a folder");
    }
  }

  void folders() {
    const Settings& settings = loaded.settings;
    folder("paths.data_dir", settings.paths.data_dir);
    folder("paths.audio_dir", settings.paths.audio_dir);
    folder("paths.templates_dir", settings.paths.templates_dir);
    folder("logging.dir", settings.logging.dir);
    folder("cleanup.check_dir", settings.cleanup.check_dir);
  }
};

}  // namespace

bool is_placeholder(std::string_view key) {
  if (key.empty()) return false;
  const std::string text = lower(key);
  const std::set<char> letters(text.begin(), text.end());
  if (letters.size() < 8) return true;  // a random key of 32 hexadecimal digits has about 14
  // A word can stand in a random key by chance, but not beside so few digits.
  const auto digits =
      std::count_if(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
  if (size_t(digits) * 6 > text.size()) return false;
  for (const char* word : {"change", "secret", "placeholder", "example", "your_", "your-", "dev_",
                           "test", "password", "insert", "replace", "default", "api_key", "apikey",
                           "api-key", "production", "development"})
    if (text.find(word) != text.npos) return true;
  return false;
}

std::vector<std::string> broken_rules(const Loaded& loaded) {
  Rules rules{loaded, {}};
  rules.keys();
  rules.times();
  rules.folders();
  return std::move(rules.broken);
}

}  // namespace maie::config
