#include "tests/server/openai_fixture.h"

namespace maie::server {
namespace {

using jobs::TextEvent;
using FakeRun = FakeWorker::Run;

jobs::StoredResult answer(const std::string& text) {
  llm::Completion completion;
  completion.text = text;
  completion.usage.prompt_tokens = 10;
  completion.usage.answer_tokens = 3;
  jobs::StoredResult result;
  result.completion = completion;
  result.model = "lm";
  return result;
}

Json asking(const char* members = "{}") {
  Json body =
      Json::parse(R"({"model": "lm", "messages": [{"role": "user", "content": "Say hello"}]})");
  body.update(Json::parse(members));
  return body;
}

const std::vector<std::string> kPieces = {"Xin ", "chào", " 🎉", "\n"};

void say_hello(FakeRun& run) {
  run.tell(jobs::ReadyEvent{});
  std::string text;
  for (const std::string& piece : kPieces) {
    run.tell(TextEvent{piece});
    text += piece;
  }
  run.succeed(answer(text));
}

TEST_F(OpenAiRoutes, ChatAnswers) {
  std::optional<jobs::ChatJob> job;
  begin([&](FakeRun& run) {
    job = run.job<jobs::ChatJob>();
    say_hello(run);
  });
  const Json json = json_of(chat(asking(R"({"max_tokens": 5, "seed": 1})")));
  EXPECT_EQ(json["object"], "chat.completion");
  EXPECT_EQ(json["model"], "lm");
  EXPECT_EQ(json["choices"][0]["message"]["content"], "Xin chào 🎉\n");
  EXPECT_EQ(json["choices"][0]["finish_reason"], "stop");
  EXPECT_EQ(json["usage"]["total_tokens"], 13);
  EXPECT_TRUE(json["id"].get<std::string>().starts_with("chatcmpl-"));
  EXPECT_EQ(job->model, "lm");
  EXPECT_EQ(job->request.max_tokens, 5);
  EXPECT_EQ(job->request.messages[0].content, "Say hello");
  EXPECT_TRUE(wait_for_tasks(0)) << "a conversation is not kept";
}

TEST_F(OpenAiRoutes, ChatModelsHaveAliasesWhichAreEchoed) {
  std::string model;
  begin([&](FakeRun& run) {
    model = run.job<jobs::ChatJob>().model;
    say_hello(run);
  });
  EXPECT_EQ(json_of(chat(asking(R"({"model": "gpt-4o"})")))["model"], "gpt-4o");
  EXPECT_EQ(model, "lm");
  EXPECT_EQ(refusal(chat(asking(R"({"model": "gpt-5"})"))), "404 \"model_not_found\" \"model\"");
  EXPECT_EQ(refusal(chat(asking(R"({"model": "whisper"})"))), "404 \"model_not_found\" \"model\"");
}

TEST_F(OpenAiRoutes, ChatStreams) {
  begin(say_hello);
  const Client client =
      chat(asking(R"({"stream": true, "stream_options": {"include_usage": true}})"));
  ASSERT_TRUE(client->wait());
  EXPECT_EQ(client->head().content_type, "text/event-stream; charset=utf-8");
  const std::vector<Json> events = events_of(client->body());
  ASSERT_GE(events.size(), 5u);
  EXPECT_EQ(events[0]["choices"][0]["delta"],
            Json::parse(R"({"role": "assistant", "content": ""})"));
  EXPECT_EQ(events.back(), "[DONE]");
  const Json usage = events[events.size() - 2], finish = events[events.size() - 3];
  EXPECT_EQ(usage["choices"], Json::array());
  EXPECT_EQ(usage["usage"]["completion_tokens"], 3);
  EXPECT_EQ(finish["choices"][0]["finish_reason"], "stop");
  EXPECT_EQ(finish["choices"][0]["delta"], Json::object());
  std::string text;
  for (size_t i = 1; i + 3 < events.size(); ++i) {
    text += events[i]["choices"][0]["delta"]["content"].get<std::string>();
    EXPECT_EQ(events[i]["usage"], Json());
    EXPECT_EQ(events[i]["choices"][0]["finish_reason"], Json());
  }
  EXPECT_EQ(text, "Xin chào 🎉\n");
  for (size_t i = 0; i + 1 < events.size(); ++i) {
    EXPECT_EQ(events[i]["id"], events[0]["id"]);
    EXPECT_EQ(events[i]["created"], events[0]["created"]);
    EXPECT_EQ(events[i]["object"], "chat.completion.chunk");
  }
}

TEST_F(OpenAiRoutes, AStreamedChatWithoutUsageHasNone) {
  begin(say_hello);
  const Client client = chat(asking(R"({"stream": true})"));
  ASSERT_TRUE(client->wait());
  EXPECT_EQ(client->body().find("usage"), std::string::npos);
}

TEST_F(OpenAiRoutes, APromptThatIsTooLongIsAnOrdinaryError) {
  begin([](FakeRun& run) {
    run.tell(jobs::ReadyEvent{});
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    run.fail("VALIDATION_ERROR",
             "Input exceeds model context: the prompt has 9000 tokens, the context 4096");
  });
  for (const char* stream : {R"({"stream": true})", R"({"stream": false})"}) {
    EXPECT_EQ(refusal(chat(asking(stream))), "400 \"context_length_exceeded\" \"messages\"");
  }
}

TEST_F(OpenAiRoutes, AChatThatFailsInMidStreamIsNotDone) {
  begin([](FakeRun& run) {
    run.tell(TextEvent{"Xin"});
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    run.fail("LLM_PROCESSING_ERROR", "no more");
  });
  const Client client = chat(asking(R"({"stream": true})"));
  ASSERT_TRUE(client->wait());
  const std::vector<Json> events = events_of(client->body());
  EXPECT_EQ(events.back()["error"]["message"], "no more");
  EXPECT_EQ(client->body().find("[DONE]"), std::string::npos);
}

TEST_F(OpenAiRoutes, AChatWhoseClientLeavesIsStopped) {
  std::atomic<bool> stopped{false};
  begin([&](FakeRun& run) {
    run.tell(TextEvent{"Xin"});
    stopped = run.stop_when_asked();
  });
  const Client client = chat(asking(R"({"stream": true})"));
  ASSERT_TRUE(client->wait_for_text("Xin"));
  client->disconnect();
  EXPECT_TRUE(wait_for_tasks(0));
  EXPECT_TRUE(stopped);
}

TEST_F(OpenAiRoutes, TheSameQuestionTwiceIsTwoAnswers) {
  begin(say_hello);
  const Client first = chat(asking()), second = chat(asking());
  EXPECT_NE(json_of(first)["id"], json_of(second)["id"]);
  EXPECT_EQ(worker_->tasks(), 2);
}

TEST_F(OpenAiRoutes, AnAnswerUnderASchemaIsJudged) {
  begin([](FakeRun& run) { run.succeed(answer(R"({"a":1})")); });
  const char* format = R"({"response_format": {"type": "json_schema", "json_schema": {"name": "x",
    "schema": {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"],
               "additionalProperties": false}}}})";
  const Json json = json_of(chat(asking(format)));
  EXPECT_EQ(json["choices"][0]["finish_reason"], "stop");
  EXPECT_EQ(json["maie"]["valid"], true);
}

TEST_F(OpenAiRoutes, ABodyThatIsNoJsonIsRefused) {
  begin(nullptr);
  http::Request request;
  request.method = "POST";
  request.path = "/v1/chat/completions";
  request.body = "model=lm";
  EXPECT_EQ(refusal(send(request)), "400 \"invalid_value\" null");
  request.headers.set("Content-Type", "application/x-www-form-urlencoded");
  EXPECT_EQ(refusal(send(request)), "415 \"unsupported_media_type\" null");
  request.headers.set("Content-Type", "Application/JSON; charset=utf-8");
  request.body = asking(R"({"n": 2})").dump();
  EXPECT_EQ(refusal(send(request)), "400 \"unsupported_value\" \"n\"");
  EXPECT_EQ(tasks().size(), 0u);
}

}  // namespace
}  // namespace maie::server
