#include <filesystem>
#include <system_error>

#include "base/file.h"
#include "prompt/template.h"

namespace maie::prompt {
namespace {

constexpr size_t kMaxFile = 16 << 20;  // the parser's own limit is lower, and says so with the name

Status missing(std::string_view name) {
  return not_found("there is no template \"" + std::string(name) +
                   "\"; look at the names in the "
                   "templates' folder");
}

bool lies_within(const std::filesystem::path& path, const std::filesystem::path& folder) {
  auto at = path.begin();
  for (const auto& part : folder) {
    if (at == path.end() || *at != part) return false;
    ++at;
  }
  return at != path.end();
}

}  // namespace

Loader folder_loader(std::string root) {
  return [root = std::move(root)](std::string_view name) -> Result<std::string> {
    namespace fs = std::filesystem;
    std::error_code error;
    const fs::path folder = fs::canonical(root, error);
    if (error) return missing(name);
    fs::path relative(name);
    if (relative.extension() != ".jinja") relative /= "prompt.jinja";
    // Links are followed first, and then the place counts, not the name.
    const fs::path file = fs::canonical(folder / relative, error);
    if (error || !lies_within(file, folder) || !fs::is_regular_file(file, error)) {
      return missing(name);
    }
    return read_file(file.string(), kMaxFile);
  };
}

}  // namespace maie::prompt
