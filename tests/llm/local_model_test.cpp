// A whole model with random weights: chat in, text or a valid document out.
#include "llm/local_model.h"

#include <gtest/gtest.h>

#include <future>

#include "grammar/validate.h"
#include "tests/llm/tiny_model.h"

namespace maie::llm {
namespace {

using testing::TinyModel;

LocalModelOptions tiny_options() {
  return {.compute_type = ComputeType::kFloat32, .threads = 2, .slots = 4, .context = 1024};
}

std::unique_ptr<LocalModel> must_load(const TinyModel& tiny,
                                      const LocalModelOptions& options = tiny_options()) {
  auto model = LocalModel::load(tiny.path(), options);
  if (!model) throw std::runtime_error(model.error().message());
  return std::move(*model);
}

Completion must_complete(LanguageModel& model, const Request& request,
                         const Control& control = {}) {
  auto completion = model.complete(request, control);
  if (!completion) throw std::runtime_error(completion.error().message());
  return *completion;
}

Request ask(const std::string& text, int64_t max_tokens = 60) {
  Request request;
  request.messages = {{"system", "You help."}, {"user", text}};
  request.max_tokens = max_tokens;
  request.sampling.temperature = 0;
  return request;
}

bool is_valid(const std::string& schema, const std::string& text) {
  const auto document = parse_json(text);
  if (!document) return false;
  const auto violations = grammar::validate(*parse_json(schema), *document);
  return violations && violations->empty();
}

const char* kSchema = R"({"type":"object","properties":{
  "title":{"type":"string","maxLength":40},
  "tags":{"type":"array","items":{"type":"string","maxLength":10},"minItems":1,"maxItems":4},
  "kind":{"enum":["meeting","lecture","cuộc họp"]},
  "score":{"type":"number","minimum":0,"maximum":1},
  "due":{"type":["string","null"],"pattern":"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"}},
  "required":["title","tags","kind","score","due"],"additionalProperties":false})";

TEST(LocalModel, SaysWhatItIs) {
  const TinyModel tiny;
  const auto model = must_load(tiny);
  EXPECT_EQ(model->info().name, "model");
  EXPECT_EQ(model->info().source, "huggingface");
  EXPECT_EQ(model->info().compute_type, "float32");
  EXPECT_EQ(model->info().context, 1024);
  EXPECT_GT(model->info().memory_bytes, 100000u);
  EXPECT_EQ(model->checkpoint_hash().substr(0, 7), "sha256:");
  EXPECT_EQ(*model->count_tokens("the <|im_end|>"), 13);  // text, not a special token
}

TEST(LocalModel, WritesTheSameTextEachTime) {
  const TinyModel tiny;
  const auto model = must_load(tiny);
  const Completion first = must_complete(*model, ask("Say something."));
  EXPECT_FALSE(first.text.empty());
  EXPECT_EQ(must_complete(*model, ask("Say something.")).text, first.text);
  Request sampled = ask("Say something.");
  sampled.sampling.temperature = 1;
  const std::string one = must_complete(*model, sampled).text;
  EXPECT_EQ(must_complete(*model, sampled).text, one);
  sampled.sampling.seed = 5;
  EXPECT_NE(must_complete(*model, sampled).text, one);
}

TEST(LocalModel, ADocumentIsValidWhateverTheWeights) {
  for (uint64_t seed = 1; seed <= 6; ++seed) {
    const TinyModel tiny({.seed = seed, .loudness = seed % 2 == 0 ? 1.0f : 3.0f});
    const auto model = must_load(tiny);
    for (uint64_t draw = 0; draw < 8; ++draw) {
      Request request = ask("Sum it up.", 60 + int64_t(draw * 20));
      request.schema = kSchema;
      request.sampling.temperature = draw % 2 == 0 ? 0.0 : 1.5;
      request.sampling.seed = draw;
      const Completion completion = must_complete(*model, request);
      EXPECT_TRUE(is_valid(kSchema, completion.text)) << completion.text;
      EXPECT_LE(completion.usage.answer_tokens, request.max_tokens);
    }
  }
}

}  // namespace
}  // namespace maie::llm
