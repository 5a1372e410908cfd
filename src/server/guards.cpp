#include "server/guards.h"

#include <sys/stat.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <list>
#include <mutex>
#include <unordered_map>

#include "base/file.h"
#include "base/log.h"
#include "base/secret.h"

namespace maie::server {
namespace {

constexpr size_t kShortestKey = 32;
constexpr size_t kLongestKeyFile = 4096;

std::string_view trimmed(std::string_view text) {
  const size_t first = text.find_first_not_of(" \t\r\n");
  if (first == text.npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

// "Bearer KEY", the scheme in any case; empty when it is another one.
std::string_view bearer_key(std::string_view header) {
  constexpr std::string_view kScheme = "bearer";
  header = trimmed(header);
  if (header.size() <= kScheme.size()) return {};
  for (size_t i = 0; i < kScheme.size(); ++i)
    if ((header[i] | 0x20) != kScheme[i]) return {};
  const char after = header[kScheme.size()];
  return after == ' ' || after == '\t' ? trimmed(header.substr(kScheme.size())) : "";
}

std::string_view shown_key(const http::Headers& headers) {
  const std::string_view bearer = bearer_key(headers.get("Authorization"));
  return bearer.empty() ? trimmed(headers.get("X-API-Key")) : bearer;
}

struct KnownKey {
  std::string name;
  SecretDigest digest;
};

std::shared_ptr<const std::vector<KnownKey>> known(const std::vector<KeyRing::Key>& keys) {
  auto all = std::make_shared<std::vector<KnownKey>>();
  for (const KeyRing::Key& key : keys) {
    if (key.value.size() >= kShortestKey) all->push_back({key.name, digest_of_secret(key.value)});
  }
  return all;
}

// A key that others on this machine can read is theirs as well.
void warn_of_readers(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) == 0 && (info.st_mode & 077) != 0)
    log_warning(path + ": other users can read this key; chmod 600 it");
}

Result<std::string> own_key(const std::string& data_dir) {
  const std::string path = data_dir + "/api.key";
  std::error_code error;
  std::filesystem::create_directories(data_dir, error);  // what went wrong, the file will say
  if (!std::filesystem::exists(path, error)) {
    MAIE_ASSIGN(const bool first, create_private_file(path, random_hex(32) + "\n"));
    if (first) log_info("no api.secret_key is set; a new key is in " + path);
  }
  MAIE_ASSIGN(const std::string text, read_file(path, kLongestKeyFile));
  const std::string key(trimmed(text));
  if (key.size() < kShortestKey) {
    return invalid_input(path + ": holds no key of 32 characters; remove it, and one is made");
  }
  warn_of_readers(path);
  return key;
}

int seconds_of(std::string_view unit) {
  return unit == "second" ? 1 : unit == "hour" ? 3600 : unit == "day" ? 86400 : 60;
}

}  // namespace

struct KeyRing::State {
  mutable std::mutex mutex;
  std::shared_ptr<const std::vector<KnownKey>> keys;
};

KeyRing::KeyRing(std::vector<Key> keys) : state_(std::make_unique<State>()) {
  replace(std::move(keys));
}
KeyRing::~KeyRing() = default;

void KeyRing::replace(std::vector<Key> keys) {
  auto all = known(keys);
  const std::lock_guard lock(state_->mutex);
  state_->keys = std::move(all);
}

Result<std::string> KeyRing::check(const http::Headers& headers) const {
  const std::string_view shown = shown_key(headers);
  if (shown.empty()) return permission_denied("API key is required");
  if (shown.size() < kShortestKey) return permission_denied("Invalid API key format or length");
  const std::shared_ptr<const std::vector<KnownKey>> keys = [this] {
    const std::lock_guard lock(state_->mutex);
    return state_->keys;
  }();
  if (keys->empty()) return permission_denied("API key validation not configured");
  const SecretDigest digest = digest_of_secret(shown);
  const KnownKey* found = nullptr;
  for (const KnownKey& key : *keys) {  // all of them, whichever it was
    if (same_in_constant_time(key.digest, digest) && found == nullptr) found = &key;
  }
  if (found == nullptr) return permission_denied("Invalid API key");
  return found->name;
}

Result<std::vector<KeyRing::Key>> keys_of(const config::Settings& settings) {
  std::vector<KeyRing::Key> keys;
  const auto add = [&keys](const std::string& value) {
    const auto same = [&value](const KeyRing::Key& key) { return key.value == value; };
    if (value.empty() || std::any_of(keys.begin(), keys.end(), same)) return;
    keys.push_back({"key-" + std::to_string(keys.size() + 1), value});
  };
  add(settings.api.secret_key);
  for (const std::string& key : settings.api.fallback_keys) add(key);
  if (!settings.api.secret_key.empty()) return keys;
  if (settings.profile == config::Profile::kProduction) {
    return invalid_input(
        "api.secret_key is not set, and the profile production needs it; make one with: "
        "openssl rand -hex 32");
  }
  if (keys.empty()) {
    MAIE_ASSIGN(std::string key, own_key(settings.paths.data_dir));
    keys.push_back({"own-key", std::move(key)});
  }
  return keys;
}

struct RateLimit::State {
  struct Window {
    std::string client;
    Clock::time_point end;
    int count = 0;
  };
  bool enabled = true;
  int limit = 0, window_s = 0;
  std::function<Clock::time_point()> now;

  std::mutex mutex;  // guards what follows
  // All windows have one length, so the order of their beginnings is that of their ends.
  std::list<Window> windows;
  std::unordered_map<std::string_view, std::list<Window>::iterator> by_client;

  void forget_first() {
    by_client.erase(windows.front().client);
    windows.pop_front();
  }
  Window& window_of(std::string_view client, Clock::time_point time) {
    while (!windows.empty() && windows.front().end <= time) forget_first();
    if (const auto found = by_client.find(client); found != by_client.end()) return *found->second;
    if (windows.size() >= kMostClients) forget_first();
    windows.push_back({std::string(client), time + std::chrono::seconds(window_s), 0});
    by_client.emplace(windows.back().client, std::prev(windows.end()));
    return windows.back();
  }
};

RateLimit::RateLimit(const config::RateLimitSettings& settings,
                     std::function<Clock::time_point()> now)
    : state_(std::make_unique<State>()) {
  state_->enabled = settings.enabled;
  state_->limit = settings.count;
  state_->window_s = seconds_of(settings.unit);
  state_->now = std::move(now);
}
RateLimit::~RateLimit() = default;

RateLimit::Verdict RateLimit::count(std::string_view client) {
  if (!state_->enabled) return {};
  const std::lock_guard lock(state_->mutex);
  const Clock::time_point time = state_->now();
  State::Window& window = state_->window_of(client, time);
  const bool allowed = window.count < state_->limit;
  if (allowed) ++window.count;
  const double left_s = std::chrono::duration<double>(window.end - time).count();
  return {.allowed = allowed,
          .limit = state_->limit,
          .remaining = state_->limit - window.count,
          .reset_s = std::max(1, int(std::ceil(left_s))),
          .window_s = state_->window_s};
}

void RateLimit::add_headers(const Verdict& verdict, http::Headers& headers) {
  if (verdict.limit == 0) return;
  const std::string limit = std::to_string(verdict.limit);
  headers.set("RateLimit-Policy", limit + "; w=" + std::to_string(verdict.window_s));
  for (const std::string prefix : {"RateLimit-", "X-RateLimit-"}) {
    headers.set(prefix + "Limit", limit);
    headers.set(prefix + "Remaining", std::to_string(verdict.remaining));
    headers.set(prefix + "Reset", std::to_string(verdict.reset_s));
  }
  if (!verdict.allowed) headers.set("Retry-After", std::to_string(verdict.reset_s));
}

}  // namespace maie::server
