#include "base/memory.h"

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <string>

#include "base/file.h"

namespace maie {
namespace {

constexpr size_t kProcFileLimit = 1 << 20;

// What the system and everything else in a process keeps.
constexpr uint64_t kReserveBytes = 256 << 20;

std::optional<uint64_t> number(std::string_view text) {
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end == text.data()) return std::nullopt;
  return value;
}

std::string text_of(const std::string& path) {
  const Result<std::string> content = read_file(path, kProcFileLimit);
  return content.has_value() ? *content : std::string();
}

// The number behind `key` at the start of a line, spaces before it skipped.
uint64_t value_of(std::string_view text, std::string_view key) {
  for (size_t at = text.find(key); at != text.npos; at = text.find(key, at + 1)) {
    if (at != 0 && text[at - 1] != '\n') continue;
    std::string_view rest = text.substr(at + key.size());
    rest.remove_prefix(std::min(rest.find_first_not_of(" \t"), rest.size()));
    return number(rest).value_or(0);
  }
  return 0;
}

// What counts against the container's limit, cgroup version 2, then 1. Cached files that nobody
// uses count too, and are taken back as soon as memory is short.
uint64_t used_of_limit() {
  for (const std::string folder : {"/sys/fs/cgroup/", "/sys/fs/cgroup/memory/"}) {
    const bool second = folder == "/sys/fs/cgroup/";
    const char* name = second ? "memory.current" : "memory.usage_in_bytes";
    const std::optional<uint64_t> used = number(text_of(folder + name));
    if (!used) continue;
    const std::string stat = text_of(folder + "memory.stat");
    const std::string key = second ? "\ninactive_file " : "\ntotal_inactive_file ";
    const size_t at = stat.find(key);
    const uint64_t cached =
        at == stat.npos ? 0 : number(std::string_view(stat).substr(at + key.size())).value_or(0);
    return *used - std::min(*used, cached);
  }
  return 0;
}

}  // namespace

MemoryInfo parse_meminfo(std::string_view text) {
  const auto bytes = [text](std::string_view key) { return value_of(text, key) * 1024; };  // kB
  MemoryInfo memory;
  memory.total = bytes("MemTotal:");
  memory.available = bytes("MemAvailable:");
  memory.swap_total = bytes("SwapTotal:");
  memory.swap_free = bytes("SwapFree:");
  return memory;
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

uint64_t free_for_models() {
  const uint64_t free = free_memory(this_memory());
  return free > 2 * kReserveBytes ? free - kReserveBytes : kReserveBytes;
}

uint64_t resident_memory() {
  // Pages: the whole size, then what is resident.
  const std::string text = text_of("/proc/self/statm");
  const size_t space = text.find(' ');
  if (space == text.npos) return 0;
  return number(std::string_view(text).substr(space + 1)).value_or(0) *
         uint64_t(::sysconf(_SC_PAGESIZE));
}

}  // namespace maie
