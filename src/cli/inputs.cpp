#include "cli/inputs.h"

#include <glob.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <filesystem>
#include <iterator>
#include <set>

namespace maie::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kMediaExtensions[] = {
    "3gp", "aac", "ac3",  "aif",  "aifc", "aiff", "alac", "amr",  "ape", "au",
    "avi", "caf", "dts",  "flac", "flv",  "m2ts", "m4a",  "m4b",  "m4v", "mka",
    "mkv", "mov", "mp2",  "mp3",  "mp4",  "mpeg", "mpg",  "mpga", "mts", "oga",
    "ogg", "ogv", "opus", "wav",  "webm", "wma",  "wmv",  "wv"};

Input missing(std::string path, int error) {
  if (error == ENOENT || error == ENOTDIR) {
    return {std::move(path), not_found("no such file; check the name and the folder")};
  }
  Status status = errno_status("cannot be read", error);
  return {
      std::move(path),
      Status(status.code(), status.message() + "; check the rights of the file and its folders")};
}

template <class Iterator>
std::vector<std::string> media_files(const fs::path& folder, std::error_code& error) {
  std::vector<std::string> files;
  Iterator it(folder, fs::directory_options::skip_permission_denied, error);
  for (; !error && it != Iterator(); it.increment(error)) {
    std::error_code ignored;
    const std::string name = it->path().filename().string();
    if (name.front() != '.' && has_media_extension(name) && it->is_regular_file(ignored)) {
      files.push_back(it->path().string());
    }
  }
  std::sort(files.begin(), files.end());
  return files;
}

std::vector<Input> from_folder(const std::string& folder, bool recursive) {
  std::error_code error;
  const std::vector<std::string> files =
      recursive ? media_files<fs::recursive_directory_iterator>(folder, error)
                : media_files<fs::directory_iterator>(folder, error);
  if (error) return {missing(folder, error.value())};
  if (files.empty()) {
    return {
        {folder,
         not_found(
             recursive
                 ? "no audio or video file in this directory or below it; name the files themselves"
                 : "no audio or video file in this directory; name the files, or add --recursive "
                   "to look below it")}};
  }
  std::vector<Input> inputs;
  for (const std::string& file : files) inputs.push_back({file, {}});
  return inputs;
}

Input from_file(const std::string& path) {
  // Looked at now, so that a missing or locked file is reported before a model is loaded.
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0 || ::access(path.c_str(), R_OK) != 0)
    return missing(path, errno);
  if (S_ISREG(info.st_mode) && info.st_size == 0) {
    return {path, corrupt("the file is empty; record or copy it again")};
  }
  return {path, {}};
}

std::vector<Input> from_pattern(const std::string& pattern, bool recursive);

std::vector<Input> from_argument(const std::string& argument, bool recursive, bool patterns) {
  if (argument == kStandardInput) return {{argument, {}}};
  std::error_code error;
  const fs::file_status status = fs::status(argument, error);
  if (fs::is_directory(status)) return from_folder(argument, recursive);
  if (patterns && !fs::exists(status) && argument.find_first_of("*?[") != argument.npos) {
    return from_pattern(argument, recursive);
  }
  return {from_file(argument)};
}

std::vector<Input> from_pattern(const std::string& pattern, bool recursive) {
  glob_t found{};
  const int rc = ::glob(pattern.c_str(), 0, nullptr, &found);
  std::vector<Input> inputs;
  for (size_t i = 0; rc == 0 && i < found.gl_pathc; ++i) {
    for (Input& input : from_argument(found.gl_pathv[i], recursive, false)) {
      inputs.push_back(std::move(input));
    }
  }
  ::globfree(&found);
  if (inputs.empty())
    inputs.push_back({pattern, not_found("no file matches this pattern; check it and the folder")});
  return inputs;
}

}  // namespace

bool has_media_extension(std::string_view path) {
  const size_t dot = path.rfind('.');
  if (dot == path.npos) return false;
  std::string extension(path.substr(dot + 1));
  for (char& c : extension) c = char(std::tolower(uint8_t(c)));
  return std::find(std::begin(kMediaExtensions), std::end(kMediaExtensions), extension) !=
         std::end(kMediaExtensions);
}

std::vector<Input> expand_inputs(const std::vector<std::string>& arguments, bool recursive) {
  std::vector<Input> inputs;
  std::set<std::string> seen;
  for (const std::string& argument : arguments) {
    for (Input& input : from_argument(argument, recursive, true)) {
      std::error_code error;
      const fs::path real = fs::weakly_canonical(input.path, error);
      if (seen.insert(error || input.path == kStandardInput ? input.path : real.string()).second) {
        inputs.push_back(std::move(input));
      }
    }
  }
  return inputs;
}

}  // namespace maie::cli
