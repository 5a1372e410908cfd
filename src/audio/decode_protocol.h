#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "audio/clip.h"
#include "base/status.h"

namespace maie::audio {

/// What the decoding child says to its parent over a pipe. Both are the same program on the same
/// machine, so numbers travel in the machine's byte order; but the child has read hostile bytes, so
/// the parent trusts nothing it says.
///
///   message := type u32, payload size u32 (at most kMaxPayload), payload
///   conversation := kStream (kSamples | kWarning)* (kEnd | kError)  |  kWarning* kError
/// A kNote, for the log, may stand anywhere before the end.
struct DecodeMessage {
  enum class Type : uint32_t {
    kStream = 1,
    kSamples = 2,
    kWarning = 3,
    kEnd = 4,
    kError = 5,
    kNote = 6
  };
  Type type = Type::kEnd;
  AudioInfo info;                ///< kStream
  std::vector<int16_t> samples;  ///< kSamples: mono, 16 kHz
  std::string text;              ///< kWarning, kNote, kError: one sentence, printable
  Code code = Code::kOk;         ///< kError
};

inline constexpr size_t kMaxPayload = 64 * 1024;
inline constexpr size_t kMaxWarnings = 32;  ///< of both kinds together
inline constexpr size_t kMaxText = 1024;

/// Messages as bytes. Texts are cut to kMaxText and cleaned as the parser demands.
std::string encode_stream(const AudioInfo& info);
std::string encode_samples(std::span<const int16_t> samples);  ///< at most kMaxPayload / 2
std::string encode_warning(std::string_view text);
std::string encode_note(std::string_view text);
std::string encode_end();
std::string encode_error(const Status& error);

/// Takes the conversation apart. Memory is bounded by one message. One thread at a time.
class DecodeMessageParser {
 public:
  /// Adds bytes as they come from the pipe.
  void push(std::span<const std::byte> bytes);

  /// The next whole message; nothing when more bytes are needed. kInternal when the conversation is
  /// not one the table above allows: the child has gone wrong, read no further.
  Result<std::optional<DecodeMessage>> next();

  /// True once kEnd or kError was returned.
  bool finished() const { return finished_; }

 private:
  Result<DecodeMessage> parse(uint32_t type, std::span<const std::byte> payload);
  std::vector<std::byte> pending_;
  size_t taken_ = 0;
  size_t warnings_ = 0;
  bool has_stream_ = false;
  bool finished_ = false;
};

/// `text` with control characters and bytes that are not UTF-8 replaced by '?', cut to `limit`
/// bytes.
std::string printable(std::string_view text, size_t limit);

}  // namespace maie::audio
