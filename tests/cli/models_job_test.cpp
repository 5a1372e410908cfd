// `maie models`, with a cache in a folder of the test and a hub on the loopback address.
#include "cli/models_job.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "cli/machine.h"
#include "cli/models_report.h"
#include "cli/transfer_progress.h"
#include "tests/store/fake_hub.h"
#include "tests/support/temporary_folder.h"

namespace maie::cli {
namespace {

namespace fs = std::filesystem;

class ModelsJob : public ::testing::Test {
 protected:
  ModelsJob() {
    hub_.add("config.json", R"({"model_type":"qwen3","num_hidden_layers":4,
        "num_key_value_heads":2,"head_dim":64,"max_position_embeddings":4096})");
    hub_.add("tokenizer.json", "{}");
    hub_.add("model.safetensors", store::noise(100'000, 1), true);
    place_.settings.caches = {folder_.path("cache")};
    place_.settings.folders = {folder_.path("models")};
    place_.settings.endpoint = hub_.url();
    arguments_.pull.retry.first_wait_s = 0.01;
    arguments_.id = "org/name";
  }

  // Runs one of the commands; what it wrote is in out_ and err_ then.
  template <class Run>
  int run(Run command) {
    const int out = ::open(folder_.path("out").c_str(), O_CREAT | O_TRUNC | O_WRONLY, 0600);
    const int err = ::open(folder_.path("err").c_str(), O_CREAT | O_TRUNC | O_WRONLY, 0600);
    Console console(out, err, {});
    const int code = command(console);
    ::close(out);
    ::close(err);
    out_ = folder_.read("out");
    err_ = folder_.read("err");
    return code;
  }
  int pull() {
    return run([&](Console& console) { return pull_model(arguments_, place_, console, cancel_); });
  }
  int list() {
    return run([&](Console& console) { return list_models(arguments_, place_, console); });
  }
  int verify() {
    return run(
        [&](Console& console) { return verify_models(arguments_, place_, console, cancel_); });
  }
  int remove() {
    return run([&](Console& console) { return remove_model(arguments_, place_, console); });
  }
  int path() {
    return run([&](Console& console) { return print_model_path(arguments_, place_, console); });
  }
  std::string snapshot() const {
    return folder_.path("cache/models--org--name/snapshots/" + hub_.commit());
  }

  TemporaryFolder folder_;
  store::FakeHub hub_;
  ModelsPlace place_;
  ModelsArguments arguments_;
  CancelToken cancel_;
  std::string out_, err_;
};

TEST_F(ModelsJob, APulledModelIsListedVerifiedFoundAndRemoved) {
  EXPECT_EQ(path(), 66);
  EXPECT_NE(err_.find("maie models pull org/name"), std::string::npos) << err_;
  EXPECT_EQ(pull(), 0) << err_;
  EXPECT_EQ(out_, snapshot() + "\n");
  EXPECT_NE(err_.find("needs"), std::string::npos) << err_;
  EXPECT_EQ(path(), 0);
  EXPECT_EQ(out_, snapshot() + "\n");
  // Its weights are noise: the list and the check say so.
  EXPECT_EQ(list(), 0);
  EXPECT_NE(out_.find("org/name"), std::string::npos) << out_;
  EXPECT_NE(out_.find("qwen3"), std::string::npos) << out_;
  EXPECT_EQ(verify(), 65);
  EXPECT_NE(out_.find("model.safetensors"), std::string::npos) << out_;
  EXPECT_NE(out_.find("another revision"), std::string::npos) << out_;
  EXPECT_EQ(remove(), 64);  // nobody to ask
  EXPECT_TRUE(fs::exists(snapshot()));
  std::string question;
  place_.ask = [&](const std::string& text) {
    question = text;
    return true;
  };
  EXPECT_EQ(remove(), 0) << err_;
  EXPECT_NE(question.find("97.8 KiB"), std::string::npos) << question;
  EXPECT_FALSE(fs::exists(folder_.path("cache/models--org--name")));
  EXPECT_EQ(remove(), 66);
}

TEST_F(ModelsJob, AModelTooLargeForThisMachineIsRefusedBeforeItComes) {
  place_.free_bytes = 1 << 20;
  EXPECT_EQ(pull(), 71);
  EXPECT_NE(err_.find("this machine has 1.0 MiB free"), std::string::npos) << err_;
  EXPECT_NE(err_.find("--force"), std::string::npos) << err_;
  EXPECT_FALSE(folder_.has("cache"));
  arguments_.force = true;
  EXPECT_EQ(pull(), 0) << err_;
  EXPECT_EQ(list(), 0);
}

TEST_F(ModelsJob, EachFailureHasItsCode) {
  using support::LoopbackReply;
  using support::LoopbackRequest;
  arguments_.id = "not an id";
  EXPECT_EQ(pull(), 65);
  arguments_.id = "org/other";
  EXPECT_EQ(pull(), 66) << err_;
  arguments_.id = "org/name";
  arguments_.offline = true;
  EXPECT_EQ(pull(), 66) << err_;
  arguments_.offline = false;
  arguments_.mirror = "http://127.0.0.1:" + std::to_string(support::unused_port());
  arguments_.pull.retry.tries = 1;
  EXPECT_EQ(pull(), 69) << err_;
  arguments_.mirror = "nonsense";
  EXPECT_EQ(pull(), 65) << err_;
  arguments_.mirror.clear();
  hub_.on_hub = [](const LoopbackRequest&, LoopbackReply& reply) {
    reply.answer(403, "", {{"X-Error-Code", "GatedRepo"}});
    return true;
  };
  EXPECT_EQ(pull(), 77) << err_;
  place_.settings.token = "hf_secret";
  EXPECT_EQ(pull(), 77);
  EXPECT_EQ(err_.find("hf_secret"), std::string::npos);
}

TEST_F(ModelsJob, VerifyFindsADamagedFile) {
  ASSERT_EQ(pull(), 0) << err_;
  folder_.write("cache/models--org--name/blobs/" + hub_.tag("tokenizer.json"), "xx");
  arguments_.id.clear();  // all models
  EXPECT_EQ(verify(), 65);
  EXPECT_NE(out_.find("tokenizer.json: has the hash"), std::string::npos) << out_;
  EXPECT_NE(out_.find("maie models pull --recheck org/name@"), std::string::npos) << out_;
  arguments_.id = "org/name";
  arguments_.pull.recheck = true;
  EXPECT_EQ(pull(), 0) << err_;
  EXPECT_EQ(folder_.read("cache/models--org--name/blobs/" + hub_.tag("tokenizer.json")), "{}");
}

TEST_F(ModelsJob, ListIsEmptyOrJson) {
  EXPECT_EQ(list(), 0);
  EXPECT_NE(out_.find("No models are here"), std::string::npos);
  place_.settings.folders = {MAIE_SOURCE_DIR "/models"};
  place_.free_bytes = uint64_t{4} << 30;
  arguments_.as_json = true;
  EXPECT_EQ(list(), 0);
  const Result<Json> json = parse_json(out_);
  ASSERT_TRUE(json) << json.error().message();
  EXPECT_EQ((*json)["memory_free"], uint64_t{4} << 30);
  bool has_mini = false;
  for (const Json& model : (*json)["models"])
    has_mini = has_mini || (model["name"] == "mini/asr" && model["usable"] == true &&
                            model["architecture"] == "whisper");
  EXPECT_TRUE(has_mini) << out_;
}

TEST_F(ModelsJob, NamesFromOutsideDoNotSteerTheTerminal) {
  folder_.write("models/evil\x1b[2J\n/model.gguf", "x");
  EXPECT_EQ(list(), 0);
  EXPECT_EQ(out_.find('\x1b'), std::string::npos);
  arguments_.id = "evil\x1b[2J";
  EXPECT_NE(path(), 0);
  EXPECT_EQ(err_.find('\x1b'), std::string::npos);
}

TEST(ModelsReport, SaysWhyAModelDoesNotFit) {
  store::SurveyedModel model;
  model.name = "org/large";
  model.facts.architecture = "qwen3";
  model.facts.size_bytes = uint64_t{4} << 30;
  model.facts.layers = 36;
  model.facts.kv_heads = 8;
  model.facts.head_width = 128;
  const auto why = [&](uint64_t free_bytes) {
    return judge_models({model}, free_bytes, 16384).at(0).why_not;
  };
  EXPECT_EQ(why(uint64_t{8} << 30), "");
  EXPECT_EQ(why(0), "");
  EXPECT_NE(why(uint64_t{2} << 30).find("fewer bits"), std::string::npos);
  EXPECT_NE(why(uint64_t{5} << 30).find("--context"), std::string::npos);
  model.facts.architecture = "bert";
  EXPECT_NE(why(uint64_t{8} << 30).find("bert"), std::string::npos);
  model.facts.problem = "cut short";
  EXPECT_EQ(why(uint64_t{8} << 30), "cut short");
}

TEST(ModelsReport, CountsParametersForPeople) {
  EXPECT_EQ(short_count(0), "?");
  EXPECT_EQ(short_count(999), "999");
  EXPECT_EQ(short_count(1'540'000'000), "1.5B");
  EXPECT_EQ(short_count(39'000'000), "39M");
  EXPECT_EQ(short_count(999'999), "1.0M");
}

TEST(TransferProgress, TakesWhatFits) {
  const TransferState state{"model.safetensors", 512 << 20, 1 << 30, 16 << 20, false};
  EXPECT_EQ(render_transfer(state, 200, false),
            "model.safetensors [############............]  50%  512.0 MiB of 1.0 GiB, 16.0 MiB/s, "
            "0:32 left");
  for (int columns = 0; columns < 200; ++columns) {
    const std::string line = render_transfer(state, columns, false);
    EXPECT_LT(int(line.size()), std::max(columns, 1)) << columns;
  }
  EXPECT_EQ(render_transfer({"a", 5, 0, 0, true}, 30, false), "  0%  5 B of 0 B, checking");
}

TEST(Machine, FreeMemoryKeepsToTheContainer) {
  MemoryInfo memory;
  memory.available = 1000;
  EXPECT_EQ(free_memory(memory), 1000u);
  memory.limit = 800;
  memory.limit_used = 300;
  EXPECT_EQ(free_memory(memory), 500u);
  memory.limit_used = 900;
  EXPECT_EQ(free_memory(memory), 0u);
}

}  // namespace
}  // namespace maie::cli
