#pragma once

#include <cstdint>

namespace maie::server {

/// What the system says of this process (/proc); 0 where it says nothing.
struct ProcessNumbers {
  double cpu_seconds = 0;
  double start_time_s = 0;  ///< Unix time
  uint64_t resident_bytes = 0, virtual_bytes = 0;
  uint64_t open_files = 0, max_files = 0;
};

ProcessNumbers process_numbers();

}  // namespace maie::server
