#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/status.h"

namespace maie::store {

/// A file of a snapshot.
struct CachedFile {
  std::string path;         ///< within the model, e.g. "model.safetensors"
  std::string full_path;    ///< on disk, as the snapshot has it
  std::string tag;          ///< name of the blob it links to; empty: the file itself lies here
  uint64_t size_bytes = 0;  ///< of the content
  std::string problem;      ///< a link that leads nowhere or out of the model's folder
};

/// One revision of a model.
struct Snapshot {
  std::string commit;
  std::string path;
  std::vector<std::string> refs;  ///< branches and tags that stand for it
};

/// What a snapshot shall hold, noted when a pull begins, so that a cut one shows: name to size and
/// tag.
struct Manifest {
  struct Entry {
    uint64_t size_bytes = 0;
    std::string tag;
  };
  std::map<std::string, Entry> files;
};

/// The folder of one model in a hub cache, in the layout other tools read and write
/// (docs/spec/interfaces.md section 9). Nothing in it is trusted: links that lead out of the folder
/// are reported and not followed, unknown files are left alone. Any thread may read.
class HubCache {
 public:
  HubCache(std::string cache, std::string repo);

  const std::string& repo() const { return repo_; }
  std::string folder() const { return folder_; }
  std::string blobs() const { return folder_ + "/blobs"; }
  std::string blob(const std::string& tag) const { return blobs() + "/" + tag; }
  std::string snapshot(const std::string& commit) const;
  /// Lock files are never removed: another program may be waiting at one.
  std::string lock_of(const std::string& name) const;

  bool exists() const;
  /// Sorted by commit.
  std::vector<Snapshot> snapshots() const;
  /// The commit a branch, tag or commit stands for here. Without revision: main, else the only
  /// snapshot there is. kNotFound says what is here.
  Result<std::string> commit_of(const std::string& revision) const;
  /// Sorted by path; at most 100,000.
  std::vector<CachedFile> files_of(const std::string& commit) const;

  /// Folders, and the file that tells back-up programs that this is a cache.
  Status create(const std::string& commit) const;
  /// Makes `path` of a snapshot stand for a blob that is there, replacing what stood there.
  /// @param symlinks  false: the blob itself is moved to that place.
  Status place(const std::string& commit, const std::string& path, const std::string& tag,
               bool symlinks) const;
  Status write_ref(const std::string& revision, const std::string& commit) const;

  /// Empty where the snapshot was not pulled by us.
  Manifest manifest_of(const std::string& commit) const;
  /// Adds to what is noted already and is here: files of an earlier pull that never came are
  /// forgotten.
  Status note(const std::string& commit, const Manifest& pulled) const;
  std::string manifest_path(const std::string& commit) const;

 private:
  std::string cache_;
  std::string repo_;
  std::string folder_;
};

/// Names of all models in a cache, sorted.
std::vector<std::string> repos_in(const std::string& cache);

}  // namespace maie::store
