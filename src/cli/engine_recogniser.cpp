#include <unistd.h>

#include <utility>

#include "audio/clip.h"
#include "audio/decode.h"
#include "cli/inputs.h"
#include "cli/recogniser.h"
#include "worker/open_model.h"

namespace maie::cli {
namespace {

class EngineRecogniser : public Recogniser {
 public:
  explicit EngineRecogniser(std::unique_ptr<pipeline::Transcriber> transcriber)
      : transcriber_(std::move(transcriber)) {}

  Status validate(const pipeline::TranscribeOptions& options) const override {
    return transcriber_->validate(options);
  }

  Result<Recognised> recognise(const std::string& input, const pipeline::TranscribeOptions& options,
                               const RecogniseCallbacks& callbacks,
                               const CancelToken& cancel) override {
    MAIE_ASSIGN(const audio::Clip clip,
                input == kStandardInput
                    ? audio::decode_descriptor(STDIN_FILENO, "standard input", {}, &cancel)
                    : audio::decode(input, {}, &cancel));
    if (callbacks.opened) callbacks.opened(clip.duration_s());
    MAIE_ASSIGN(
        pipeline::Transcript transcript,
        transcriber_->transcribe(clip, options, {callbacks.progress, callbacks.segment}, cancel));
    const audio::AudioInfo& info = clip.info();
    return Recognised{std::move(transcript), clip.warnings(), info.container, info.codec,
                      info.rate_hz,          info.channels};
  }

  const pipeline::ModelInfo& info() const override { return transcriber_->info(); }
  std::string model_hash() override { return transcriber_->model_hash(); }

 private:
  std::unique_ptr<pipeline::Transcriber> transcriber_;
};

}  // namespace

Result<std::unique_ptr<Recogniser>> load_recogniser(const pipeline::TranscriberOptions& options) {
  MAIE_ASSIGN(std::unique_ptr<pipeline::Transcriber> transcriber, worker::open_recogniser(options));
  return std::unique_ptr<Recogniser>(std::make_unique<EngineRecogniser>(std::move(transcriber)));
}

}  // namespace maie::cli
