#include "tests/server/openai_fixture.h"
#include "worker/worker_status.h"

namespace maie::server {
namespace {

void announce(queue::TaskQueue& queue, std::vector<worker::OfferedModel> offers,
              std::vector<worker::ResidentModel> models = {}) {
  worker::WorkerStatus status;
  status.offers = std::move(offers);
  status.models = std::move(models);
  ASSERT_TRUE(queue.announce({.id = "worker-1", .status = worker::to_text(status)}).ok());
}

TEST_F(OpenAiRoutes, ModelsAreListedForBothKindsOfClients) {
  begin(nullptr);
  const Json json = json_of(get("/v1/models"));
  EXPECT_EQ(json["object"], "list");
  ASSERT_EQ(json["data"].size(), 2u);
  const Json& speech = json["data"][0];
  EXPECT_EQ(speech["id"], "whisper");
  EXPECT_EQ(speech["object"], "model");
  EXPECT_EQ(speech["owned_by"], "local");
  EXPECT_GT(speech["created"].get<int64_t>(), 1'500'000'000);
  EXPECT_EQ(speech["maie"]["task"], "transcription");
  EXPECT_GT(speech["maie"]["bytes"].get<int64_t>(), 0);
  EXPECT_EQ(speech["maie"]["loaded"], false);
  EXPECT_EQ(speech["maie"]["aliases"],
            Json::parse(R"(["asr", "whisper-1", "gpt-4o-transcribe", "gpt-4o-mini-transcribe",
                            "gpt-transcribe"])"));
  EXPECT_EQ(json["data"][1]["id"], "lm");
  EXPECT_EQ(json["data"][1]["maie"]["task"], "chat");
  EXPECT_EQ(json["models"][0]["id"], "whisper");
  EXPECT_EQ(json["models"][0]["name"], "Whisper Backend");
  EXPECT_EQ(json["models"][0]["description"], "ASR backend using whisper");
  EXPECT_EQ(json["models"][0]["type"], "ASR");
  EXPECT_EQ(json.dump().find(folder_.path()), std::string::npos);
  EXPECT_EQ(json.dump().find(MAIE_SOURCE_DIR), std::string::npos);
}

TEST_F(OpenAiRoutes, OneModelByIdOrAlias) {
  begin(nullptr);
  EXPECT_EQ(json_of(get("/v1/models/whisper"))["id"], "whisper");
  EXPECT_EQ(json_of(get("/v1/models/whisper-1"))["id"], "whisper");
  EXPECT_EQ(json_of(get("/v1/models/gpt-4o"))["id"], "lm");
  EXPECT_EQ(refusal(get("/v1/models/nobody/nothing")), "404 \"model_not_found\" \"id\"");
}

TEST_F(OpenAiRoutes, LivingWorkersSayWhatCanBeUsed) {
  begin(nullptr);
  announce(*queue_, {{"whisper", "transcription", 1000, ""}, {"lm", "chat", 1 << 30, "too large"}},
           {{"whisper", "transcription", 1000, 0, 0, 1}});
  const Json json = json_of(get("/v1/models"));
  ASSERT_EQ(json["data"].size(), 1u);
  EXPECT_EQ(json["data"][0]["maie"]["loaded"], true);
  EXPECT_EQ(refusal(chat(
                Json::parse(R"({"model": "lm", "messages": [{"role": "user", "content": "x"}]})"))),
            "503 \"insufficient_memory\" \"model\"");
}

TEST_F(OpenAiRoutes, AModelThatIsNotHereIsNotListed) {
  settings_.llm.model = "nobody/nothing";
  begin(nullptr);
  EXPECT_EQ(json_of(get("/v1/models"))["data"].size(), 1u);
  EXPECT_EQ(refusal(chat(Json::parse(
                R"({"model": "gpt-4o", "messages": [{"role": "user", "content": "x"}]})"))),
            "404 \"model_not_found\" \"model\"");
}

TEST_F(OpenAiRoutes, NamesInTheStoreMayHaveSlashes) {
  settings_.llm.model = "http://localhost:1/v1";
  settings_.llm.served_name = "org/name";
  begin(nullptr);
  EXPECT_EQ(json_of(get("/v1/models/org/name"))["id"], "org/name");
}

}  // namespace
}  // namespace maie::server
