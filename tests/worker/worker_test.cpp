// The worker over a real queue, with models that do what a test tells them.
#include "tests/worker/fake_models.h"
#include "tests/worker/worker_fixture.h"
#include "worker/worker_id.h"
#include "worker/worker_status.h"

namespace maie::worker {
namespace {

using namespace std::chrono_literals;

class WorkerTest : public WorkerFixture {
 protected:
  void TearDown() override { stop(); }

  jobs::AudioJob audio(bool summary = false) {
    jobs::AudioJob job;
    job.audio = recording(wav(2));
    job.asr_backend = "whisper";
    job.features.raw_transcript = true;
    job.features.clean_transcript = true;
    job.features.summary = summary;
    if (summary) job.template_id = "generic_summary_en_v2";
    return job;
  }
  jobs::TextJob text() {
    jobs::TextJob job;
    job.text = "we meet on monday";
    job.features.clean_transcript = true;
    job.features.summary = true;
    job.template_id = "generic_summary_en_v2";
    return job;
  }
  queue::Task failed(const jobs::Job& job) {
    const queue::Task task = finished(submit(job, queue::Lane::kBatch, 1));
    EXPECT_EQ(task.state, queue::TaskState::kFailed);
    return task;
  }
  void expect_failure(const queue::Task& task, const std::string& code, const std::string& stage,
                      const std::string& part) {
    EXPECT_EQ(task.error.code, code) << task.error.message;
    EXPECT_EQ(task.error.stage, stage);
    EXPECT_NE(task.error.message.find(part), std::string::npos) << task.error.message;
    EXPECT_EQ(task.error.message.find(folder_), std::string::npos) << task.error.message;
    EXPECT_EQ(task.error.message.find("/srv/"), std::string::npos) << task.error.message;
  }

  FakeScript script_;
  Models models_ = fake_models(script_);
};

TEST_F(WorkerTest, AudioWithSummary) {
  start(models_);
  const std::string id = submit(audio(true));
  const queue::Task task = finished(id);
  ASSERT_EQ(task.state, queue::TaskState::kSucceeded) << task.error.message;
  EXPECT_EQ(task.stage, jobs::kStageSummarise);
  const jobs::StoredResult stored = result(id);
  EXPECT_EQ(stored.results["raw_transcript"], "hello there");
  EXPECT_EQ(stored.results["clean_transcript"], "hello there");
  EXPECT_EQ(stored.results["summary"]["title"], "T");
  EXPECT_EQ(stored.versions["asr_backend"]["name"], "whisper");
  EXPECT_EQ(stored.versions["asr_backend"]["model_path"], "fake");
  EXPECT_EQ(stored.versions["llm"]["checkpoint_hash"], "sha256:fake");
  EXPECT_EQ(stored.metrics["edit_rate_cleaning"], 0.0);
  EXPECT_EQ(stored.transcript->segments.at(0).words.size(), 1u);
  EXPECT_EQ(stored.schema["type"], "object");
  EXPECT_TRUE(stored.times.decode_s && stored.times.recognise_s && stored.times.summarise_s);
  EXPECT_FALSE(stored.times.enhance_s);
  const auto told = events(id);
  ASSERT_EQ(told.size(), 2u);
  EXPECT_TRUE(std::holds_alternative<jobs::ReadyEvent>(told[0]));
  EXPECT_TRUE(std::holds_alternative<jobs::SegmentEvent>(told[1]));
}

TEST_F(WorkerTest, FeaturesSelectWhatIsShown) {
  start(models_);
  jobs::AudioJob job = audio();
  job.features = {};
  job.features.raw_transcript = true;
  const std::string id = submit(job);
  finished(id);
  const jobs::StoredResult stored = result(id);
  EXPECT_EQ(stored.results["raw_transcript"], "hello there");
  EXPECT_TRUE(stored.results["clean_transcript"].is_null());
  EXPECT_TRUE(stored.results["summary"].is_null());
  EXPECT_EQ(script_.answered, 0);
}

TEST_F(WorkerTest, TextIsCleanedAndSummedUp) {
  script_.answer = [](const llm::Request& request, const llm::Control&) -> Result<std::string> {
    if (request.schema_name.find("enhance") != std::string::npos || request.schema.empty())
      return std::string("We meet on Monday.");
    return std::string(kSummary);
  };
  start(models_);
  const std::string id = submit(text());
  const queue::Task task = finished(id);
  ASSERT_EQ(task.state, queue::TaskState::kSucceeded) << task.error.message;
  const jobs::StoredResult stored = result(id);
  EXPECT_EQ(stored.results["raw_transcript"], "we meet on monday");
  EXPECT_EQ(stored.results["summary"]["title"], "T");
  EXPECT_EQ(stored.versions["asr_backend"]["name"], "text_input");
  EXPECT_TRUE(stored.metrics["asr_confidence_avg"].is_null());
  EXPECT_TRUE(stored.metrics["edit_rate_cleaning"].is_number());
}

TEST_F(WorkerTest, ChatTellsItsTextAsItComes) {
  script_.answer = [](const llm::Request&, const llm::Control& control) -> Result<std::string> {
    for (const char* piece : {"Hel", "lo ", "you"}) {
      control.on_text(piece);
      std::this_thread::sleep_for(40ms);
    }
    return std::string("Hello you");
  };
  start(models_);
  jobs::ChatJob chat;
  chat.request.messages = {{"user", "hi"}};
  const std::string id = submit(chat, queue::Lane::kInteractive);
  ASSERT_EQ(finished(id).state, queue::TaskState::kSucceeded);
  EXPECT_EQ(result(id).completion->text, "Hello you");
  EXPECT_EQ(result(id).model, "fake-lm");
  std::string told;
  for (const jobs::Event& event : events(id))
    if (const auto* text = std::get_if<jobs::TextEvent>(&event)) told += text->text;
  EXPECT_EQ(told, "Hello you");
}

// --- the table of failures (docs/spec/service.md, 2.5)

TEST_F(WorkerTest, UnusableRecordings) {
  start(models_);
  jobs::AudioJob job = audio();
  job.audio = recording("this is no sound");
  expect_failure(failed(job), "AUDIO_VALIDATION_ERROR", "preprocessing", "Audio validation failed");
  job.audio = recording(wav(0.4));
  expect_failure(failed(job), "AUDIO_VALIDATION_ERROR", "preprocessing",
                 "Audio too short: 0.40s < 1.0s");
  job.audio = recording(wav(2, 4000));
  expect_failure(failed(job), "AUDIO_VALIDATION_ERROR", "preprocessing", "INVALID_SAMPLE_RATE");
  job.audio = "nowhere/raw.wav";
  expect_failure(failed(job), "AUDIO_VALIDATION_ERROR", "preprocessing",
                 "Audio file not found: raw.wav");
  EXPECT_EQ(script_.heard, 0);
}

TEST_F(WorkerTest, NoPathLeadsOutOfTheAudioFolder) {
  ASSERT_TRUE(write_file_atomically(folder_ + "/secret.wav", wav(2)).ok());
  start(models_);
  for (const std::string& path : {std::string("../secret.wav"), folder_ + "/secret.wav",
                                  std::string("x/../../secret.wav"), std::string()}) {
    jobs::AudioJob job = audio();
    job.audio = path;
    expect_failure(failed(job), "AUDIO_VALIDATION_ERROR", "preprocessing", "no place");
  }
  EXPECT_EQ(script_.heard, 0);
}

TEST_F(WorkerTest, RecogniserFailures) {
  start(models_);
  script_.hear = [](const auto&, const CancelToken&) -> Result<pipeline::Transcript> {
    return internal_error("/srv/models/fake: the decoder ran away");
  };
  expect_failure(failed(audio()), "ASR_PROCESSING_ERROR", "asr",
                 "ASR transcription failed: fake: the decoder ran away");
  script_.hear = [](const auto&, const CancelToken&) -> Result<pipeline::Transcript> {
    return resource_exhausted("out of memory");
  };
  expect_failure(failed(audio()), "MODEL_MEMORY_ERROR", "asr", "out of memory");
  script_.hear = [](const auto&, const CancelToken&) -> Result<pipeline::Transcript> {
    throw std::bad_alloc();
  };
  expect_failure(failed(audio()), "MODEL_MEMORY_ERROR", "asr", "out of memory");
  script_.hear = [](const auto&, const CancelToken&) -> Result<pipeline::Transcript> {
    throw std::runtime_error("secret inside");
  };
  expect_failure(failed(audio()), "PROCESSING_ERROR", "asr", "fault of the program");
  script_.hear = [](const auto&, const CancelToken&) -> Result<pipeline::Transcript> {
    return spoken("");
  };
  expect_failure(failed(audio()), "LLM_PROCESSING_ERROR", "llm",
                 "Empty transcript after ASR; no content to process");
  jobs::AudioJob other = audio();
  other.asr_backend = "chunkformer";
  expect_failure(failed(other), "ASR_PROCESSING_ERROR", "asr", "Available backends: whisper");
  jobs::SpeechJob speech;
  speech.audio = recording(wav(2));
  script_.validate = invalid_input("language \"xx\": unknown");
  expect_failure(failed(speech), "VALIDATION_ERROR", "asr", "unknown");
}

TEST_F(WorkerTest, ModelsThatCannotBeLoaded) {
  script_.load = corrupt("/srv/models/fake/model.bin: cut short");
  start(models_);
  expect_failure(failed(audio()), "MODEL_LOAD_ERROR", "asr", "model.bin: cut short");
  expect_failure(failed(text()), "LLM_PROCESSING_ERROR", "text_processing", "model.bin: cut short");
}

TEST_F(WorkerTest, ModelThatNeverFitsIsNotTriedAgain) {
  script_.need_bytes = uint64_t{3} << 30;
  start(models_);
  const queue::Task task = finished(submit(audio()));
  expect_failure(task, "MODEL_MEMORY_ERROR", "asr", "needs 3.0 GiB");
  EXPECT_EQ(task.attempts, 1);
}

TEST_F(WorkerTest, LanguageModelFailures) {
  start(models_);
  script_.answer = [](const auto&, const auto&) -> Result<std::string> {
    return invalid_input("the prompt is longer than the context");
  };
  expect_failure(failed(audio(true)), "LLM_PROCESSING_ERROR", "llm", "Summary generation failed: ");
  script_.answer = [](const auto&, const auto&) -> Result<std::string> {
    return std::string("no json");
  };
  expect_failure(failed(audio(true)), "LLM_PROCESSING_ERROR", "llm",
                 "Schema validation failed after 2 attempts");
  script_.answer = [](const auto&, const auto&) -> Result<std::string> {
    return unavailable("https://llm.example.org/v1: timed out");
  };
  expect_failure(failed(audio(true)), "NETWORK_ERROR", "llm", "the server: timed out");
  script_.answer = nullptr;
  jobs::AudioJob unknown = audio(true);
  unknown.template_id = "no_such_template";
  const int heard = script_.heard;
  expect_failure(failed(unknown), "LLM_PROCESSING_ERROR", "llm", "no_such_template");
  EXPECT_EQ(script_.heard, heard);  // found out before the recording was heard
  jobs::AudioJob without = audio(true);
  without.template_id.clear();
  expect_failure(failed(without), "LLM_PROCESSING_ERROR", "llm", "template_id required");
  jobs::TextJob blank = text();
  blank.text = "  \n ";
  expect_failure(failed(blank), "LLM_PROCESSING_ERROR", "text_processing",
                 "Input text is empty or invalid");
}

TEST_F(WorkerTest, PayloadOfAnotherVersion) {
  start(models_);
  queue::NewTask task;
  task.id = "future";
  task.kind = "audio";
  task.payload = R"({"format": 99})";
  ASSERT_TRUE(queue_->submit(task, {}).has_value());
  EXPECT_EQ(finished("future").error.code, "PROCESSING_ERROR");
}

// --- second attempts

TEST_F(WorkerTest, SecondAttemptBeginsBehindTheRecognition) {
  int asked = 0;
  script_.answer = [&asked](const auto&, const auto&) -> Result<std::string> {
    // Both requests of the first attempt.
    if (++asked <= 2) return unavailable("busy");
    return std::string(kSummary);
  };
  start(models_);
  const std::string id = submit(audio(true));
  const queue::Task task = finished(id);
  ASSERT_EQ(task.state, queue::TaskState::kSucceeded) << task.error.message;
  EXPECT_EQ(task.attempts, 2);
  EXPECT_EQ(script_.heard, 1);
  const jobs::StoredResult stored = result(id);
  EXPECT_FALSE(stored.times.decode_s);
  EXPECT_FALSE(stored.times.recognise_s);
  EXPECT_EQ(stored.transcript->segments.at(0).words.at(0).text, " hello there");
  EXPECT_EQ(stored.versions["asr_backend"]["checkpoint_hash"], std::string(64, 'a'));
  EXPECT_EQ(events(id).size(), 2u);  // of the newest attempt: told again
}

TEST_F(WorkerTest, SecondAttemptBeginsBehindTheCleanText) {
  std::atomic<int> cleaned{0}, summed{0};
  script_.answer = [&](const llm::Request& request, const auto&) -> Result<std::string> {
    const bool summary = request.schema.find("key_topics") != std::string::npos;
    if (!summary) {
      ++cleaned;
      return std::string("We meet on Monday.");
    }
    if (++summed <= 2) return unavailable("busy");
    return std::string(kSummary);
  };
  start(models_);
  const std::string id = submit(text());
  ASSERT_EQ(finished(id).state, queue::TaskState::kSucceeded);
  EXPECT_EQ(cleaned, 1);
  EXPECT_EQ(result(id).results["clean_transcript"], "We meet on Monday.");
  EXPECT_FALSE(result(id).times.enhance_s);
}

TEST_F(WorkerTest, AttemptsWithGrowingPausesUntilTheyAreUsedUp) {
  script_.hear = [](const auto&, const CancelToken&) -> Result<pipeline::Transcript> {
    return resource_exhausted("no memory now");
  };
  start(models_);
  const auto begun = std::chrono::steady_clock::now();
  const queue::Task task = finished(submit(audio()));
  EXPECT_EQ(task.state, queue::TaskState::kFailed);
  EXPECT_EQ(task.attempts, 3);
  EXPECT_GE(std::chrono::steady_clock::now() - begun, 150ms);  // 0.05 s, then 0.1 s
  expect_failure(task, "MODEL_MEMORY_ERROR", "asr", "no memory now");
}

// --- stops

TEST_F(WorkerTest, CancelledWithinTwoSecondsWhereverItIs) {
  script_.hear = [](const auto&, const CancelToken& cancel) -> Result<pipeline::Transcript> {
    return wait_for(cancel);
  };
  script_.answer = [](const auto&, const llm::Control& control) -> Result<std::string> {
    return wait_for(*control.cancel);
  };
  start(models_);
  for (const jobs::Job& job : {jobs::Job(audio()), jobs::Job(text())}) {
    const std::string id = submit(job);
    ASSERT_TRUE(becomes([&] {
      return task(id).stage == jobs::kStageRecognise || task(id).stage == jobs::kStageEnhance;
    }));
    std::this_thread::sleep_for(100ms);
    const auto begun = std::chrono::steady_clock::now();
    ASSERT_TRUE(queue_->cancel(id).has_value());
    EXPECT_EQ(finished(id, 3).state, queue::TaskState::kCancelled);
    EXPECT_LT(std::chrono::steady_clock::now() - begun, 2s);
  }
}

TEST_F(WorkerTest, CancellationShowsAlthoughTheEngineDoesNotListen) {
  std::atomic<bool> let_go{false};
  script_.hear = [&](const auto&, const CancelToken&) -> Result<pipeline::Transcript> {
    while (!let_go) std::this_thread::sleep_for(5ms);
    return spoken("too late");
  };
  start(models_);
  const std::string id = submit(audio());
  ASSERT_TRUE(becomes([&] { return script_.heard == 1; }));
  const auto begun = std::chrono::steady_clock::now();
  ASSERT_TRUE(queue_->cancel(id).has_value());
  EXPECT_EQ(finished(id, 3).state, queue::TaskState::kCancelled);
  EXPECT_LT(std::chrono::steady_clock::now() - begun, 2s);
  let_go = true;
  stop();
  EXPECT_EQ(task(id).state, queue::TaskState::kCancelled);
}

TEST_F(WorkerTest, TimeLimitGrowsWithTheRecording) {
  settings_.worker.job_timeout_s = 0.5;
  settings_.worker.job_timeout_per_audio_s = 0.25;
  script_.hear = [](const auto&, const CancelToken& cancel) -> Result<pipeline::Transcript> {
    return wait_for(cancel);
  };
  start(models_);
  const queue::Task task = finished(submit(audio()));
  expect_failure(task, "PROCESSING_ERROR", "asr",
                 "Task exceeded maximum timeout value (1 seconds)");
  EXPECT_EQ(task.attempts, 1);
}

TEST_F(WorkerTest, StandstillIsTriedAgain) {
  settings_.worker.stall_s = 0.3;
  script_.hear = [this](const auto&, const CancelToken& cancel) -> Result<pipeline::Transcript> {
    if (script_.heard == 1) return wait_for(cancel);
    return spoken("at last");
  };
  start(models_);
  const std::string id = submit(audio());
  EXPECT_EQ(finished(id).state, queue::TaskState::kSucceeded);
  EXPECT_EQ(task(id).attempts, 2);
}

TEST_F(WorkerTest, StopLetsShortWorkEndAndGivesLongWorkBack) {
  settings_.worker.grace_s = 0.6;
  settings_.worker.concurrency = 2;
  script_.hear = [](const auto&, const CancelToken&) -> Result<pipeline::Transcript> {
    std::this_thread::sleep_for(300ms);
    return spoken("in time");
  };
  script_.answer = [](const auto&, const llm::Control& control) -> Result<std::string> {
    return wait_for(*control.cancel);
  };
  start(models_);
  const std::string quick = submit(audio()), slow = submit(text());
  ASSERT_TRUE(becomes([&] { return script_.heard == 1 && script_.answered >= 1; }));
  stop();
  EXPECT_EQ(task(quick).state, queue::TaskState::kSucceeded);
  EXPECT_EQ(task(slow).state, queue::TaskState::kQueued);
  EXPECT_EQ(task(slow).attempts, 0);
}

TEST_F(WorkerTest, WhoLostTheLeaseStoresNothing) {
  settings_.queue.lease_s = 0.3;
  settings_.queue.heartbeat_s = 0.1;
  std::atomic<bool> let_go{false};
  script_.hear = [&](const auto&, const CancelToken& cancel) -> Result<pipeline::Transcript> {
    while (!let_go && !cancel.is_cancelled()) std::this_thread::sleep_for(5ms);
    return spoken("stolen");
  };
  settings_.worker.concurrency = 1;
  start(models_);
  const std::string id = submit(audio(), queue::Lane::kBatch, 1);
  ASSERT_TRUE(becomes([&] { return script_.heard == 1; }));
  std::this_thread::sleep_for(600ms);
  EXPECT_EQ(task(id).state, queue::TaskState::kRunning);  // it is renewed
  ASSERT_TRUE(queue_->end_leases_of(worker_id_of_process()).has_value());
  EXPECT_EQ(finished(id).error.code, "WORKER_LOST");
  let_go = true;
  stop();
  EXPECT_EQ(task(id).state, queue::TaskState::kFailed);
}

TEST_F(WorkerTest, InteractiveWorkDoesNotWaitBehindJobs) {
  std::atomic<bool> let_go{false};
  script_.hear = [&](const auto&, const CancelToken&) -> Result<pipeline::Transcript> {
    while (!let_go) std::this_thread::sleep_for(5ms);
    return spoken("done");
  };
  start(models_);
  const std::string job = submit(audio());
  submit(audio());
  ASSERT_TRUE(becomes([&] { return script_.heard == 1; }));
  jobs::ChatJob chat;
  chat.request.messages = {{"user", "hi"}};
  EXPECT_EQ(finished(submit(chat, queue::Lane::kInteractive), 3).state,
            queue::TaskState::kSucceeded);
  EXPECT_EQ(task(job).state, queue::TaskState::kRunning);
  let_go = true;
  stop();  // the second job reads let_go too
}

TEST_F(WorkerTest, ProgressGrowsOverAllStages) {
  std::atomic<bool> let_go{false};
  script_.hear = [&](const pipeline::TranscribeCallbacks& callbacks,
                     const CancelToken&) -> Result<pipeline::Transcript> {
    callbacks.progress(0.5);
    std::this_thread::sleep_for(300ms);
    callbacks.progress(0.5);
    while (!let_go) std::this_thread::sleep_for(5ms);
    return spoken("done");
  };
  start(models_);
  const std::string id = submit(audio(true));
  std::optional<queue::LiveProgress> live;
  EXPECT_TRUE(becomes([&] {
    live = *queue_->progress(id);
    return live && live->fraction > 0.1;
  }));
  ASSERT_TRUE(live);
  EXPECT_EQ(live->stage, jobs::kStageRecognise);
  EXPECT_NEAR(live->fraction, (1 + 6) / 19.0, 0.01);
  EXPECT_TRUE(live->seconds_left && *live->seconds_left > 0);
  let_go = true;
  finished(id);
}

TEST_F(WorkerTest, SaysOfItselfWhatItHasAndLeaves) {
  start(models_);
  finished(submit(audio()));
  std::optional<WorkerStatus> status;
  EXPECT_TRUE(becomes([&] {
    const auto workers = queue_->workers(10s);
    if (!workers.has_value() || workers->empty()) return false;
    EXPECT_EQ(workers->front().id, worker_id_of_process());
    status = *worker_status_of(workers->front().status);
    return status->models.size() == 1;
  }));
  ASSERT_TRUE(status);
  EXPECT_EQ(status->models.at(0).name, "whisper");
  EXPECT_EQ(status->offers.size(), 2u);
  EXPECT_EQ(status->budget_bytes, 1000u);
  EXPECT_GT(status->resident_bytes, 0u);
  stop();
  EXPECT_TRUE(queue_->workers(10s)->empty());
}

TEST_F(WorkerTest, IdleModelsAreDropped) {
  settings_.worker.idle_unload_s = 0.1;
  start(models_);
  finished(submit(audio()));
  EXPECT_TRUE(becomes([&] { return models_.pool->resident().empty(); }));
}

}  // namespace
}  // namespace maie::worker
