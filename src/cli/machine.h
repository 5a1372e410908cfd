#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/memory.h"

namespace maie::cli {

/// The processor as Linux describes it.
struct CpuInfo {
  std::string model;
  std::vector<std::string> features;  ///< those the engine can make use of, by the kernel's names
};

struct Library {
  std::string name;
  std::string version;  ///< empty when it does not say
};

/// From the text of /proc/cpuinfo (x86 and Arm).
CpuInfo parse_cpuinfo(std::string_view text);

CpuInfo this_cpu();

/// Whether the kernel can confine the decoding child by a system-call filter.
bool has_seccomp();

/// Libraries loaded into this process that do its work, by what their files are called
/// (libavcodec.so.59.37.100 is "libavcodec" "59.37.100").
std::vector<Library> loaded_libraries();

/// Name and version of a shared library file; nullopt when it is none.
std::optional<Library> parse_library_name(std::string_view file_name);

}  // namespace maie::cli
