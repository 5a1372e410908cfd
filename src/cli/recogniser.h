#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/cancel.h"
#include "base/status.h"
#include "pipeline/transcribe.h"

namespace maie::cli {

/// A recording and what was heard in it.
struct Recognised {
  pipeline::Transcript transcript;
  std::vector<std::string>
      input_warnings;     ///< what was wrong with the file although it could be used
  std::string container;  ///< "wav", ...; empty when unknown
  std::string codec;      ///< "pcm_s16le", ...
  int rate_hz = 0;        ///< as recorded
  int channels = 0;
};

/// Told about from the thread that calls `recognise`.
struct RecogniseCallbacks {
  std::function<void(double duration_s)> opened;  ///< decoded; recognition starts
  std::function<void(double fraction)> progress;
  std::function<void(const pipeline::Segment&)> segment;
};

/// All that `maie transcribe` asks of the engine: a file name in, a transcript out. The seam at
/// which its tests put a recogniser without weights. One thread at a time.
class Recogniser {
 public:
  virtual ~Recogniser() = default;

  /// Whether the loaded model can serve these options.
  virtual Status validate(const pipeline::TranscribeOptions& options) const = 0;

  /// Decodes and recognises `input` ("-": standard input).
  virtual Result<Recognised> recognise(const std::string& input,
                                       const pipeline::TranscribeOptions& options,
                                       const RecogniseCallbacks& callbacks,
                                       const CancelToken& cancel) = 0;

  virtual const pipeline::ModelInfo& info() const = 0;
  virtual std::string model_hash() = 0;
};

using RecogniserLoader =
    std::function<Result<std::unique_ptr<Recogniser>>(const pipeline::TranscriberOptions&)>;

/// The real one: audio decoding and pipeline::Transcriber.
Result<std::unique_ptr<Recogniser>> load_recogniser(const pipeline::TranscriberOptions& options);

}  // namespace maie::cli
