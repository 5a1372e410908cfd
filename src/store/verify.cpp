#include "store/verify.h"

#include <filesystem>
#include <set>

#include "store/model_facts.h"
#include "store/model_id.h"
#include "store/part_file.h"

namespace maie::store {
namespace {

namespace fs = std::filesystem;

// The hash a file must have; empty when nobody knows it.
std::string expected_hash(const CachedFile& file, const Manifest& manifest) {
  if (is_content_tag(file.tag)) return file.tag;
  const auto noted = manifest.files.find(file.path);
  return noted == manifest.files.end() ? "" : noted->second.tag;
}

}  // namespace

Result<Verification> verify(const HubCache& cache, const std::string& commit,
                            const CancelToken* cancel, const VerifyProgress& progress) {
  Verification found;
  const Manifest manifest = cache.manifest_of(commit);
  const std::vector<CachedFile> files = cache.files_of(commit);
  std::set<std::string> seen;
  for (const CachedFile& file : files) found.size_bytes += file.size_bytes;
  uint64_t before = 0;
  for (const CachedFile& file : files) {
    ++found.files;
    seen.insert(file.path);
    const std::string wanted = expected_hash(file, manifest);
    if (!file.problem.empty()) {
      found.bad.push_back({file.path, file.problem, false});
    } else if (wanted.empty()) {
      ++found.unhashed;
    } else {
      const auto tell = [&](uint64_t bytes) {
        if (progress) progress(file.path, before + bytes, found.size_bytes);
      };
      const Result<std::string> hash = hash_like(wanted, file.full_path, cancel, tell);
      if (!hash.has_value() && hash.error().code() == Code::kCancelled) return hash.error();
      if (!hash.has_value()) {
        found.bad.push_back({file.path, hash.error().message(), false});
      } else if (*hash != wanted) {
        found.bad.push_back(
            {file.path, "has the hash " + *hash + " and should have " + wanted, false});
      }
    }
    before += file.size_bytes;
  }
  for (const auto& [path, entry] : manifest.files)
    if (seen.count(path) == 0) found.bad.push_back({path, "is missing", false});
  // Heads of weight files, shards, side files; what is broken by its hash is not told twice.
  if (!found.bad.empty()) return found;
  for (const ModelFacts& model : models_in(cache.snapshot(commit))) {
    if (model.problem.empty()) continue;
    const bool is_folder = model.path == cache.snapshot(commit);
    const std::string path = is_folder ? "model" : fs::path(model.path).filename().string();
    found.bad.push_back({path, model.problem, found.unhashed == 0});
  }
  return found;
}

}  // namespace maie::store
