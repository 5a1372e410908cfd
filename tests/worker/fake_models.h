#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "worker/models.h"

namespace maie::worker {

/// What the fake models do and what happened to them; outlives them.
struct FakeScript {
  using Hear = std::function<Result<pipeline::Transcript>(const pipeline::TranscribeCallbacks&,
                                                          const CancelToken&)>;
  using Answer = std::function<Result<std::string>(const llm::Request&, const llm::Control&)>;

  Hear hear;      ///< null: says "hello there"
  Answer answer;  ///< null: a summary of generic_summary_en_v2
  Status load;    ///< of either model
  Status validate;
  uint64_t need_bytes = 100;
  std::string source = "huggingface";  ///< of the language model; "remote"
  std::atomic<int> heard{0}, answered{0}, loaded{0};
};

inline pipeline::Transcript spoken(const std::string& text) {
  pipeline::Segment segment;
  segment.start_s = 0.25;
  segment.end_s = 1.5;
  segment.text = " " + text;
  segment.words = {{0.25, 1.5, " " + text, 0.9}};
  segment.confidence = 0.9;
  pipeline::Transcript transcript;
  if (!text.empty()) transcript.segments = {segment};
  transcript.language = "en";
  transcript.duration_s = 2;
  transcript.vad = "energy";
  transcript.speech = {{0.2, 1.6}};
  transcript.wall_s = 0.1;
  return transcript;
}

inline constexpr char kSummary[] = R"({"title":"T","summary":"S","key_topics":["k"],"tags":["t"]})";

/// Returns only when the token asks, as an engine that works.
inline Status wait_for(const CancelToken& cancel) {
  while (!cancel.is_cancelled()) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  return cancel.status();
}

class FakeRecogniser : public PooledRecogniser {
 public:
  explicit FakeRecogniser(FakeScript& script) : script_(script) {
    info_.path = "/srv/models/fake";
    info_.source = "huggingface";
    info_.compute_type = "int8";
  }
  uint64_t memory_bytes() const override { return script_.need_bytes; }
  Status validate(const pipeline::TranscribeOptions&) const override { return script_.validate; }
  Result<pipeline::Transcript> transcribe(const audio::Clip&, const pipeline::TranscribeOptions&,
                                          const pipeline::TranscribeCallbacks& callbacks,
                                          const CancelToken& cancel) override {
    ++script_.heard;
    if (script_.hear) return script_.hear(callbacks, cancel);
    const pipeline::Transcript transcript = spoken("hello there");
    for (const pipeline::Segment& segment : transcript.segments) callbacks.segment(segment);
    callbacks.progress(1);
    return transcript;
  }
  const pipeline::ModelInfo& info() const override { return info_; }
  std::string model_hash() override { return std::string(64, 'a'); }

 private:
  FakeScript& script_;
  pipeline::ModelInfo info_;
};

class FakeLanguageModel : public PooledLanguageModel, public llm::LanguageModel {
 public:
  explicit FakeLanguageModel(FakeScript& script) : script_(script) {
    info_.name = "fake-lm";
    info_.source = script.source;
    info_.context = 4096;
  }
  uint64_t memory_bytes() const override { return script_.need_bytes; }
  llm::LanguageModel& model() override { return *this; }
  const llm::LanguageModelInfo& info() const override { return info_; }
  std::string checkpoint_hash() override { return "sha256:fake"; }
  Result<int64_t> count_tokens(std::string_view text) override { return int64_t(text.size() / 3); }
  Result<llm::Completion> complete(const llm::Request& request,
                                   const llm::Control& control) override {
    ++script_.answered;
    llm::Completion completion;
    if (script_.answer) {
      MAIE_ASSIGN(completion.text, script_.answer(request, control));
    } else {
      completion.text = kSummary;
    }
    completion.usage.prompt_tokens = 10;
    completion.usage.answer_tokens = 5;
    return completion;
  }

 private:
  FakeScript& script_;
  llm::LanguageModelInfo info_;
};

inline Models fake_models(FakeScript& script, uint64_t budget = 1000) {
  Models models;
  models.pool = std::make_unique<ModelPool>(budget);
  models.language_model = models.enhancer = "fake-lm";
  const auto source = [&script](const std::string& name, const char* task, bool shared, auto make) {
    return ModelSource{name,
                       task,
                       true,
                       shared,
                       [&script] { return Result<uint64_t>(script.need_bytes); },
                       [&script, make]() -> Result<std::unique_ptr<PooledModel>> {
                         ++script.loaded;
                         if (!script.load.ok()) return script.load;
                         return std::unique_ptr<PooledModel>(make(script));
                       }};
  };
  models.pool->add(source(models.recogniser, "transcription", false, [](FakeScript& s) {
    return std::unique_ptr<PooledModel>(std::make_unique<FakeRecogniser>(s));
  }));
  models.pool->add(source("fake-lm", "chat", true, [](FakeScript& s) {
    return std::unique_ptr<PooledModel>(
        static_cast<PooledLanguageModel*>(std::make_unique<FakeLanguageModel>(s).release()));
  }));
  return models;
}

}  // namespace maie::worker
