#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "audio/clip.h"
#include "base/status.h"

namespace maie::audio {

/// Compressed bytes to decode.
class ByteInput {
 public:
  virtual ~ByteInput() = default;
  /// Reads at most out.size() bytes from the current position; 0 at the end, -errno on failure.
  virtual int64_t read(std::span<std::byte> out) = 0;
  /// Length in bytes, -1 for a stream that cannot seek.
  virtual int64_t size() const = 0;
  /// Moves to an absolute position. Only called when size() >= 0.
  virtual void seek(int64_t position) = 0;
};

/// Receives mono 16 kHz samples of 16 bits. `stream` comes once and first; a failed Status from any
/// of them stops the decoding and is what decode_media returns.
class PcmSink {
 public:
  virtual ~PcmSink() = default;
  virtual Status stream(const AudioInfo& info) = 0;
  virtual Status samples(std::span<const int16_t> block) = 0;
  virtual Status warning(const std::string& text) = 0;
};

/// Decodes the best audio stream of `input` in this process: demux, decode, channels to their mean,
/// NaN and infinities to 0, resample to 16 kHz, round to 16 bits. What can be decoded of a damaged
/// file is kept, with a warning. Runs one thread, opens nothing, reads nothing but `input`.
///
/// This is FFmpeg on hostile bytes: only the decoding child and the fuzzer call it.
/// @param max_samples kInvalidInput once there are more.
Status decode_media(ByteInput& input, int64_t max_samples, PcmSink& sink);

}  // namespace maie::audio
