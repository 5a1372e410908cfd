#include "net/retry.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cmath>
#include <set>

namespace maie::net {
namespace {

std::optional<double> asked(const HttpHeaders& headers) {
  HttpResponse response;
  response.headers = headers;
  return asked_pause_s(response, 784111777);  // 1994-11-06 08:49:37
}

TEST(Retry, HonoursWhatTheServerAsks) {
  EXPECT_EQ(asked({{"retry-after", "7"}}), 7.0);
  EXPECT_EQ(asked({{"retry-after-ms", "250"}, {"retry-after", "7"}}), 0.25);
  EXPECT_EQ(asked({{"retry-after", "Sun, 06 Nov 1994 08:50:37 GMT"}}), 60.0);
  EXPECT_EQ(asked({{"retry-after", "Sun, 06 Nov 1994 08:00:00 GMT"}}), 0.0);
  EXPECT_EQ(asked({{"ratelimit", "\"api\";r=0;t=55"}}), 55.0);
  EXPECT_EQ(asked({{"ratelimit", "limit=100, remaining=0, reset=50"}}), 50.0);
  EXPECT_EQ(asked({}), std::nullopt);
  for (const char* nonsense : {"inf", "nan", "-5", "0x10", "1e9", "soon", "."}) {
    EXPECT_EQ(asked({{"retry-after", nonsense}}), std::nullopt) << nonsense;
  }
}

TEST(Retry, KnowsWhatMayPass) {
  for (int status : {408, 429, 500, 502, 503, 504, 529}) EXPECT_TRUE(may_pass(status)) << status;
  for (int status : {200, 302, 400, 401, 404, 422, 501}) EXPECT_FALSE(may_pass(status)) << status;
}

TEST(Retry, PausesDoubleUpToTheLongestAndDiffer) {
  Backoff backoff(1, 16);
  for (int tries = 1; tries < 40; ++tries) {
    const double whole = std::min(16.0, std::ldexp(1.0, tries - 1));
    const double pause = backoff.pause_s(tries);
    EXPECT_GE(pause, whole / 2);
    EXPECT_LE(pause, whole);
  }
  std::set<double> different;
  for (int i = 0; i < 20; ++i) different.insert(backoff.pause_s(1));
  EXPECT_GT(different.size(), 15u);
}

TEST(Retry, APauseEndsWhenCancelled) {
  CancelToken cancel;
  cancel.set_deadline(CancelToken::Clock::now() + std::chrono::milliseconds(50));
  const auto start = CancelToken::Clock::now();
  EXPECT_EQ(pause(30, &cancel).code(), Code::kCancelled);
  EXPECT_LT(CancelToken::Clock::now() - start, std::chrono::seconds(5));
  EXPECT_TRUE(pause(0.01, nullptr).ok());
}

}  // namespace
}  // namespace maie::net
