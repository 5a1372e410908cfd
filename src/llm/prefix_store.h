#pragma once

#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "base/status.h"

namespace maie::llm {

struct PrefixStoreOptions {
  std::string directory;  ///< made when something is first kept
  /// What else the bytes of a page depend on: checkpoint, types, chunk, processor. Files of another
  /// identity are not found.
  std::string identity;
  size_t page_bytes = 0;
  int64_t page_tokens = 0;
  size_t most_bytes = size_t{2} << 30;  ///< of all files; the ones used longest ago go
};

/// Beginnings of prompts on the disk, a file each, so that the first request after a start need not
/// read its template's prompt again. Files are written whole or not at all, by a thread of the
/// store, and are checked when read: one that is cut, damaged or of something else is ignored with
/// a line in the log. Any thread.
///
/// A file: "MAIEKV" and version, SHA-256 of what follows in hexadecimal, then identity, tokens and
/// pages, each with its length before it; little-endian.
class PrefixStore {
 public:
  explicit PrefixStore(PrefixStoreOptions options);
  ~PrefixStore();  ///< finishes what is to be written

  /// The pages of exactly these tokens, one after the other; empty when they are not there.
  std::vector<std::byte> load(std::span<const int32_t> tokens) const;
  bool has(std::span<const int32_t> tokens) const;
  /// Leaves pages to be written. Gives up, with a line in the log, when the disk is too slow.
  void save(std::span<const int32_t> tokens, std::vector<std::byte> pages);
  /// Returns when all that was saved so far is on the disk, or has failed.
  void wait();

 private:
  struct Pending {
    std::string path;
    std::string content;
  };
  std::string path_of(std::span<const int32_t> tokens) const;
  void work();
  void write(const Pending& pending) const;
  void remove_oldest(size_t room) const;

  const PrefixStoreOptions options_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Pending> pending_;
  bool writing_ = false, closing_ = false;
  std::thread thread_;
};

/// Reads what a file of the store holds; kCorrupt or kNotFound (another identity or other tokens)
/// with the reason. The pages are a view into `file`.
Result<std::span<const std::byte>> parse_stored_prefix(std::span<const std::byte> file,
                                                       std::string_view identity,
                                                       std::span<const int32_t> tokens,
                                                       size_t page_bytes, int64_t page_tokens);

}  // namespace maie::llm
