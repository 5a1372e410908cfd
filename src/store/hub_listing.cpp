#include "store/hub_listing.h"

#include <algorithm>

#include "base/json.h"
#include "store/model_id.h"

namespace maie::store {
namespace {

constexpr int64_t kLargestFile = int64_t{1} << 46;
constexpr JsonLimits kLimits = {.depth = 16, .values = 4'000'000, .members = 10'000};

Status bad_list(const std::string& why) {
  return corrupt("the hub's list of files: " + why + "; try again or another mirror");
}

// A name from outside in a message: short, and one line whatever it holds (printed as JSON).
std::string in_quotes(std::string_view text) {
  return Json(std::string(text.substr(0, 120))).dump(-1, ' ', true, Json::error_handler_t::replace);
}

Status add_file(const Json& entry, std::vector<HubFile>& files) {
  HubFile file;
  file.path = json_string(entry, "path", "");
  if (!is_safe_path(file.path))
    return bad_list(in_quotes(file.path) + " is no name a file of a model may have");
  int64_t size = json_int(entry, "size", -1);
  file.tag = json_string(entry, "oid", "");
  // Large files: `oid` is that of the pointer git keeps, the content's own hash is here.
  if (const auto lfs = entry.find("lfs"); lfs != entry.end() && lfs->is_object()) {
    file.tag = json_string(*lfs, "oid", "");
    if (file.tag.starts_with("sha256:")) file.tag.erase(0, 7);
    size = json_int(*lfs, "size", size);
    if (!is_hex(file.tag, 64)) return bad_list(in_quotes(file.path) + " has no SHA-256");
  } else if (!is_hex(file.tag, 40)) {
    return bad_list(in_quotes(file.path) + " has no git hash");
  }
  if (size < 0 || size > kLargestFile)
    return bad_list(in_quotes(file.path) + " has no size that can be");
  file.size_bytes = uint64_t(size);
  files.push_back(std::move(file));
  return {};
}

}  // namespace

Result<std::string> parse_revision(std::string_view text) {
  MAIE_ASSIGN(const Json json, parse_json(text, kLimits));
  const std::string commit = json.is_object() ? json_string(json, "sha", "") : "";
  if (!is_hex(commit, 40)) return corrupt("the hub's answer names no commit; is it a hub?");
  return commit;
}

Status parse_tree_page(std::string_view text, std::vector<HubFile>& files) {
  MAIE_ASSIGN(const Json json, parse_json(text, kLimits));
  if (!json.is_array()) return bad_list("it is not a list");
  for (const Json& entry : json) {
    if (!entry.is_object()) return bad_list("an entry is not an object");
    if (json_string(entry, "type", "file") != "file") continue;
    if (files.size() == kMostListedFiles)
      return bad_list("more than " + std::to_string(kMostListedFiles) + " files");
    MAIE_TRY(add_file(entry, files));
  }
  return {};
}

Status finish_listing(HubListing& listing) {
  std::vector<HubFile>& files = listing.files;
  std::sort(files.begin(), files.end(),
            [](const HubFile& a, const HubFile& b) { return a.path < b.path; });
  const auto named = [&files](const std::string& path) {
    return std::binary_search(files.begin(), files.end(), HubFile{path, 0, ""},
                              [](const HubFile& a, const HubFile& b) { return a.path < b.path; });
  };
  for (size_t i = 0; i < files.size(); ++i) {
    const std::string& path = files[i].path;
    if (i > 0 && path == files[i - 1].path) return bad_list(in_quotes(path) + " is in it twice");
    for (size_t slash = path.find('/'); slash != path.npos; slash = path.find('/', slash + 1)) {
      if (named(path.substr(0, slash)))
        return bad_list(in_quotes(path.substr(0, slash)) + " is a file and a folder");
    }
  }
  return {};
}

std::string next_page(std::string_view header) {
  while (!header.empty()) {
    const size_t open = header.find('<'), close = header.find('>');
    if (open == header.npos || close == header.npos || close < open) return "";
    const std::string_view target = header.substr(open + 1, close - open - 1);
    header.remove_prefix(close + 1);
    const size_t comma = std::min(header.find(",<"), header.find(", <"));
    const std::string_view attributes = header.substr(0, comma);
    if (attributes.find("rel=\"next\"") != attributes.npos ||
        attributes.find("rel=next") != attributes.npos)
      return std::string(target);
    if (comma == header.npos) return "";
    header.remove_prefix(comma + 1);
  }
  return "";
}

}  // namespace maie::store
