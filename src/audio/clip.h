#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/status.h"

namespace maie::audio {

/// What a recording was before it became a Clip.
struct AudioInfo {
  std::string container;  ///< FFmpeg's short name, e.g. "wav", "mov,mp4,m4a,3gp,3g2,mj2"
  std::string codec;      ///< e.g. "pcm_s16le", "aac"
  int rate_hz = 0;
  int channels = 0;
  double duration_hint_s = 0;  ///< what the header claims; 0 when it says nothing. Never trusted.
};

/// A decoded recording: mono, 16 kHz, read by range. Samples are kept as 16 bits (sample / 32768,
/// which is also what faster-whisper computes on), in memory when the recording is short, else in
/// an unlinked temporary file, so that eight hours cost 920 MB of disk and no memory. Copies share
/// the samples. Immutable; any thread may read.
class Clip {
 public:
  static constexpr int kRate = 16000;

  Clip();
  ~Clip();
  Clip(const Clip&);
  Clip& operator=(const Clip&);
  Clip(Clip&&) noexcept;
  Clip& operator=(Clip&&) noexcept;

  /// A clip of these samples in [-1, 1] (rounded to 16 bits, clipped), held in memory.
  static Clip from_samples(std::span<const float> samples);

  int64_t size_samples() const;
  double duration_s() const { return double(size_samples()) / kRate; }

  /// Samples [first, first + out.size()), which must lie within the clip (else ContractError).
  /// kUnavailable when the temporary file cannot be read.
  Status read(int64_t first, std::span<float> out) const;

  const AudioInfo& info() const;
  /// What was wrong with the file although it could be used; sentences for the user.
  const std::vector<std::string>& warnings() const;
  /// True when the samples lie in a temporary file rather than in memory.
  bool on_disk() const;

 private:
  friend class ClipWriter;
  struct Content;
  std::shared_ptr<const Content> content_;
};

/// Builds a Clip from samples as they arrive. One thread at a time.
class ClipWriter {
 public:
  struct Options {
    double memory_limit_s = 900;        ///< longer clips move to a temporary file
    std::string temporary_folder = {};  ///< empty: $TMPDIR, else /var/tmp, else /tmp
  };
  explicit ClipWriter(Options options);
  ~ClipWriter();
  ClipWriter(ClipWriter&&) noexcept;

  /// Samples in [-1, 1]; rounded to 16 bits and clipped.
  /// kResourceExhausted when the disk is full, kPermissionDenied when the folder cannot be written.
  Status append(std::span<const float> samples);
  int64_t size_samples() const;

  /// The finished clip; the writer is empty afterwards.
  Clip finish(AudioInfo info, std::vector<std::string> warnings);

 private:
  Status flush();
  Options options_;
  std::unique_ptr<Clip::Content> content_;
};

/// Opens a new file without a name, for reading and writing, in `folder` (empty: $TMPDIR, else
/// /var/tmp, else /tmp). It vanishes when closed. The caller owns the descriptor.
Result<int> open_temporary_file(const std::string& folder);

}  // namespace maie::audio
