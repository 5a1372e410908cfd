// The engine on a network that notices every mix-up: the same tokens alone, in company, with and
// without kept beginnings and guesses; cancelling, stalling, failing.
#include "llm/engine.h"

#include <gtest/gtest.h>

#include <future>
#include <random>

#include "tests/llm/fake_network.h"
#include "tests/llm/number_spelling.h"
#include "tests/support/temporary_folder.h"

namespace maie::llm {
namespace {

using testing::FakeNetwork;

constexpr int kVocabulary = 200;
constexpr int kEnd = 199;

// All ids but the end token, so that texts have the length asked for.
std::shared_ptr<const std::vector<uint32_t>> all_writable() {
  auto bits = std::make_shared<std::vector<uint32_t>>(7, ~0u);
  bits->back() = (1u << kEnd % 32) - 1;
  return bits;
}

std::vector<int32_t> random_prompt(uint64_t seed, size_t size) {
  std::mt19937_64 random(seed);
  std::vector<int32_t> prompt(size);
  for (int32_t& token : prompt) token = int32_t(random() % (kVocabulary - 1));
  return prompt;
}

TokenRequest make_request(std::vector<int32_t> prompt, int64_t max_tokens, double temperature = 0,
                          uint64_t seed = 1) {
  TokenRequest request;
  request.prompt = std::move(prompt);
  request.rules.max_tokens = max_tokens;
  request.rules.sampling.temperature = temperature;
  request.rules.sampling.seed = seed;
  request.rules.end_tokens = {kEnd};
  request.rules.writable = all_writable();
  return request;
}

TokenRequest with_guesses(TokenRequest request) {
  request.spelling = testing::number_spelling();
  return request;
}

TokenAnswer must_run(Engine& engine, TokenRequest request) {
  auto answer = engine.run(std::move(request), nullptr, 60);
  if (!answer) throw std::runtime_error(answer.error().message());
  return *answer;
}

std::vector<int32_t> plain_tokens(TokenRequest request) {
  FakeNetwork network(kVocabulary, 64);
  Engine engine(network, {.slots = 1, .prefix_cache = false});
  return must_run(engine, std::move(request)).tokens;
}

TEST(Engine, WritesAsManyTokensAsAllowed) {
  FakeNetwork network(kVocabulary, 64);
  Engine engine(network, {});
  const TokenAnswer answer = must_run(engine, make_request(random_prompt(1, 300), 50));
  EXPECT_EQ(answer.tokens.size(), 50u);
  EXPECT_EQ(answer.finish, Finish::kLength);
  EXPECT_EQ(answer.usage.prompt_tokens, 300);
  EXPECT_EQ(answer.usage.answer_tokens, 50);
  EXPECT_EQ(answer.usage.passes, 50);
}

TEST(Engine, EndsAtAnEndTokenWhichIsNoPartOfTheAnswer) {
  FakeNetwork network(kVocabulary, 64);
  network.end_token = kEnd;
  network.ends_at = 310;
  Engine engine(network, {});
  TokenRequest request = make_request(random_prompt(1, 300), 50);
  request.rules.writable = std::make_shared<std::vector<uint32_t>>(7, ~0u);
  const TokenAnswer answer = must_run(engine, request);
  EXPECT_EQ(answer.tokens.size(), 11u);
  EXPECT_EQ(answer.finish, Finish::kStop);
}

TEST(Engine, GuessesChangeNoToken) {
  for (const double temperature : {0.0, 0.7}) {
    int64_t accepted = 0;
    for (uint64_t seed = 0; seed < 8; ++seed) {
      const TokenRequest request =
          make_request(random_prompt(seed, 60 + 40 * seed), 120, temperature, seed);
      FakeNetwork plain(kVocabulary, 64), guessing(kVocabulary, 64);
      plain.copies = guessing.copies = 9;
      Engine one(plain, {.slots = 1}), other(guessing, {.slots = 1});
      const TokenAnswer want = must_run(one, request);
      const TokenAnswer got = must_run(other, with_guesses(request));
      EXPECT_EQ(got.tokens, want.tokens) << temperature << " " << seed;
      EXPECT_EQ(got.usage.passes + got.usage.accepted_tokens, got.usage.answer_tokens);
      accepted += got.usage.accepted_tokens;
    }
    EXPECT_GT(accepted, 50);
  }
}

TEST(Engine, ACopyTakesFewPasses) {
  FakeNetwork network(kVocabulary, 64);
  network.copies = 50;
  Engine engine(network, {});
  std::vector<int32_t> prompt(180);
  for (size_t i = 0; i < prompt.size(); ++i) prompt[i] = int32_t(i);
  prompt.insert(prompt.end(), {5, 6});
  const TokenAnswer answer = must_run(engine, with_guesses(make_request(prompt, 150)));
  for (int32_t i = 0; i < 150; ++i) ASSERT_EQ(answer.tokens[size_t(i)], i + 7);
  EXPECT_LT(answer.usage.passes, 15);
}

TEST(Engine, CompanyChangesNoToken) {
  std::vector<TokenRequest> requests;
  for (uint64_t i = 0; i < 24; ++i) {
    // Some share their beginning, some are short, some end in a few odd rows.
    std::vector<int32_t> prompt = random_prompt(i % 3, 1 + (i * 67) % 500);
    if (i % 4 == 0) prompt.push_back(int32_t(i));
    TokenRequest request = make_request(prompt, 20 + int64_t(i), i % 2 == 0 ? 0.0 : 1.0, i);
    requests.push_back(i % 3 == 0 ? with_guesses(request) : request);
  }
  std::vector<std::vector<int32_t>> want;
  for (const TokenRequest& request : requests) want.push_back(plain_tokens(request));
  for (const int slots : {1, 3, 8}) {
    FakeNetwork network(kVocabulary, 24, std::max(300, slots * 16 + 128));
    Engine engine(network, {.slots = slots});
    std::vector<std::future<std::vector<int32_t>>> got;
    for (const TokenRequest& request : requests) {
      got.push_back(
          std::async(std::launch::async, [&] { return must_run(engine, request).tokens; }));
    }
    for (size_t i = 0; i < got.size(); ++i) EXPECT_EQ(got[i].get(), want[i]) << i;
    EXPECT_LE(network.most_rows, network.max_rows());
  }
}

TEST(Engine, BeginningsAreReadOnce) {
  FakeNetwork network(kVocabulary, 64);
  Engine engine(network, {});
  std::vector<int32_t> prompt = random_prompt(5, 900);
  const auto first = must_run(engine, make_request(prompt, 10));
  EXPECT_EQ(first.usage.cached_tokens, 0);
  const size_t rows = network.rows;
  const auto again = must_run(engine, make_request(prompt, 10));
  EXPECT_EQ(again.usage.cached_tokens, 896);
  EXPECT_EQ(network.rows - rows, 4u + 9u);
  EXPECT_EQ(again.tokens, first.tokens);
  prompt.resize(500);
  prompt.back() ^= 1;
  const auto other = must_run(engine, make_request(prompt, 10));
  EXPECT_EQ(other.usage.cached_tokens, 384);
  EXPECT_EQ(other.tokens, plain_tokens(make_request(prompt, 10)));
}

TEST(Engine, OldBeginningsGiveWay) {
  FakeNetwork network(kVocabulary, 20);
  Engine engine(network, {.slots = 2});
  for (uint64_t round = 0; round < 3; ++round) {
    for (uint64_t i = 0; i < 5; ++i) {
      const auto request = make_request(random_prompt(i, 700), 20);
      EXPECT_EQ(must_run(engine, request).tokens, plain_tokens(request));
    }
  }
}

TEST(Engine, ARequestTooLargeForTheCacheIsRefusedWithTheNumbers) {
  FakeNetwork network(kVocabulary, 8);
  Engine engine(network, {});
  const auto refused = engine.run(make_request(random_prompt(1, 500), 100), nullptr, 60);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), Code::kInvalidInput);
  EXPECT_NE(refused.error().message().find("512"), std::string::npos);
}

TEST(Engine, BeginningsComeBackFromTheDisk) {
  const TemporaryFolder folder;
  const PrefixStoreOptions options{folder.path("kept"), "fake", 64 * 16, ops::kKvPage};
  const std::vector<int32_t> prompt = random_prompt(9, 700);
  TokenRequest request = make_request(prompt, 30);
  request.recurring_tokens = 600;
  const auto want = plain_tokens(request);
  {
    FakeNetwork network(kVocabulary, 64);
    PrefixStore store(options);
    Engine engine(network, {.store = &store});
    EXPECT_EQ(must_run(engine, request).tokens, want);
    store.wait();
  }
  FakeNetwork network(kVocabulary, 64);
  PrefixStore store(options);
  Engine engine(network, {.store = &store});
  const TokenAnswer answer = must_run(engine, request);
  EXPECT_EQ(answer.tokens, want);
  EXPECT_EQ(answer.usage.cached_tokens, 512);
  EXPECT_EQ(network.pages_written, 8u);
  EXPECT_EQ(must_run(engine, request).usage.cached_tokens, 640);  // from memory now
  EXPECT_EQ(network.pages_written, 8u);
}

// A pass that takes as long as the test wants.
struct Gate {
  std::promise<void> entered, open;
  std::shared_future<void> opened = open.get_future().share();
  std::atomic<bool> used{false};
  Status pass() {
    if (!used.exchange(true)) {
      entered.set_value();
      opened.wait();
    }
    return {};
  }
};

TEST(Engine, CancellingDoesNotWaitForThePass) {
  FakeNetwork network(kVocabulary, 64);
  Gate gate;
  network.before_pass = [&](auto) { return gate.pass(); };
  Engine engine(network, {.slots = 1});
  CancelToken cancel;
  auto running = std::async(std::launch::async, [&] {
    return engine.run(make_request(random_prompt(1, 10), 1000), &cancel, 60);
  });
  gate.entered.get_future().wait();
  cancel.cancel();
  const auto result = running.get();  // the pass still stands
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code(), Code::kCancelled);
  gate.open.set_value();
  // The slot is free again.
  EXPECT_EQ(must_run(engine, make_request(random_prompt(2, 10), 5)).tokens.size(), 5u);
}

TEST(Engine, ADeadlineEndsARequest) {
  FakeNetwork network(kVocabulary, 1000);
  network.before_pass = [](auto) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    return Status();
  };
  Engine engine(network, {});
  CancelToken cancel;
  cancel.set_deadline(CancelToken::Clock::now() + std::chrono::milliseconds(50));
  const auto result = engine.run(make_request(random_prompt(1, 10), 60000), &cancel, 60);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code(), Code::kCancelled);
}

TEST(Engine, AStalledRequestFails) {
  FakeNetwork network(kVocabulary, 64);
  Gate gate;
  network.before_pass = [&](auto) { return gate.pass(); };
  Engine engine(network, {.slots = 1});
  auto running = std::async(std::launch::async, [&] {
    return engine.run(make_request(random_prompt(1, 10), 10), nullptr, 0.1);
  });
  gate.entered.get_future().wait();
  const auto behind = engine.run(make_request(random_prompt(2, 10), 10), nullptr, 0.1);
  EXPECT_EQ(running.get().error().code(), Code::kUnavailable);
  EXPECT_EQ(behind.error().code(), Code::kUnavailable);
  gate.open.set_value();
}

TEST(Engine, AQueuedRequestIsNotStalledWhileOthersAreServed) {
  FakeNetwork network(kVocabulary, 64);
  network.before_pass = [](auto) {
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
    return Status();
  };
  Engine engine(network, {.slots = 1});
  auto running =
      std::async(std::launch::async, [&] { return must_run(engine, make_request({1}, 400)); });
  const auto behind = engine.run(make_request({2}, 3), nullptr, 0.3);
  EXPECT_TRUE(behind.has_value());
  EXPECT_EQ(running.get().tokens.size(), 400u);  // half a second and more
}

TEST(Engine, AFailedPassFailsItsRequestsAndNoOthers) {
  FakeNetwork network(kVocabulary, 64);
  network.before_pass = [](std::span<const int> tokens) {
    if (std::find(tokens.begin(), tokens.end(), 7) != tokens.end()) {
      throw DeviceError("the device is gone");
    }
    return Status();
  };
  Engine engine(network, {});
  TokenRequest good = make_request({1, 2, 3}, 40);
  good.rules.writable = std::make_shared<std::vector<uint32_t>>(std::vector<uint32_t>{0x7f, 0xff});
  const auto want = must_run(engine, good).tokens;
  const auto failed = engine.run(make_request({1, 7}, 5), nullptr, 60);
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code(), Code::kUnavailable);
  EXPECT_EQ(must_run(engine, good).tokens, want);
}

TEST(Engine, WhatACallersFunctionThrowsFailsItsRequest) {
  FakeNetwork network(kVocabulary, 64);
  Engine engine(network, {});
  TokenRequest bad = make_request({1, 2}, 5);
  bad.on_token = [](int32_t) -> bool { throw std::runtime_error("full disk"); };
  const auto failed = engine.run(bad, nullptr, 60);
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().message(), "full disk");
  EXPECT_EQ(must_run(engine, make_request({1, 2}, 5)).tokens.size(), 5u);
}

TEST(Engine, ACallerEndsAnAnswer) {
  FakeNetwork network(kVocabulary, 64);
  network.copies = 50;
  Engine engine(network, {});
  std::vector<int32_t> prompt = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 1, 2};
  TokenRequest request = with_guesses(make_request(prompt, 100));
  int count = 0;
  request.on_token = [&](int32_t) { return ++count < 5; };
  const TokenAnswer answer = must_run(engine, request);
  EXPECT_EQ(answer.tokens, (std::vector<int32_t>{3, 4, 5, 6, 7}));
  EXPECT_EQ(answer.finish, Finish::kStop);
}

TEST(Engine, ProgressIsTold) {
  FakeNetwork network(kVocabulary, 64, 300);
  Engine engine(network, {});
  TokenRequest request = make_request(random_prompt(1, 700), 3);
  std::vector<std::pair<int64_t, int64_t>> told;
  request.on_progress = [&](const Progress& progress) {
    EXPECT_EQ(progress.prompt_tokens, 700);
    told.emplace_back(progress.prompt_read, progress.answer_tokens);
  };
  must_run(engine, request);
  EXPECT_EQ(told, (std::vector<std::pair<int64_t, int64_t>>{
                      {256, 0}, {512, 0}, {700, 1}, {700, 2}, {700, 3}}));
}

TEST(Engine, ClosingFailsWhatIsUnderWay) {
  FakeNetwork network(kVocabulary, 1000);
  auto engine = std::make_unique<Engine>(network, EngineOptions{.slots = 1});
  std::promise<void> started;
  TokenRequest request = make_request({1}, 60000);
  bool first = true;
  request.on_token = [&](int32_t) {
    if (std::exchange(first, false)) started.set_value();
    return true;
  };
  auto running = std::async(std::launch::async, [&] { return engine->run(request, nullptr, 60); });
  started.get_future().wait();
  engine->close();
  EXPECT_EQ(running.get().error().code(), Code::kUnavailable);
  EXPECT_EQ(engine->run(make_request({1}, 1), nullptr, 60).error().code(), Code::kUnavailable);
}

}  // namespace
}  // namespace maie::llm
