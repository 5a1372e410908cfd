#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/cancel.h"
#include "base/status.h"
#include "store/byte_ranges.h"

namespace maie::store {

/// How a part reaches the disk; tests put faults here.
struct DiskCalls {
  /// As pwrite(2): bytes written, or -1 with errno.
  std::function<long(int descriptor, const void* bytes, size_t count, uint64_t offset)> write;
  /// Bytes a user may still write in the file system of `folder`.
  std::function<Result<uint64_t>(const std::string& folder)> free_bytes;

  static DiskCalls real();
};

/// A file on its way: "<tag>.<random>.part" beside the blob it will become, and a journal,
/// "<tag>.<random>.part.json", that says which bytes of it are on the disk. The journal is
/// written after those bytes were flushed, at every 16 MiB and in `save`, so that after a kill -9
/// or a power cut a later run goes on from it; what is not in it is fetched again.
///
/// `write`, `claim` and `release` from any thread; the rest from one thread while no other writes.
/// The caller holds the lock of the tag.
class PartFile {
 public:
  /// Goes on with the part of an interrupted run, if there is a sound one of this tag and size,
  /// and removes others of this tag; else begins a new one.
  static Result<std::unique_ptr<PartFile>> open(const std::string& folder, const std::string& tag,
                                                uint64_t size_bytes, const std::string& commit,
                                                const DiskCalls& disk);
  ~PartFile();
  PartFile(const PartFile&) = delete;
  PartFile& operator=(const PartFile&) = delete;

  Status write(uint64_t offset, std::string_view bytes);
  /// The first missing bytes that nobody has claimed, at most `limit` of them; nullopt: none.
  std::optional<ByteRange> claim(uint64_t limit);
  void release(ByteRange claimed);
  uint64_t done_bytes() const;
  uint64_t size_bytes() const { return size_bytes_; }
  bool was_resumed() const { return was_resumed_; }

  /// Flushes the bytes and then the journal.
  Status save();
  /// Forgets all bytes.
  Status restart();
  /// Checks the hash `tag` names, flushes, and gives the file its name `<folder>/<tag>`; the part
  /// and its journal are gone. kCorrupt when the hash is another: the part stays.
  /// @param progress  told how many bytes were read
  Status finish(const CancelToken* cancel, const std::function<void(uint64_t)>& progress);
  /// Removes part and journal.
  void discard();

 private:
  PartFile(std::string folder, std::string tag, uint64_t size_bytes, std::string commit,
           const DiskCalls& disk);
  bool resume(const std::string& path);
  Status begin();

  const std::string folder_, tag_, commit_;
  const uint64_t size_bytes_;
  const DiskCalls disk_;
  std::string path_;
  int descriptor_ = -1;
  bool was_resumed_ = false;

  mutable std::mutex mutex_;  // of the three below
  ByteRanges done_;
  ByteRanges done_or_claimed_;
  uint64_t unsaved_ = 0;
  std::mutex saving_;  // one journal at a time
};

/// Hash of a file as its tag names it: 64 digits SHA-256, 40 the git blob hash. Reads it whole.
Result<std::string> hash_like(const std::string& tag, const std::string& path,
                              const CancelToken* cancel,
                              const std::function<void(uint64_t)>& progress = {});

}  // namespace maie::store
