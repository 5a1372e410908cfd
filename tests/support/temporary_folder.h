#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

namespace maie {

/// An empty folder of its own for one test, gone afterwards.
class TemporaryFolder {
 public:
  TemporaryFolder() : TemporaryFolder(::testing::TempDir()) {}
  explicit TemporaryFolder(const std::filesystem::path& parent) {
    std::string name = (parent / "maie-test-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) ADD_FAILURE() << "no temporary folder";
    path_ = std::filesystem::canonical(name);
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  std::string path(const std::string& name = "") const {
    return name.empty() ? path_.string() : (path_ / name).string();
  }

  std::filesystem::path operator/(const std::string& name) const { return path_ / name; }

  /// Writes a file, with the folders above it; returns its path.
  std::string write(const std::string& name, const std::string& content = "x") const {
    std::filesystem::create_directories((path_ / name).parent_path());
    std::ofstream(path_ / name, std::ios::binary) << content;
    return path(name);
  }
  std::string read(const std::string& name) const {
    std::ifstream file(path_ / name, std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(file), {});
  }
  bool has(const std::string& name) const { return std::filesystem::exists(path_ / name); }

  /// Names in the folder, sorted, separated by spaces.
  std::string names() const {
    std::vector<std::string> list;
    for (const auto& entry : std::filesystem::directory_iterator(path_))
      list.push_back(entry.path().filename());
    std::sort(list.begin(), list.end());
    std::string out;
    for (const std::string& name : list) {
      if (!out.empty()) out += " ";
      out += name;
    }
    return out;
  }

 private:
  std::filesystem::path path_;
};

}  // namespace maie
