// The parts of a worker that need neither queue nor models.
#include <gtest/gtest.h>
#include <unistd.h>

#include "worker/failure.h"
#include "worker/worker_id.h"
#include "worker/worker_status.h"

namespace maie::worker {
namespace {

config::Settings settings() {
  config::Settings settings;
  settings.paths.data_dir = "/var/lib/maie";
  settings.paths.audio_dir = "/var/lib/maie/audio";
  settings.paths.templates_dir = "/var/lib/maie/templates";
  settings.llm.model = "http://llm.example.org:8000/v1";
  return settings;
}

TEST(ForClients, KeepsNamesAndHidesPlaces) {
  const auto shown = [](const char* text) { return for_clients(text, settings()); };
  EXPECT_EQ(shown("/var/lib/maie/audio/7/raw.wav: cut short"), "7/raw.wav: cut short");
  EXPECT_EQ(shown("/opt/models/x/model.bin: cut short"), "model.bin: cut short");
  EXPECT_EQ(shown("open \"/etc/maie.toml\" failed (see /tmp/a/b)"),
            "open \"maie.toml\" failed (see b)");
  EXPECT_EQ(shown("http://llm.example.org:8000/v1: no answer"), "the server: no answer");
  EXPECT_EQ(shown("llm.example.org:8000: no answer"), "the server: no answer");
  EXPECT_EQ(shown("cannot reach https://other.org/v1, tried 5 times"),
            "cannot reach the server, tried 5 times");
  EXPECT_EQ(shown("and/or audio/mpeg 3/4"), "and/or audio/mpeg 3/4");
  EXPECT_EQ(shown(""), "");
}

TEST(FailureOf, StagesAndWhetherItMayWorkLater) {
  const auto of = [](const char* kind, Step step, Status status) {
    return failure_of(kind, step, status, settings());
  };
  EXPECT_EQ(of("audio", Step::kDecode, unsupported("codec")).error.code, "AUDIO_VALIDATION_ERROR");
  EXPECT_EQ(of("audio", Step::kDecode, internal_error("child")).error.code,
            "AUDIO_PREPROCESSING_ERROR");
  EXPECT_TRUE(of("audio", Step::kDecode, resource_exhausted("disk full")).try_again);
  EXPECT_EQ(of("audio", Step::kLoadRecogniser, not_found("x")).error.code, "MODEL_LOAD_ERROR");
  EXPECT_TRUE(of("audio", Step::kLoadRecogniser, resource_exhausted("x")).try_again);
  EXPECT_FALSE(of("audio", Step::kFitRecogniser, resource_exhausted("x")).try_again);
  EXPECT_EQ(of("audio", Step::kLoadLanguageModel, unavailable("x")).error.code, "NETWORK_ERROR");
  EXPECT_EQ(of("chat", Step::kAnswer, invalid_input("too long")).error.code, "VALIDATION_ERROR");
  EXPECT_EQ(of("chat", Step::kAnswer, invalid_input("too long")).error.message, "too long");
  EXPECT_EQ(of("text", Step::kSummarise, resource_exhausted("x")).error.code,
            "LLM_PROCESSING_ERROR");
  const JobFailure schema =
      of("audio", Step::kSummarise, unavailable("Schema validation failed after 2 attempts: x"));
  EXPECT_EQ(schema.error.code, "LLM_PROCESSING_ERROR");
  EXPECT_FALSE(schema.try_again);
  EXPECT_EQ(schema.error.stage, "llm");
}

TEST(WorkerStatus, ComesBackAsItWent) {
  WorkerStatus status;
  status.host = "h";
  status.pid = 7;
  status.version = "1";
  status.jobs = 2;
  status.interactive = 4;
  status.tasks = {"a", "b"};
  status.budget_bytes = uint64_t{5} << 30;
  status.reserved_bytes = 3;
  status.resident_bytes = 4;
  status.models = {{"whisper", "transcription", 9, 1, 0.5, 0.25}};
  status.offers = {{"lm", "chat", 11, "needs \"more\""}};
  const auto back = worker_status_of(to_text(status));
  ASSERT_TRUE(back.has_value());
  EXPECT_EQ(to_text(*back), to_text(status));
  EXPECT_EQ(back->models.at(0).load_s, 0.25);
  EXPECT_EQ(back->offers.at(0).problem, "needs \"more\"");
}

TEST(WorkerStatus, StrangeTextsAreNoFault) {
  EXPECT_FALSE(worker_status_of("").has_value());
  EXPECT_FALSE(worker_status_of("[1]").has_value());
  const auto odd =
      worker_status_of(R"({"models":[1,null,{"bytes":-5}],"tasks":{"a":1},"pid":"x"})");
  ASSERT_TRUE(odd.has_value());
  EXPECT_EQ(odd->models.size(), 3u);
  EXPECT_EQ(odd->models[2].bytes, 0u);
}

TEST(WorkerId, NamesThisProcessAndNoOther) {
  EXPECT_EQ(worker_id_of(::getpid()), worker_id_of_process());
  EXPECT_FALSE(is_gone(worker_id_of_process()));
  std::string earlier = worker_id_of_process();
  earlier.back() = earlier.back() == '0' ? '1' : '0';  // the number of the process used again
  EXPECT_TRUE(is_gone(earlier));
  EXPECT_FALSE(is_gone("not an id"));
  EXPECT_FALSE(is_gone(""));
}

}  // namespace
}  // namespace maie::worker
