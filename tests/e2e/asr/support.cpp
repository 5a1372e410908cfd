#include "tests/e2e/asr/support.h"

#include <cstdlib>
#include <sstream>
#include <stdexcept>

#include "audio/decode.h"
#include "base/file.h"

namespace maie::e2e {
namespace {

template <class T>
T must(Result<T> result) {
  if (!result.has_value()) throw std::runtime_error(result.error().message());
  return std::move(*result);
}

}  // namespace

bool long_tests() {
  const char* set = std::getenv("MAIE_LONG_TESTS");
  return set != nullptr && std::string(set) == "1";
}

audio::Clip sample(const std::string& name) {
  audio::set_decoder_program(MAIE_BINARY_DIR "/bin/maie_decode_child");
  return must(audio::decode(MAIE_SOURCE_DIR "/samples/" + name, {}, nullptr));
}

std::string truth(const std::string& name) {
  return must(read_file(MAIE_SOURCE_DIR "/samples/" + name + ".txt", 1 << 20));
}

std::unique_ptr<pipeline::Transcriber> load(pipeline::TranscriberOptions options) {
  if (options.model_path.empty()) options.model_path = kMiniModel;
  if (options.compute_type == ComputeType::kAuto) options.compute_type = ComputeType::kFloat32;
  if (options.threads == 0) options.threads = 2;
  return must(pipeline::Transcriber::load(options));
}

std::unique_ptr<pipeline::Transcriber> load_mini() { return load({}); }

pipeline::Transcript transcribe(pipeline::Transcriber& transcriber, const audio::Clip& clip,
                                const pipeline::TranscribeOptions& options) {
  return must(transcriber.transcribe(clip, options, {}, CancelToken()));
}

std::string text_of(const pipeline::Transcript& transcript) {
  std::string text;
  for (const pipeline::Segment& segment : transcript.segments) text += segment.text;
  return text;
}

std::string fingerprint(const pipeline::Transcript& transcript) {
  std::ostringstream out;
  out.precision(9);
  for (const pipeline::Segment& segment : transcript.segments) {
    out << segment.start_s << ' ' << segment.end_s << ' ' << segment.text << ' '
        << segment.temperature << ' ' << segment.avg_logprob << ' ' << segment.confidence << ' '
        << segment.compression_ratio << ' ' << segment.no_speech_probability;
    for (const int token : segment.tokens) out << ' ' << token;
    for (const pipeline::Word& word : segment.words) {
      out << "\n  " << word.start_s << ' ' << word.end_s << ' ' << word.text << ' '
          << word.probability;
    }
    out << '\n';
  }
  for (const pipeline::DroppedRegion& region : transcript.dropped) {
    out << "dropped " << region.start_s << ' ' << region.end_s << ' ' << region.reason << ' '
        << region.text << '\n';
  }
  return out.str();
}

}  // namespace maie::e2e
