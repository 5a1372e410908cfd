// Whole pulls from a hub on the loopback address that misbehaves as told.
#include "store/pull.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <filesystem>
#include <random>
#include <thread>

#include "base/digest.h"
#include "base/json.h"
#include "net/http_client.h"
#include "store/find_model.h"
#include "store/verify.h"
#include "tests/store/fake_hub.h"
#include "tests/support/temporary_folder.h"

namespace maie::store {
namespace {

namespace fs = std::filesystem;
using support::LoopbackReply;
using support::LoopbackRequest;

class PullTest : public ::testing::Test {
 protected:
  PullTest() {
    hub_.add("config.json", R"({"model_type":"qwen3","num_hidden_layers":2})");
    hub_.add("tokenizer.json", "{}");
    hub_.add("pytorch_model.bin", "a pickle", true);
    hub_.add("model.safetensors", noise(300'000, 1), true);
    options_.piece_bytes = 64 << 10;
    options_.retry.first_wait_s = 0.01;
  }

  Settings settings(const std::string& token = "") const {
    Settings settings;
    settings.caches = {folder_.path("cache")};
    settings.endpoint = hub_.url();
    settings.token = token;
    settings.stall_limit_s = 5;
    return settings;
  }

  Result<PullResult> pull_model(const std::string& id = "org/name") {
    net::HttpClient client;
    return pull(*parse_model_id(id), settings(), client, options_);
  }

  HubCache cache() const { return HubCache(folder_.path("cache"), "org/name"); }

  // The snapshot holds exactly what the hub has, under the names of its hashes.
  void expect_whole() {
    for (const char* path : {"config.json", "tokenizer.json", "model.safetensors"}) {
      const std::string at = "cache/models--org--name/snapshots/" + hub_.commit() + "/" + path;
      EXPECT_TRUE(folder_.read(at) == hub_.content(path)) << path;
      EXPECT_EQ(fs::read_symlink(folder_.path(at)).string(), "../../blobs/" + hub_.tag(path));
    }
    EXPECT_FALSE(fs::exists(cache().snapshot(hub_.commit()) + "/pytorch_model.bin"));
    EXPECT_EQ(folder_.read("cache/models--org--name/refs/main"), hub_.commit());
    EXPECT_EQ(names_in(cache().blobs()), 3);
  }

  static int names_in(const std::string& folder) {
    return int(std::distance(fs::directory_iterator(folder), fs::directory_iterator()));
  }

  TemporaryFolder folder_;
  CancelToken cancel_;
  FakeHub hub_;
  PullOptions options_;
};

TEST_F(PullTest, BringsWhatAProgramNeedsUnderTheNamesOtherToolsUse) {
  hub_.files_a_page = 2;
  uint64_t last = 0;
  options_.progress = [&](const PullProgress& progress) {
    EXPECT_GE(progress.done_bytes, last);
    EXPECT_LE(progress.done_bytes, progress.total_bytes);
    last = progress.done_bytes;
  };
  const Result<PullResult> result = pull_model();
  ASSERT_TRUE(result) << result.error().message();
  EXPECT_EQ(result->fetched_files, 3);
  EXPECT_EQ(result->path, cache().snapshot(hub_.commit()));
  EXPECT_GE(last, 300'000u);
  expect_whole();
  EXPECT_TRUE(folder_.has("cache/CACHEDIR.TAG"));
  EXPECT_EQ(find_model("org/name", settings()).value(), result->path);
  // In ranges, more than one, and the second pull asks for no bytes at all.
  EXPECT_GE(hub_.storage().requests().size(), 4u);
  const size_t before = hub_.storage().requests().size();
  last = 0;
  EXPECT_EQ(pull_model()->fetched_files, 0);
  EXPECT_EQ(hub_.storage().requests().size(), before);
}

TEST_F(PullTest, OneFileOrAPattern) {
  const Result<PullResult> one = pull_model("org/name/tokenizer.json@" + hub_.commit());
  ASSERT_TRUE(one) << one.error().message();
  EXPECT_EQ(one->path, cache().snapshot(hub_.commit()) + "/tokenizer.json");
  options_.choice.include = {"*.bin"};
  ASSERT_TRUE(pull_model());
  EXPECT_TRUE(fs::exists(cache().snapshot(hub_.commit()) + "/pytorch_model.bin"));
  EXPECT_FALSE(fs::exists(cache().snapshot(hub_.commit()) + "/model.safetensors"));
}

TEST_F(PullTest, GoesOnAfterCutsAtRandomPlaces) {
  std::mt19937 random(7);
  std::mutex mutex;
  std::atomic<int> cuts = 0;
  hub_.on_storage = [&](const LoopbackRequest& request, LoopbackReply& reply) {
    size_t most = 0;
    {
      const std::lock_guard lock(mutex);
      most = random() % 70'000;
    }
    if (++cuts > 40) return false;
    hub_.serve(hub_.content("model.safetensors"), request, reply, most);
    return true;
  };
  options_.retry.tries = 50;
  const Result<PullResult> result = pull_model();
  ASSERT_TRUE(result) << result.error().message();
  expect_whole();
}

TEST_F(PullTest, EveryByteThatWasSavedIsKeptWhenItIsRunAgain) {
  // The storage gives 40,000 bytes and then nothing more.
  std::atomic<int64_t> left = 40'000;
  hub_.on_storage = [&](const LoopbackRequest& request, LoopbackReply& reply) {
    const int64_t most = std::max<int64_t>(left.exchange(0), 0);
    hub_.serve(hub_.content("model.safetensors"), request, reply, size_t(most));
    return true;
  };
  options_.connections = 1;
  options_.retry.tries = 2;
  EXPECT_EQ(pull_model().error().code(), Code::kUnavailable);
  EXPECT_FALSE(fs::exists(cache().blob(hub_.tag("model.safetensors"))));
  EXPECT_FALSE(find_model("org/name", settings()));
  hub_.on_storage = nullptr;
  const size_t before = hub_.storage().requests().size();
  ASSERT_TRUE(pull_model());
  EXPECT_EQ(hub_.storage().requests().at(before).header("range").substr(0, 12), "bytes=40000-");
  expect_whole();
}

TEST_F(PullTest, SurvivesKillsAtRandomMoments) {
  hub_.on_storage = [&](const LoopbackRequest& request, LoopbackReply& reply) {
    reply.wait(0.01);
    hub_.serve(hub_.content("model.safetensors"), request, reply);
    return true;
  };
  std::mt19937 random(11);
  for (int i = 0; i < 12; ++i) {
    const pid_t child = ::fork();
    if (child == 0) {
      (void)pull_model();
      ::_exit(0);
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(random() % 60));
    ::kill(child, SIGKILL);
    int status = 0;
    ::waitpid(child, &status, 0);
  }
  const Result<PullResult> result = pull_model();
  ASSERT_TRUE(result) << result.error().message();
  expect_whole();
}

TEST_F(PullTest, ServerWithoutRanges) {
  hub_.has_ranges = false;
  ASSERT_TRUE(pull_model());
  expect_whole();
  EXPECT_EQ(hub_.storage().requests().size(), 1u);
}

TEST_F(PullTest, ServerWithoutRangesThatCuts) {
  hub_.has_ranges = false;
  std::atomic<int> cuts = 0;
  hub_.on_storage = [&](const LoopbackRequest& request, LoopbackReply& reply) {
    if (++cuts > 2) return false;
    hub_.serve(hub_.content("model.safetensors"), request, reply, 100'000);
    return true;
  };
  ASSERT_TRUE(pull_model());
  expect_whole();
  // One that always cuts at the same place is given up, however much it sends each time.
  fs::remove_all(folder_.path("cache"));
  cuts = -1000;
  options_.retry.tries = 3;
  EXPECT_EQ(pull_model().error().code(), Code::kUnavailable);
}

TEST_F(PullTest, StatusThatPassesIsWaitedFor) {
  std::atomic<int> count = 0;
  hub_.on_storage = [&](const LoopbackRequest&, LoopbackReply& reply) {
    switch (count++) {
      case 0: return reply.answer(429, "slow", {{"Retry-After", "0"}}), true;
      case 1: return reply.answer(500, "oops"), true;
      case 2: return reply.answer(403, "this signature has expired"), true;
      default: return false;
    }
  };
  std::atomic<int> hub_count = 0;
  hub_.on_hub = [&](const LoopbackRequest&, LoopbackReply& reply) {
    if (hub_count++ != 0) return false;
    reply.answer(503, "");
    return true;
  };
  std::vector<std::string> waits;
  options_.connections = 1;
  options_.retry.on_wait = [&](const std::string& why, double) { waits.push_back(why); };
  const Result<PullResult> result = pull_model();
  ASSERT_TRUE(result) << result.error().message();
  EXPECT_EQ(waits.size(), 4u);
  expect_whole();
}

TEST_F(PullTest, AServerThatAsksForAnHourIsNotWaitedFor) {
  hub_.on_storage = [&](const LoopbackRequest&, LoopbackReply& reply) {
    reply.answer(429, "", {{"Retry-After", "3600"}});
    return true;
  };
  const Status status = pull_model().status();
  EXPECT_EQ(status.code(), Code::kUnavailable);
  EXPECT_NE(status.message().find("3600 s"), std::string::npos) << status.message();
}

TEST_F(PullTest, WrongBytesNeverGetTheName) {
  std::string wrong = hub_.content("model.safetensors");
  wrong[200'000] = char(wrong[200'000] ^ 1);
  hub_.on_storage = [this, wrong](const LoopbackRequest& request, LoopbackReply& reply) {
    hub_.serve(wrong, request, reply);
    return true;
  };
  const Status status = pull_model().status();
  EXPECT_EQ(status.code(), Code::kCorrupt);
  EXPECT_NE(status.message().find(hub_.tag("model.safetensors")), std::string::npos);
  EXPECT_FALSE(fs::exists(cache().blob(hub_.tag("model.safetensors"))));
  EXPECT_FALSE(folder_.has("cache/models--org--name/refs/main"));
  for (const auto& entry : fs::directory_iterator(cache().blobs()))
    EXPECT_EQ(entry.path().string().find(".part"), std::string::npos) << entry.path();
}

TEST_F(PullTest, DamageInAResumedPartIsRepaired) {
  std::atomic<int> count = 0;
  hub_.on_storage = [&](const LoopbackRequest& request, LoopbackReply& reply) {
    if (count++ == 0) return hub_.serve(hub_.content("model.safetensors"), request, reply), true;
    reply.close();
    return true;
  };
  options_.connections = 1;
  options_.retry.tries = 1;
  EXPECT_FALSE(pull_model());
  for (const auto& entry : fs::directory_iterator(cache().blobs())) {
    if (!entry.path().string().ends_with(".part")) continue;
    FILE* part = std::fopen(entry.path().c_str(), "r+");
    std::fputs("damage", part);
    std::fclose(part);
  }
  hub_.on_storage = nullptr;
  const Result<PullResult> result = pull_model();
  ASSERT_TRUE(result) << result.error().message();
  expect_whole();
}

TEST_F(PullTest, AnotherSizeThanListedIsRefused) {
  for (const size_t size : {size_t{1000}, size_t{400'000}}) {
    for (const bool ranges : {true, false}) {
      const std::string wrong = noise(size, 3);
      hub_.has_ranges = ranges;
      hub_.on_storage = [this, wrong](const LoopbackRequest& request, LoopbackReply& reply) {
        hub_.serve(wrong, request, reply);
        return true;
      };
      options_.retry.tries = 2;
      const Status status = pull_model().status();
      // A short answer without ranges cannot be told from a cut one.
      EXPECT_EQ(status.code(), !ranges && size < 300'000 ? Code::kUnavailable : Code::kCorrupt)
          << status.message();
      EXPECT_FALSE(fs::exists(cache().blob(hub_.tag("model.safetensors"))));
    }
  }
}

TEST_F(PullTest, DiskTooSmallIsSaidBeforeAnythingIsWritten) {
  options_.disk.free_bytes = [](const std::string&) -> Result<uint64_t> { return 310'000; };
  const Status status = pull_model().status();
  EXPECT_EQ(status.code(), Code::kResourceExhausted);
  EXPECT_NE(status.message().find("disk space"), std::string::npos) << status.message();
  EXPECT_FALSE(folder_.has("cache"));
  EXPECT_EQ(hub_.storage().requests().size(), 0u);
  options_.disk.free_bytes = [](const std::string&) -> Result<uint64_t> { return 320'000; };
  EXPECT_TRUE(pull_model());
}

TEST_F(PullTest, DiskThatFillsUpKeepsWhatItHas) {
  std::atomic<int64_t> room = 150'000;
  const DiskCalls real = DiskCalls::real();
  options_.disk.write = [&](int descriptor, const void* bytes, size_t count, uint64_t offset) {
    if ((room -= int64_t(count)) < 0) {
      errno = ENOSPC;
      return -1L;
    }
    return real.write(descriptor, bytes, count, offset);
  };
  const Status status = pull_model().status();
  EXPECT_EQ(status.code(), Code::kResourceExhausted) << status.message();
  EXPECT_FALSE(folder_.has("cache/models--org--name/refs/main"));
  options_.disk = real;
  const size_t before = hub_.storage().requests().size();
  ASSERT_TRUE(pull_model());
  expect_whole();
  // Two of the five pieces at least were kept.
  EXPECT_LE(hub_.storage().requests().size() - before, 4u);
}

TEST_F(PullTest, TwoAtOnceShareTheWork) {
  std::atomic<int> whole_bytes = 0;
  hub_.on_storage = [&](const LoopbackRequest& request, LoopbackReply& reply) {
    reply.wait(0.02);
    ++whole_bytes;
    hub_.serve(hub_.content("model.safetensors"), request, reply);
    return true;
  };
  Status first, second;
  std::thread one([&] { first = pull_model().status(); });
  std::thread two([&] { second = pull_model().status(); });
  one.join();
  two.join();
  EXPECT_TRUE(first.ok()) << first.message();
  EXPECT_TRUE(second.ok()) << second.message();
  EXPECT_EQ(whole_bytes, 5);  // pieces of 64 KiB, each once
  expect_whole();
}

TEST_F(PullTest, TokenGoesToTheHubAlone) {
  net::HttpClient client;
  ASSERT_TRUE(pull(*parse_model_id("org/name"), settings("hf_secret"), client, options_));
  for (const LoopbackRequest& request : hub_.hub().requests())
    EXPECT_EQ(request.header("authorization"), "Bearer hf_secret");
  ASSERT_FALSE(hub_.storage().requests().empty());
  for (const LoopbackRequest& request : hub_.storage().requests())
    EXPECT_EQ(request.header("authorization"), "");
}

TEST_F(PullTest, AListThatGoesOnElsewhereIsNotFollowed) {
  hub_.on_hub = [&](const LoopbackRequest& request, LoopbackReply& reply) {
    if (request.target.find("/tree/") == std::string::npos) return false;
    reply.answer(200, "[]", {{"Link", "<" + hub_.storage().url("/more") + ">; rel=\"next\""}});
    return true;
  };
  EXPECT_EQ(pull_model().error().code(), Code::kCorrupt);
  EXPECT_EQ(hub_.storage().requests().size(), 0u);
}

TEST_F(PullTest, OfflineOpensNoConnection) {
  Settings offline = settings();
  offline.offline = true;
  net::HttpClient client({.offline = true});
  const ModelId id = *parse_model_id("org/name");
  const Status missing = pull(id, offline, client, options_).status();
  EXPECT_EQ(missing.code(), Code::kNotFound);
  EXPECT_NE(missing.message().find("maie models pull org/name"), std::string::npos);
  EXPECT_EQ(hub_.hub().connections(), 0);
  ASSERT_TRUE(pull_model());
  const int before = hub_.hub().connections();
  EXPECT_TRUE(pull(id, offline, client, options_));
  fs::remove(cache().snapshot(hub_.commit()) + "/tokenizer.json");
  const Status part = pull(id, offline, client, options_).status();
  EXPECT_EQ(part.code(), Code::kNotFound);
  EXPECT_NE(part.message().find("tokenizer.json"), std::string::npos) << part.message();
  EXPECT_EQ(hub_.hub().connections(), before);
}

TEST_F(PullTest, SaysWhyTheHubRefuses) {
  struct Case {
    int status;
    const char* code;
    Code expected;
    const char* word;
  };
  for (const Case& c :
       {Case{401, "GatedRepo", Code::kPermissionDenied, "HF_TOKEN"},
        Case{401, "RepoNotFound", Code::kNotFound, "no such model"},
        Case{401, "", Code::kPermissionDenied, "no such model"},
        Case{403, "GatedRepo", Code::kPermissionDenied, "owner"},
        Case{404, "RevisionNotFound", Code::kNotFound, "revision"},
        Case{404, "", Code::kNotFound, "spelling"}, Case{400, "", Code::kUnavailable, "400"}}) {
    hub_.on_hub = [&c](const LoopbackRequest&, LoopbackReply& reply) {
      reply.answer(c.status, "", {{"X-Error-Code", c.code}, {"X-Request-Id", "req-1"}});
      return true;
    };
    const Status status = pull_model().status();
    EXPECT_EQ(status.code(), c.expected) << status.message();
    EXPECT_NE(status.message().find(c.word), std::string::npos) << status.message();
    EXPECT_FALSE(folder_.has("cache"));
  }
}

TEST_F(PullTest, AdmissionKnowsTheModelBeforeItComes) {
  options_.admit = [&](const PullPlan& plan) -> Status {
    EXPECT_EQ(plan.facts.architecture, "qwen3");
    EXPECT_EQ(plan.facts.layers, 2);
    EXPECT_EQ(plan.facts.size_bytes, 300'000u);
    EXPECT_EQ(plan.missing_bytes, plan.total_bytes);
    return resource_exhausted("too large");
  };
  EXPECT_EQ(pull_model().error().message(), "too large");
  EXPECT_FALSE(folder_.has("cache"));
}

TEST_F(PullTest, CancellingKeepsTheBytes) {
  options_.cancel = &cancel_;
  options_.connections = 1;
  hub_.on_storage = [this](const LoopbackRequest& request, LoopbackReply& reply) {
    if (hub_.storage().requests().size() == 3) cancel_.cancel();
    hub_.serve(hub_.content("model.safetensors"), request, reply);
    return true;
  };
  EXPECT_EQ(pull_model().error().code(), Code::kCancelled);
  CancelToken again;
  options_.cancel = &again;
  hub_.on_storage = nullptr;
  const size_t before = hub_.storage().requests().size();
  ASSERT_TRUE(pull_model());
  EXPECT_LE(hub_.storage().requests().size() - before, 3u);
  expect_whole();
}

TEST_F(PullTest, WithoutSymlinksTheFilesLieInTheSnapshot) {
  Settings plain = settings();
  plain.symlinks = false;
  net::HttpClient client;
  const Result<PullResult> result = pull(*parse_model_id("org/name"), plain, client, options_);
  ASSERT_TRUE(result) << result.error().message();
  EXPECT_FALSE(fs::is_symlink(result->path + "/model.safetensors"));
  EXPECT_EQ(names_in(cache().blobs()), 0);
  EXPECT_EQ(pull(*parse_model_id("org/name"), plain, client, options_)->fetched_files, 0);
  EXPECT_EQ(verify(cache(), hub_.commit(), nullptr, {})->unhashed, 0);
}

TEST_F(PullTest, RecheckFetchesADamagedFileAgain) {
  ASSERT_TRUE(pull_model());
  const std::string blob = cache().blob(hub_.tag("model.safetensors"));
  FILE* file = std::fopen(blob.c_str(), "r+");
  std::fputs("damage", file);
  std::fclose(file);
  EXPECT_EQ(pull_model()->fetched_files, 0);
  const Result<Verification> found = verify(cache(), hub_.commit(), nullptr, {});
  ASSERT_EQ(found->bad.size(), 1u);
  EXPECT_EQ(found->bad[0].path, "model.safetensors");
  options_.recheck = true;
  EXPECT_EQ(pull_model()->fetched_files, 1);
  expect_whole();
}

TEST_F(PullTest, ALinkInTheWayIsNotFollowed) {
  hub_.add("sub/extra.jinja", "{{ x }}");
  fs::create_directories(folder_.path("elsewhere"));
  fs::create_directories(cache().snapshot(hub_.commit()));
  fs::create_directory_symlink(folder_.path("elsewhere"), cache().snapshot(hub_.commit()) + "/sub");
  EXPECT_EQ(pull_model().error().code(), Code::kCorrupt);
  EXPECT_TRUE(fs::is_empty(folder_.path("elsewhere")));
}

TEST_F(PullTest, HostileListsWriteNothing) {
  for (const char* path : {"../../evil.json", "/etc/evil.json", "a/../../evil.json", "",
                           "a//b.json", "a\\\\b.json", "line\\nbreak.json", ".", "./a.json"}) {
    hub_.on_hub = [&](const LoopbackRequest& request, LoopbackReply& reply) {
      if (request.target.find("/tree/") == std::string::npos) return false;
      reply.json("[{\"type\":\"file\",\"path\":\"" + std::string(path) +
                 "\",\"size\":1,\"oid\":\"" + std::string(40, 'a') + "\"}]");
      return true;
    };
    const Status status = pull_model().status();
    EXPECT_EQ(status.code(), Code::kCorrupt) << path << ": " << status.message();
    EXPECT_FALSE(folder_.has("cache")) << path;
  }
}

}  // namespace
}  // namespace maie::store
