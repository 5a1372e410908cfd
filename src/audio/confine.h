#pragma once

#include <cstdint>
#include <string>

namespace maie::audio {

/// What the decoding child may still do after `confine`: read, write and seek the descriptors it
/// was given, and allocate memory. No files, no sockets, no processes, no threads, no executable
/// memory.
struct Confinement {
  int64_t memory_bytes = int64_t{2} << 30;  ///< address space beyond what the program already has
  int64_t file_bytes = int64_t{16} << 30;   ///< largest file it may write (the spool)
};

/// Gives up, for good, every right the decoder does not need: resource limits, no_new_privs and a
/// seccomp list of allowed calls (any other fails with EPERM). Call before the first hostile byte
/// is read, with one thread running.
/// @returns empty when all of it holds; else what this kernel lacks, for a debug log. Resource
/// limits hold in any case. Sanitizer builds limit neither memory, open files nor calls: their
/// run-time needs them (the undefined-behaviour one opens a pipe to test an address).
std::string confine(const Confinement& limits);

/// True in builds where `confine` installs the call list (not under a sanitizer).
bool confines_calls();

}  // namespace maie::audio
