#include "cli/machine.h"

#include <errno.h>
#include <link.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>

#include <algorithm>
#include <charconv>
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

std::optional<uint64_t> number(std::string_view text) {
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end == text.data()) return std::nullopt;
  return value;
}

std::string text_of(const char* path) {
  const Result<std::string> content = read_file(path, kProcFileLimit);
  return content.has_value() ? *content : std::string();
}

// What counts against the container's limit, cgroup version 2, then 1. Cached files that nobody
// uses count too, and are taken back as soon as memory is short.
uint64_t used_of_limit() {
  for (const std::string folder : {"/sys/fs/cgroup/", "/sys/fs/cgroup/memory/"}) {
    const bool second = folder == "/sys/fs/cgroup/";
    const char* name = second ? "memory.current" : "memory.usage_in_bytes";
    const std::optional<uint64_t> used = number(text_of((folder + name).c_str()));
    if (!used) continue;
    const std::string stat = text_of((folder + "memory.stat").c_str());
    const std::string key = second ? "\ninactive_file " : "\ntotal_inactive_file ";
    const size_t at = stat.find(key);
    const uint64_t cached =
        at == stat.npos ? 0 : number(std::string_view(stat).substr(at + key.size())).value_or(0);
    return *used - std::min(*used, cached);
  }
  return 0;
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

MemoryInfo parse_meminfo(std::string_view text) {
  MemoryInfo memory;
  for_each_line(text, [&](std::string_view key, std::string_view value) {
    const uint64_t bytes = number(value).value_or(0) * 1024;  // always kB
    if (key == "MemTotal") memory.total = bytes;
    if (key == "MemAvailable") memory.available = bytes;
    if (key == "SwapTotal") memory.swap_total = bytes;
    if (key == "SwapFree") memory.swap_free = bytes;
  });
  return memory;
}

CpuInfo this_cpu() {
  CpuInfo cpu = parse_cpuinfo(text_of("/proc/cpuinfo"));
  // Most Arm kernels keep the name of the board here instead.
  if (cpu.model.empty()) cpu.model = text_of("/proc/device-tree/model");
  cpu.model = cpu.model.substr(0, cpu.model.find('\0'));
  return cpu;
}

MemoryInfo this_memory() {
  MemoryInfo memory = parse_meminfo(text_of("/proc/meminfo"));
  // cgroup version 2, then 1; "max" (no limit) is no number, version 1 writes a huge one.
  for (const char* path :
       {"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"}) {
    const std::optional<uint64_t> limit = number(text_of(path));
    if (limit && *limit < memory.total) memory.limit = limit;
  }
  if (memory.limit) memory.limit_used = used_of_limit();
  return memory;
}

uint64_t free_memory(const MemoryInfo& memory) {
  if (!memory.limit) return memory.available;
  const uint64_t left = *memory.limit - std::min(memory.limit_used, *memory.limit);
  return std::min(memory.available, left);
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
