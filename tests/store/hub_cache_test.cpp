// Caches as other tools write them, and as nobody should find them.
#include "store/hub_cache.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "base/digest.h"
#include "base/json.h"
#include "store/file_lock.h"
#include "store/find_model.h"
#include "store/memory_need.h"
#include "store/remove.h"
#include "store/survey.h"
#include "store/verify.h"
#include "tests/support/random_gguf.h"
#include "tests/support/temporary_folder.h"

namespace maie::store {
namespace {

namespace fs = std::filesystem;

const std::string kOld(40, '1');
const std::string kNew(40, '2');

std::string sha256(const std::string& content) {
  Digest digest(Digest::Kind::kSha256);
  digest.add(content);
  return digest.hex();
}

class HubCacheTest : public ::testing::Test {
 protected:
  // As the hub's own tools put it.
  std::string put(const std::string& commit, const std::string& path, const std::string& content) {
    const std::string tag = sha256(content);
    folder_.write("cache/models--org--name/blobs/" + tag, content);
    const fs::path at = snapshot(commit) + "/" + path;
    fs::create_directories(at.parent_path());
    std::string up = "../../";
    for (const char c : path) up += c == '/' ? "../" : "";
    fs::create_symlink(up + "blobs/" + tag, at);
    return tag;
  }
  void ref(const std::string& name, const std::string& commit) {
    folder_.write("cache/models--org--name/refs/" + name, commit);
  }
  std::string snapshot(const std::string& commit) const {
    return folder_.path("cache/models--org--name/snapshots/" + commit);
  }
  HubCache cache() const { return HubCache(folder_.path("cache"), "org/name"); }
  Settings settings() const {
    Settings settings;
    settings.caches = {folder_.path("own"), folder_.path("cache")};
    settings.folders = {folder_.path("models")};
    return settings;
  }
  std::string found(const std::string& name) const {
    const Result<std::string> path = find_model(name, settings());
    return path.has_value() ? *path : "!" + path.error().message();
  }

  TemporaryFolder folder_;
};

TEST_F(HubCacheTest, ResolvesRevisions) {
  put(kOld, "config.json", "{\"a\":1}");
  EXPECT_EQ(found("org/name"), snapshot(kOld));  // the only one there is
  put(kNew, "config.json", "{\"a\":2}");
  EXPECT_EQ(found("org/name").front(), '!');
  ref("main", kNew);
  ref("refs/pr/1", kOld);
  EXPECT_EQ(found("org/name"), snapshot(kNew));
  EXPECT_EQ(found("org/name@refs/pr/1"), snapshot(kOld));
  EXPECT_EQ(found("org/name@" + kOld), snapshot(kOld));
  EXPECT_EQ(found("org/name/config.json"), snapshot(kNew) + "/config.json");
  EXPECT_NE(found("org/name@v2").find("maie models pull org/name@v2"), std::string::npos);
}

TEST_F(HubCacheTest, PathsAndLocalNamesComeFirst) {
  put(kOld, "config.json", "{}");
  folder_.write("models/org/name/config.json");
  EXPECT_EQ(found("org/name"), folder_.path("models/org/name"));
  EXPECT_EQ(found(folder_.path("models")), folder_.path("models"));
  EXPECT_NE(found("org/other").find("maie models pull org/other"), std::string::npos);
  for (const char* name : {"", "nothing", "../name", "/no/such/path", "a/b/../c"})
    EXPECT_EQ(found(name).front(), '!') << name;
}

TEST_F(HubCacheTest, ANameAloneIsAModelWhereACacheHasIt) {
  folder_.write("own/models--gpt2/snapshots/" + kOld + "/config.json", "{}");
  EXPECT_EQ(found("gpt2"), folder_.path("own/models--gpt2/snapshots/" + kOld));
  EXPECT_EQ(found("gpt3").find("maie models pull gpt3"), std::string::npos);
}

TEST_F(HubCacheTest, ASnapshotOfOneGgufIsThatFile) {
  put(kOld, "a-Q4_0.gguf", "x");
  EXPECT_EQ(found("org/name"), snapshot(kOld) + "/a-Q4_0.gguf");
  put(kOld, "b-Q8_0.gguf", "y");
  EXPECT_EQ(found("org/name"), snapshot(kOld));
}

TEST_F(HubCacheTest, BrokenCachesAreSaidSo) {
  const std::string tag = put(kOld, "config.json", "{}");
  fs::remove(cache().blob(tag));
  EXPECT_NE(found("org/name").find("not there"), std::string::npos) << found("org/name");
  folder_.write("cache/models--org--name/blobs/" + tag, "{}");
  // Links out of the model's folder, loops, and things that are no snapshots.
  folder_.write("secret", "s");
  fs::create_symlink(folder_.path("secret"), snapshot(kOld) + "/leak.json");
  fs::create_symlink("loop", snapshot(kOld) + "/loop");
  fs::create_directory_symlink(folder_.path(), snapshot(kNew));
  folder_.write("cache/models--org--name/snapshots/notes.txt");
  folder_.write("cache/models--org--name/refs/main", std::string(100'000, 'x'));
  folder_.write("cache/models--..--evil/x");
  EXPECT_EQ(cache().snapshots().size(), 1u);
  int problems = 0;
  for (const CachedFile& file : cache().files_of(kOld)) problems += !file.problem.empty();
  EXPECT_EQ(problems, 2);
  EXPECT_EQ(repos_in(folder_.path("cache")), std::vector<std::string>{"org/name"});
  EXPECT_EQ(survey(settings()).size(), 1u);
  EXPECT_FALSE(survey(settings())[0].facts.problem.empty());
  EXPECT_EQ(verify(cache(), kOld, nullptr, {})->bad.size(), 2u);
  EXPECT_TRUE(repos_in(folder_.path("nowhere")).empty());
}

TEST_F(HubCacheTest, VerifyFindsWhatIsDamagedOrMissing) {
  const std::string tag = put(kOld, "config.json", "{\"model_type\":\"qwen3\"}");
  EXPECT_TRUE(verify(cache(), kOld, nullptr, {})->bad.empty());
  put(kOld, "model.safetensors", "not one");
  put(kOld, "tokenizer.json", "{}");
  const auto heads = verify(cache(), kOld, nullptr, {});  // its hash is right
  ASSERT_EQ(heads->bad.size(), 1u);
  EXPECT_NE(heads->bad[0].problem.find("model.safetensors"), std::string::npos);
  folder_.write("cache/models--org--name/blobs/" + tag, "{\"model_type\":\"qwen4\"}");
  const auto damaged = verify(cache(), kOld, nullptr, {});
  ASSERT_EQ(damaged->bad.size(), 1u);
  EXPECT_EQ(damaged->bad[0].path, "config.json");
  EXPECT_NE(damaged->bad[0].problem.find(tag), std::string::npos);
  CancelToken cancel;
  cancel.cancel();
  EXPECT_EQ(verify(cache(), kOld, &cancel, {}).status().code(), Code::kCancelled);
}

TEST_F(HubCacheTest, ShardsThatAnIndexNamesMustBeThere) {
  const std::string golden = std::string(MAIE_SOURCE_DIR) + "/tests/golden/qwen3/untied";
  for (const auto& entry : fs::directory_iterator(golden)) {
    const std::string name = entry.path().filename().string();
    if (name == "expected.safetensors") continue;
    fs::create_directories(folder_.path("models/whole"));
    fs::copy(entry.path(), folder_.path("models/whole/" + name));
  }
  folder_.write("models/whole/tokenizer.json", "{}");
  const auto whole = survey(settings());
  ASSERT_EQ(whole.size(), 1u);
  EXPECT_EQ(whole[0].name, "whole");
  EXPECT_EQ(whole[0].facts.problem, "");
  EXPECT_EQ(whole[0].facts.architecture, "qwen3");
  EXPECT_GT(whole[0].facts.parameters, 0u);
  fs::remove(folder_.path("models/whole/model-00002-of-00002.safetensors"));
  EXPECT_NE(survey(settings())[0].facts.problem, "");
}

TEST_F(HubCacheTest, RemovesOneRevisionAndWhatOnlyItNeeds) {
  const std::string shared = put(kOld, "config.json", "{}");
  const std::string old_only = put(kOld, "sub/model.safetensors", "old");
  put(kNew, "config.json", "{}");
  const std::string new_only = put(kNew, "model.safetensors", "newer");
  ref("main", kNew);
  ref("v1", kOld);
  folder_.write("cache/models--org--name/blobs/README", "not ours");
  const auto plan = plan_removal(cache(), "v1");
  ASSERT_TRUE(plan);
  EXPECT_EQ(plan->commits, std::vector<std::string>{kOld});
  EXPECT_EQ(plan->freed_bytes, 3u);
  ASSERT_TRUE(remove(cache(), "v1"));
  EXPECT_FALSE(fs::exists(cache().blob(old_only)));
  EXPECT_TRUE(fs::exists(cache().blob(shared)));
  EXPECT_TRUE(fs::exists(cache().blob(new_only)));
  EXPECT_FALSE(folder_.has("cache/models--org--name/refs/v1"));
  EXPECT_EQ(found("org/name"), snapshot(kNew));
  const auto all = remove(cache(), "");
  ASSERT_TRUE(all);
  EXPECT_EQ(all->freed_bytes, 7u);
  EXPECT_TRUE(folder_.has("cache/models--org--name/blobs/README"));  // nobody's to take
  EXPECT_FALSE(folder_.has("cache/models--org--name/refs"));
  fs::remove(folder_.path("cache/models--org--name/blobs/README"));
  ASSERT_TRUE(remove(cache(), ""));
  EXPECT_FALSE(cache().exists());
  EXPECT_EQ(remove(cache(), "").status().code(), Code::kNotFound);
}

TEST_F(HubCacheTest, WhatIsBeingPulledIsNotRemoved) {
  put(kOld, "config.json", "{}");
  ASSERT_TRUE(cache().create(kOld).ok());
  const auto pulling = FileLock::try_now(cache().lock_of("maie"), FileLock::Mode::kShared);
  ASSERT_TRUE(pulling);
  EXPECT_EQ(remove(cache(), "").status().code(), Code::kUnavailable);
  EXPECT_TRUE(fs::exists(snapshot(kOld) + "/config.json"));
}

TEST_F(HubCacheTest, PlacesOverWhatStoodThere) {
  const std::string tag = put(kOld, "other.json", "{}");
  fs::create_symlink("../../blobs/gone", snapshot(kOld) + "/config.json");
  EXPECT_TRUE(cache().place(kOld, "config.json", tag, true).ok());
  EXPECT_EQ(folder_.read("cache/models--org--name/snapshots/" + kOld + "/config.json"), "{}");
  EXPECT_TRUE(cache().place(kOld, "a/b/c.json", tag, true).ok());
  EXPECT_EQ(folder_.read("cache/models--org--name/snapshots/" + kOld + "/a/b/c.json"), "{}");
  EXPECT_EQ(cache().place(kOld, "a/b", tag, true).code(), Code::kCorrupt);
}

TEST_F(HubCacheTest, KnowsAGgufByItsHead) {
  support::GgufWriter writer;
  support::GgufModelShape shape;
  support::add_random_model(writer, shape);
  folder_.write("models/m/tiny.gguf", writer.bytes());
  const auto models = survey(settings());
  ASSERT_EQ(models.size(), 1u);
  const ModelFacts& facts = models[0].facts;
  EXPECT_EQ(models[0].name, "m/tiny.gguf");
  EXPECT_EQ(facts.architecture, "qwen3");
  EXPECT_EQ(facts.quantization, "q4_0");
  EXPECT_EQ(facts.layers, shape.layers);
  EXPECT_EQ(facts.kv_heads, shape.kv_heads);
  EXPECT_EQ(facts.head_width, shape.head_width);
  EXPECT_EQ(facts.context, shape.context);
  // 2 layers of q, o (256x256 each), k, v (128x256), mlp (3x512x256), and a tied embedding.
  const uint64_t matrices = 2 * (2 * 256 * 256 + 2 * 128 * 256 + 3 * 512 * 256) + 512 * 256;
  EXPECT_GE(facts.parameters, matrices);
  EXPECT_LE(facts.parameters, matrices + 10'000);
}

TEST(ModelFacts, MiniModelsAreKnown) {
  Settings settings;
  settings.folders = {std::string(MAIE_SOURCE_DIR) + "/models"};
  std::string kinds;
  for (const SurveyedModel& model : survey(settings)) {
    kinds += model.name + "=" + model.facts.architecture + " ";
    EXPECT_EQ(model.facts.problem, "") << model.name;
    EXPECT_GT(model.facts.parameters, 100'000u) << model.name;
  }
  EXPECT_NE(kinds.find("mini/asr=whisper "), std::string::npos) << kinds;
  EXPECT_NE(kinds.find("mini/vad/model.safetensors=silero "), std::string::npos) << kinds;
}

TEST(ModelFacts, ReadsConfigsOfEveryKindAndBoundsThem) {
  const auto facts_of = [](const std::string& text) {
    ModelFacts facts;
    add_config(*parse_json(text), facts);
    return facts;
  };
  const ModelFacts awq = facts_of(
      R"({"model_type":"qwen3","num_hidden_layers":36,"num_key_value_heads":8,"head_dim":128,
          "num_attention_heads":32,"max_position_embeddings":262144,"torch_dtype":"float16",
          "quantization_config":{"quant_method":"awq","bits":4}})");
  EXPECT_EQ(awq.quantization, "awq 4-bit");
  EXPECT_EQ(awq.kv_heads, 8);
  const ModelFacts packed = facts_of(
      R"({"quantization_config":{"quant_method":"compressed-tensors","config_groups":
          {"group_0":{"weights":{"num_bits":8}}}}})");
  EXPECT_EQ(packed.quantization, "compressed-tensors 8-bit");
  for (const char* text : {"[]", "3", R"({"model_type":5,"num_hidden_layers":"x","head_dim":-1})",
                           R"({"num_hidden_layers":1e300,"quantization_config":[]})",
                           R"({"quantization_config":{"config_groups":{"a":3},"bits":-7}})"}) {
    const ModelFacts facts = facts_of(text);
    EXPECT_EQ(facts.layers, 0) << text;
  }
}

TEST(MemoryNeed, FollowsItsFormula) {
  ModelFacts facts;
  facts.architecture = "qwen3";
  facts.size_bytes = 2'000'000'000;
  facts.layers = 36;
  facts.kv_heads = 8;
  facts.head_width = 128;
  facts.context = 40960;
  MemoryNeed need = memory_need(facts, 0);
  EXPECT_EQ(need.weights, 2'000'000'000u);
  EXPECT_EQ(need.context, 8192);
  EXPECT_EQ(need.cache, uint64_t{2} * 36 * 8 * 128 * 8192 * 2);
  EXPECT_EQ(need.margin, 300'000'000u + (64 << 20));
  EXPECT_EQ(memory_need(facts, 100'000).context, 40960);
  EXPECT_EQ(
      to_text(need),
      "needs 3.3 GiB (weights 1.9 GiB, 8192 tokens of context 1.1 GiB, working room 350.1 MiB)");
  facts.layers = facts.kv_heads = facts.head_width = facts.context = 1 << 24;
  EXPECT_GT(memory_need(facts, 1 << 30).total(), uint64_t{1} << 59);
  ModelFacts whisper;
  whisper.architecture = "whisper";
  whisper.size_bytes = 1'600'000'000;
  whisper.parameters = 800'000'000;
  EXPECT_EQ(memory_need(whisper, 0).weights, 800'000'000u);
  EXPECT_EQ(memory_need(whisper, 0).cache, 0u);
}

}  // namespace
}  // namespace maie::store
