#include "server/guards.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <thread>
#include "tests/support/temporary_folder.h"

namespace maie::server {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

const std::string kFirst = "0f1e2d3c4b5a69788796a5b4c3d2e1f0";
const std::string kSecond = "fedcba98765432100123456789abcdef-second";

http::Headers with(const std::string& name, const std::string& value) {
  http::Headers headers;
  headers.add(name, value);
  return headers;
}

std::string answer_of(const KeyRing& ring, const http::Headers& headers) {
  const Result<std::string> answer = ring.check(headers);
  if (answer.has_value()) return *answer;
  EXPECT_EQ(answer.error().code(), Code::kPermissionDenied);
  return answer.error().message();
}

TEST(KeyRing, NamesTheKeyThatWasShown) {
  const KeyRing ring({{"key-1", kFirst}, {"key-2", kSecond}});
  EXPECT_EQ(answer_of(ring, with("x-api-key", kFirst)), "key-1");
  EXPECT_EQ(answer_of(ring, with("X-API-Key", kSecond)), "key-2");
  EXPECT_EQ(answer_of(ring, with("Authorization", "Bearer " + kFirst)), "key-1");
  EXPECT_EQ(answer_of(ring, with("authorization", "bEARER\t " + kSecond + " ")), "key-2");
}

TEST(KeyRing, SaysWhatIsWrongWithAKey) {
  const KeyRing ring({{"key-1", kFirst}});
  EXPECT_EQ(answer_of(ring, {}), "API key is required");
  EXPECT_EQ(answer_of(ring, with("X-API-Key", "")), "API key is required");
  EXPECT_EQ(answer_of(ring, with("Authorization", "Basic " + kFirst)), "API key is required");
  EXPECT_EQ(answer_of(ring, with("Authorization", "Bearer")), "API key is required");
  EXPECT_EQ(answer_of(ring, with("Authorization", "Bearer" + kFirst)), "API key is required");
  EXPECT_EQ(answer_of(ring, with("X-API-Key", kFirst.substr(1))),
            "Invalid API key format or length");
  EXPECT_EQ(answer_of(ring, with("X-API-Key", kFirst + "0")), "Invalid API key");
  EXPECT_EQ(answer_of(ring, with("X-API-Key", kSecond)), "Invalid API key");
  EXPECT_EQ(answer_of(KeyRing({}), with("X-API-Key", kFirst)), "API key validation not configured");
}

TEST(KeyRing, PrefersTheBearer) {
  const KeyRing ring({{"key-1", kFirst}, {"key-2", kSecond}});
  http::Headers headers = with("X-API-Key", kFirst);
  headers.add("Authorization", "Bearer " + kSecond);
  EXPECT_EQ(answer_of(ring, headers), "key-2");
}

TEST(KeyRing, NeverAcceptsAShortKeyOfItsOwn) {
  const KeyRing ring({{"key-1", "your_secret_api_key_here"}, {"key-2", ""}});
  EXPECT_EQ(answer_of(ring, with("X-API-Key", "your_secret_api_key_here")),
            "Invalid API key format or length");
  EXPECT_EQ(answer_of(ring, with("X-API-Key", kFirst)), "API key validation not configured");
}

TEST(KeyRing, ReplacesKeysWhileOthersCheck) {
  KeyRing ring({{"key-1", kFirst}});
  std::atomic<bool> stop = false;
  std::thread checker([&] {
    while (!stop) {
      const std::string name = answer_of(ring, with("X-API-Key", kFirst));
      EXPECT_TRUE(name == "key-1" || name == "old");
    }
  });
  for (int i = 0; i < 200; ++i) ring.replace({{"key-1", kSecond}, {"old", kFirst}});
  stop = true;
  checker.join();
  EXPECT_EQ(answer_of(ring, with("X-API-Key", kSecond)), "key-1");
}

class KeysOf : public ::testing::Test {
 protected:
  KeysOf() { settings_.paths.data_dir = folder_.path("data"); }
  std::string file() const { return settings_.paths.data_dir + "/api.key"; }

  TemporaryFolder folder_;
  config::Settings settings_;
};

TEST_F(KeysOf, TakesTheKeysOfTheSettings) {
  settings_.api.secret_key = kFirst;
  settings_.api.fallback_keys = {"", kSecond, kFirst};
  const auto keys = keys_of(settings_);
  ASSERT_TRUE(keys.has_value());
  ASSERT_EQ(keys->size(), 2u);
  EXPECT_EQ((*keys)[0].name + " " + (*keys)[0].value, "key-1 " + kFirst);
  EXPECT_EQ((*keys)[1].name + " " + (*keys)[1].value, "key-2 " + kSecond);
  EXPECT_FALSE(fs::exists(file()));
}

TEST_F(KeysOf, MakesAKeyOnceThatOnlyItsOwnerReads) {
  const auto first = keys_of(settings_), second = keys_of(settings_);
  ASSERT_TRUE(first.has_value() && second.has_value());
  EXPECT_EQ(first->front().value.size(), 64u);
  EXPECT_EQ(first->front().value, second->front().value);
  EXPECT_EQ(first->front().name, "own-key");
  struct stat info {};
  ASSERT_EQ(::stat(file().c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
  EXPECT_EQ(std::distance(fs::directory_iterator(settings_.paths.data_dir), {}), 1);
}

TEST_F(KeysOf, AgreesOnOneKeyWhenSeveralStartAtOnce) {
  std::vector<std::string> seen(8);
  std::vector<std::thread> threads;
  for (std::string& value : seen)
    threads.emplace_back([this, &value] { value = keys_of(settings_)->front().value; });
  for (std::thread& thread : threads) thread.join();
  for (const std::string& value : seen) EXPECT_EQ(value, seen.front());
}

TEST_F(KeysOf, LogsThePathAndNeverTheKey) {
  ::testing::internal::CaptureStderr();
  const auto keys = keys_of(settings_);
  const std::string log = ::testing::internal::GetCapturedStderr();
  ASSERT_TRUE(keys.has_value());
  EXPECT_NE(log.find(file()), log.npos) << log;
  EXPECT_EQ(log.find(keys->front().value), log.npos);
}

TEST_F(KeysOf, RefusesAnUnusableKeyFileAndProductionWithoutAKey) {
  fs::create_directories(settings_.paths.data_dir);
  std::ofstream(file()) << "short\n";
  EXPECT_EQ(keys_of(settings_).status().code(), Code::kInvalidInput);
  settings_.profile = config::Profile::kProduction;
  settings_.api.fallback_keys = {kFirst};
  EXPECT_EQ(keys_of(settings_).status().code(), Code::kInvalidInput);
}

class RateLimits : public ::testing::Test {
 protected:
  RateLimit limit_of(int count, const std::string& unit) {
    return RateLimit({.enabled = true, .unit = unit, .count = count}, [this] { return now_; });
  }
  RateLimit::Clock::time_point now_{1000s};
};

TEST_F(RateLimits, CountsEachClientInWindowsThatBeginWithTheFirstRequest) {
  RateLimit limit = limit_of(2, "minute");
  EXPECT_EQ(limit.count("a").remaining, 1);
  now_ += 59s;
  RateLimit::Verdict verdict = limit.count("a");
  EXPECT_TRUE(verdict.allowed);
  EXPECT_EQ(verdict.remaining, 0);
  EXPECT_EQ(verdict.reset_s, 1);
  EXPECT_EQ(verdict.window_s, 60);
  verdict = limit.count("a");
  EXPECT_FALSE(verdict.allowed);
  EXPECT_EQ(verdict.remaining, 0);
  EXPECT_TRUE(limit.count("b").allowed);
  now_ += 1s;
  EXPECT_TRUE(limit.count("a").allowed);
  EXPECT_EQ(limit.count("b").remaining, 0);  // its window began later
}

TEST_F(RateLimits, KnowsTheUnits) {
  for (const auto& [unit, seconds] : {std::pair{"second", 1}, {"hour", 3600}, {"day", 86400}}) {
    RateLimit limit = limit_of(1, unit);
    EXPECT_EQ(limit.count("a").reset_s, seconds);
    EXPECT_FALSE(limit.count("a").allowed);
    now_ += std::chrono::seconds(seconds);
    EXPECT_TRUE(limit.count("a").allowed);
  }
}

TEST_F(RateLimits, ForgetTheOldestClientOfTooMany) {
  RateLimit limit = limit_of(1, "day");
  for (size_t i = 0; i < RateLimit::kMostClients; ++i) {
    ASSERT_TRUE(limit.count(std::to_string(i)).allowed);
    now_ += 1ms;
  }
  EXPECT_FALSE(limit.count("0").allowed);
  EXPECT_TRUE(limit.count("one more").allowed);
  EXPECT_FALSE(limit.count("1").allowed);
  EXPECT_TRUE(limit.count("0").allowed);  // was forgotten, and so the next oldest goes
  EXPECT_TRUE(limit.count("1").allowed);
  EXPECT_FALSE(limit.count("3").allowed);
}

TEST_F(RateLimits, WriteBothSpellingsOfTheirHeaders) {
  RateLimit limit = limit_of(1, "minute");
  http::Headers headers;
  RateLimit::add_headers(limit.count("a"), headers);
  EXPECT_EQ(headers.get("RateLimit-Policy"), "1; w=60");
  for (const std::string prefix : {"RateLimit-", "X-RateLimit-"}) {
    EXPECT_EQ(headers.get(prefix + "Limit"), "1");
    EXPECT_EQ(headers.get(prefix + "Remaining"), "0");
    EXPECT_EQ(headers.get(prefix + "Reset"), "60");
  }
  EXPECT_FALSE(headers.has("Retry-After"));
  now_ += 20500ms;
  RateLimit::add_headers(limit.count("a"), headers);
  EXPECT_EQ(headers.get("Retry-After"), "40");
}

TEST_F(RateLimits, MayBeOff) {
  RateLimit limit({.enabled = false, .unit = "day", .count = 1});
  http::Headers headers;
  for (int i = 0; i < 3; ++i) {
    const RateLimit::Verdict verdict = limit.count("a");
    EXPECT_TRUE(verdict.allowed);
    RateLimit::add_headers(verdict, headers);
  }
  EXPECT_TRUE(headers.all().empty());
}

TEST_F(RateLimits, CountExactlyWithManyThreads) {
  RateLimit limit = limit_of(500, "day");
  std::atomic<int> allowed = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 200; ++i) allowed += limit.count("a").allowed;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(allowed, 500);
}

}  // namespace
}  // namespace maie::server
