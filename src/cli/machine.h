#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace maie::cli {

/// The processor as Linux describes it.
struct CpuInfo {
  std::string model;
  std::vector<std::string> features;  ///< those the engine can make use of, by the kernel's names
};

/// Memory in bytes. `limit` is that of the container this process runs in.
struct MemoryInfo {
  uint64_t total = 0;
  uint64_t available = 0;
  uint64_t swap_total = 0;
  uint64_t swap_free = 0;
  std::optional<uint64_t> limit{};
  uint64_t limit_used = 0;  ///< of the limit, less what the kernel can take back
};

struct Library {
  std::string name;
  std::string version;  ///< empty when it does not say
};

/// From the text of /proc/cpuinfo (x86 and Arm).
CpuInfo parse_cpuinfo(std::string_view text);

/// From the text of /proc/meminfo; numbers that are missing stay 0.
MemoryInfo parse_meminfo(std::string_view text);

/// Bytes a program that starts now can have without swapping: what is available, and no more than
/// the container's limit leaves.
uint64_t free_memory(const MemoryInfo& memory);

CpuInfo this_cpu();
MemoryInfo this_memory();

/// Whether the kernel can confine the decoding child by a system-call filter.
bool has_seccomp();

/// Libraries loaded into this process that do its work, by what their files are called
/// (libavcodec.so.59.37.100 is "libavcodec" "59.37.100").
std::vector<Library> loaded_libraries();

/// Name and version of a shared library file; nullopt when it is none.
std::optional<Library> parse_library_name(std::string_view file_name);

}  // namespace maie::cli
