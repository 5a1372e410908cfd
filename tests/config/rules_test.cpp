#include "config/rules.h"

#include <cstdio>
#include <random>

#include "tests/config/testing.h"

namespace maie::config {
namespace {

TEST(Rules, ProductionNeedsAKeyThatIsNoExample) {
  Surroundings around;
  around.set("MAIE_PROFILE", "production");
  EXPECT_TRUE(contains(around.refused(), "api.secret_key is not set")) << around.refused();
  for (const char* example : {"your_secret_api_key_here", "CHANGE_ME_IN_PRODUCTION",
                              "dev_api_key_change_in_production"}) {
    around.set("APP_API__SECRET_KEY", example);
    const std::string message = around.refused();
    EXPECT_TRUE(contains(message, "APP_API__SECRET_KEY")) << message;
    EXPECT_FALSE(contains(message, example)) << message;
  }
  around.set("APP_API__SECRET_KEY", kGoodKey);
  EXPECT_EQ(around.loaded().settings.api.secret_key, kGoodKey);
  around.set("MAIE_API__FALLBACK_KEYS", "this-is-only-an-example-key-for-tests");
  EXPECT_TRUE(contains(around.refused(), "api.fallback_keys")) << around.refused();
}

TEST(Rules, OtherProfilesStartWithoutAKeyButNotWithAShortOne) {
  for (const char* profile : {"development", "edge"}) {
    Surroundings around;
    around.set("MAIE_PROFILE", profile);
    EXPECT_EQ(around.loaded().settings.api.secret_key, "");
    around.set("MAIE_API__SECRET_KEY", "short");
    EXPECT_TRUE(contains(around.refused(), "32 to 1024")) << around.refused();
  }
  Surroundings desk;
  desk.set("MAIE_API__SECRET_KEY", "dev_api_key_change_in_production");
  EXPECT_EQ(desk.loaded().settings.api.secret_key.size(), 32u);
}

TEST(Placeholder, IsSeenByItsShape) {
  for (const char* example :
       {"your_secret_api_key_here", "dev_api_key_change_in_production", "CHANGE_ME_IN_PRODUCTION",
        "change-me-change-me-change-me-change-me", "replace_this_with_a_long_random_value",
        "00000000000000000000000000000000", "abababababababababababababababababab",
        "my-super-secret-production-key-2024", "Your-API-Key-Goes-Here-Please-1234"})
    EXPECT_TRUE(is_placeholder(example)) << example;
  EXPECT_FALSE(is_placeholder(""));
}

TEST(Placeholder, IsNoRandomKey) {
  static constexpr char kBase64[] =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  static constexpr char kHex[] = "0123456789abcdef";
  std::mt19937 random(1);
  int wrong = 0;
  for (int i = 0; i < 2000; ++i) {
    std::string base64, hex;
    for (int k = 0; k < 43; ++k) base64 += kBase64[random() % 64];
    for (int k = 0; k < 32; ++k) hex += kHex[random() % 16];
    wrong += is_placeholder(base64) + is_placeholder(hex);
  }
  EXPECT_EQ(wrong, 0);
}

TEST(Rules, SignsOfLifeFitIntoTheLease) {
  Surroundings around;
  around.set("MAIE_QUEUE__LEASE_S", "10").set("MAIE_QUEUE__HEARTBEAT_S", "5");
  EXPECT_TRUE(contains(around.refused(),
                       "queue.heartbeat_s (MAIE_QUEUE__HEARTBEAT_S) has to be "
                       "less than half of queue.lease_s (MAIE_QUEUE__LEASE_S)"))
      << around.refused();
  around.set("MAIE_QUEUE__HEARTBEAT_S", "4.9");
  EXPECT_EQ(around.loaded().settings.queue.heartbeat_s, 4.9);
}

TEST(Rules, FoldersAreNoFiles) {
  Surroundings around;
  around.set("MAIE_PATHS__AUDIO_DIR", around.file("audio", "x"));
  EXPECT_TRUE(contains(around.refused(), "paths.audio_dir (MAIE_PATHS__AUDIO_DIR) is a file"));
}

}  // namespace
}  // namespace maie::config
