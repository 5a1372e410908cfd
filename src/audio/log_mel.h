#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "audio/clip.h"
#include "base/status.h"
#include "base/threads.h"
#include "tensor/tensor.h"

namespace maie::audio {

struct MelPlan;

/// The log-mel features Whisper reads (Slaney triangles, 25 ms periodic Hann window every 10 ms;
/// docs/models/whisper.md gives the formulas). Samples are mono at 16 kHz in [-1, 1].
///
/// Features are "raw" after log10 and "normalised" after `normalise`: the second step needs the
/// largest raw value of everything that belongs together, and callers differ in what that is:
///
///   one region, the batched mode        `region`
///   a window cut out of a whole file    `scan_max` once over the file, then `clip_frames` and
///                                       `normalise` window by window: no more than a window is
///                                       held
///
/// Rows are frames, columns are mel bins: tensors are float32 [T, n_mels] on the CPU. Immutable;
/// any thread may call, but not two threads with the same pool.
class LogMel {
 public:
  static constexpr int kRate = 16000;          ///< samples a second
  static constexpr int kHop = 160;             ///< samples from frame to frame: 10 ms
  static constexpr int kWindow = 400;          ///< samples in a frame
  static constexpr int kSegmentFrames = 3000;  ///< frames the encoder reads: 30 s
  static constexpr int kEndZeros = 160;        ///< zeros faster-whisper appends to any signal

  /// @param n_mels 80 or 128 in the published models; 1 to 256 work.
  explicit LogMel(int n_mels);
  ~LogMel();
  LogMel(LogMel&&) noexcept;
  LogMel& operator=(LogMel&&) noexcept;

  int n_mels() const;

  /// Frames of a signal of `samples` samples (end zeros counted): one each 10 ms; the one whose
  /// centre is the end of the signal is dropped.
  static int64_t frames_of(int64_t samples) { return samples / kHop; }

  /// Raw features of one complete signal: `samples`, then `end_zeros` zeros, reflected at both
  /// ends.
  /// @param out [T, n_mels] with T = frames_of(samples.size() + end_zeros), written.
  /// @returns the largest value written, -10 when T is 0.
  float raw(std::span<const float> samples, int64_t end_zeros, Tensor out, ThreadPool& pool) const;

  /// Normalised features of one region on its own, ready for the encoder: `raw` with `end_zeros`,
  /// the last column left out when `drop_last` (the extra one that the 160 zeros make; it still
  /// counts for the maximum), `normalise`, and all further rows of `out` set to 0.
  /// @param out [T, n_mels], usually T = 3000. A longer region is cut off at T frames.
  /// @returns frames that hold audio, at most T.
  struct RegionOptions {
    int64_t end_zeros = kEndZeros;
    bool drop_last = true;
  };
  int64_t region(std::span<const float> samples, const RegionOptions& options, Tensor out,
                 ThreadPool& pool) const;
  int64_t region(std::span<const float> samples, Tensor out, ThreadPool& pool) const {
    return region(samples, RegionOptions(), out, pool);
  }

  /// Raw features of frames [first, first + T) of a whole clip with `end_zeros` after it.
  /// @param out [T, n_mels], written; first + T is at most frames_of(clip.size_samples() +
  /// end_zeros).
  Status clip_frames(const Clip& clip, int64_t end_zeros, int64_t first, Tensor out,
                     ThreadPool& pool) const;

  /// Largest raw value of a whole clip with `end_zeros` after it, computed piece by piece.
  Result<float> scan_max(const Clip& clip, int64_t end_zeros, ThreadPool& pool) const;

  /// x = (max(x, largest - 8) + 4) / 4 for all of `features`, in place.
  static void normalise(Tensor features, float largest);

 private:
  float frames(const float* padded, int64_t count, float* out, ThreadPool& pool) const;
  std::unique_ptr<const MelPlan> plan_;
};

}  // namespace maie::audio
