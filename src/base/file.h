#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/status.h"

namespace maie {

/// A whole file mapped read-only. Immutable; any thread may read. The kernel pages bytes in when
/// they are first touched, so opening a large model file costs nothing.
class MappedFile {
 public:
  static Result<std::shared_ptr<const MappedFile>> open(const std::string& path);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  std::span<const std::byte> bytes() const { return bytes_; }
  const std::string& path() const { return path_; }
  /// Tells the system that whole pages within `part` of bytes() need not stay in memory for now.
  void release(std::span<const std::byte> part) const;

 private:
  MappedFile(std::string path, std::span<const std::byte> bytes)
      : path_(std::move(path)), bytes_(bytes) {}
  std::string path_;
  std::span<const std::byte> bytes_;
};

/// Reads a small file; kInvalidInput when it is longer than `limit_bytes`.
Result<std::string> read_file(const std::string& path, size_t limit_bytes);

/// Where the program keeps what it can make again: $XDG_CACHE_HOME/maie, else ~/.cache/maie; empty
/// without a home.
std::string cache_folder();

/// Writes `content` to a temporary file in the same folder, flushes it to the disk and renames it
/// to `path`, so that readers see the old file or the whole new one. On failure nothing is left
/// behind.
Status write_file_atomically(const std::string& path, std::string_view content);

/// The same for a secret that is written once: only its owner may read the file, and one that is
/// there already stays. @returns whether it was made; of several that try at once, one does.
Result<bool> create_private_file(const std::string& path, std::string_view content);

/// Lower-case hexadecimal SHA-256 of `bytes`.
std::string sha256_hex(std::span<const std::byte> bytes);

}  // namespace maie
