#include "llm/remote_model.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <fstream>
#include <thread>

#include "tests/support/loopback_server.h"

namespace maie::llm {
namespace {

using support::LoopbackReply;
using support::LoopbackRequest;
using support::LoopbackServer;

const char* const kModels = R"({"object":"list","data":[{"id":"qwen3","max_model_len":4096}]})";
const char* const kSchema =
    R"({"type":"object","properties":{"title":{"type":"string"}},"required":["title"]})";

// The whole of a good stream.
void stream(LoopbackReply& reply, const std::vector<std::string>& pieces,
            const std::string& finish = "stop") {
  const auto event = [&](const std::string& json) { return reply.chunk("data: " + json + "\n\n"); };
  reply.begin_chunked(200, {{"Content-Type", "text/event-stream; charset=utf-8"}});
  event(R"({"choices":[{"index":0,"delta":{"role":"assistant","content":""}}]})");
  for (const std::string& piece : pieces) {
    event(R"({"choices":[{"index":0,"delta":{"content":)" + Json(piece).dump() + "}}]}");
  }
  event(R"({"choices":[{"index":0,"delta":{},"finish_reason":")" + finish + "\"}]}");
  event(R"({"choices":[],"usage":{"prompt_tokens":9,"completion_tokens":3}})");
  reply.chunk("data: [DONE]\n\n");
  reply.end_chunked();
}

// A server that lists one model and answers completions as told. `nth` counts completions from 0.
using Chat = std::function<void(const LoopbackRequest&, LoopbackReply&, int nth)>;

class Server {
 public:
  explicit Server(Chat chat)
      : server_([this, chat](const LoopbackRequest& request, LoopbackReply& reply) {
          if (request.target == "/v1/models") return (void)reply.json(kModels);
          if (request.target == "/v1/chat/completions") return chat(request, reply, asked_++);
          reply.json(R"({"detail":"Not Found"})", 404);
        }) {}

  std::unique_ptr<RemoteModel> open(RemoteOptions options = {}) {
    options.base_url = server_.url("/v1");
    options.first_pause_s = 0.01;
    auto model = RemoteModel::open(options);
    EXPECT_TRUE(model) << model.error().message();
    return model ? std::move(*model) : nullptr;
  }
  std::vector<Json> bodies() const {
    std::vector<Json> out;
    for (const LoopbackRequest& request : server_.requests()) {
      if (request.target == "/v1/chat/completions") out.push_back(*parse_json(request.body));
    }
    return out;
  }
  int asked() const { return asked_; }
  LoopbackServer& loopback() { return server_; }

 private:
  std::atomic<int> asked_{0};
  LoopbackServer server_;
};

Request hello(const std::string& schema = "") {
  Request request;
  request.messages = {{"user", "hello"}};
  request.schema = schema;
  request.schema_name = "notes";
  return request;
}

void expect_failure(const Result<Completion>& out, const Server& server, Code code,
                    const std::string& part) {
  ASSERT_FALSE(out) << out->text;
  EXPECT_EQ(out.error().code(), code) << out.error().message();
  EXPECT_NE(out.error().message().find(part), std::string::npos) << out.error().message();
  const std::string place = const_cast<Server&>(server).loopback().place() + ": ";
  EXPECT_TRUE(out.error().message().starts_with(place)) << out.error().message();
}

TEST(RemoteModel, IsNamedByAnAddress) {
  EXPECT_TRUE(is_remote("http://localhost:8000/v1"));
  EXPECT_TRUE(is_remote("https://host/v1"));
  for (const char* path : {"", "model.gguf", "/models/http://x", "https:/host", "hub/http"}) {
    EXPECT_FALSE(is_remote(path)) << path;
  }
}

TEST(RemoteModel, LearnsNameAndContextFromTheServer) {
  Server server([](const LoopbackRequest&, LoopbackReply&, int) {});
  const auto model = server.open();
  ASSERT_TRUE(model);
  EXPECT_EQ(model->info().name, "qwen3");
  EXPECT_EQ(model->info().source, "remote");
  EXPECT_EQ(model->info().path, server.loopback().url("/v1"));
  EXPECT_EQ(model->info().context, 4096);
  EXPECT_EQ(model->checkpoint_hash(), "remote:qwen3");
}

TEST(RemoteModel, AsksNothingWhenItKnows) {
  Server server([](const LoopbackRequest&, LoopbackReply&, int) {});
  const auto model = server.open({.model = "m", .context = 2048});
  ASSERT_TRUE(model);
  EXPECT_EQ(model->info().context, 2048);
  EXPECT_EQ(server.loopback().connections(), 0);
}

Result<std::unique_ptr<RemoteModel>> open_at(LoopbackServer& server, RemoteOptions options = {}) {
  options.base_url = server.url("");
  options.first_pause_s = 0.01;
  return RemoteModel::open(options);
}

TEST(RemoteModel, FindsTheContextThatLlamaCppWasGiven) {
  LoopbackServer server([](const LoopbackRequest& request, LoopbackReply& reply) {
    if (request.target == "/v1/models") {
      reply.json(R"({"data":[{"id":"m","meta":{"n_ctx_train":40960}}]})");
    } else if (request.target == "/props") {
      reply.json(R"({"default_generation_settings":{"n_ctx":8192}})");
    }
  });
  const auto model = open_at(server);  // an address without /v1
  ASSERT_TRUE(model) << model.error().message();
  EXPECT_EQ((*model)->info().context, 8192);
  EXPECT_EQ((*model)->info().path, server.url("/v1"));
}

TEST(RemoteModel, DoesWithoutAListOfModels) {
  LoopbackServer server(
      [](const LoopbackRequest&, LoopbackReply& reply) { reply.answer(404, "none"); });
  EXPECT_EQ((*open_at(server))->info().name, "default");
  const auto model = open_at(server, {.model = "m"});
  EXPECT_EQ((*model)->info().name, "m");
  EXPECT_EQ((*model)->info().context, 32768);
}

TEST(RemoteModel, SeveralModelsAreAQuestionToTheUser) {
  LoopbackServer server([](const LoopbackRequest&, LoopbackReply& reply) {
    reply.json(R"({"data":[{"id":"a"},{"id":"b"}]})");
  });
  const auto model = open_at(server);
  ASSERT_FALSE(model);
  EXPECT_EQ(model.error().code(), Code::kInvalidInput);
  EXPECT_NE(model.error().message().find("a, b"), std::string::npos);
  EXPECT_TRUE(open_at(server, {.model = "b"}));
}

TEST(RemoteModel, WhatCannotBeOpenedIsSaid) {
  const auto message = [](RemoteOptions options) {
    options.first_pause_s = 0.01;
    const auto model = RemoteModel::open(options);
    return model ? "opened" : model.error().message();
  };
  const std::string nobody = "http://127.0.0.1:" + std::to_string(support::unused_port()) + "/v1";
  EXPECT_NE(message({.base_url = "localhost:8000"}).find("no http or https address"),
            std::string::npos);
  EXPECT_NE(message({.base_url = nobody}).find("is the server running there?"), std::string::npos);
  EXPECT_NE(message({.base_url = nobody, .offline = true}).find("offline"), std::string::npos);
  EXPECT_NE(message({.base_url = "http://a:secret@localhost/v1"}).find("--llm-key-env"),
            std::string::npos);
  EXPECT_EQ(message({.base_url = "http://a:secret@localhost/v1"}).find("secret"),
            std::string::npos);
  EXPECT_NE(message({.base_url = nobody, .api_key_env = "MAIE_TEST_ABSENT_KEY"})
                .find("MAIE_TEST_ABSENT_KEY"),
            std::string::npos);
  LoopbackServer html([](const LoopbackRequest&, LoopbackReply& reply) {
    reply.answer(200, "<html>", {{"Content-Type", "text/html"}});
  });
  EXPECT_NE(message({.base_url = html.url("")}).find("end in /v1"), std::string::npos);
}

TEST(RemoteModel, StreamsAnAnswer) {
  Server server([](const LoopbackRequest&, LoopbackReply& reply, int) {
    stream(reply, {"Xin ", "ch\xC3\xA0o"}, "length");
  });
  const auto model = server.open();
  std::vector<std::string> pieces;
  int64_t progress = 0;
  const auto out = model->complete(
      hello(), {.on_text = [&](std::string_view text) { pieces.emplace_back(text); },
                .on_progress = [&](const Progress& now) { progress = now.answer_tokens; }});
  ASSERT_TRUE(out) << out.error().message();
  EXPECT_EQ(out->text, "Xin ch\xC3\xA0o");
  EXPECT_EQ(out->finish, Finish::kLength);
  EXPECT_EQ(pieces, (std::vector<std::string>{"Xin ", "ch\xC3\xA0o"}));
  EXPECT_EQ(progress, 2);
  EXPECT_EQ(out->usage.prompt_tokens, 9);
  EXPECT_EQ(out->usage.answer_tokens, 3);
  EXPECT_GT(out->usage.first_token_s, 0);
  EXPECT_GE(out->usage.total_s, out->usage.first_token_s);
  EXPECT_EQ(server.bodies()[0]["model"], "qwen3");
}

TEST(RemoteModel, UnderstandsAServerThatDoesNotStream) {
  Server server([](const LoopbackRequest&, LoopbackReply& reply, int) {
    reply.json(R"({"choices":[{"message":{"content":"hello"},"finish_reason":"stop"}]})");
  });
  const auto out = server.open()->complete(hello(), {});
  ASSERT_TRUE(out) << out.error().message();
  EXPECT_EQ(out->text, "hello");
}

TEST(RemoteModel, AnEmptyAnswerIsForTheCallerToJudge) {
  Server server([](const LoopbackRequest&, LoopbackReply& reply, int) { stream(reply, {}); });
  const auto model = server.open();
  EXPECT_EQ(model->complete(hello(), {})->text, "");
  expect_failure(model->complete(hello(kSchema), {}), server, Code::kUnavailable, "is empty");
}

TEST(RemoteModel, AnAnswerKeepsTheSchemaOrFails) {
  std::string text;
  std::string finish = "stop";
  Server server([&](const LoopbackRequest&, LoopbackReply& reply, int) {
    stream(reply, {text.substr(0, text.size() / 2), text.substr(text.size() / 2)}, finish);
  });
  const auto model = server.open();
  const auto ask = [&](const std::string& answer) {
    text = answer;
    return model->complete(hello(kSchema), {});
  };
  EXPECT_EQ(ask(R"({"title": "a"})")->text, R"({"title": "a"})");
  EXPECT_EQ(ask("<think>so</think>\n```json\n{\"title\": \"a\"}\n```\n")->text,
            R"({"title": "a"})");
  expect_failure(ask(R"({"title": 7})"), server, Code::kUnavailable, "/title");
  expect_failure(ask(R"({})"), server, Code::kUnavailable, "does not keep the schema");
  expect_failure(ask("Here it is: {}"), server, Code::kUnavailable, "is not JSON");
  finish = "length";
  expect_failure(ask(R"({"title": "a)"), server, Code::kUnavailable, "max_tokens");
  EXPECT_EQ(server.asked(), 6);  // another try is the caller's decision
}

TEST(RemoteModel, ASchemaThatIsNoneIsRefusedBeforeAsking) {
  Server server([](const LoopbackRequest&, LoopbackReply& reply, int) { stream(reply, {"{}"}); });
  const auto model = server.open();
  for (const char* schema : {"{", "[]", "7", R"({"type": 7})"}) {
    const auto out = model->complete(hello(schema), {});
    ASSERT_FALSE(out) << schema;
    EXPECT_EQ(out.error().code(), Code::kInvalidInput) << schema;
  }
  EXPECT_FALSE(model->complete({}, {}));
  EXPECT_EQ(server.asked(), 0);
  EXPECT_TRUE(model->complete(hello("true"), {}));
}

TEST(RemoteModel, ARefusedWayOfTellingTheSchemaGivesWayToTheNext) {
  Server server([](const LoopbackRequest& request, LoopbackReply& reply, int) {
    const Json body = *parse_json(request.body);
    const Json format = body.value("response_format", Json::object());
    if (json_string(format, "type", "") == "json_schema") {
      reply.json(R"({"error":{"message":"response_format json_schema is not supported"}})", 400);
    } else if (!format.empty()) {  // as llama-cpp-python has it
      reply.json(R"({"error":{"message":"1 validation error: body, response_format"}})", 500);
    } else if (body.contains("structured_outputs")) {
      reply.json(R"({"detail":[{"msg":"Extra inputs are not permitted: structured_outputs"}]})",
                 422);
    } else {
      stream(reply, {"{\"title\":\"a\"}"});
    }
  });
  const auto model = server.open();
  ASSERT_TRUE(model->complete(hello(kSchema), {}));
  EXPECT_EQ(server.asked(), 4);
  ASSERT_TRUE(model->complete(hello(kSchema), {}));
  EXPECT_EQ(server.asked(), 5);  // remembered
  const auto prompt_of = [&](size_t nth) -> std::string {
    return server.bodies()[nth]["messages"][0]["content"];
  };
  EXPECT_EQ(prompt_of(0), "hello");
  for (size_t nth = 1; nth < 5; ++nth) {
    EXPECT_NE(prompt_of(nth).find("\"required\":[\"title\"]"), std::string::npos) << nth;
  }

  const auto strict = server.open({.schema_way = SchemaWay::kResponseFormat});
  expect_failure(strict->complete(hello(kSchema), {}), server, Code::kInvalidInput,
                 "response_format json_schema is not supported");
}

TEST(RemoteModel, ARefusedFieldIsLeftOutFromThenOn) {
  Server server([](const LoopbackRequest& request, LoopbackReply& reply, int) {
    const Json body = *parse_json(request.body);
    for (const char* field : {"top_k", "stream_options", "max_tokens"}) {
      if (!body.contains(field)) continue;
      return (void)reply.json(
          R"({"error":{"message":"Unsupported parameter: ')" + std::string(field) + "'\"}}", 400);
    }
    stream(reply, {"a"});
  });
  const auto model = server.open();
  Request request = hello();
  request.sampling.top_k = 5;
  request.max_tokens = 10;
  ASSERT_TRUE(model->complete(request, {}));
  ASSERT_TRUE(model->complete(request, {}));
  EXPECT_EQ(server.asked(), 5);
  EXPECT_EQ(server.bodies().back()["max_completion_tokens"], 10);
}

TEST(RemoteModel, ATooLongRequestIsSaidInTheServersWords) {
  Server server([](const LoopbackRequest&, LoopbackReply& reply, int) {
    reply.json(R"({"error":{"message":"This model's maximum context length is 4096 tokens, your )"
               R"(request has 5000; 'max_tokens' is invalid","code":400}})",
               400);
  });
  Request request = hello(kSchema);
  request.max_tokens = 10;
  expect_failure(server.open()->complete(request, {}), server, Code::kInvalidInput,
                 "maximum context length is 4096");
  EXPECT_EQ(server.asked(), 1);
}

TEST(RemoteModel, TriesAgainWhatMayPass) {
  Server server([](const LoopbackRequest&, LoopbackReply& reply, int nth) {
    switch (nth) {
      case 0: reply.answer(429, "", {{"Retry-After", "0"}}); return;
      case 1: reply.answer(503, "<html>loading"); return;
      case 2: reply.close(); return;
      case 3:
        reply.begin_chunked(200, {{"Content-Type", "text/event-stream"}});
        reply.chunk("data: {\"choices\":[{\"delta\":{\"content\":\"lost\"}}]}\n\n");
        reply.close();
        return;
      default: stream(reply, {"found"});
    }
  });
  const auto out = server.open()->complete(hello(), {});
  ASSERT_TRUE(out) << out.error().message();
  EXPECT_EQ(out->text, "found");
  EXPECT_EQ(server.asked(), 5);
}

TEST(RemoteModel, NeverTriesAgainOnceTextWasDelivered) {
  Server server([](const LoopbackRequest&, LoopbackReply& reply, int) {
    reply.begin_chunked(200, {{"Content-Type", "text/event-stream"}});
    reply.chunk("data: {\"choices\":[{\"delta\":{\"content\":\"first words\"}}]}\n\n");
    reply.close();
  });
  std::string seen;
  const auto out =
      server.open()->complete(hello(), {.on_text = [&](std::string_view text) { seen += text; }});
  expect_failure(out, server, Code::kUnavailable, "before the answer was complete");
  EXPECT_EQ(seen, "first words");
  EXPECT_EQ(server.asked(), 1);
}

TEST(RemoteModel, GivesUpOnABusyServer) {
  Server server([](const LoopbackRequest&, LoopbackReply& reply, int) {
    reply.json(R"({"error":{"message":"queue full"}})", 429);
  });
  expect_failure(server.open({.attempts = 3})->complete(hello(), {}), server, Code::kUnavailable,
                 "is too busy (429: queue full); try again later (after 3 attempts)");
  EXPECT_EQ(server.asked(), 3);
}

TEST(RemoteModel, DoesNotWaitLongerThanItIsPatient) {
  Server server([](const LoopbackRequest&, LoopbackReply& reply, int) {
    reply.answer(429, "", {{"Retry-After", "3600"}});
  });
  expect_failure(server.open()->complete(hello(), {}), server, Code::kUnavailable,
                 "come back in 3600 s");
  EXPECT_EQ(server.asked(), 1);
}

// Completes against a server with that fault.
void expect_fault(const std::function<void(LoopbackReply&)>& fault, Code code,
                  const std::string& part, double stall_limit_s = 60) {
  Server server([&](const LoopbackRequest&, LoopbackReply& reply, int) { fault(reply); });
  const auto model = server.open({.attempts = 2, .max_answer_bytes = 10'000});
  expect_failure(model->complete(hello(), {.stall_limit_s = stall_limit_s}), server, code, part);
}

void endless(LoopbackReply& reply, const std::string& piece) {
  reply.begin_chunked(200, {{"Content-Type", "text/event-stream"}});
  while (reply.chunk(piece)) {
  }
}

TEST(RemoteModel, EachFaultOfTheConnectionHasItsMessage) {
  const Code again = Code::kUnavailable;
  expect_fault([](LoopbackReply& reply) { reply.hang(); }, again, "nothing came for 0.3 s", 0.3);
  expect_fault([](LoopbackReply& reply) { reply.close(); }, again,
               "closed the connection without an answer; try again later (after 2 attempts)");
  expect_fault([](LoopbackReply& reply) { reply.reset(); }, again, "closed the connection");
  expect_fault(
      [](LoopbackReply& reply) {
        reply.answer(302, "", {{"Location", "http://o.example/?s"}});
      },
      Code::kInvalidInput, "has moved (302); it points to http://o.example:80;");
}

TEST(RemoteModel, EachStrangeAnswerHasItsMessage) {
  const auto html = [](int status) {
    return [status](LoopbackReply& reply) {
      reply.answer(status, "<!DOCTYPE html><h1>It works</h1>", {{"Content-Type", "text/html"}});
    };
  };
  const Code again = Code::kUnavailable;
  expect_fault(html(200), again, "text/html instead of a chat completion");
  expect_fault(html(500), again, "failed (500)");
  expect_fault(html(404), Code::kNotFound, "does it end in /v1?");
  expect_fault(
      [](LoopbackReply& reply) {
        reply.answer(200, "x", {{"Content-Type", "image/png"}});
      },
      again, "image/png instead");
  expect_fault([](LoopbackReply& reply) { reply.json("{\"choices\": ["); }, again,
               "not a chat completion");
  expect_fault(
      [](LoopbackReply& reply) {
        reply.begin_chunked(200, {{"Content-Type", "text/event-stream"}});
        reply.chunk("data: {\"choices\":[{]}\n\n");
        reply.end_chunked();
      },
      again, "is not JSON");
  expect_fault(
      [](LoopbackReply& reply) {
        endless(reply, "data: {\"choices\":[{\"delta\":{\"content\":\"xxxxxxxx\"}}]}\n\n");
      },
      Code::kResourceExhausted, "more than 10000 bytes");
  expect_fault([](LoopbackReply& reply) { endless(reply, ": ping\n\n"); }, Code::kResourceExhausted,
               "is refused");
}

TEST(RemoteModel, EachRefusalHasItsMessage) {
  expect_fault([](LoopbackReply& reply) { reply.json(R"({"error":"bad key"})", 401); },
               Code::kPermissionDenied, "wants a key (401); name it with --llm-key-env");
  expect_fault(
      [](LoopbackReply& reply) {
        reply.json(R"({"error":{"message":"The model `qwen3` does not exist."}})", 404);
      },
      Code::kNotFound, "has no model \"qwen3\" (404); it has qwen3");
  expect_fault([](LoopbackReply& reply) { reply.json(R"({"error":"too big"})", 413); },
               Code::kInvalidInput, "too long for it (413: too big)");
  expect_fault([](LoopbackReply& reply) { reply.json(R"({"error":"no idea"})", 500); },
               Code::kUnavailable, "failed (500: no idea); its log tells why (after 2 attempts)");
}

TEST(RemoteModel, ADrippingServerIsWaitedFor) {
  Server server([](const LoopbackRequest&, LoopbackReply& reply, int) {
    reply.begin_chunked(200, {{"Content-Type", "text/event-stream"}});
    for (const char* piece : {"a", "b", "c", "d", "e", "f", "g", "h"}) {
      reply.wait(0.25);
      reply.chunk("data: {\"choices\":[{\"delta\":{\"content\":\"" + std::string(piece) +
                  "\"}}]}\n\n");
    }
    reply.chunk("data: [DONE]\n\n");
    reply.hang();  // and never closes
  });
  // Longer in all than the limit on silence.
  const auto out = server.open()->complete(hello(), {.stall_limit_s = 1.5});
  ASSERT_TRUE(out) << out.error().message();
  EXPECT_EQ(out->text, "abcdefgh");
  EXPECT_EQ(server.asked(), 1);
}

TEST(RemoteModel, StopsWhenCancelled) {
  Server server([](const LoopbackRequest&, LoopbackReply& reply, int nth) {
    if (nth == 0) reply.hang();
    reply.answer(503, "");
  });
  const auto model = server.open({.attempts = 1000, .longest_pause_s = 0.01});
  for (int round = 0; round < 2; ++round) {  // in an exchange, and between two
    CancelToken cancel;
    cancel.set_deadline(CancelToken::Clock::now() + std::chrono::milliseconds(100));
    const auto out = model->complete(hello(), {.cancel = &cancel});
    ASSERT_FALSE(out);
    EXPECT_EQ(out.error().code(), Code::kCancelled);
  }
}

TEST(RemoteModel, AKeyGoesToTheServerAndNowhereElse) {
  const std::string file = testing::TempDir() + "maie_key_" + std::to_string(getpid());
  std::ofstream(file) << " sk-secret-1\n";
  setenv("MAIE_TEST_KEY", "sk-secret-2", 1);
  Server server([](const LoopbackRequest& request, LoopbackReply& reply, int nth) {
    const std::string echo =
        "{\"error\":{\"message\":\"" + request.header("authorization") + "\"}}";
    reply.json(echo, nth % 2 == 0 ? 401 : 400);
  });
  const auto from_file = server.open({.api_key_file = file});
  expect_failure(from_file->complete(hello(), {}), server, Code::kPermissionDenied,
                 "refuses the key (401); check what " + file + " holds");
  const auto refused = from_file->complete(hello(), {});
  expect_failure(refused, server, Code::kInvalidInput, "(400: Bearer ***)");
  EXPECT_EQ(server.loopback().requests().back().header("authorization"), "Bearer sk-secret-1");

  const auto from_variable = server.open({.api_key_env = "MAIE_TEST_KEY", .api_key_file = file});
  (void)from_variable->complete(hello(), {});
  EXPECT_EQ(server.loopback().requests().back().header("authorization"), "Bearer sk-secret-2");
  unsetenv("MAIE_TEST_KEY");

  std::ofstream(file) << "two\nlines";
  const auto bad = RemoteModel::open({.base_url = "http://localhost/v1", .api_key_file = file});
  ASSERT_FALSE(bad);
  EXPECT_EQ(bad.error().code(), Code::kInvalidInput);
  ::unlink(file.c_str());
  EXPECT_EQ(
      RemoteModel::open({.base_url = "http://localhost/v1", .api_key_file = file}).error().code(),
      Code::kNotFound);
}

TEST(RemoteModel, CountsTokensByTheServerOrFromAbove) {
  const auto count = [](const char* which) {
    LoopbackServer server([&](const LoopbackRequest& request, LoopbackReply& reply) {
      if (request.target != "/tokenize" || std::string(which) == "none") {
        return (void)reply.answer(404, "");
      }
      const Json body = *parse_json(request.body);
      const bool vllm = std::string(which) == "vllm";
      const std::string text = json_string(body, vllm ? "prompt" : "content", "");
      Json tokens = Json::array();
      for (size_t i = 0; i < text.size(); ++i) tokens.push_back(1);
      Json answer = {{"tokens", tokens}};
      if (vllm) answer["count"] = text.size();
      reply.json(answer.dump());
    });
    const auto model = open_at(server, {.model = "m", .context = 100});
    EXPECT_EQ((*model)->count_tokens("").value(), 0);
    const int64_t tokens = (*model)->count_tokens("transcription").value();
    const size_t before = server.requests().size();
    EXPECT_EQ((*model)->count_tokens("transcription").value(), tokens);
    // Once it is known which of them it is, one question is enough, or none.
    EXPECT_EQ(server.requests().size() - before, std::string(which) == "none" ? 0u : 1u);
    return tokens;
  };
  EXPECT_EQ(count("vllm"), 13);
  EXPECT_EQ(count("llama.cpp"), 13);
  EXPECT_EQ(count("none"), 5);
}

TEST(RemoteModel, ManyThreadsAskAtOnce) {
  Server server([](const LoopbackRequest& request, LoopbackReply& reply, int) {
    const Json body = *parse_json(request.body);
    if (body.contains("top_k")) {
      return (void)reply.json(R"({"error":{"message":"unknown field top_k"}})", 400);
    }
    if (body.contains("response_format")) {
      return (void)reply.json(R"({"error":{"message":"no response_format here"}})", 400);
    }
    const std::string asked = body["messages"][0]["content"];  // and the schema below it
    stream(reply, {"{\"title\":", Json(asked.substr(0, asked.find('\n'))).dump(), "}"});
  });
  const auto model = server.open();
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 10; ++i) {
        Request request = hello(kSchema);
        request.sampling.top_k = 5;
        request.messages[0].content = std::to_string(100 * t + i);
        const auto out = model->complete(request, {});
        if (!out || out->text != "{\"title\":\"" + request.messages[0].content + "\"}") ++wrong;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
}

}  // namespace
}  // namespace maie::llm
