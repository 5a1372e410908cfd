#include "llm/remote_request.h"

#include <gtest/gtest.h>

#include "base/file.h"
#include "tests/text/testing.h"
#include "text/bpe_tokenizer.h"

namespace maie::llm {
namespace {

Request everything() {
  Request request;
  request.messages = {{"system", "s"}, {"user", "u"}, {"assistant", "a"}, {"user", "v"}};
  request.enable_thinking = false;
  request.max_tokens = 100;
  request.sampling = {.temperature = 0.5,
                      .top_k = 20,
                      .top_p = 0.9,
                      .min_p = 0.1,
                      .repetition_penalty = 1.1,
                      .presence_penalty = 0.2,
                      .frequency_penalty = 0.3,
                      .seed = 7};
  request.schema_name = "meeting notes/v2";
  request.stops = {"<|im_end|>"};
  return request;
}

TEST(RemoteRequest, HoldsWhatIsSetAndNothingElse) {
  Request request;
  request.messages = {{"user", "hello"}};
  EXPECT_EQ(to_line(chat_body(request, Json(), "m", {})),
            R"({"model":"m","messages":[{"role":"user","content":"hello"}],"stream":true,)"
            R"("stream_options":{"include_usage":true}})");
  const Json body = chat_body(everything(), Json(), "m", {});
  for (const char* field :
       {"temperature", "top_p", "top_k", "min_p", "repetition_penalty", "presence_penalty",
        "frequency_penalty", "seed", "max_tokens", "stop"}) {
    EXPECT_TRUE(body.contains(field)) << field;
  }
  EXPECT_EQ(body["chat_template_kwargs"]["enable_thinking"], false);
  EXPECT_FALSE(body.contains("response_format"));
}

TEST(RemoteRequest, TellsTheSchemaEachWay) {
  const Json schema = {{"type", "object"}};
  const auto body = [&](SchemaWay way) {
    return chat_body(everything(), schema, "m", {.way = way});
  };
  const Json format = body(SchemaWay::kResponseFormat);
  EXPECT_EQ(format["response_format"]["type"], "json_schema");
  EXPECT_EQ(format["response_format"]["json_schema"]["name"], "meeting_notes_v2");
  EXPECT_EQ(format["response_format"]["json_schema"]["schema"], schema);
  EXPECT_FALSE(format.contains("structured_outputs"));
  EXPECT_EQ(body(SchemaWay::kStructuredOutputs)["structured_outputs"]["json"], schema);
  const Json object = body(SchemaWay::kJsonObject);
  EXPECT_EQ(object["response_format"]["type"], "json_object");
  EXPECT_EQ(object["response_format"]["schema"], schema);
  EXPECT_EQ(object["messages"][3]["content"], "v");
  EXPECT_TRUE(body(SchemaWay::kBoth).contains("response_format"));
  EXPECT_TRUE(body(SchemaWay::kBoth).contains("structured_outputs"));
  const Json prompt = body(SchemaWay::kPrompt);
  EXPECT_FALSE(prompt.contains("response_format"));
  EXPECT_EQ(prompt["messages"][1]["content"], "u");
  const std::string last = prompt["messages"][3]["content"];
  EXPECT_TRUE(last.starts_with("v\n\n") && last.ends_with("\n{\"type\":\"object\"}")) << last;
}

TEST(RemoteRequest, TheWaysEndInThePrompt) {
  SchemaWay way = SchemaWay::kResponseFormat;
  for (int i = 0; i < 3; ++i) way = next_way(way);
  EXPECT_EQ(way, SchemaWay::kPrompt);
}

TEST(RemoteRequest, LeavesOutWhatTheServerRefuses) {
  const Json body = chat_body(everything(), Json(), "m",
                              {.left_out = {"top_k", "max_tokens", "stream", "absent"}});
  EXPECT_FALSE(body.contains("top_k"));
  EXPECT_FALSE(body.contains("stream"));
  EXPECT_FALSE(body.contains("stream_options"));
  EXPECT_FALSE(body.contains("max_tokens"));
  EXPECT_EQ(body["max_completion_tokens"], 100);
}

TEST(RemoteRequest, BytesThatAreNoUtf8DoNotStopIt) {
  Request request;
  request.messages = {{"user", "a\xFFz"}};
  EXPECT_NE(to_line(chat_body(request, Json(), "m", {})).find("a\xEF\xBF\xBDz"), std::string::npos);
}

TEST(RemoteRequest, FindsTheFieldThatARefusalNames) {
  const Json body = chat_body(everything(), {{"type", "object"}}, "m", {});
  EXPECT_EQ(refused_field("Unrecognized request argument supplied: top_k", body), "top_k");
  EXPECT_EQ(refused_field("Unsupported parameter: 'max_tokens' is not supported with this model. "
                          "Use 'max_completion_tokens' instead.",
                          body),
            "max_tokens");
  EXPECT_EQ(refused_field("Extra inputs are not permitted: chat_template_kwargs", body),
            "chat_template_kwargs");
  EXPECT_EQ(refused_field("unknown field stream_options", body), "stream_options");
  EXPECT_EQ(refused_field("'model' is invalid", body), "");
  EXPECT_EQ(refused_field("you are not allowed here", body), "");
  EXPECT_EQ(refused_field("'max_tokens' is invalid: this model's maximum context length is 4096 "
                          "tokens",
                          body),
            "");
}

TEST(RemoteRequest, KnowsARefusalOfTheSchema) {
  EXPECT_TRUE(
      refuses_schema("This response_format type is unavailable now", SchemaWay::kResponseFormat));
  EXPECT_TRUE(
      refuses_schema("Invalid schema for response_format 'x': In context=(), "
                     "'additionalProperties' is required",
                     SchemaWay::kResponseFormat));
  EXPECT_TRUE(refuses_schema("Failed to parse grammar", SchemaWay::kResponseFormat));
  EXPECT_FALSE(refuses_schema("Failed to parse grammar", SchemaWay::kPrompt));
  EXPECT_FALSE(refuses_schema("top_k must be positive", SchemaWay::kResponseFormat));
  EXPECT_FALSE(refuses_schema("maximum context length is 10 tokens", SchemaWay::kResponseFormat));
}

TEST(RemoteRequest, EstimatesTokensFromAbove) {
  EXPECT_EQ(tokens_at_most(""), 0);
  EXPECT_EQ(tokens_at_most("the cat"), 2);
  EXPECT_EQ(tokens_at_most("transcription, 2024"), 5 + 1 + 4);
  EXPECT_EQ(tokens_at_most("a  b\n"), 4);
  EXPECT_EQ(tokens_at_most("\xE1\xBA\xBF"), 2);
}

// Whisper's vocabulary has 50,000 entries, a third of what newer language models have, so it cuts
// text finer than they do.
TEST(RemoteRequest, TheEstimateIsAboveWhatARealVocabularyTakes) {
  MAIE_OUTSIDE_DATA(vocabulary, "whisper-vocab/multilingual.tiktoken");
  const auto tokenizer = text::BpeTokenizer::from_tiktoken(vocabulary);
  ASSERT_TRUE(tokenizer) << tokenizer.error().message();
  for (const char* sample : {"manual", "dictation", "meeting_en", "meeting_vi", "dictation_vi"}) {
    const std::string path = std::string(MAIE_SOURCE_DIR "/samples/") + sample + ".txt";
    const std::string text = *read_file(path, 1 << 20);
    const auto tokens = double(tokenizer->encode(text)->size());
    RecordProperty(sample, std::to_string(double(tokens_at_most(text)) / tokens));
    EXPECT_GE(double(tokens_at_most(text)), tokens) << sample;
    EXPECT_LE(double(tokens_at_most(text)), 2.5 * tokens) << sample;
  }
}

}  // namespace
}  // namespace maie::llm
