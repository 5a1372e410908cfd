#include "store/find_model.h"

#include <algorithm>
#include <filesystem>

#include "store/hub_cache.h"

namespace maie::store {
namespace {

namespace fs = std::filesystem;

bool is_there(const fs::path& path) {
  std::error_code error;
  return fs::exists(path, error);
}

std::string name_of(const ModelId& id) {
  return id.repo + (id.file.empty() ? "" : "/" + id.file) +
         (id.revision.empty() ? "" : "@" + id.revision);
}

std::string advice(const ModelId& id) { return "; run: maie models pull " + name_of(id); }

// kNotFound without the advice what to run, which the caller adds once.
Result<std::string> find_in(const HubCache& cache, const ModelId& id) {
  MAIE_ASSIGN(const std::string commit, cache.commit_of(id.revision));
  const std::vector<CachedFile> files = cache.files_of(commit);
  if (!id.file.empty()) {
    for (const CachedFile& file : files)
      if (file.path == id.file && file.problem.empty()) return file.full_path;
    return not_found(id.repo + ": " + id.file + " is not in " + cache.snapshot(commit));
  }
  for (const CachedFile& file : files)
    if (!file.problem.empty()) return not_found(file.full_path + ": " + file.problem);
  for (const auto& [path, entry] : cache.manifest_of(commit).files)
    if (!is_there(cache.snapshot(commit) + "/" + path))
      return not_found(id.repo + ": " + path + " is missing in " + cache.snapshot(commit));
  if (files.empty()) return not_found(id.repo + ": " + cache.snapshot(commit) + " is empty");
  if (files.size() == 1 && files.front().path.ends_with(".gguf")) return files.front().full_path;
  return cache.snapshot(commit);
}

}  // namespace

std::optional<std::string> find_in_folders(const std::string& name,
                                           const std::vector<std::string>& folders) {
  for (const std::string& folder : folders) {
    const fs::path path = fs::path(folder) / name;
    if (is_there(path)) return path.string();
  }
  return std::nullopt;
}

Result<std::string> find_in_caches(const ModelId& id, const std::vector<std::string>& caches) {
  Status why = not_found(id.repo + ": is not on this machine");
  for (const std::string& folder : caches) {
    const HubCache cache(folder, id.repo);
    if (!cache.exists()) continue;
    Result<std::string> path = find_in(cache, id);
    if (path.has_value()) return path;
    why = path.error();
  }
  return Status(why.code(), why.message() + advice(id));
}

Result<std::string> find_model(const std::string& name_or_path, const Settings& settings) {
  if (name_or_path.empty()) return invalid_input("the name of a model is empty");
  if (is_there(name_or_path)) return name_or_path;
  if (is_safe_path(name_or_path)) {
    if (auto path = find_in_folders(name_or_path, settings.folders)) return *std::move(path);
  }
  const Result<ModelId> id = parse_model_id(name_or_path);
  const auto is_in = [&](const std::string& cache) { return HubCache(cache, id->repo).exists(); };
  const std::vector<std::string>& caches = settings.caches;
  // A word alone that no cache knows is more likely a path that does not exist.
  if (!id.has_value() || (id->repo.find('/') == std::string::npos &&
                          std::none_of(caches.begin(), caches.end(), is_in))) {
    return not_found(name_or_path +
                     ": no such file or directory, and no model of that name; maie models list "
                     "shows those of this machine, maie models pull org/name fetches one");
  }
  return find_in_caches(*id, caches);
}

Result<std::string> find_model(const std::string& name_or_path) {
  MAIE_ASSIGN(const Settings settings, settings_of_process());
  return find_model(name_or_path, settings);
}

}  // namespace maie::store
