// The worker with the mini models: recordings and texts through all stages.
#include "tests/worker/worker_fixture.h"
#include "text/edit_distance.h"

namespace maie::worker {
namespace {

const std::string kSource = MAIE_SOURCE_DIR;

class MiniModels : public WorkerFixture {
 protected:
  MiniModels() {
    settings_.asr.model = kSource + "/models/mini/asr";
    settings_.asr.vad_model = kSource + "/models/mini/vad/model.safetensors";
    settings_.llm.model = kSource + "/models/mini/lm";
    settings_.memory.budget = "4GiB";
    models_.emplace(models_of(settings_));
  }
  void TearDown() override { stop(); }

  std::string sample(const std::string& name) {
    const auto content = read_file(kSource + "/samples/" + name, size_t{64} << 20);
    EXPECT_TRUE(content.has_value());
    return recording(*content, "raw" + name.substr(name.rfind('.')));
  }
  std::string text_of(const std::string& name) {
    std::string text = *read_file(kSource + "/samples/" + name, 1 << 20);
    for (char& c : text)
      if (c == '\n') c = ' ';
    return text;
  }
  std::optional<Models> models_;
};

TEST_F(MiniModels, KnowsWhatItNeedsBeforeItLoads) {
  EXPECT_EQ(models_->language_model, "lm");
  const std::vector<OfferedModel> offers = models_->pool->offers();
  ASSERT_EQ(offers.size(), 2u);  // the second copy of the recogniser is not offered
  EXPECT_NE(models_->interactive_recogniser, models_->recogniser);
  for (const OfferedModel& offer : offers) {
    EXPECT_TRUE(offer.problem.empty()) << offer.problem;
    const auto loan = models_->pool->borrow(offer.name, {});
    ASSERT_TRUE(loan.has_value()) << loan.status().message();
    EXPECT_GT(offer.need_bytes, 0u);
    for (const ResidentModel& model : models_->pool->resident()) {
      if (model.name == offer.name) {
        EXPECT_LE(model.bytes, offer.need_bytes) << offer.name;
      }
    }
  }
}

TEST_F(MiniModels, BudgetsTooSmallAreSaidWithNumbers) {
  settings_.memory.budget = "100MB";
  const Models small = models_of(settings_);
  EXPECT_EQ(small.pool->budget_bytes(), 100'000'000u);
  for (const OfferedModel& offer : small.pool->offers())
    if (offer.name == "whisper") {
      EXPECT_NE(offer.problem.find("budget of all models is 95.4 MiB"), std::string::npos)
          << offer.problem;
    }
  settings_.worker.processes = 4;
  EXPECT_EQ(model_budget(settings_), 25'000'000u);
}

TEST_F(MiniModels, RecordingToSummary) {
  jobs::AudioJob job;
  job.audio = sample("dictation.mp3");
  job.asr_backend = "whisper";
  job.features.clean_transcript = job.features.raw_transcript = job.features.summary = true;
  job.template_id = "generic_summary_en_v2";
  start(*models_);
  const std::string id = submit(job);
  const queue::Task task = finished(id, 60);
  ASSERT_EQ(task.state, queue::TaskState::kSucceeded) << task.error.message;
  const jobs::StoredResult stored = result(id);
  const std::string heard = stored.results["raw_transcript"];
  const std::string said = text_of("dictation.txt");
  EXPECT_LT(text::edit_rate(text::edit_distance(heard, said), heard, said), 0.1) << heard;
  EXPECT_FALSE(stored.results["summary"]["title"].get<std::string>().empty());
  EXPECT_EQ(stored.versions["asr_backend"]["model_path"], "asr");
  EXPECT_EQ(stored.versions["llm"]["name"], "lm");
  EXPECT_NEAR(stored.metrics["input_duration_seconds"].get<double>(), 36.75, 0.1);
  EXPECT_GT(stored.metrics["vad_coverage"].get<double>(), 0.5);
  EXPECT_GT(stored.transcript->segments.size(), 3u);
  EXPECT_FALSE(stored.transcript->segments[0].words.empty());
  EXPECT_EQ(events(id).size(), stored.transcript->segments.size() + 1);
}

TEST_F(MiniModels, CancelledWhileItRecognises) {
  jobs::AudioJob job;
  job.audio = sample("manual.flac");
  start(*models_);
  const std::string id = submit(job);
  ASSERT_TRUE(becomes([&] { return !events(id).empty(); }, 20));
  const auto begun = std::chrono::steady_clock::now();
  ASSERT_TRUE(queue_->cancel(id).has_value());
  EXPECT_EQ(finished(id, 3).state, queue::TaskState::kCancelled);
  EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::seconds(2));
}

TEST_F(MiniModels, SpeechAndChatOfTheOpenAiRoutes) {
  start(*models_);
  jobs::SpeechJob speech;
  speech.audio = sample("dictation_vi.flac");
  speech.languages = {"en", "vi"};
  const std::string first = submit(speech, queue::Lane::kInteractive);
  jobs::ChatJob chat;
  chat.request.messages = {{"user", "Hello"}};
  chat.request.max_tokens = 12;
  const std::string second = submit(chat, queue::Lane::kInteractive);
  ASSERT_EQ(finished(first, 60).state, queue::TaskState::kSucceeded) << task(first).error.message;
  EXPECT_EQ(result(first).transcript->language, "vi");
  ASSERT_EQ(finished(second, 60).state, queue::TaskState::kSucceeded) << task(second).error.message;
  EXPECT_LE(result(second).completion->usage.answer_tokens, 12);
  std::string told;
  for (const jobs::Event& event : events(second))
    if (const auto* text = std::get_if<jobs::TextEvent>(&event)) told += text->text;
  EXPECT_EQ(told, result(second).completion->text);
}

}  // namespace
}  // namespace maie::worker
