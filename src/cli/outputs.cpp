#include "cli/outputs.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "cli/inputs.h"

namespace maie::cli {
namespace {

namespace fs = std::filesystem;

std::string canonical(const std::string& path) {
  std::error_code error;
  const fs::path real = fs::weakly_canonical(path, error);
  return error ? path : real.string();
}

}  // namespace

std::string_view to_string(Format format) {
  switch (format) {
    case Format::kTxt: return "txt";
    case Format::kSrt: return "srt";
    case Format::kVtt: return "vtt";
    case Format::kTsv: return "tsv";
    case Format::kJson: return "json";
    case Format::kMd: return "md";
  }
  return "";
}

OutputPlan::OutputPlan(Options options, const std::vector<std::string>& inputs)
    : options_(std::move(options)) {
  for (const std::string& input : inputs) {
    if (input != kStandardInput) input_files_.insert(canonical(input));
  }
}

Status OutputPlan::prepare_folder() const {
  std::error_code error;
  fs::create_directories(options_.folder, error);
  if (error)
    return errno_status(options_.folder + ": the output directory cannot be made", error.value());
  if (!fs::is_directory(options_.folder, error)) {
    return invalid_input(options_.folder + ": not a directory; choose another --output-dir");
  }
  if (::access(options_.folder.c_str(), W_OK | X_OK) != 0) {
    return errno_status(options_.folder + ": the output directory cannot be written", errno);
  }
  return {};
}

Result<std::vector<OutputPlan::File>> OutputPlan::files_of(const std::string& input) {
  const fs::path path(input);
  const bool from_pipe = input == kStandardInput;
  const std::string stem = from_pipe ? "stdin" : path.stem().string();
  std::string base = stem;
  if (taken_.count(base) != 0 && !from_pipe) base = path.filename().string();
  for (int number = 2; taken_.count(base) != 0; ++number)
    base = stem + "-" + std::to_string(number);
  taken_.insert(base);

  std::vector<File> files;
  for (const Format format : options_.formats) {
    const std::string name = base + "." + std::string(to_string(format));
    files.push_back(
        {format, options_.folder == "." ? name : (fs::path(options_.folder) / name).string()});
    MAIE_TRY(check_free(files.back().path));
  }
  return files;
}

Status OutputPlan::check_free(const std::string& path) const {
  struct stat info {};
  if (::lstat(path.c_str(), &info) != 0) {
    return errno == ENOENT ? Status() : errno_status(path + ": cannot be created", errno);
  }
  if (S_ISDIR(info.st_mode)) {
    return invalid_input(path + ": is a directory; choose another --output-dir");
  }
  if (input_files_.count(canonical(path)) != 0) {
    return invalid_input(path + ": is an input of this call; choose another --output-dir");
  }
  if (!options_.overwrite) {
    return invalid_input(path + ": already exists; add --overwrite to replace it");
  }
  return {};
}

}  // namespace maie::cli
