#include "server/chat_request.h"

#include <gtest/gtest.h>

namespace maie::server {
namespace {

Json body_with(const char* members) {
  Json body = Json::parse(R"({"model": "lm", "messages": [{"role": "user", "content": "Hi"}]})");
  body.update(Json::parse(members));
  return body;
}

ChatRequest read(const char* members) {
  const auto result = chat_request_of(body_with(members).dump());
  if (const auto* error = std::get_if<ApiError>(&result)) {
    ADD_FAILURE() << members << ": " << error->param << ": " << error->message;
    return {};
  }
  return std::get<ChatRequest>(result);
}

// "param code" of the refusal.
std::string refused_body(const std::string& body) {
  const auto result = chat_request_of(body);
  const auto* error = std::get_if<ApiError>(&result);
  if (error == nullptr) return "accepted";
  EXPECT_EQ(error->status, 400);
  EXPECT_FALSE(error->message.empty());
  return error->param + " " + error->code;
}
std::string refused(const char* members) { return refused_body(body_with(members).dump()); }

TEST(ChatRequest, IsAJsonObject) {
  EXPECT_EQ(refused_body(""), " INVALID_VALUE");
  EXPECT_EQ(refused_body("[1]"), " INVALID_VALUE");
  EXPECT_EQ(refused_body("{\"model\": \"lm\""), " INVALID_VALUE");
  EXPECT_EQ(refused_body("{}"), "model MISSING_FIELD");
  EXPECT_EQ(refused_body(R"({"model": "lm"})"), "messages MISSING_FIELD");
  EXPECT_EQ(refused_body(R"({"model": 1, "messages": []})"), "model INVALID_VALUE");
}

TEST(ChatRequest, MessagesHaveRolesAndText) {
  const ChatRequest request = read(R"({"messages": [
    {"role": "developer", "content": "Be short."}, {"role": "system", "content": "Really."},
    {"role": "user", "content": [{"type": "text", "text": "Xin"}, {"type": "text", "text": "chào"}]},
    {"role": "assistant", "content": "Yes?"}]})");
  const std::vector<llm::Message>& messages = request.job.request.messages;
  ASSERT_EQ(messages.size(), 4u);
  EXPECT_EQ(messages[0].role, "system");
  EXPECT_EQ(messages[1].role, "system");
  EXPECT_EQ(messages[2].content, "Xin\nchào");
  EXPECT_EQ(messages[3].role, "assistant");
}

TEST(ChatRequest, WhatIsNoTextIsRefused) {
  EXPECT_EQ(refused(R"({"messages": []})"), "messages INVALID_VALUE");
  EXPECT_EQ(refused(R"({"messages": "Hi"})"), "messages INVALID_VALUE");
  EXPECT_EQ(refused(R"({"messages": ["Hi"]})"), "messages[0] INVALID_VALUE");
  EXPECT_EQ(refused(R"({"messages": [{"role": "tool", "content": "x"}]})"),
            "messages[0].role UNSUPPORTED_VALUE");
  EXPECT_EQ(refused(R"({"messages": [{"role": "king", "content": "x"}]})"),
            "messages[0].role INVALID_VALUE");
  EXPECT_EQ(refused(R"({"messages": [{"role": "user"}]})"), "messages[0].content INVALID_VALUE");
  EXPECT_EQ(refused(R"({"messages": [{"role": "user", "content": null}]})"),
            "messages[0].content INVALID_VALUE");
  EXPECT_EQ(refused(R"({"messages": [{"role": "user", "content": [{"type": "image_url"}]}]})"),
            "messages[0].content[0] UNSUPPORTED_VALUE");
  EXPECT_EQ(refused(R"({"messages": [{"role": "user", "content": [{"type": "text"}]}]})"),
            "messages[0].content[0] INVALID_VALUE");
  EXPECT_EQ(refused(R"({"messages": [{"role": "assistant", "content": "x", "tool_calls": [1]}]})"),
            "messages[0].tool_calls UNSUPPORTED_VALUE");
}

TEST(ChatRequest, LengthsAreOfTheAnswer) {
  EXPECT_EQ(read("{}").job.request.max_tokens, 0);
  EXPECT_EQ(read(R"({"max_tokens": 5})").job.request.max_tokens, 5);
  EXPECT_EQ(read(R"({"max_tokens": 5, "max_completion_tokens": 7})").job.request.max_tokens, 7);
  EXPECT_EQ(read(R"({"max_tokens": 5.0})").job.request.max_tokens, 5);
  EXPECT_EQ(refused(R"({"max_tokens": 0})"), "max_tokens INVALID_VALUE");
  EXPECT_EQ(refused(R"({"max_completion_tokens": 1.5})"), "max_completion_tokens INVALID_VALUE");
  EXPECT_EQ(refused(R"({"max_tokens": "5"})"), "max_tokens INVALID_VALUE");
  EXPECT_EQ(refused(R"({"max_tokens": 1e30})"), "max_tokens INVALID_VALUE");
}

TEST(ChatRequest, SamplingIsHandedOn) {
  const llm::Sampling sampling = read(R"({"temperature": 0.5, "top_p": 0.9, "top_k": 40,
    "min_p": 0.05, "repetition_penalty": 1.1, "presence_penalty": -1, "frequency_penalty": 2,
    "seed": 42})")
                                     .job.request.sampling;
  EXPECT_EQ(sampling.temperature, 0.5);
  EXPECT_EQ(sampling.top_p, 0.9);
  EXPECT_EQ(sampling.top_k, 40);
  EXPECT_EQ(sampling.min_p, 0.05);
  EXPECT_EQ(sampling.repetition_penalty, 1.1);
  EXPECT_EQ(sampling.presence_penalty, -1);
  EXPECT_EQ(sampling.frequency_penalty, 2);
  EXPECT_EQ(sampling.seed, 42u);
  const llm::Sampling other = read("{}").job.request.sampling;
  EXPECT_FALSE(other.temperature.has_value());
  EXPECT_TRUE(other.seed.has_value());  // chosen, so that a second attempt says the same
  for (const char* wrong :
       {R"({"temperature": 2.1})", R"({"temperature": -1})", R"({"temperature": "1"})",
        R"({"top_p": 0})", R"({"top_p": 1.1})", R"({"top_k": -2})", R"({"min_p": 2})",
        R"({"repetition_penalty": 0})", R"({"presence_penalty": 3})",
        R"({"frequency_penalty": -3})", R"({"seed": 1.5})", R"({"seed": 1e300})"}) {
    EXPECT_NE(refused(wrong), "accepted") << wrong;
  }
  EXPECT_EQ(refused(R"({"temperature": null, "seed": null})"), "accepted");
}

TEST(ChatRequest, StopsAreAtMostFour) {
  EXPECT_EQ(read(R"({"stop": "END"})").job.request.stops, std::vector<std::string>{"END"});
  EXPECT_EQ(read(R"({"stop": ["a", "b", "c", "d"]})").job.request.stops.size(), 4u);
  EXPECT_EQ(refused(R"({"stop": ["a", "b", "c", "d", "e"]})"), "stop INVALID_VALUE");
  EXPECT_EQ(refused(R"({"stop": [""]})"), "stop INVALID_VALUE");
  EXPECT_EQ(refused(R"({"stop": 3})"), "stop INVALID_VALUE");
}

TEST(ChatRequest, ThinkingIsOffUnlessAskedFor) {
  EXPECT_EQ(read("{}").job.request.enable_thinking, false);
  EXPECT_EQ(read(R"({"reasoning_effort": "high"})").job.request.enable_thinking, true);
  EXPECT_EQ(read(R"({"reasoning_effort": "none"})").job.request.enable_thinking, false);
  EXPECT_EQ(
      read(R"({"chat_template_kwargs": {"enable_thinking": true}})").job.request.enable_thinking,
      true);
  EXPECT_EQ(refused(R"({"reasoning_effort": "very"})"), "reasoning_effort UNSUPPORTED_VALUE");
  EXPECT_EQ(refused(R"({"chat_template_kwargs": {"enable_thinking": 1}})"),
            "chat_template_kwargs.enable_thinking INVALID_VALUE");
}

TEST(ChatRequest, WhatIsNotBuiltIsRefused) {
  EXPECT_EQ(refused(R"({"n": 2})"), "n UNSUPPORTED_VALUE");
  EXPECT_EQ(refused(R"({"n": 1})"), "accepted");
  EXPECT_EQ(refused(R"({"n": 0})"), "n INVALID_VALUE");
  EXPECT_EQ(refused(R"({"tools": [{}]})"), "tools UNSUPPORTED_VALUE");
  EXPECT_EQ(refused(R"({"tools": [], "tool_choice": "none", "functions": []})"), "accepted");
  EXPECT_EQ(refused(R"({"tool_choice": "auto"})"), "tool_choice UNSUPPORTED_VALUE");
  EXPECT_EQ(refused(R"({"functions": [{}]})"), "functions UNSUPPORTED_VALUE");
  EXPECT_EQ(refused(R"({"logprobs": true})"), "logprobs UNSUPPORTED_VALUE");
  EXPECT_EQ(refused(R"({"logprobs": false, "top_logprobs": 0})"), "accepted");
  EXPECT_EQ(refused(R"({"top_logprobs": 21})"), "top_logprobs INVALID_VALUE");
}

TEST(ChatRequest, MembersOfOthersAreIgnored) {
  EXPECT_EQ(refused(R"({"user": "me", "metadata": {"a": "b"}, "store": true,
    "service_tier": "auto", "safety_identifier": "x", "prompt_cache_key": "y", "color": 1})"),
            "accepted");
}

TEST(ChatRequest, Streams) {
  EXPECT_FALSE(read("{}").stream);
  EXPECT_TRUE(read(R"({"stream": true})").stream);
  EXPECT_TRUE(read(R"({"stream": true, "stream_options": {"include_usage": true,
                       "include_obfuscation": false}})")
                  .include_usage);
  EXPECT_EQ(refused(R"({"stream": "yes"})"), "stream INVALID_VALUE");
  EXPECT_EQ(refused(R"({"stream_options": true})"), "stream_options INVALID_VALUE");
}

TEST(ChatRequest, SchemasAreCompiledFirst) {
  const ChatRequest request = read(R"({"response_format": {"type": "json_schema", "json_schema": {
    "name": "reply", "strict": true, "description": "d", "schema": {"type": "object",
    "properties": {"a": {"type": "integer"}}, "required": ["a"], "additionalProperties": false}}}})");
  EXPECT_EQ(request.job.request.schema_name, "reply");
  EXPECT_EQ(Json::parse(request.job.request.schema)["required"][0], "a");
  EXPECT_EQ(read(R"({"response_format": {"type": "text"}})").job.request.schema, "");
  EXPECT_NE(read(R"({"response_format": {"type": "json_object"}})").job.request.schema, "");

  const auto with = [](const std::string& schema) {
    return R"({"response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": )" +
           schema + "}}}";
  };
  const std::string unsupported = "response_format SCHEMA_UNSUPPORTED";
  EXPECT_EQ(refused(with(R"({"type": "object", "if": {}})").c_str()), unsupported);
  EXPECT_EQ(refused(with(R"x({"type": "string", "pattern": "(?=a)"})x").c_str()), unsupported);
  EXPECT_EQ(refused(with(R"({"type": "integer", "minimum": 2, "maximum": 1})").c_str()),
            unsupported);
  const auto error = std::get<ApiError>(chat_request_of(
      body_with(with(R"({"type": "object", "properties": {"a": {"not": {}}}})").c_str()).dump()));
  EXPECT_NE(error.message.find("/properties/a/not"), std::string::npos) << error.message;
}

TEST(ChatRequest, ResponseFormatsAreWatchedForTypingErrors) {
  EXPECT_EQ(refused(R"({"response_format": "json"})"), "response_format INVALID_VALUE");
  EXPECT_EQ(refused(R"({"response_format": {"type": "yaml"}})"),
            "response_format.type UNSUPPORTED_VALUE");
  EXPECT_EQ(refused(R"({"response_format": {"type": "json_schema"}})"),
            "response_format.json_schema INVALID_VALUE");
  EXPECT_EQ(refused(R"({"response_format": {"type": "json_schema", "json_schema":
    {"name": "x", "shema": {}, "schema": {}}}})"),
            "response_format.json_schema.shema INVALID_VALUE");
  for (const char* name : {"", "a b", "ä"}) {
    Json format = Json::parse(
        R"({"response_format": {"type": "json_schema", "json_schema": {"schema": {}}}})");
    format["response_format"]["json_schema"]["name"] = name;
    EXPECT_EQ(refused(format.dump().c_str()), "response_format.json_schema.name INVALID_VALUE");
  }
  EXPECT_EQ(refused(R"({"response_format": {"type": "json_object"}, "stop": "x"})"),
            "stop UNSUPPORTED_VALUE");
}

}  // namespace
}  // namespace maie::server
