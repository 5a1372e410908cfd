#include "cli/machine.h"

#include <errno.h>
#include <link.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>

#include <algorithm>
#include <filesystem>
#include <iterator>

#include "base/file.h"

namespace maie::cli {
namespace {

namespace fs = std::filesystem;

constexpr size_t kProcFileLimit = 4 << 20;  // /proc/cpuinfo of a machine with a thousand cores

// x86 names first, then Arm's.
constexpr std::string_view kUsefulFeatures[] = {
    "avx2",        "fma",         "f16c",     "avx512f",  "avx512bw", "avx512vl",
    "avx512_vnni", "avx512_bf16", "avx_vnni", "amx_int8", "amx_bf16", "asimd",
    "asimdhp",     "asimddp",     "bf16",     "i8mm",     "sve"};

constexpr std::string_view kOurLibraries[] = {
    "libavcodec", "libavformat", "libavutil", "libcrypto", "libhwy",      "libkissfft-float",
    "libpcre2-8", "libseccomp",  "libsoxr",   "libspdlog", "libutf8proc", "libz"};

std::string_view trimmed(std::string_view text) {
  const size_t first = text.find_first_not_of(" \t");
  if (first == text.npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

// Calls `take(key, value)` for each "key : value" line.
template <class Take>
void for_each_line(std::string_view text, Take take) {
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    const size_t colon = line.find(':');
    if (colon != line.npos) take(trimmed(line.substr(0, colon)), trimmed(line.substr(colon + 1)));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

bool has_word(std::string_view list, std::string_view word) {
  for (size_t at = list.find(word); at != list.npos; at = list.find(word, at + 1)) {
    const bool starts = at == 0 || list[at - 1] == ' ';
    const size_t end = at + word.size();
    if (starts && (end == list.size() || list[end] == ' ')) return true;
  }
  return false;
}

std::string text_of(const char* path) {
  const Result<std::string> content = read_file(path, kProcFileLimit);
  return content.has_value() ? *content : std::string();
}

int visit_library(dl_phdr_info* info, size_t, void* data) {
  std::error_code error;
  const fs::path real = fs::canonical(info->dlpi_name, error);
  if (error) return 0;
  const std::optional<Library> library = parse_library_name(real.filename().string());
  if (library &&
      std::count(std::begin(kOurLibraries), std::end(kOurLibraries), library->name) > 0) {
    static_cast<std::vector<Library>*>(data)->push_back(*library);
  }
  return 0;
}

}  // namespace

CpuInfo parse_cpuinfo(std::string_view text) {
  CpuInfo cpu;
  std::string_view flags;
  for_each_line(text, [&](std::string_view key, std::string_view value) {
    // Arm says "Features", x86 "flags"; once per core, and all of them alike.
    if ((key == "flags" || key == "Features") && flags.empty()) flags = value;
    if ((key == "model name" || key == "Model") && cpu.model.empty()) cpu.model = value;
  });
  for (const std::string_view feature : kUsefulFeatures) {
    if (has_word(flags, feature)) cpu.features.emplace_back(feature);
  }
  return cpu;
}

CpuInfo this_cpu() {
  CpuInfo cpu = parse_cpuinfo(text_of("/proc/cpuinfo"));
  // Most Arm kernels keep the name of the board here instead.
  if (cpu.model.empty()) cpu.model = text_of("/proc/device-tree/model");
  cpu.model = cpu.model.substr(0, cpu.model.find('\0'));
  return cpu;
}

bool has_seccomp() {
  // With a null filter a kernel that knows the mode says EFAULT, another one EINVAL.
  return ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, nullptr, 0, 0) == -1 && errno == EFAULT;
}

std::optional<Library> parse_library_name(std::string_view file_name) {
  const size_t so = file_name.find(".so");
  if (file_name.rfind("lib", 0) != 0 || so == file_name.npos) return std::nullopt;
  std::string_view version = file_name.substr(so + 3);
  if (!version.empty() && version.front() != '.') return std::nullopt;
  if (!version.empty()) version.remove_prefix(1);
  return Library{std::string(file_name.substr(0, so)), std::string(version)};
}

std::vector<Library> loaded_libraries() {
  std::vector<Library> libraries;
  ::dl_iterate_phdr(visit_library, &libraries);
  std::sort(libraries.begin(), libraries.end(),
            [](const Library& a, const Library& b) { return a.name < b.name; });
  return libraries;
}

}  // namespace maie::cli
