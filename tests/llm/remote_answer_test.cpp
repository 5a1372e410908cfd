#include "llm/remote_answer.h"

#include <gtest/gtest.h>

#include <random>

namespace maie::llm {
namespace {

net::HttpResponse head(const std::string& type) {
  net::HttpResponse out;
  out.status = 200;
  if (!type.empty()) out.headers = {{"content-type", type}};
  return out;
}

Result<Completion> read(const std::string& body, const std::string& type = "text/event-stream",
                        size_t piece = 7, std::string* streamed = nullptr) {
  RemoteAnswer answer({.place = "host:1",
                       .stops = {"STOP"},
                       .max_text_bytes = 4000,
                       .on_text = [&](std::string_view text) {
                         if (streamed != nullptr) *streamed += text;
                       }});
  for (size_t at = 0; at < body.size(); at += piece) {
    if (!answer.take(head(type), std::string_view(body).substr(at, piece))) break;
  }
  return answer.finish();
}

std::string event(const std::string& json) { return "data: " + json + "\n\n"; }

std::string said(const std::string& text, const std::string& member = "content") {
  return event(R"({"choices":[{"index":0,"delta":{")" + member + "\":" + Json(text).dump() +
               "}}]}");
}

std::string ended(const std::string& reason = "stop") {
  return event(R"({"choices":[{"index":0,"delta":{},"finish_reason":")" + reason + "\"}]}");
}

const std::string kDone = "data: [DONE]\n\n";

TEST(RemoteAnswer, ReadsAStream) {
  std::string streamed;
  const auto out = read(
      event(R"({"choices":[{"index":0,"delta":{"role":"assistant","content":""}}],"usage":null})") +
          said("Xin ch\xC3\xA0o") + ": ping\n\n" + said(", you") + ended("length") +
          event(R"({"choices":[],"usage":{"prompt_tokens":12,"completion_tokens":5,)"
                R"("prompt_tokens_details":{"cached_tokens":8}}})") +
          kDone,
      "text/event-stream; charset=utf-8", 1, &streamed);
  ASSERT_TRUE(out) << out.error().message();
  EXPECT_EQ(out->text, "Xin ch\xC3\xA0o, you");
  EXPECT_EQ(streamed, out->text);
  EXPECT_EQ(out->finish, Finish::kLength);
  EXPECT_EQ(out->usage.prompt_tokens, 12);
  EXPECT_EQ(out->usage.cached_tokens, 8);
  EXPECT_EQ(out->usage.answer_tokens, 5);
}

TEST(RemoteAnswer, ReadsOneDocument) {
  const std::string body =
      R"({"choices":[{"index":0,"message":{"role":"assistant","content":"hello",)"
      R"("reasoning_content":"hm"},"finish_reason":"stop"}],)"
      R"("usage":{"prompt_tokens":3,"completion_tokens":2}})";
  for (const char* type :
       {"application/json", "application/json; charset=utf-8", "", "text/plain"}) {
    const auto out = read(body, type);
    ASSERT_TRUE(out) << type << out.error().message();
    EXPECT_EQ(out->text, "hello");
    EXPECT_EQ(out->thinking, "hm");
    EXPECT_EQ(out->usage.prompt_tokens, 3);
  }
}

TEST(RemoteAnswer, KnowsAStreamWithoutItsHeader) {
  EXPECT_EQ(read(said("a") + ended() + kDone, "", 1)->text, "a");
  EXPECT_EQ(read(": ping\n\n" + said("a") + ended() + kDone, "application/octet-stream")->text,
            "a");
}

TEST(RemoteAnswer, PutsThinkingApart) {
  const auto tags = read(said("<thi") + said("nk>\nwell") + said("</think>\n\nyes") + ended());
  EXPECT_EQ(tags->text, "yes");
  EXPECT_NE(tags->thinking.find("well"), std::string::npos);
  const auto member = read(said("well", "reasoning_content") + said("yes") + ended());
  EXPECT_EQ(member->text, "yes");
  EXPECT_EQ(member->thinking, "well");
  const auto begun = read(said("well</think>\n\n") + said("yes") + ended());
  EXPECT_EQ(begun->text, "yes");
  EXPECT_EQ(begun->thinking, "well");
  EXPECT_EQ(read(said("well", "reasoning") + said("yes") + ended())->thinking, "well");
}

TEST(RemoteAnswer, EndsAtAStopStringThatTheServerPassedOver) {
  const auto out = read(said("one ST") + said("OP two"));
  ASSERT_TRUE(out) << out.error().message();
  EXPECT_EQ(out->text, "one ");
  EXPECT_EQ(out->finish, Finish::kStop);
}

TEST(RemoteAnswer, WantsNoMoreAfterItsEnd) {
  RemoteAnswer answer({.place = "host:1"});
  EXPECT_FALSE(answer.take(head("text/event-stream"), said("a") + kDone));
  EXPECT_TRUE(answer.complete());
  EXPECT_EQ(answer.finish()->text, "a");
}

TEST(RemoteAnswer, AnEmptyAnswerIsAValue) { EXPECT_EQ(read(ended() + kDone)->text, ""); }

TEST(RemoteAnswer, BytesThatAreNoUtf8AreReplaced) {
  const auto out = read("data: {\"choices\":[{\"delta\":{\"content\":\"a\xFFz\"}}]}\n\n" + kDone);
  ASSERT_TRUE(out) << out.error().message();
  EXPECT_EQ(out->text, "a\xEF\xBF\xBDz");
}

void expect_failure(const Result<Completion>& out, Code code, const std::string& part) {
  ASSERT_FALSE(out) << out->text;
  EXPECT_EQ(out.error().code(), code) << out.error().message();
  EXPECT_NE(out.error().message().find(part), std::string::npos) << out.error().message();
  EXPECT_TRUE(out.error().message().starts_with("host:1: ")) << out.error().message();
}

TEST(RemoteAnswer, SaysWhatIsWrong) {
  const Code again = Code::kUnavailable;
  expect_failure(read("<!DOCTYPE html><p>hello", "text/html; charset=utf-8"), again, "text/html");
  expect_failure(read("", "text/event-stream"), again, "sent an empty answer");
  expect_failure(read("  ", ""), again, "instead of a chat completion");
  expect_failure(read(said("a")), again, "ended before the answer did");
  expect_failure(read(said("a") + "data: {\"choices\"", "text/event-stream"), again,
                 "ended before");
  expect_failure(read(event("{\"choices\": nonsense}")), again, "not JSON");
  expect_failure(read(event("[1]")), again, "not JSON");
  expect_failure(read("{\"choices\": [", "application/json"), again, "not a chat completion");
  expect_failure(read("[]", "application/json"), again, "not a chat completion");
  expect_failure(read("{\"choices\": []}", "application/json"), again, "no choices");
  expect_failure(read(said("a") + ended("content_filter")), again, "withheld");
  expect_failure(read(said("a") + ended("abort")), again, "gave up");
  expect_failure(read(event(R"({"error":{"message":"out of memory","code":500}})")), again,
                 "out of memory");
  expect_failure(read(R"({"error":"no memory"})", "application/json"), again, "no memory");
  expect_failure(read(event(R"({"object":"error","message":"too long","code":400})")),
                 Code::kInvalidInput, "too long");
  expect_failure(read(said(std::string(5000, 'x'))), Code::kResourceExhausted, "4000");
  std::string endless;
  for (int i = 0; i < 1000; ++i) endless += said("xxxxxxxxxx");
  expect_failure(read(endless), Code::kResourceExhausted, "4000");
  expect_failure(read("data: " + std::string(5 << 20, 'x')), Code::kResourceExhausted, "event");
  expect_failure(read("{\"a\":\"" + std::string(2 << 20, 'x'), "application/json", 10'000),
                 Code::kResourceExhausted, "endless");
}

TEST(RemoteAnswer, ReadsTheErrorBodiesOfManyServers) {
  EXPECT_EQ(error_sentence(R"({"error":{"message":"m","type":"t"}})"), "m");
  EXPECT_EQ(error_sentence(R"({"error":"m"})"), "m");
  EXPECT_EQ(error_sentence(R"({"detail":"m"})"), "m");
  EXPECT_EQ(error_sentence(R"({"detail":[{"loc":["body"],"msg":"m"}]})"), "m");
  EXPECT_EQ(error_sentence(R"({"object":"error","message":"m"})"), "m");
  EXPECT_EQ(error_sentence("<html>"), "");
  EXPECT_EQ(error_sentence("{\"error\":\"a\\nb\\u0007c\"}"), "a b c");
  EXPECT_EQ(error_sentence_of(Json{{"error", std::string(1000, 'x')}}).size(), 303u);
}

TEST(RemoteAnswer, NoMutationOfAStreamBreaksIt) {
  const std::string whole = said("<think>a</think>b") + said("c") + ended() +
                            event(R"({"choices":[],"usage":{"prompt_tokens":1}})") + kDone;
  std::mt19937 random(3);
  for (int round = 0; round < 5000; ++round) {
    std::string body = whole;
    for (int i = int(random() % 4); i >= 0; --i) {
      const size_t at = random() % body.size();
      switch (random() % 4) {
        case 0: body[at] = char(random()); break;
        case 1: body.erase(at, random() % 20); break;
        case 2: body.insert(at, 1, "\n\r{}[]\":,0x"[random() % 11]); break;
        default: body.insert(at, body.substr(random() % body.size(), random() % 30)); break;
      }
      if (body.empty()) body = " ";
    }
    std::string a, b;
    const auto whole_read = read(body, "text/event-stream", body.size(), &a);
    const auto cut_read = read(body, "text/event-stream", 1 + random() % 9, &b);
    ASSERT_EQ(whole_read.has_value(), cut_read.has_value());
    ASSERT_EQ(a, b);
    if (!whole_read) continue;
    ASSERT_EQ(whole_read->text, cut_read->text);
    const bool late = a.find("</think>") != std::string::npos;
    ASSERT_EQ(late ? a : whole_read->text, a);
  }
}

}  // namespace
}  // namespace maie::llm
