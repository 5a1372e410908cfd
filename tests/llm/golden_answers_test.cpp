// The engine against transformers' generate: the same tokens, alone, guessed ahead and in company.
#include <gtest/gtest.h>

#include <fstream>
#include <future>

#include "base/json.h"
#include "formats/safetensors.h"
#include "llm/engine.h"
#include "llm/qwen_network.h"
#include "tests/llm/number_spelling.h"

namespace maie::llm {
namespace {

class GoldenAnswers : public ::testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    const std::string folder = std::string(MAIE_SOURCE_DIR) + "/tests/golden/qwen3/" + GetParam();
    auto weights = qwen3::Weights::open(folder);
    ASSERT_TRUE(weights) << weights.error().message();
    // Single precision throughout: the reference is in double, and no step of it is a close one.
    auto model = qwen3::Model::load(
        stream_, *weights,
        {.compute_type = ComputeType::kFloat32, .cache_type = DType::kF32, .pages = 64});
    ASSERT_TRUE(model) << model.error().message();
    network_ = std::make_unique<QwenNetwork>(std::move(*model));
    std::ifstream file(folder + "/answers.json");
    answers_ = *parse_json(std::string(std::istreambuf_iterator<char>(file), {}));
    const auto expected = formats::Safetensors::open(folder + "/expected.safetensors");
    ASSERT_TRUE(expected);
    const auto tokens = (*expected)->find("tokens")->span<int32_t>();
    tokens_.assign(tokens.begin(), tokens.end());
  }

  size_t count() const { return answers_["prompts"].size(); }
  std::vector<int32_t> want(size_t i) const { return answers_["answers"][i]; }
  TokenRequest request(size_t i, bool guesses) const {
    TokenRequest request;
    const size_t size = answers_["prompts"][i];
    request.prompt.assign(tokens_.begin(), tokens_.begin() + std::ptrdiff_t(size));
    request.rules.max_tokens = int64_t(want(i).size());
    request.rules.sampling.temperature = 0;
    // All but the end tokens 2 and 3.
    request.rules.writable =
        std::make_shared<std::vector<uint32_t>>(std::vector<uint32_t>{~0xCu, ~0u, ~0u, ~0u});
    if (guesses) request.spelling = testing::number_spelling();
    return request;
  }

  ThreadPool threads_{1};  // passes of microseconds, and a busy machine
  Stream stream_{threads_};
  std::unique_ptr<QwenNetwork> network_;
  Json answers_;
  std::vector<int32_t> tokens_;
};

TEST_P(GoldenAnswers, AreWrittenWithAndWithoutGuesses) {
  Engine engine(*network_, {});
  ASSERT_GE(count(), 10u);
  int64_t accepted = 0;
  for (size_t i = 0; i < count(); ++i) {
    for (const bool guesses : {false, true}) {
      const auto answer = engine.run(request(i, guesses), nullptr, 60);
      ASSERT_TRUE(answer) << answer.error().message();
      EXPECT_EQ(answer->tokens, want(i)) << i << (guesses ? " guessed" : "");
      accepted += answer->usage.accepted_tokens;
    }
  }
  EXPECT_GT(accepted, 20);
}

TEST_P(GoldenAnswers, AreWrittenInCompany) {
  Engine engine(*network_, {});
  std::vector<std::future<Result<TokenAnswer>>> running;
  for (size_t i = 0; i < count(); ++i) {
    running.push_back(std::async(
        std::launch::async, [&, i] { return engine.run(request(i, i % 2 == 0), nullptr, 60); }));
  }
  for (size_t i = 0; i < count(); ++i) EXPECT_EQ(running[i].get()->tokens, want(i)) << i;
}

INSTANTIATE_TEST_SUITE_P(Models, GoldenAnswers, ::testing::Values("tied", "untied", "llama"),
                         [](const auto& info) { return std::string(info.param); });

}  // namespace
}  // namespace maie::llm
