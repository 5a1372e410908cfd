// The stages over our own engine: weights are random, so the texts mean nothing, but every document
// has to keep its schema.
#include "llm/local_model.h"
#include "summary/answer.h"
#include "summary/enhance.h"
#include "summary/summarise.h"
#include "tests/llm/tiny_model.h"
#include "tests/summary/testing.h"

namespace maie::summary {
namespace {

std::unique_ptr<llm::LocalModel> loaded(const llm::testing::TinyModel& files) {
  llm::LocalModelOptions options;
  options.threads = 1;
  options.slots = 2;
  auto model = llm::LocalModel::load(files.path(), options);
  check(model.has_value(), "the model loads");
  return std::move(*model);
}

Transcript talk(int turns) {
  Transcript out;
  for (int i = 0; i < turns; ++i) {
    out.turns.push_back({"S" + std::to_string(i % 2), i * 4.0, i * 4.0 + 3.5,
                         "điểm " + std::to_string(i) + ": ngân sách"});
  }
  return out;
}

TEST(RandomModel, SummariesOfEveryTemplateAreValid) {
  const llm::testing::TinyModel files({.context = 12288});
  const auto model = loaded(files);
  TemplateStore store(shipped_only());
  for (const TemplateItem& item : store.list()) {
    SummaryOptions options;
    options.template_id = item.id;
    options.max_tokens = 400;
    options.sampling.seed = 3;
    const Summary out = summarise(talk(4), options, store, *model);
    ASSERT_TRUE(out.state.ok()) << item.id << ": " << out.state.message();
    EXPECT_TRUE(check_schema(*store.schema(item.id), out.value).ok()) << item.id;
    EXPECT_EQ(out.attempts, 1) << item.id;
    EXPECT_GT(out.model.usage.answer_tokens, 0);
  }
}

// A model that brings its own short prompts, as models/mini/lm does: most of the time goes into
// documents then, not into reading.
class Trained : public testing::Test {
 protected:
  Trained() : files({.context = 2048}) {
    Json prompts = Json::object();
    for (const TemplateItem& item : store.list()) prompts[item.id] = "Fill " + item.id + ".";
    std::ofstream(files.path() + "/prompts.json") << prompts.dump();
    model = loaded(files);
  }
  TemplateStore store{shipped_only()};
  llm::testing::TinyModel files;
  std::unique_ptr<llm::LocalModel> model;
};

TEST_F(Trained, AThousandSummariesAreAllValid) {
  for (uint64_t seed = 0; seed < 167; ++seed) {
    for (const TemplateItem& item : store.list()) {
      SummaryOptions options;
      options.template_id = item.id;
      options.sampling.temperature = 0.2 * double(seed % 7);
      options.sampling.seed = seed;
      const Summary out = summarise(talk(3), options, store, *model);
      ASSERT_TRUE(out.state.ok()) << item.id << ": " << out.state.message();
      EXPECT_TRUE(check_schema(*store.schema(item.id), out.value).ok()) << item.id;
    }
  }
}

TEST_F(Trained, LongTranscriptsGiveOneValidSummary) {
  for (const TemplateItem& item : store.list()) {
    SummaryOptions options;
    options.template_id = item.id;
    const Summary out = summarise(talk(250), options, store, *model);
    ASSERT_TRUE(out.state.ok()) << item.id << ": " << out.state.message();
    EXPECT_GT(out.parts.size(), 1u) << item.id;
    EXPECT_EQ(out.parts.back().last_turn, 249u);
    EXPECT_TRUE(check_schema(*store.schema(item.id), out.value).ok()) << item.id;
  }
}

TEST_F(Trained, AnEnhancementThatMeansNothingIsNotUsed) {
  const Transcript raw = talk(60);
  const Enhancement out = enhance(raw, {}, store, *model);
  EXPECT_FALSE(out.state.ok());
  EXPECT_FALSE(out.applied);
  EXPECT_EQ(out.text, to_text(raw));
  EXPECT_FALSE(out.pieces.empty());
}

}  // namespace
}  // namespace maie::summary
