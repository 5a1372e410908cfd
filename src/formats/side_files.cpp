#include "formats/side_files.h"

#include <filesystem>

#include "base/file.h"

namespace maie::formats {
namespace {

// The largest of them, tokenizer.json of 260,000 tokens, has 35 MB.
constexpr size_t kMostBytes = 64 << 20;

}  // namespace

Result<std::string> read_side_file(const std::string& directory, const char* name,
                                   Presence presence) {
  const std::string path = directory + "/" + name;
  std::error_code ignored;
  if (!std::filesystem::exists(path, ignored)) {
    if (presence == Presence::kOptional) return std::string();
    return not_found(path + ": is missing; fetch the model again, with all its files");
  }
  return read_file(path, kMostBytes);
}

std::vector<ModelFile> existing_files(const std::string& directory,
                                      std::initializer_list<const char*> names) {
  std::vector<ModelFile> files;
  for (const char* name : names) {
    const std::string path = directory + "/" + name;
    std::error_code error;
    const auto size = std::filesystem::file_size(path, error);
    if (!error) files.push_back({path, size});
  }
  return files;
}

}  // namespace maie::formats
