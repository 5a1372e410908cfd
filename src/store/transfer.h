#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "base/cancel.h"
#include "base/status.h"
#include "store/hub.h"
#include "store/part_file.h"

namespace maie::store {

/// How the bytes of a file are fetched.
struct TransferOptions {
  int connections = 4;       ///< ranges of one file at a time, where the server knows ranges
  uint64_t piece_bytes = 0;  ///< of one request; 0: by the size of the file
  double stall_limit_s = 60;
  const CancelToken* cancel = nullptr;
  /// Told how many bytes of the file are there, from any thread, one at a time.
  std::function<void(uint64_t done)> progress{};
};

/// Fetches the missing bytes of `part` (docs/spec/interfaces.md 8.3): in parallel ranges when the
/// server answered the first with 206, in one go when it knows no ranges. What came before a
/// failure stays in the part, saved.
/// @return kNotFound, kPermissionDenied: as the hub says; kCorrupt: the server's file has another
/// size; kUnavailable: gave up; kResourceExhausted: the disk is full; kCancelled.
Status fetch_bytes(const Hub& hub, const std::string& repo, const std::string& commit,
                   const std::string& path, PartFile& part, const TransferOptions& options);

}  // namespace maie::store
