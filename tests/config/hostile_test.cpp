// Files and values that no operator writes on purpose: they are refused with a sentence, soon.
#include "config/toml_file.h"
#include "tests/config/testing.h"

namespace maie::config {
namespace {

std::string repeated(const std::string& text, size_t count) {
  std::string all;
  for (size_t i = 0; i < count; ++i) all += text;
  return all;
}

std::string refused(const std::string& toml) {
  Surroundings around;
  const std::string message = around.toml(toml).refused();
  EXPECT_TRUE(contains(message, "maie.toml")) << message;
  EXPECT_LT(message.size(), 1000u) << message;
  return message;
}

TEST(HostileFile, MayBeTooLong) {
  EXPECT_TRUE(contains(refused(std::string(10 << 20, '\n')), "longer than"));
  Surroundings around;
  EXPECT_TRUE(contains(around.set("MAIE_CONFIG", "/dev/zero").refused(), "longer than"));
}

TEST(HostileFile, MayBeNested) {
  refused("a = " + repeated("[", 100'000));
  refused("a = " + repeated("[", 300) + repeated("]", 300));
  refused("a = " + repeated("{a=", 100'000));
  EXPECT_TRUE(contains(refused("a" + repeated(".a", 200'000) + " = 1"), "dots"));
  EXPECT_TRUE(contains(refused("[a" + repeated(".a", 200'000) + "]\n"), "dots"));
  Surroundings around;  // as deep as it may be
  EXPECT_EQ(around.toml("[a" + repeated(".a", 3'900) + "]\nb = 1\n").loaded().warnings.size(), 1u);
}

TEST(HostileFile, MayBeNoText) {
  refused("[api]\nhost = \"\xff\xfe\"\n");
  refused(std::string("[api]\nhost = \"a\0b\"\n", 20));
  refused("\xff\xfe[\0a\0p\0i\0");
  refused("[api]\nhost = \"\\uD800\"\n");
  refused("[api\n");
  refused("[%]\n");
  EXPECT_TRUE(contains(refused("[api]\n\u02a4 = 1\n"), "maie.toml:2: letters outside of ASCII"));
  refused("[api\n]\n");
  refused("[api.]\n");
  refused("[api]\nport = 1\nport = 2\n");
  refused("[api]\nport = 1\n[api]\nhost = \"a\"\n");
}

TEST(HostileFile, MayHaveAnyLettersInQuotesAndComments) {
  Surroundings around;
  around.toml(R"toml(# ʤ "
[asr]
model = 'mʤ\' # ʤ '
vad_model = "\"ʤ"
[llm]
model = """ʤ"""""
served_name = '''ʤ"'''
)toml");
  const Settings settings = around.loaded().settings;
  EXPECT_EQ(settings.asr.model, "mʤ\\");
  EXPECT_EQ(settings.asr.vad_model, "\"ʤ");
  EXPECT_EQ(settings.llm.model, "ʤ\"\"");
  EXPECT_EQ(settings.llm.served_name, "ʤ\"");
}

TEST(HostileFile, MayHaveOddLineEndsAndAMark) {
  Surroundings around;
  const Loaded loaded = around.toml("\xEF\xBB\xBF[api]\r\nport = 83\r\n").loaded();
  EXPECT_EQ(loaded.settings.api.port, 83);
  EXPECT_EQ(loaded.origins.at("api.port"), around.path("maie.toml") + ":2");
}

TEST(HostileFile, MayHaveOddNumbers) {
  for (const char* number :
       {"nan", "-inf", "inf", "1e400", "99999999999999999999999", "0x1FFFFFFFF", "-1", "1.5",
        "true", "1979-05-27", "07:32:00", "\"80\"", "[80]", "{ a = 1 }", "[[1]]"}) {
    const std::string message = refused(std::string("[api]\nport = ") + number + "\n");
    EXPECT_TRUE(contains(message, ":2")) << message;
  }
  refused("[vad]\nthreshold = nan\n");
}

TEST(HostileFile, MayConfuseSectionsAndValues) {
  EXPECT_TRUE(contains(refused("api = 5\n"), "maie.toml:1: api is a section; write [api]"));
  EXPECT_TRUE(contains(refused("[api.port]\nx = 1\n"), "api.port"));
  EXPECT_TRUE(contains(refused("[[api]]\nport = 1\n"), "api is a section"));
  EXPECT_TRUE(contains(refused("[api]\nfallback_keys = [[\"a\"]]\n"), "api.fallback_keys"));
}

TEST(HostileFile, MayBeNoFile) {
  Surroundings around;
  EXPECT_TRUE(contains(around.set("MAIE_CONFIG", around.path(".")).refused(), around.path(".")));
}

TEST(HostileVariable, IsRefusedOrSeenThrough) {
  Surroundings around;
  around.set("MAIE_API__FALLBACK_KEYS", repeated("[", 10'000));
  EXPECT_TRUE(contains(around.refused(), "api.fallback_keys"));
  around.set("MAIE_API__FALLBACK_KEYS", "").set("MAIE_API__CORS_ORIGINS", repeated("*,", 2000));
  EXPECT_TRUE(contains(around.refused(), "api.cors_origins"));
  around.set("MAIE_API__CORS_ORIGINS", "").set("MAIE_" + repeated("A", 100'000) + "__B", "1");
  EXPECT_LT(joined(around.loaded().warnings).size(), 1000u);
  around.set("MAIE_API__HOST", "a\nb");
  EXPECT_TRUE(contains(around.refused(), "\"a\\nb\"")) << around.refused();
  around.set("MAIE_API__HOST", "").set("MAIE_API__PORT_FILE", around.path("absent"));
  EXPECT_TRUE(contains(around.refused(), "MAIE_API__PORT_FILE: ")) << around.refused();
}

TEST(HostileFlag, IsRefused) {
  Surroundings around;
  EXPECT_TRUE(contains(around.flag("api.prot", "1").refused(),
                       "--set: \"api.prot\" is no setting; did you mean api.port?"));
  Surroundings secret;
  EXPECT_TRUE(contains(secret.flag("llm.api_key", "abc").refused(), "MAIE_LLM__API_KEY_FILE"));
  Surroundings wrong;
  EXPECT_EQ(wrong.flag("api.port", "x", "--port").refused(),
            "--port: api.port is \"x\"; write a whole number from 0 to 65535");
}

TEST(ToToml, EscapesWhatTomlWantsEscaped) {
  for (const std::string& text : {std::string("a\"b\\c\n\t\x01\x7f\x1f"),
                                  std::string("Ünï 漢 \U0001F600"), std::string("#=")}) {
    const auto values = parse_toml("a = " + to_toml(text) + "\n", "test");
    ASSERT_TRUE(values.has_value()) << values.error().message();
    EXPECT_EQ(values->front().value, text);
  }
}

}  // namespace
}  // namespace maie::config
