#include "config/load.h"

#include "tests/config/testing.h"

namespace maie::config {
namespace {

TEST(LoadSettings, HasDefaultsWithoutAnything) {
  const Surroundings around;
  const Loaded loaded = around.loaded();
  EXPECT_EQ(loaded.settings.api.port, 8000);
  EXPECT_EQ(loaded.settings.profile, Profile::kDevelopment);
  EXPECT_EQ(loaded.origins.at("api.port"), "default");
  EXPECT_EQ(loaded.origins.at("queue.max_depth"), "profile development");
  EXPECT_EQ(loaded.settings.paths.data_dir, around.path("home/.local/state/maie"));
  EXPECT_EQ(loaded.settings.paths.audio_dir, around.path("home/.local/state/maie/audio"));
  EXPECT_EQ(loaded.settings.paths.templates_dir, around.path("home/.local/state/maie/templates"));
  EXPECT_EQ(loaded.settings.cleanup.check_dir, loaded.settings.paths.data_dir);
  EXPECT_TRUE(loaded.warnings.empty()) << joined(loaded.warnings);
}

TEST(LoadSettings, FlagsWinOverVariablesOverFileOverProfileOverDefaults) {
  Surroundings around;
  const auto port = [&around] {
    const Loaded loaded = around.loaded();
    return std::to_string(loaded.settings.queue.max_depth) + " " +
           loaded.origins.at("queue.max_depth");
  };
  EXPECT_EQ(port(), "10 profile development");
  around.set("MAIE_PROFILE", "edge");
  EXPECT_EQ(port(), "5 profile edge");
  around.toml("# one\n[queue]\n\nmax_depth = 11\n");
  EXPECT_EQ(port(), "11 " + around.path("maie.toml") + ":4");
  around.set("MAX_QUEUE_DEPTH", "12");
  EXPECT_EQ(port(), "12 MAX_QUEUE_DEPTH");
  around.set("APP_QUEUE__MAX_DEPTH", "13");
  EXPECT_EQ(port(), "13 APP_QUEUE__MAX_DEPTH");
  around.set("MAIE_QUEUE__MAX_DEPTH_FILE", around.file("depth", " 14\n"));
  EXPECT_EQ(port(), "14 MAIE_QUEUE__MAX_DEPTH_FILE (" + around.path("depth") + ")");
  around.set("MAIE_QUEUE__MAX_DEPTH", "15");
  EXPECT_EQ(port(), "15 MAIE_QUEUE__MAX_DEPTH");
  around.flag("queue.max_depth", "16");
  EXPECT_EQ(port(), "16 --set queue.max_depth");
  around.flag("queue.max_depth", "17", "--depth");
  EXPECT_EQ(port(), "17 --depth");
}

TEST(LoadSettings, TakesBlankForNotSet) {
  Surroundings around;
  around.toml("[api]\nport = \"\"\nhost = \" \"\n[llm]\ntemperature = \"\"\n");
  around.set("MAIE_API__PORT", " ").set("APP_API__PORT", "").set("MAIE_QUEUE__LEASE_S", "");
  around.flag("api.port", "");
  const Loaded loaded = around.loaded();
  EXPECT_EQ(loaded.settings.api.port, 8000);
  EXPECT_EQ(loaded.settings.api.host, "0.0.0.0");
  EXPECT_FALSE(loaded.settings.llm.temperature.has_value());
  EXPECT_EQ(loaded.origins.at("api.port"), "default");
}

TEST(LoadSettings, ReadsListsAndSwitchesOfVariables) {
  Surroundings around;
  const std::string other = kGoodKey + "2";
  around.set("MAIE_API__FALLBACK_KEYS", "[\"" + kGoodKey + "\", \"" + other + "\"]");
  around.set("MAIE_API__CORS_ORIGINS", "https://a.example , http://b.example:8080,");
  around.set("MAIE_VAD__ENABLED", "Off").set("maie_api__process_sync", "Y");
  const Settings settings = around.loaded().settings;
  EXPECT_EQ(settings.api.fallback_keys, std::vector<std::string>({kGoodKey, other}));
  EXPECT_EQ(settings.api.cors_origins,
            std::vector<std::string>({"https://a.example", "http://b.example:8080"}));
  EXPECT_FALSE(settings.vad.enabled);
  EXPECT_TRUE(settings.api.process_sync);  // names compare without case
}

TEST(LoadSettings, NamesAWrongValueItsKeyAndItsPlace) {
  Surroundings around;
  around.toml("[api]\nhost = \"::1\"\nport = 70000\n");
  EXPECT_EQ(around.refused(), around.path("maie.toml") +
                                  ":3: api.port is 70000; write a whole number from 0 to 65535");
  around.toml("").set("MAIE_LOGGING__FORMAT", "xml\x1b[2J");
  EXPECT_EQ(around.refused(),
            "MAIE_LOGGING__FORMAT: logging.format is \"xml\\u001b[2J\"; write one of text, json");
  around.set("MAIE_VAD__THRESHOLD", "1.5");
  EXPECT_TRUE(contains(around.refused(), "(and 1 more: ")) << around.refused();
}

TEST(LoadSettings, NamesTheFileThatIsNotToml) {
  Surroundings around;
  around.toml("[api]\nport = \n");
  EXPECT_TRUE(contains(around.refused(), around.path("maie.toml") + ":2: ")) << around.refused();
  around.set("MAIE_CONFIG", around.path("absent.toml"));
  EXPECT_TRUE(contains(around.refused(), around.path("absent.toml"))) << around.refused();
}

TEST(LoadSettings, WarnsOfWhatItDoesNotKnow) {
  Surroundings around;
  around.toml("[api]\nprot = 1\n[web]\nhost = 2\n[queue]\nport = 4\n");
  around.set("MAIE_API__PROT", "1").set("MAIE_MODELS__CACHE", "/x").set("APP_WHAT__EVER", "1");
  around.set("MAIE_BUILD", "x").set("MAIE_API__PORT_FILE", "");
  const std::string warnings = joined(around.loaded().warnings);
  EXPECT_TRUE(contains(warnings, "maie.toml:2: \"api.prot\" is no setting; did you mean api.port?"))
      << warnings;
  EXPECT_TRUE(contains(warnings, "maie.toml:3: \"web\" is no setting")) << warnings;
  EXPECT_TRUE(contains(warnings, "\"queue.port\" is no setting; did you mean api.port?"))
      << warnings;
  EXPECT_TRUE(contains(warnings, "MAIE_API__PROT is no setting; did you mean api.port?"))
      << warnings;
  EXPECT_FALSE(contains(warnings, "CACHE") || contains(warnings, "EVER") ||
               contains(warnings, "BUILD") || contains(warnings, "PORT_FILE"))
      << warnings;
}

TEST(LoadSettings, AcceptsTheOlderNamesWithAWarning) {
  Surroundings around;
  around.set("APP_API__PORT", "9000")
      .set("app_rate_limit__limit", "[\"Hour\", 7]")
      .set("APP_LOGGING__LOG_LEVEL", "SUCCESS")
      .set("APP_LOGGING__LOG_ROTATION", "1 GB")
      .set("APP_LOGGING__LOG_RETENTION", "2 weeks")
      .set("WHISPER_BEAM_SIZE", "2")
      .set("APP_ASR__WHISPER_COMPUTE_TYPE", "int8_float16")
      .set("APP_CLEANUP__AUDIO_CLEANUP_INTERVAL", "20")
      .set("REDIS_URL", "redis://user:pass@host/0")
      .set("APP_LLM_BACKEND", "local_vllm");
  const Loaded loaded = around.loaded();
  EXPECT_EQ(loaded.settings.api.port, 9000);
  EXPECT_EQ(loaded.settings.rate_limit.unit, "hour");
  EXPECT_EQ(loaded.settings.rate_limit.count, 7);
  EXPECT_EQ(loaded.settings.logging.level, "info");
  EXPECT_EQ(loaded.settings.logging.rotation_mb, 1000);
  EXPECT_EQ(loaded.settings.logging.retention_days, 14);
  EXPECT_EQ(loaded.settings.asr.beam_size, 2);
  EXPECT_EQ(loaded.settings.asr.compute_type, "int8");
  EXPECT_EQ(loaded.settings.cleanup.audio_interval_s, 20);
  const std::string warnings = joined(loaded.warnings);
  EXPECT_TRUE(contains(warnings, "APP_API__PORT is an older name; write MAIE_API__PORT instead"));
  EXPECT_TRUE(contains(warnings, "REDIS_URL is accepted and does nothing"));
  EXPECT_TRUE(contains(warnings, "APP_LLM_BACKEND is accepted and does nothing"));
  EXPECT_FALSE(contains(warnings, "pass"));
}

TEST(LoadSettings, MapsTheServersOfTheOlderService) {
  Surroundings around;
  around.set("APP_LLM_SERVER__ENHANCE_BASE_URL", "http://localhost:8001/v1")
      .set("APP_LLM_SERVER__ENHANCE_MODEL_NAME", "maie-enhance")
      .set("APP_LLM_SERVER__ENHANCE_API_KEY", "k");
  LlmSettings llm = around.loaded().settings.llm;
  EXPECT_EQ(llm.enhance_model, "http://localhost:8001/v1");
  EXPECT_EQ(llm.model, "http://localhost:8001/v1");
  EXPECT_EQ(llm.served_name, "maie-enhance");
  EXPECT_EQ(llm.api_key, "k");
  around.set("APP_LLM_SERVER__SUMMARY_BASE_URL", "http://localhost:8002/v1");
  llm = around.loaded().settings.llm;
  EXPECT_EQ(llm.model, "http://localhost:8002/v1");
  EXPECT_EQ(llm.api_key, "");  // the key of one server is not shown to another
}

TEST(LoadSettings, ChoosesTheProfileByManyNames) {
  const auto profile = [](const char* name, const char* value) {
    Surroundings around;
    around.set("MAIE_API__SECRET_KEY", kGoodKey).set(name, value);
    return around.loaded().settings.profile;
  };
  EXPECT_EQ(profile("ENVIRONMENT", "prod"), Profile::kProduction);
  EXPECT_EQ(profile("ENVIRONMENT", "staging"), Profile::kDevelopment);
  EXPECT_EQ(profile("APP_ENVIRONMENT", "edge"), Profile::kEdge);
  EXPECT_EQ(profile("MAIE_ENVIRONMENT", "Production"), Profile::kProduction);
  EXPECT_EQ(profile("MAIE_PROFILE", "dev"), Profile::kDevelopment);
  Surroundings around;
  around.toml("profile = \"edge\"\n");
  EXPECT_EQ(around.loaded().settings.profile, Profile::kEdge);
  around.set("APP_ENVIRONMENT", "moon");
  EXPECT_TRUE(contains(around.refused(), "APP_ENVIRONMENT: profile is \"moon\"; write one of"));
}

TEST(LoadSettings, GivesTheEdgeProfileItsValues) {
  Surroundings around;
  const Settings settings = around.flag("profile", "edge", "--profile").loaded().settings;
  EXPECT_TRUE(settings.api.process_sync);
  EXPECT_EQ(settings.queue.max_depth, 5);
  EXPECT_EQ(settings.worker.concurrency, 1);
  EXPECT_EQ(settings.cleanup.audio_retention_days, 1);
  EXPECT_EQ(settings.cleanup.audio_interval_s, 600);
  EXPECT_FALSE(settings.llm.enhancement);
  EXPECT_EQ(settings.llm.context, 8192);
  EXPECT_EQ(settings.asr.beam_size, 3);
}

TEST(LoadSettings, FollowsTheFoldersOfTheServiceManager) {
  Surroundings around;
  around.set("STATE_DIRECTORY", "/var/lib/maie:/other").set("LOGS_DIRECTORY", "/var/log/maie");
  const Loaded loaded = around.loaded();
  EXPECT_EQ(loaded.settings.paths.data_dir, "/var/lib/maie");
  EXPECT_EQ(loaded.settings.logging.dir, "/var/log/maie");
  EXPECT_EQ(loaded.origins.at("paths.data_dir"), "STATE_DIRECTORY");
  around.set("MAIE_PATHS__DATA_DIR", "/data");
  EXPECT_EQ(around.loaded().settings.paths.audio_dir, "/data/audio");
}

TEST(LoadSettings, FindsAFileInTheFoldersOfTheUser) {
  Surroundings around;
  around.set("MAIE_CONFIG", "").set("XDG_CONFIG_HOME", around.path("config"));
  std::filesystem::create_directories(around.path("config/maie"));
  around.file("config/maie/maie.toml", "[api]\nport = 81\n");
  EXPECT_EQ(around.loaded().settings.api.port, 81);
  EXPECT_EQ(around.loaded().file, around.path("config/maie/maie.toml"));
}

TEST(LoadSettings, TracesOnlyWhenItIsAllowed) {
  Surroundings around;
  around.set("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318");
  EXPECT_EQ(around.loaded().settings.tracing.endpoint, "http://collector:4318");
  EXPECT_TRUE(around.loaded().warnings.empty());
  around.set("OTEL_SDK_DISABLED", "True");
  EXPECT_EQ(around.loaded().settings.tracing.endpoint, "");
}

TEST(LoadSettings, ReadsTheProcessItself) {
  ::setenv("MAIE_API__PORT", "8123", 1);
  SettingsSource source = source_of_process();
  ::unsetenv("MAIE_API__PORT");
  EXPECT_NE(std::find(source.variables.begin(), source.variables.end(), "MAIE_API__PORT"),
            source.variables.end());
  EXPECT_EQ(source.environment("MAIE_API__PORT"), nullptr);
}

}  // namespace
}  // namespace maie::config
