#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/status.h"

namespace maie::summary {

/// What tells one version of a file from the next.
struct FileStamp {
  bool exists = false;
  int64_t changed_ns = 0;
  int64_t size = 0;
  uint64_t inode = 0;
  bool operator==(const FileStamp&) const = default;
};

/// Name and content of files of one template.
using TemplateFiles = std::vector<std::pair<std::string, std::string>>;

/// A folder whose folders are templates. Ids and file names are single path components that the
/// caller has checked. Folders and files are opened without following symbolic links, so nothing
/// outside is ever read or written. Any thread; two writers of one template see the later one win.
class TemplateFolder {
 public:
  explicit TemplateFolder(std::string root) : root_(std::move(root)) {}
  const std::string& root() const { return root_; }

  /// Names of the folders in it, sorted, without hidden ones; none when it cannot be read.
  std::vector<std::string> ids() const;
  FileStamp stamp(const std::string& id, const std::string& file) const;
  /// kNotFound without that file, kInvalidInput when it is longer than 4 MiB or no regular file.
  Result<std::string> read(const std::string& id, const std::string& file) const;

  /// A new template: a hidden folder is filled and then renamed, so all files appear at once.
  /// kInvalidInput when there is one of that id.
  Status create(const std::string& id, const TemplateFiles& files) const;
  /// Replaces one file: written beside the old one, flushed, renamed. Content nullopt removes it.
  Status replace(const std::string& id, const std::string& file,
                 const std::optional<std::string>& content) const;
  /// Removes the files of the template and its folder. Folders within are not touched and make it
  /// fail with what is left in place.
  Status remove(const std::string& id) const;

 private:
  std::string root_;
};

/// [a-zA-Z0-9_-]+, at most 100 characters.
bool is_template_id(std::string_view id);

/// Size and time of any file by its path, following links.
FileStamp stamp_of(const std::string& path);

}  // namespace maie::summary
