// What `maie config` shows: it can be loaded again, and it shows no secret.
#include <algorithm>

#include "config/settings_table.h"
#include "config/toml_file.h"
#include "config/values.h"
#include "tests/config/testing.h"

namespace maie::config {
namespace {

// A value that is not the default, as a variable has it.
std::string other_value(const Setting& setting) {
  const std::map<std::string_view, std::string> texts = {
      {"api.unix_socket", "/run/maie.sock"},
      {"api.secret_key", kGoodKey},
      {"api.fallback_keys", kGoodKey + "2," + kGoodKey + "3"},
      {"api.cors_origins", "https://a.example,*"},
      {"memory.budget", "3GiB"},
      {"asr.language", "vi"},
      {"llm.model", "models/\"m\" \\ Ünï 漢 #"},
      {"llm.enhance_model", "http://host:1/v1"},
      {"tracing.endpoint", "http://collector:4318"},
      {"tracing.headers", "authorization=secret-of-tracing"},
      {"llm.api_key", "secret-of-llm"},
      {"llm.enhance_api_key", "secret-of-enhance"},
      {"queue.heartbeat_s", "0.25"}};
  if (const auto found = texts.find(setting.key); found != texts.end()) return found->second;
  Settings settings;
  if (std::holds_alternative<bool*>(setting.field(settings)))
    return value_of(setting, settings).get<bool>() ? "false" : "true";
  if (!setting.choices.empty()) return std::string(setting.choices.back());
  if (setting.most > 0) {
    const bool is_most = value_of(setting, settings) == Json(int64_t(setting.most));
    return Json(int64_t(setting.most) - is_most).dump();
  }
  return "/other/" + std::string(setting.key);
}

Surroundings& with_everything(Surroundings& around) {
  for (const Setting& setting : settings_table())
    around.set(variable_of(setting.key), other_value(setting));
  return around;
}

Json values_of(const Loaded& loaded) {
  Json values;
  for (const Setting& setting : settings_table())
    values[std::string(setting.key)] = value_of(setting, loaded.settings);
  return values;
}

TEST(Describe, CanBeLoadedAgainWithEveryValueChanged) {
  Surroundings around;
  const Loaded loaded = with_everything(around).loaded();
  const Json values = values_of(loaded);
  const Json defaults = values_of(Loaded());
  for (const auto& [key, value] : values.items()) {
    if (find_setting(key)->choices.size() == 1) continue;  // nothing else can be chosen (yet)
    EXPECT_NE(value, defaults[key]) << key;
  }

  Surroundings again;
  again.toml(describe_toml(loaded, true));
  const Loaded second = again.loaded();
  EXPECT_EQ(values_of(second), values);
  EXPECT_TRUE(second.warnings.empty()) << joined(second.warnings);
}

TEST(Describe, CanBeLoadedAgainWithDefaultsOfEachProfile) {
  for (const char* profile : {"development", "production", "edge"}) {
    Surroundings around;
    around.set("MAIE_PROFILE", profile).set("MAIE_API__SECRET_KEY", kGoodKey);
    const Loaded loaded = around.loaded();
    Surroundings again;
    again.toml(describe_toml(loaded, false)).set("MAIE_API__SECRET_KEY", kGoodKey);
    EXPECT_EQ(values_of(again.loaded()), values_of(loaded)) << profile;
  }
}

TEST(Describe, NamesOrigins) {
  Surroundings around;
  around.toml("[api]\nport = 81\n").set("MAIE_VAD__THRESHOLD", "0.25");
  const Loaded loaded = around.loaded();
  const Json all = describe(loaded, false);
  EXPECT_EQ(all["api"]["port"], Json({{"value", 81}, {"origin", around.path("maie.toml") + ":2"}}));
  EXPECT_EQ(all["vad"]["threshold"], Json({{"value", 0.25}, {"origin", "MAIE_VAD__THRESHOLD"}}));
  EXPECT_EQ(all["llm"]["temperature"], Json({{"value", nullptr}, {"origin", "default"}}));
  EXPECT_EQ(all["offline"], Json({{"value", false}, {"origin", "default"}}));
  const std::string toml = describe_toml(loaded, false);
  EXPECT_TRUE(contains(toml, "\n[api]\n"));
  EXPECT_TRUE(contains(toml, "port = 81")) << toml;
  EXPECT_TRUE(contains(toml, "# " + around.path("maie.toml") + ":2\n"));
  EXPECT_TRUE(contains(toml, "# temperature = "));
}

const std::vector<std::string> kSecrets = {kGoodKey, kGoodKey + "2", "secret-of-tracing",
                                           "secret-of-llm", "secret-of-enhance"};

void expect_no_secret(const std::string& text) {
  for (const std::string& secret : kSecrets) EXPECT_FALSE(contains(text, secret)) << text;
}

TEST(Describe, ShowsNoSecretUnlessAsked) {
  Surroundings around;
  const Loaded loaded = with_everything(around).loaded();
  expect_no_secret(describe(loaded, false).dump());
  expect_no_secret(describe_toml(loaded, false));
  expect_no_secret(joined(loaded.warnings));
  EXPECT_EQ(describe(loaded, false)["api"]["secret_key"]["value"], kMask);
  EXPECT_EQ(describe(loaded, true)["api"]["secret_key"]["value"], kGoodKey);
  for (const Setting& setting : settings_table()) {
    const std::string key(setting.key.substr(setting.key.rfind('.') + 1));
    const bool sounds_secret = contains(key, "secret") || key.ends_with("api_key") ||
                               key.ends_with("fallback_keys") || contains(key, "token_file");
    EXPECT_TRUE(setting.secret || !sounds_secret) << setting.key;
  }
}

TEST(Describe, ShowsNoSecretThatIsWrong) {
  const std::string wrong = "wrong-secret \n" + kGoodKey;
  for (const Setting& setting : settings_table()) {
    if (!setting.secret) continue;
    const std::string key(setting.key);
    const size_t dot = key.find('.');
    Surroundings by_variable, by_file, by_flag, by_path, by_syntax;
    by_variable.set(variable_of(key), wrong);
    by_file.toml("[" + key.substr(0, dot) + "]\n" + key.substr(dot + 1) + " = " +
                 to_toml(Json::array({wrong, 1})) + "\n");
    by_flag.flag(key, kGoodKey);
    by_path.set(variable_of(key) + "_FILE", by_path.file("secret", wrong));
    by_syntax.toml("[" + key.substr(0, dot) + "]\n" + key.substr(dot + 1) + " = " + kGoodKey +
                   "\n");
    for (const Surroundings* around : {&by_variable, &by_file, &by_flag, &by_path, &by_syntax}) {
      const std::string message = around->refused();
      EXPECT_FALSE(contains(message, "wrong-secret") || contains(message, kGoodKey.substr(0, 12)))
          << message;
      if (around != &by_syntax) {
        EXPECT_TRUE(contains(message, key)) << message;
      }
    }
  }
}

TEST(Describe, WritesNoMaskThatCouldBeTakenForAKey) {
  Surroundings around;
  around.toml("[llm]\napi_key = \"********\"\n");
  EXPECT_TRUE(contains(around.refused(), "llm.api_key"));
}

TEST(Describe, KeepsHostileFileNamesInTheirComment) {
  Surroundings around;
  const std::string path = around.file("a\n[api]\nport = 1\n#.toml", "[api]\nport = 82\n");
  around.set("MAIE_CONFIG", path);
  Surroundings again;
  again.toml(describe_toml(around.loaded(), false));
  EXPECT_EQ(again.loaded().settings.api.port, 82);
}

}  // namespace
}  // namespace maie::config
