#include <cstdlib>
#include <filesystem>

#include "summary/template_store.h"

namespace maie::summary {
namespace {

namespace fs = std::filesystem;

bool holds_templates(const fs::path& folder) {
  std::error_code error;
  return fs::is_regular_file(folder / "base" / "structured_output_v1.jinja", error);
}

}  // namespace

TemplateRoots template_roots_of_process() {
  TemplateRoots roots;
  const auto variable = [](const char* name) -> std::string {
    const char* value = std::getenv(name);
    return value ? value : "";
  };
  if (std::string own = variable("MAIE_TEMPLATES"); !own.empty()) {
    roots.own = std::move(own);
  } else if (std::string data = variable("XDG_DATA_HOME"); !data.empty()) {
    roots.own = data + "/maie/templates";
  } else if (std::string home = variable("HOME"); !home.empty()) {
    roots.own = home + "/.local/share/maie/templates";
  }
  std::error_code error;
  const fs::path program = fs::read_symlink("/proc/self/exe", error);
  if (error) return roots;
  // Installed: PREFIX/bin/maie. Built: <source>/build/<preset>/bin/maie.
  fs::path folder = program.parent_path().parent_path();
  if (holds_templates(folder / "share/maie/templates")) {
    roots.shipped.push_back((folder / "share/maie/templates").string());
    return roots;
  }
  for (int up = 0; up < 3 && folder.has_parent_path(); ++up, folder = folder.parent_path()) {
    if (!holds_templates(folder / "templates")) continue;
    roots.shipped.push_back((folder / "templates").string());
    break;
  }
  return roots;
}

}  // namespace maie::summary
