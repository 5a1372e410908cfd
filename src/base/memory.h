#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace maie {

/// Memory in bytes. `limit` is that of the container this process runs in.
struct MemoryInfo {
  uint64_t total = 0;
  uint64_t available = 0;
  uint64_t swap_total = 0;
  uint64_t swap_free = 0;
  std::optional<uint64_t> limit{};
  uint64_t limit_used = 0;  ///< of the limit, less what the kernel can take back
};

/// From the text of /proc/meminfo; numbers that are missing stay 0.
MemoryInfo parse_meminfo(std::string_view text);

/// Of this machine, now.
MemoryInfo this_memory();

/// Bytes a program that starts now can have without swapping: what is available, and no more than
/// the container's limit leaves.
uint64_t free_memory(const MemoryInfo& memory);

/// Bytes of a machine that models may take: what is free less what the system and everything else
/// in a process keeps, at least 256 MiB.
uint64_t free_for_models();

/// Memory that this process holds at the moment; 0 where the system does not say.
uint64_t resident_memory();

}  // namespace maie
