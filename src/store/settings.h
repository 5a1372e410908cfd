#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/status.h"

namespace maie::store {

/// Where models are kept and where they come from.
struct Settings {
  /// Hub caches; the first is written to, the others are only read.
  std::vector<std::string> caches;
  /// Folders whose sub-folders are models, e.g. "models".
  std::vector<std::string> folders;
  std::string endpoint;       ///< base URL of the hub or a mirror, without a slash at its end
  std::string token;          ///< of the hub; empty: none. Never logged, never in a message
  bool offline = false;       ///< open no connection
  bool symlinks = true;       ///< false: files lie in the snapshots themselves
  double stall_limit_s = 60;  ///< of a download without a byte
  double metadata_stall_limit_s = 30;  ///< of a question to the hub
};

/// nullptr for a variable that is not set, as getenv.
using Environment = std::function<const char*(const char*)>;

/// From the environment (docs/spec/interfaces.md 9 and 14), read once at the start:
///
///   caches    MAIE_MODELS__CACHE, then the first that is set of HF_HUB_CACHE, HF_HOME/hub,
///             XDG_CACHE_HOME/huggingface/hub, ~/.cache/huggingface/hub
///   endpoint  HF_ENDPOINT
///   token     HF_TOKEN, else the file HF_TOKEN_PATH, else HF_HOME/token (or beside the cache)
///   limits    HF_HUB_DOWNLOAD_TIMEOUT, HF_HUB_ETAG_TIMEOUT, in seconds
///   offline   MAIE_OFFLINE, HF_HUB_OFFLINE: 1, on, yes, true in any case
///
/// kInvalidInput for an endpoint that is no http(s) URL and a token that cannot be one.
Result<Settings> settings_of(const Environment& environment);

/// Folders of models of this process: ./models, and share/maie/models beside the program's bin
/// folder.
std::vector<std::string> folders_of_process();

/// The same for this process, with those folders.
Result<Settings> settings_of_process();

/// Checks a base URL and takes the slashes from its end.
Result<std::string> parse_endpoint(std::string_view text);

/// scheme://host[:port] of a URL in lower case, without its default port; empty when it has none.
std::string origin_of(std::string_view url);

}  // namespace maie::store
