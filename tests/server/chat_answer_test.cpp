#include "server/chat_answer.h"

#include <gtest/gtest.h>

namespace maie::server {
namespace {

const ChatIdentity kIdentity = {"chatcmpl-1", 1767225600, "qwen"};
constexpr char kSchema[] = R"({"type": "object", "properties": {"a": {"type": "integer"}},
                               "required": ["a"], "additionalProperties": false})";

llm::Completion some_completion(std::string text) {
  llm::Completion completion;
  completion.text = std::move(text);
  completion.usage.prompt_tokens = 812;
  completion.usage.cached_tokens = 640;
  completion.usage.answer_tokens = 95;
  return completion;
}

TEST(ChatAnswer, IsTheObjectOfTheApi) {
  EXPECT_EQ(chat_completion(kIdentity, some_completion("Xin chào"), ""), Json::parse(R"({
    "id": "chatcmpl-1", "object": "chat.completion", "created": 1767225600, "model": "qwen",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "Xin chào",
                 "refusal": null}, "logprobs": null, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 812, "completion_tokens": 95, "total_tokens": 907,
              "prompt_tokens_details": {"cached_tokens": 640}}})"));
}

TEST(ChatAnswer, ThinkingStaysOutOfTheContent) {
  llm::Completion completion = some_completion("4");
  completion.thinking = "two and two";
  const Json message = chat_completion(kIdentity, completion, "")["choices"][0]["message"];
  EXPECT_EQ(message["content"], "4");
  EXPECT_EQ(message["reasoning_content"], "two and two");
}

TEST(ChatAnswer, StopIsAPromiseUnderASchema) {
  const auto finish = [](const std::string& text, llm::Finish how) {
    llm::Completion completion = some_completion(text);
    completion.finish = how;
    const Json json = chat_completion(kIdentity, completion, kSchema);
    return json["choices"][0]["finish_reason"].get<std::string>() +
           (json["maie"]["valid"].get<bool>() ? " valid" : " invalid");
  };
  EXPECT_EQ(finish(R"({"a": 1})", llm::Finish::kStop), "stop valid");
  EXPECT_EQ(finish(R"({"a": "1"})", llm::Finish::kStop), "length invalid");
  EXPECT_EQ(finish(R"({"a": 1)", llm::Finish::kStop), "length invalid");
  EXPECT_EQ(finish(R"({"a": 1})", llm::Finish::kLength), "length invalid");
}

TEST(ChatAnswer, ChunksAreTheObjectsOfAStream) {
  EXPECT_EQ(role_chunk(kIdentity, false), Json::parse(R"({"id": "chatcmpl-1",
    "object": "chat.completion.chunk", "created": 1767225600, "model": "qwen",
    "choices": [{"index": 0, "delta": {"role": "assistant", "content": ""}, "logprobs": null,
                 "finish_reason": null}]})"));
  EXPECT_EQ(text_chunk(kIdentity, "a", true)["usage"], Json());
  EXPECT_TRUE(text_chunk(kIdentity, "a", true).contains("usage"));
  EXPECT_EQ(text_chunk(kIdentity, "a", true)["choices"][0]["delta"],
            Json::parse(R"({"content": "a"})"));
  const Json last = finish_chunk(kIdentity, some_completion("a"), "", false);
  EXPECT_EQ(last["choices"][0]["delta"], Json::object());
  EXPECT_EQ(last["choices"][0]["finish_reason"], "stop");
  const Json usage = usage_chunk(kIdentity, some_completion("a"));
  EXPECT_EQ(usage["choices"], Json::array());
  EXPECT_EQ(usage["usage"]["total_tokens"], 907);
}

}  // namespace
}  // namespace maie::server
