#include "store/settings.h"

#include <gtest/gtest.h>

#include <map>

#include "store/hub.h"
#include "tests/support/temporary_folder.h"

namespace maie::store {
namespace {

using Variables = std::map<std::string, std::string>;

Result<Settings> of(const Variables& variables) {
  return settings_of([&](const char* name) {
    const auto it = variables.find(name);
    return it == variables.end() ? nullptr : it->second.c_str();
  });
}

std::string cache_of(const Variables& variables) { return of(variables)->caches.at(0); }

TEST(Settings, TheCacheIsTheFirstThatIsSet) {
  EXPECT_EQ(cache_of({{"HOME", "/h"}}), "/h/.cache/huggingface/hub");
  EXPECT_EQ(cache_of({{"HOME", "/h"}, {"XDG_CACHE_HOME", "/x"}}), "/x/huggingface/hub");
  EXPECT_EQ(cache_of({{"XDG_CACHE_HOME", "/x"}, {"HF_HOME", "/f"}}), "/f/hub");
  EXPECT_EQ(cache_of({{"HF_HOME", "/f"}, {"HF_HUB_CACHE", "/c"}}), "/c");
  EXPECT_TRUE(of({})->caches.empty());
  const auto both = of({{"MAIE_MODELS__CACHE", "/m"}, {"HF_HUB_CACHE", "/c"}})->caches;
  EXPECT_EQ(both, std::vector<std::string>({"/m", "/c"}));
}

TEST(Settings, TokensComeFromTheVariableOrAFile) {
  const TemporaryFolder folder;
  folder.write("token", " hf_file\n");
  EXPECT_EQ(of({{"HF_TOKEN", "hf_a"}, {"HF_HOME", folder.path()}})->token, "hf_a");
  EXPECT_EQ(of({{"HF_HOME", folder.path()}})->token, "hf_file");
  folder.write("other", "hf_other");
  EXPECT_EQ(of({{"HF_HOME", folder.path()}, {"HF_TOKEN_PATH", folder.path("other")}})->token,
            "hf_other");
  EXPECT_EQ(of({{"HF_HOME", "/nowhere"}})->token, "");
  const Status bad = of({{"HF_TOKEN", "hf_secret\r\nX-Evil: 1"}}).status();
  EXPECT_EQ(bad.code(), Code::kInvalidInput);
  EXPECT_EQ(bad.message().find("hf_secret"), std::string::npos);
}

TEST(Settings, OfflineAndMirror) {
  EXPECT_FALSE(of({})->offline);
  for (const char* word : {"1", "on", "YES", "True"}) {
    EXPECT_TRUE(of({{"HF_HUB_OFFLINE", word}})->offline);
    EXPECT_TRUE(of({{"MAIE_OFFLINE", word}})->offline);
  }
  EXPECT_FALSE(of({{"HF_HUB_OFFLINE", "0"}})->offline);
  EXPECT_EQ(of({{"HF_ENDPOINT", "https://mirror.example/hub//"}})->endpoint,
            "https://mirror.example/hub");
  for (const char* bad : {"mirror.example", "ftp://x", "https://", "https://a b", "https://u:p@h",
                          "file:///etc", "https://h/?q"})
    EXPECT_EQ(of({{"HF_ENDPOINT", bad}}).status().code(), Code::kInvalidInput) << bad;
}

TEST(Settings, OriginsCompare) {
  EXPECT_EQ(origin_of("https://Host.example:443/a?b"), "https://host.example");
  EXPECT_EQ(origin_of("http://h:80"), "http://h");
  EXPECT_EQ(origin_of("http://h:8080/x"), "http://h:8080");
  EXPECT_EQ(origin_of("https://h:80/"), "https://h:80");
  EXPECT_EQ(origin_of("https://user@evil.example/"), "https://evil.example");
  EXPECT_EQ(origin_of("/relative"), "");
}

TEST(Settings, TheTokenIsNotSentInTheOpen) {
  net::HttpClient client({.offline = true});
  const auto sends = [&client](const std::string& endpoint, const std::string& token) {
    Settings settings;
    settings.endpoint = endpoint;
    settings.token = token;
    return Hub(client, settings, {}).has_token();
  };
  EXPECT_TRUE(sends("https://h", "t"));
  EXPECT_TRUE(sends("http://127.0.0.1:80", "t"));
  EXPECT_FALSE(sends("http://h", "t"));
  EXPECT_FALSE(sends("http://127.0.0.1.evil.example", "t"));
  EXPECT_FALSE(sends("https://h", ""));
}

TEST(Settings, LimitsOfTime) {
  EXPECT_EQ(of({})->stall_limit_s, 60);
  EXPECT_EQ(of({{"HF_HUB_DOWNLOAD_TIMEOUT", "7.5"}})->stall_limit_s, 7.5);
  EXPECT_EQ(of({{"HF_HUB_ETAG_TIMEOUT", "3"}})->metadata_stall_limit_s, 3);
  for (const char* bad : {"", "x", "0", "-1", "nan", "1e9", "5s"})
    EXPECT_EQ(of({{"HF_HUB_DOWNLOAD_TIMEOUT", bad}})->stall_limit_s, 60) << bad;
}

}  // namespace
}  // namespace maie::store
