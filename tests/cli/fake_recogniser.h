#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "cli/recogniser.h"

namespace maie::cli {

/// A recogniser that hears "first" and "second" in every recording, or what a test tells it to.
class FakeRecogniser : public Recogniser {
 public:
  /// What the tests set and look at; outlives the recogniser.
  struct Script {
    std::map<std::string, Status> failures;      ///< by the input's file name
    std::function<void(const std::string&)> at;  ///< called before each segment
    Status option_failure;                       ///< of validate
    std::vector<std::string> heard;              ///< inputs recognised, in order
    std::vector<pipeline::TranscribeOptions> options;
  };

  explicit FakeRecogniser(Script& script) : script_(script) {
    info_ = {"models/fake", "huggingface", "float32", "int8", "models/vad", "", 1};
  }

  Status validate(const pipeline::TranscribeOptions&) const override {
    return script_.option_failure;
  }

  Result<Recognised> recognise(const std::string& input, const pipeline::TranscribeOptions& options,
                               const RecogniseCallbacks& callbacks,
                               const CancelToken& cancel) override {
    script_.heard.push_back(input);
    script_.options.push_back(options);
    const auto failure = script_.failures.find(input.substr(input.rfind('/') + 1));
    if (failure != script_.failures.end()) return failure->second;
    callbacks.opened(10);
    Recognised result;
    result.input_warnings = {"the header claims 60 s, 10 s are there"};
    result.transcript = transcript();
    for (const pipeline::Segment& segment : result.transcript.segments) {
      if (script_.at) script_.at(input);
      MAIE_TRY(cancel.status());
      callbacks.segment(segment);
      callbacks.progress(segment.end_s / 10);
    }
    return result;
  }

  const pipeline::ModelInfo& info() const override { return info_; }
  std::string model_hash() override { return std::string(64, 'a'); }

  static pipeline::Transcript transcript() {
    pipeline::Segment first;
    first.start_s = 1;
    first.end_s = 3.5;
    first.text = " first";
    first.tokens = {11, 12};
    first.words = {{1, 3.5, " first", 0.75}};
    first.avg_logprob = -0.2876821;
    first.confidence = 0.75;
    first.compression_ratio = 0.9;
    pipeline::Segment second = first;
    second.start_s = 4;
    second.end_s = 9;
    second.text = " second \x1b";
    second.words.clear();
    pipeline::Transcript all;
    all.segments = {first, second};
    all.language = "en";
    all.language_probability = 0.98;
    all.duration_s = 10;
    all.duration_after_vad_s = 7.5;
    all.vad = "silero";
    all.speech = {{1, 9}};
    all.dropped = {{9.1, 9.6, "repetition", " la la la"}};
    all.uncovered = {{9.1, 9.6}};
    all.wall_s = 0.5;
    return all;
  }

 private:
  Script& script_;
  pipeline::ModelInfo info_;
};

}  // namespace maie::cli
