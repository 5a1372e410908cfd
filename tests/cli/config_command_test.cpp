// `maie config`, by its command line.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/json.h"
#include "cli/app.h"
#include "cli/exit_code.h"
#include "tests/support/temporary_folder.h"

namespace maie::cli {
namespace {

const std::string kKey = "0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c";

class ConfigCommand : public ::testing::Test {
 protected:
  ConfigCommand() {
    set("HOME", folder_.path());
    set("MAIE_CONFIG", folder_.write("empty.toml", ""));
  }
  ~ConfigCommand() override {
    for (const auto& [name, value] : before_) {
      if (value.empty()) {
        ::unsetenv(name.c_str());
      } else {
        ::setenv(name.c_str(), value.c_str(), 1);
      }
    }
  }
  void set(const std::string& name, const std::string& value) {
    const char* now = ::getenv(name.c_str());
    before_.emplace_back(name, now == nullptr ? "" : now);
    ::setenv(name.c_str(), value.c_str(), 1);
  }

  int run(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "config");
    const int out = ::open(folder_.path(".out").c_str(), O_CREAT | O_TRUNC | O_WRONLY, 0600);
    const int err = ::open(folder_.path(".err").c_str(), O_CREAT | O_TRUNC | O_WRONLY, 0600);
    Console console(out, err, {});
    CancelToken cancel;
    Context context{.console = console, .cancel = cancel, .load = {}};
    const int code = run_app(arguments, context);
    ::close(out);
    ::close(err);
    out_ = folder_.read(".out");
    err_ = folder_.read(".err");
    return code;
  }
  Json json(std::vector<std::string> arguments) {
    arguments.push_back("--json");
    EXPECT_EQ(run(arguments), kExitOk) << err_;
    const Result<Json> parsed = parse_json(out_);
    return parsed.has_value() ? *parsed : Json();
  }

  const TemporaryFolder folder_;
  std::string out_, err_;
  std::vector<std::pair<std::string, std::string>> before_;
};

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != text.npos;
}

TEST_F(ConfigCommand, ShowsValuesWithTheirOrigins) {
  const std::string file = folder_.write("maie.toml", "[api]\nhost = \"127.0.0.1\"\n");
  set("MAIE_VAD__THRESHOLD", "0.4");
  const Json all =
      json({"-c", file, "--port", "81", "-e", "edge", "--set", "queue.lease_s=40",
            "--set=asr.language=vi", "--data-dir", "/data", "--workers", "3", "--host", "::1"});
  const auto entry = [&](const char* section, const char* key) {
    const Json& found = all[section][key];
    return found["value"].dump() + " " + found["origin"].get<std::string>();
  };
  EXPECT_EQ(entry("api", "port"), "81 --port");
  EXPECT_EQ(entry("api", "host"), "\"::1\" --host");
  EXPECT_EQ(entry("queue", "max_depth"), "5 profile edge");
  EXPECT_EQ(entry("queue", "lease_s"), "40 --set queue.lease_s");
  EXPECT_EQ(entry("asr", "language"), "\"vi\" --set asr.language");
  EXPECT_EQ(entry("paths", "data_dir"), "\"/data\" --data-dir");
  EXPECT_EQ(entry("worker", "processes"), "3 --workers");
  EXPECT_EQ(entry("vad", "threshold"), "0.4 MAIE_VAD__THRESHOLD");
  EXPECT_EQ(all["profile"]["origin"], "--profile");
  EXPECT_EQ(json({"-c", file})["api"]["host"]["origin"], file + ":2");
}

TEST_F(ConfigCommand, WritesAFileThatGivesTheSameSettings) {
  set("MAIE_API__SECRET_KEY", kKey);
  ASSERT_EQ(run({"--set", "llm.temperature=0.3", "--set", "memory.budget=3GiB"}), kExitOk);
  EXPECT_FALSE(contains(out_, kKey));
  const std::string saved = folder_.write("saved.toml", out_);
  Json before = json({"--set", "llm.temperature=0.3", "--set", "memory.budget=3GiB"});
  Json after = json({"--config", saved});
  EXPECT_EQ(err_, "");
  const auto values_alone = [](Json& all) {
    for (auto& section : all) {
      section.erase("origin");
      for (auto& entry : section)
        if (entry.is_object()) entry.erase("origin");
    }
  };
  values_alone(before);
  values_alone(after);
  EXPECT_EQ(before, after);
}

TEST_F(ConfigCommand, MasksSecretsUnlessAsked) {
  set("MAIE_API__SECRET_KEY", kKey);
  set("MAIE_API__FALLBACK_KEYS", kKey + "2," + kKey + "3");
  for (const std::vector<std::string>& arguments :
       std::vector<std::vector<std::string>>{{}, {"--json"}}) {
    EXPECT_EQ(run(arguments), kExitOk);
    EXPECT_FALSE(contains(out_ + err_, kKey));
    EXPECT_TRUE(contains(out_, "********"));
  }
  EXPECT_EQ(run({"--show-secrets"}), kExitOk);
  EXPECT_TRUE(contains(out_, "secret_key = \"" + kKey + "\""));
}

TEST_F(ConfigCommand, EndsWith78ForAWrongSetting) {
  const std::string file = folder_.write("maie.toml", "\n[api]\nport = 70000\n");
  EXPECT_EQ(run({"--config", file}), kExitConfig);
  EXPECT_EQ(out_, "");
  EXPECT_TRUE(contains(err_, file + ":3: api.port is 70000")) << err_;
  EXPECT_EQ(run({"--config", folder_.path("absent.toml")}), kExitConfig);
  EXPECT_EQ(run({"--port", "much"}), kExitConfig);
  EXPECT_TRUE(contains(err_, "--port: api.port is \"much\"")) << err_;
  EXPECT_EQ(run({"-e", "production"}), kExitConfig);
  EXPECT_TRUE(contains(err_, "api.secret_key")) << err_;
  EXPECT_EQ(run({"--set", "api.secret_key=" + kKey}), kExitConfig);
  EXPECT_FALSE(contains(err_, kKey)) << err_;
}

TEST_F(ConfigCommand, EndsWith2ForAWrongCommandLine) {
  for (const char* text : {"api.port", "=1", ""}) {
    EXPECT_EQ(run({"--set", text}), kExitUsage) << text;
    EXPECT_TRUE(contains(err_, "section.key=value")) << err_;
  }
  EXPECT_EQ(run({"extra"}), kExitUsage);
}

TEST_F(ConfigCommand, WarnsOnStandardError) {
  set("APP_API__PORT", "81");
  set("MAIE_API__HOTS", "x");
  EXPECT_EQ(run({}), kExitOk);
  EXPECT_TRUE(contains(err_, "APP_API__PORT is an older name")) << err_;
  EXPECT_TRUE(contains(err_, "did you mean api.host?")) << err_;
}

}  // namespace
}  // namespace maie::cli
