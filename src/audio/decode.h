#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "audio/clip.h"
#include "base/cancel.h"
#include "base/status.h"

namespace maie::audio {

struct DecodeOptions {
  double max_duration_s = 24 * 3600;  ///< a longer recording is refused with kInvalidInput
  double memory_limit_s = 900;        ///< a longer clip lies in a temporary file
  std::string temporary_folder = {};  ///< empty: $TMPDIR, else /var/tmp, else /tmp
  int64_t max_spool_bytes = int64_t{16}
                            << 30;  ///< of a pipe that must be copied to disk first (MP4)
};

/// A recording being decoded by a confined child process (decode_child.h), which works ahead while
/// the caller uses what it has. Destroying it ends the child. One thread at a time.
///
/// Samples are mono at 16 kHz: the mean of the channels, resampled by soxr HQ, rounded to 16 bits.
/// Errors name the recording, what is wrong and what to do:
///   kInvalidInput       a directory, an empty file, no sound in it, longer than the limit
///   kNotFound, kPermissionDenied
///   kUnsupported        a codec or sample format that this FFmpeg lacks
///   kCorrupt            no audio file at all, or nothing of it can be decoded
///   kResourceExhausted  the disk is full, or the child ran out of memory
///   kCancelled          `cancel` asked; noticed within 50 ms whatever the child does
///   kInternal           the child died
class Decoding {
 public:
  ~Decoding();
  Decoding(const Decoding&) = delete;
  Decoding& operator=(const Decoding&) = delete;

  /// What the headers say; known as soon as start_decode returns.
  const AudioInfo& info() const;

  /// Waits for samples and stores at most out.size() of them.
  /// @returns how many; 0 at the end of the recording.
  Result<size_t> read_some(std::span<float> out);

  /// What was wrong although decoding went on. Complete once read_some returned 0.
  const std::vector<std::string>& warnings() const;

 private:
  friend Result<std::unique_ptr<Decoding>> start_decode_descriptor(int, std::string,
                                                                   const DecodeOptions&,
                                                                   const CancelToken*);
  struct Child;
  explicit Decoding(std::unique_ptr<Child> child);
  std::unique_ptr<Child> child_;
};

/// Starts decoding the file at `path`, and waits until its headers are read.
/// @param cancel may be null; must outlive the Decoding.
Result<std::unique_ptr<Decoding>> start_decode(const std::string& path,
                                               const DecodeOptions& options,
                                               const CancelToken* cancel);

/// The same from an open descriptor, e.g. 0 for standard input; a pipe works as well as a file. The
/// caller keeps the descriptor and reads nothing from it meanwhile.
/// @param name what messages call it, e.g. "standard input".
Result<std::unique_ptr<Decoding>> start_decode_descriptor(int descriptor, std::string name,
                                                          const DecodeOptions& options,
                                                          const CancelToken* cancel);

/// Decodes a whole recording.
Result<Clip> decode(const std::string& path, const DecodeOptions& options,
                    const CancelToken* cancel);
Result<Clip> decode_descriptor(int descriptor, std::string name, const DecodeOptions& options,
                               const CancelToken* cancel);

/// The program started as the decoding child; it must call decode_child_main (decode_child.h).
/// Default "/proc/self/exe": a program that decodes serves as its own child. Set before the first
/// decoding, when no other thread runs.
void set_decoder_program(std::string path);

}  // namespace maie::audio
