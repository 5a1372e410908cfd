#include "store/remove.h"

#include <algorithm>
#include <filesystem>
#include <set>

#include "base/file.h"
#include "store/file_lock.h"
#include "store/model_id.h"

namespace maie::store {
namespace {

namespace fs = std::filesystem;

bool is_part(const std::string& name) {
  const size_t dot = name.find('.');
  return dot != name.npos && is_content_tag(name.substr(0, dot)) &&
         name.find(".part", dot) != name.npos;
}

void add_blobs(const HubCache& cache, const std::set<std::string>& kept, Removal& removal) {
  std::error_code error;
  for (fs::directory_iterator it(cache.blobs(), error); !error && it != fs::directory_iterator();
       it.increment(error)) {
    const std::string name = it->path().filename().string();
    if (!(is_content_tag(name) && kept.count(name) == 0) && !is_part(name)) continue;
    std::error_code ignored;
    const uintmax_t size = fs::file_size(it->path(), ignored);
    if (!ignored) removal.freed_bytes += size;
    removal.paths.push_back(it->path().string());
  }
}

// Refs that stand for a commit which is gone, and empty folders.
void clean_refs(const fs::path& folder, const std::vector<std::string>& gone) {
  std::vector<fs::path> entries;
  std::error_code error;
  for (fs::directory_iterator it(folder, error); !error && it != fs::directory_iterator();
       it.increment(error))
    entries.push_back(it->path());
  for (const fs::path& entry : entries) {
    std::error_code ignored;
    if (fs::is_directory(fs::symlink_status(entry, ignored))) {
      clean_refs(entry, gone);
    } else if (const auto commit = read_file(entry.string(), 200);
               commit.has_value() && std::count(gone.begin(), gone.end(), *commit) > 0) {
      fs::remove(entry, ignored);
    }
  }
  fs::remove(folder, error);  // only if it is empty now
}

}  // namespace

Result<Removal> plan_removal(const HubCache& cache, const std::string& revision) {
  if (!cache.exists()) return not_found(cache.repo() + ": is not in " + cache.folder());
  Removal removal;
  std::string only;
  if (!revision.empty()) {
    MAIE_ASSIGN(only, cache.commit_of(revision));
  }
  std::set<std::string> kept;
  for (const Snapshot& snapshot : cache.snapshots()) {
    const bool goes = only.empty() || snapshot.commit == only;
    if (goes) removal.commits.push_back(snapshot.commit);
    for (const CachedFile& file : cache.files_of(snapshot.commit)) {
      if (!goes) kept.insert(file.tag);
      if (goes && file.tag.empty()) removal.freed_bytes += file.size_bytes;
    }
  }
  add_blobs(cache, kept, removal);
  return removal;
}

Result<Removal> remove(const HubCache& cache, const std::string& revision) {
  if (!cache.exists()) return not_found(cache.repo() + ": is not in " + cache.folder());
  std::error_code error;
  const std::string lock_path = cache.lock_of("maie");
  fs::create_directories(fs::path(lock_path).parent_path(), error);
  Result<FileLock> lock = FileLock::try_now(lock_path, FileLock::Mode::kExclusive);
  if (!lock.has_value()) {
    if (lock.error().code() != Code::kUnavailable) return lock.error();
    return unavailable(cache.repo() + ": is being pulled; wait for that or stop it first");
  }
  MAIE_ASSIGN(const Removal removal, plan_removal(cache, revision));
  for (const std::string& commit : removal.commits) {
    // remove_all follows no symbolic links.
    for (const std::string& path :
         {cache.snapshot(commit), cache.folder() + "/.no_exist/" + commit,
          cache.folder() + "/trees/" + commit + ".json", cache.manifest_path(commit)}) {
      fs::remove_all(path, error);
      if (error) return errno_status(path, error.value());
    }
  }
  clean_refs(cache.folder() + "/refs", removal.commits);
  for (const std::string& path : removal.paths) {
    fs::remove(path, error);
    if (error) return errno_status(path, error.value());
  }
  for (const char* folder : {"/snapshots", "/blobs", "/.no_exist", "/trees", "/.maie", ""}) {
    std::error_code ignored;
    fs::remove(cache.folder() + folder, ignored);  // only if it is empty now
  }
  return removal;
}

}  // namespace maie::store
