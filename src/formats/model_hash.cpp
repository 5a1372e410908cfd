#include "formats/model_hash.h"

#include <sys/stat.h>

#include <filesystem>

#include "base/file.h"
#include "base/json.h"
#include "base/log.h"

namespace maie::formats {
namespace {

namespace fs = std::filesystem;

constexpr size_t kLargestCache = 1 << 20;

fs::path cache_file() {
  const std::string folder = cache_folder();
  return folder.empty() ? fs::path() : fs::path(folder) / "hashes.json";
}

// What a digest is remembered under; another size or time of change makes it another file.
std::string identity(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return {};
  std::error_code ignored;
  return fs::absolute(path, ignored).string() + "|" + std::to_string(info.st_size) + "|" +
         std::to_string(info.st_mtim.tv_sec) + "." + std::to_string(info.st_mtim.tv_nsec);
}

}  // namespace

std::string hash_of_files(std::span<const ModelFile> files) {
  const fs::path cache = cache_file();
  Json known = Json::object();
  if (!cache.empty()) {
    if (const auto text = read_file(cache.string(), kLargestCache); text.has_value()) {
      if (auto parsed = parse_json(*text); parsed.has_value() && parsed->is_object()) {
        known = std::move(*parsed);
      }
    }
  }
  bool learned = false;
  std::string lines;
  for (const ModelFile& file : files) {
    const std::string id = identity(file.path);
    std::string digest = json_string(known, id.c_str(), "");
    if (digest.size() != 64) {
      const auto mapped = MappedFile::open(file.path);
      if (!mapped.has_value()) return {};
      digest = sha256_hex((*mapped)->bytes());
      known[id] = digest;
      learned = true;
    }
    lines += digest + "  " + fs::path(file.path).filename().string() + "\n";
  }
  if (learned && !cache.empty()) {
    std::error_code failed;
    fs::create_directories(cache.parent_path(), failed);
    const Status written = failed ? errno_status(cache.string(), failed.value())
                                  : write_file_atomically(cache.string(), known.dump(1) + "\n");
    if (!written.ok()) log_debug("model hashes are not remembered: " + written.message());
  }
  return sha256_hex(std::as_bytes(std::span(lines.data(), lines.size())));
}

}  // namespace maie::formats
