#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace maie::store {

/// A file of a model as the hub lists it. Checked: the path may be put below a folder, the tag is
/// the hash of the content.
struct HubFile {
  std::string path;
  uint64_t size_bytes = 0;
  std::string tag;  ///< SHA-256 of the content (large files), or its git blob hash
};

/// One revision of a model: `files` sorted by path, no two the same.
struct HubListing {
  std::string commit;
  std::vector<HubFile> files;
};

inline constexpr size_t kMostListedFiles = 100'000;

/// The commit in an answer of /api/models/{repo}/revision/{rev}; kCorrupt without one.
Result<std::string> parse_revision(std::string_view json);

/// Adds the files of one page of /api/models/{repo}/tree/{rev} to `files`; what is no file is left
/// out. kCorrupt for what is no such list, for a path that must not become one on disk, a tag that
/// is no hash, a size that cannot be, and for more files than any model has.
Status parse_tree_page(std::string_view json, std::vector<HubFile>& files);

/// Sorts, and refuses a list that names a file twice or a file as a folder too.
Status finish_listing(HubListing& listing);

/// The target of rel="next" in a Link header; empty without one.
std::string next_page(std::string_view link_header);

}  // namespace maie::store
