#include "store/settings.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "base/ascii.h"
#include "base/file.h"

namespace maie::store {
namespace {

namespace fs = std::filesystem;

constexpr const char* kDefaultEndpoint = "https://huggingface.co";
constexpr size_t kLongestToken = 4096;

std::string value_of(const Environment& environment, const char* name) {
  const char* value = environment(name);
  return value == nullptr ? "" : value;
}

bool is_true(std::string_view text) {
  const std::string word = lower(text);
  return word == "1" || word == "on" || word == "yes" || word == "true";
}

std::string trimmed(std::string_view text) {
  const size_t first = text.find_first_not_of(" \t\r\n");
  if (first == text.npos) return "";
  return std::string(text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1));
}

// A time in seconds, where it is a sensible one.
double seconds_of(const Environment& environment, const char* name, double fallback) {
  const std::string text = value_of(environment, name);
  char* end = nullptr;
  const double value = std::strtod(text.c_str(), &end);
  return !text.empty() && *end == 0 && value >= 1 && value <= 86400 ? value : fallback;
}

// The folder of the hub's own tools: holds hub/ and token. Empty without a home.
std::string hub_home(const Environment& environment) {
  if (const std::string home = value_of(environment, "HF_HOME"); !home.empty()) return home;
  if (const std::string xdg = value_of(environment, "XDG_CACHE_HOME"); !xdg.empty())
    return xdg + "/huggingface";
  const std::string home = value_of(environment, "HOME");
  return home.empty() ? "" : home + "/.cache/huggingface";
}

// A header made of it must stay one header.
Result<std::string> checked_token(const std::string& text, const std::string& where) {
  const std::string token = trimmed(text);
  const auto visible = [](char c) { return c > 0x20 && c < 0x7f; };
  if (!std::all_of(token.begin(), token.end(), visible)) {
    return invalid_input(where + ": holds characters no token of the hub has; write it again");
  }
  return token;
}

Result<std::string> token_of(const Environment& environment) {
  const std::string given = value_of(environment, "HF_TOKEN");
  if (!trimmed(given).empty()) return checked_token(given, "$HF_TOKEN");
  std::string path = value_of(environment, "HF_TOKEN_PATH");
  if (path.empty()) {
    const std::string home = hub_home(environment);
    if (home.empty()) return std::string();
    path = home + "/token";
  }
  const Result<std::string> text = read_file(path, kLongestToken);
  if (!text.has_value()) return std::string();  // most people have none
  return checked_token(*text, path);
}

}  // namespace

std::string origin_of(std::string_view url) {
  const size_t scheme_end = url.find("://");
  if (scheme_end == url.npos) return "";
  std::string origin(url.substr(0, scheme_end + 3));
  std::string_view authority = url.substr(scheme_end + 3);
  authority = authority.substr(0, authority.find_first_of("/?#"));
  if (const size_t at = authority.rfind('@'); at != authority.npos) authority.remove_prefix(at + 1);
  if (authority.empty()) return "";
  origin = lower(origin + std::string(authority));
  for (const auto& [scheme, port] :
       {std::pair<std::string_view, std::string_view>{"https://", ":443"}, {"http://", ":80"}}) {
    const bool has_default = origin.starts_with(scheme) && origin.ends_with(port);
    if (has_default) origin.resize(origin.size() - port.size());
  }
  return origin;
}

Result<std::string> parse_endpoint(std::string_view text) {
  std::string endpoint = trimmed(text);
  while (!endpoint.empty() && endpoint.back() == '/') endpoint.pop_back();
  const std::string origin = origin_of(endpoint);
  const bool http = origin.starts_with("https://") || origin.starts_with("http://");
  const bool plain = endpoint.find_first_of("?#@ \t\r\n") == std::string::npos;
  if (!http || !plain) {
    return invalid_input("\"" + std::string(text.substr(0, 200)) +
                         "\" is not the base URL of a hub; write https://host or "
                         "https://host/path (--mirror, $HF_ENDPOINT)");
  }
  return endpoint;
}

Result<Settings> settings_of(const Environment& environment) {
  Settings settings;
  if (const std::string own = value_of(environment, "MAIE_MODELS__CACHE"); !own.empty())
    settings.caches.push_back(own);
  const std::string home = hub_home(environment);
  if (const std::string cache = value_of(environment, "HF_HUB_CACHE"); !cache.empty()) {
    settings.caches.push_back(cache);
  } else if (!home.empty()) {
    settings.caches.push_back(home + "/hub");
  }
  const std::string endpoint = value_of(environment, "HF_ENDPOINT");
  MAIE_ASSIGN(settings.endpoint, parse_endpoint(endpoint.empty() ? kDefaultEndpoint : endpoint));
  MAIE_ASSIGN(settings.token, token_of(environment));
  settings.offline = is_true(value_of(environment, "MAIE_OFFLINE")) ||
                     is_true(value_of(environment, "HF_HUB_OFFLINE"));
  settings.symlinks = !is_true(value_of(environment, "HF_HUB_DISABLE_SYMLINKS"));
  settings.stall_limit_s =
      seconds_of(environment, "HF_HUB_DOWNLOAD_TIMEOUT", settings.stall_limit_s);
  settings.metadata_stall_limit_s =
      seconds_of(environment, "HF_HUB_ETAG_TIMEOUT", settings.metadata_stall_limit_s);
  return settings;
}

std::vector<std::string> folders_of_process() {
  std::vector<std::string> folders = {"models"};
  std::error_code error;
  const fs::path program = fs::read_symlink("/proc/self/exe", error);
  if (!error)
    folders.push_back((program.parent_path().parent_path() / "share/maie/models").string());
  return folders;
}

Result<Settings> settings_of_process() {
  MAIE_ASSIGN(Settings settings, settings_of([](const char* name) { return std::getenv(name); }));
  settings.folders = folders_of_process();
  return settings;
}

}  // namespace maie::store
