#include "store/hub_cache.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>

#include "base/file.h"
#include "base/json.h"
#include "store/model_id.h"

namespace maie::store {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMostFiles = 100'000;
constexpr int kDeepestFolder = 12;
constexpr size_t kLongestRef = 200;
constexpr size_t kLargestManifest = 16 << 20;
// https://bford.info/cachedir/ : the first line is what programs look for.
constexpr std::string_view kCacheTag =
    "Signature: 8a477f597d28d172789f06886806bc55\n# Models that can be downloaded again.\n";

std::vector<fs::path> entries_of(const fs::path& folder) {
  std::vector<fs::path> list;
  std::error_code error;
  for (fs::directory_iterator it(folder, error); !error && it != fs::directory_iterator();
       it.increment(error)) {
    if (list.size() == kMostFiles) break;
    list.push_back(it->path());
  }
  std::sort(list.begin(), list.end());
  return list;
}

bool is_real_folder(const fs::path& path) {
  std::error_code error;
  return fs::is_directory(fs::symlink_status(path, error));
}

// A folder that must be none of somebody's links: a name from the hub may lead into it.
Status make_real_folder(const fs::path& path) {
  if (::mkdir(path.c_str(), 0777) == 0) return {};
  const int failure = errno;
  if (failure != EEXIST) return errno_status(path.string(), failure);
  if (is_real_folder(path)) return {};
  return corrupt(path.string() + ": is not a folder but stands where one must be; remove it");
}

void look_at_file(const fs::path& path, const fs::path& blobs, CachedFile& file) {
  std::error_code error;
  if (fs::is_symlink(fs::symlink_status(path, error))) {
    const fs::path target = fs::canonical(path, error);
    if (error) {
      file.problem = "leads to a blob that is not there";
      const fs::path blob = fs::read_symlink(path, error).filename();
      if (!error && is_content_tag(blob.string())) file.tag = blob.string();
      return;
    }
    const fs::path home = fs::canonical(blobs, error);
    if (error || target.parent_path() != home) {
      file.problem = "leads out of the model's own folder";
      return;
    }
    file.tag = target.filename().string();
  }
  const uintmax_t size = fs::file_size(path, error);
  if (error) {
    file.problem = "is not a file";
  } else {
    file.size_bytes = size;
  }
}

void walk(const fs::path& folder, const std::string& prefix, int depth, const fs::path& blobs,
          std::vector<CachedFile>& files) {
  for (const fs::path& entry : entries_of(folder)) {
    if (files.size() >= kMostFiles) return;
    const std::string name = prefix + entry.filename().string();
    if (is_real_folder(entry)) {
      if (depth < kDeepestFolder) walk(entry, name + "/", depth + 1, blobs, files);
      continue;
    }
    CachedFile file{name, entry.string(), "", 0, ""};
    look_at_file(entry, blobs, file);
    files.push_back(std::move(file));
  }
}

void read_refs(const fs::path& folder, const std::string& prefix, int depth,
               std::vector<Snapshot>& snapshots) {
  for (const fs::path& entry : entries_of(folder)) {
    const std::string name = prefix + entry.filename().string();
    if (is_real_folder(entry)) {
      if (depth < kDeepestFolder) read_refs(entry, name + "/", depth + 1, snapshots);
      continue;
    }
    const Result<std::string> commit = read_file(entry.string(), kLongestRef);
    if (!commit.has_value()) continue;
    for (Snapshot& snapshot : snapshots) {
      if (snapshot.commit == *commit) snapshot.refs.push_back(name);
    }
  }
}

}  // namespace

HubCache::HubCache(std::string cache, std::string repo)
    : cache_(std::move(cache)),
      repo_(std::move(repo)),
      folder_(cache_ + "/" + folder_of_repo(repo_)) {}

std::string HubCache::snapshot(const std::string& commit) const {
  return folder_ + "/snapshots/" + commit;
}

std::string HubCache::lock_of(const std::string& name) const {
  return cache_ + "/.locks/" + folder_of_repo(repo_) + "/" + name + ".lock";
}

bool HubCache::exists() const {
  std::error_code error;
  return fs::is_directory(folder_, error);
}

std::vector<Snapshot> HubCache::snapshots() const {
  std::vector<Snapshot> list;
  for (const fs::path& entry : entries_of(folder_ + "/snapshots")) {
    const std::string commit = entry.filename().string();
    if (is_hex(commit, 40) && is_real_folder(entry)) list.push_back({commit, entry.string(), {}});
  }
  read_refs(folder_ + "/refs", "", 0, list);
  return list;
}

Result<std::string> HubCache::commit_of(const std::string& revision) const {
  const std::vector<Snapshot> here = snapshots();
  const std::string wanted = revision.empty() ? "main" : revision;
  std::string names;
  for (const Snapshot& snapshot : here) {
    const auto& refs = snapshot.refs;
    if (snapshot.commit == wanted || std::find(refs.begin(), refs.end(), wanted) != refs.end())
      return snapshot.commit;
    names += (names.empty() ? "" : ", ") + snapshot.commit.substr(0, 12);
    for (const std::string& ref : refs) names += " (" + ref + ")";
  }
  if (revision.empty() && here.size() == 1) return here.front().commit;
  return not_found(repo_ + ": revision " + wanted + " is not in " + cache_ +
                   (names.empty() ? std::string() : "; these are: " + names));
}

std::vector<CachedFile> HubCache::files_of(const std::string& commit) const {
  std::vector<CachedFile> files;
  walk(snapshot(commit), "", 0, blobs(), files);
  std::sort(files.begin(), files.end(),
            [](const CachedFile& a, const CachedFile& b) { return a.path < b.path; });
  return files;
}

Status HubCache::create(const std::string& commit) const {
  for (const std::string& folder :
       {blobs(), folder_ + "/snapshots", cache_ + "/.locks/" + folder_of_repo(repo_)}) {
    std::error_code error;
    fs::create_directories(folder, error);
    if (error) return errno_status(folder, error.value());
  }
  const std::string tag = cache_ + "/CACHEDIR.TAG";
  std::error_code ignored;
  if (!fs::exists(tag, ignored)) MAIE_TRY(write_file_atomically(tag, kCacheTag));
  return make_real_folder(snapshot(commit));
}

Status HubCache::place(const std::string& commit, const std::string& path, const std::string& tag,
                       bool symlinks) const {
  check(is_safe_path(path) && is_content_tag(tag), "names from outside were checked");
  fs::path at = snapshot(commit);
  std::string up = "../../";
  const fs::path relative(path);
  for (const fs::path& part : relative.parent_path()) {
    at /= part;
    up += "../";
    MAIE_TRY(make_real_folder(at));
  }
  at /= relative.filename();
  if (is_real_folder(at))
    return corrupt(at.string() + ": is a folder where a file must be; remove it");
  if (symlinks) {
    // By a second name and a rename, as a link cannot be replaced in place.
    const std::string temporary = at.string() + "." + std::to_string(::getpid()) + ".link";
    ::unlink(temporary.c_str());
    if (::symlink((up + "blobs/" + tag).c_str(), temporary.c_str()) == 0) {
      if (::rename(temporary.c_str(), at.c_str()) == 0) return {};
      const int failure = errno;
      ::unlink(temporary.c_str());
      return errno_status(at.string(), failure);
    }
    if (errno != EPERM && errno != ENOTSUP && errno != ENOSYS)
      return errno_status(at.string(), errno);
  }
  if (::rename(blob(tag).c_str(), at.c_str()) != 0) return errno_status(at.string(), errno);
  return {};
}

Status HubCache::write_ref(const std::string& revision, const std::string& commit) const {
  check(is_safe_path(revision) && is_hex(commit, 40), "names from outside were checked");
  if (revision == commit) return {};
  fs::path at = folder_ + "/refs";
  MAIE_TRY(make_real_folder(at));
  const fs::path relative(revision);
  for (const fs::path& part : relative.parent_path()) MAIE_TRY(make_real_folder(at /= part));
  return write_file_atomically((at / relative.filename()).string(), commit);
}

std::string HubCache::manifest_path(const std::string& commit) const {
  return folder_ + "/.maie/" + commit + ".json";
}

Manifest HubCache::manifest_of(const std::string& commit) const {
  Manifest manifest;
  const Result<std::string> text = read_file(manifest_path(commit), kLargestManifest);
  if (!text.has_value()) return manifest;
  const Result<Json> json = parse_json(*text, {.depth = 4, .members = kMostFiles});
  if (!json.has_value() || !json->is_object()) return manifest;
  const auto files = json->find("files");
  if (files == json->end() || !files->is_array()) return manifest;
  for (const Json& file : *files) {
    const std::string path = json_string(file, "path", "");
    const std::string tag = json_string(file, "tag", "");
    const int64_t size = json_int(file, "size", -1);
    if (is_safe_path(path) && is_content_tag(tag) && size >= 0)
      manifest.files[path] = {uint64_t(size), tag};
  }
  return manifest;
}

Status HubCache::note(const std::string& commit, const Manifest& pulled) const {
  Manifest all = manifest_of(commit);
  std::error_code error;
  std::erase_if(all.files, [&](const auto& file) {
    return !fs::exists(snapshot(commit) + "/" + file.first, error);
  });
  for (const auto& [path, entry] : pulled.files) all.files[path] = entry;
  Json files = Json::array();
  for (const auto& [path, entry] : all.files)
    files.push_back({{"path", path}, {"size", entry.size_bytes}, {"tag", entry.tag}});
  MAIE_TRY(make_real_folder(folder_ + "/.maie"));
  return write_file_atomically(manifest_path(commit), Json{{"files", files}}.dump(1) + "\n");
}

std::vector<std::string> repos_in(const std::string& cache) {
  std::vector<std::string> repos;
  for (const fs::path& entry : entries_of(cache)) {
    const std::string repo = repo_of_folder(entry.filename().string());
    std::error_code error;
    if (!repo.empty() && fs::is_directory(entry, error)) repos.push_back(repo);
  }
  return repos;
}

}  // namespace maie::store
