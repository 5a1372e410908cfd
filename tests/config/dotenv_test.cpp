#include "config/dotenv.h"

#include "tests/config/testing.h"

namespace maie::config {
namespace {

std::string value_of(const std::string& line) {
  std::vector<int> wrong;
  const auto lines = parse_dotenv(line, wrong);
  if (!wrong.empty() || lines.size() != 1) return "no line";
  return lines[0].name + "=" + lines[0].value;
}

TEST(Dotenv, ReadsTheFormsThatPeopleWrite) {
  EXPECT_EQ(value_of("A=1"), "A=1");
  EXPECT_EQ(value_of("  A = one two  "), "A=one two");
  EXPECT_EQ(value_of("export A=1\r\n"), "A=1");
  EXPECT_EQ(value_of("A="), "A=");
  EXPECT_EQ(value_of("A=1 # why"), "A=1");
  EXPECT_EQ(value_of("A=# why"), "A=");
  EXPECT_EQ(value_of("A=a#b"), "A=a#b");
  EXPECT_EQ(value_of("A='a # \\n b' # why"), "A=a # \\n b");
  EXPECT_EQ(value_of(R"(A="a # \"b\"\n\\")"), "A=a # \"b\"\n\\");
  EXPECT_EQ(value_of(R"(A=["minute", 60])"), R"(A=["minute", 60])");
  EXPECT_EQ(value_of("\xef\xbb\xbfKEY_1=x=y"), "KEY_1=x=y");
}

TEST(Dotenv, LeavesOutWhatIsNoLine) {
  std::vector<int> wrong;
  const auto lines =
      parse_dotenv("# comment\n\nA=1\nnonsense\n=2\n1A=3\nB=\"open\nC='x' y\nA=4", wrong);
  EXPECT_EQ(wrong, (std::vector<int>{4, 5, 6, 7, 8}));
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_EQ(lines[0].value, "4");
}

TEST(Dotenv, StandsBetweenEnvironmentAndFile) {
  Surroundings around;
  around.toml("[api]\nport = 1\n");
  around.file(".env", "APP_API__PORT=2\nMAIE_API__HOST=127.0.0.1\n");
  Loaded loaded = around.loaded();
  EXPECT_EQ(loaded.settings.api.port, 2);
  EXPECT_EQ(loaded.origins.at("api.port"), ".env: APP_API__PORT");
  EXPECT_EQ(loaded.settings.api.host, "127.0.0.1");
  around.file(".env.development", "MAIE_API__PORT=3\n");
  EXPECT_EQ(around.loaded().settings.api.port, 3);
  around.set("APP_API__PORT", "4");  // also an older name of the environment wins
  loaded = around.loaded();
  EXPECT_EQ(loaded.settings.api.port, 4);
  EXPECT_EQ(loaded.origins.at("api.port"), "APP_API__PORT");
}

TEST(Dotenv, OfTheProfileThatTheEnvironmentNames) {
  Surroundings around;
  around.file(".env.production", "MAIE_API__PORT=5\nMAIE_API__SECRET_KEY=" + kGoodKey + "\n");
  around.file(".env.edge", "MAIE_API__PORT=6\n");
  EXPECT_EQ(around.loaded().settings.api.port, 8000);
  around.set("ENVIRONMENT", "prod");
  EXPECT_EQ(around.loaded().settings.api.port, 5);
  around.set("ENVIRONMENT", "EDGE");
  EXPECT_EQ(around.loaded().settings.api.port, 6);
  around.set("ENVIRONMENT", "somewhere");
  EXPECT_EQ(around.loaded().settings.api.port, 8000);
}

TEST(Dotenv, TakesNothingThatIsMeantForOthers) {
  Surroundings around;
  around.file(".env", "MAX_QUEUE_DEPTH=99\nHTTP_PROXY=http://127.0.0.1:1\nHOME=/nowhere\nPORT=7\n");
  const Loaded loaded = around.loaded();
  EXPECT_EQ(loaded.settings.queue.max_depth, 10);
  EXPECT_EQ(loaded.settings.paths.data_dir, around.path("home/.local/state/maie"));
  EXPECT_TRUE(loaded.warnings.empty()) << joined(loaded.warnings);
}

TEST(Dotenv, SaysWhatItCouldNotRead) {
  Surroundings around;
  around.file(".env", "MAIE_API__PROT=7\nnonsense\n");
  const std::string warnings = joined(around.loaded().warnings);
  EXPECT_TRUE(contains(warnings, ".env: MAIE_API__PROT is no setting")) << warnings;
  EXPECT_TRUE(contains(warnings, "/.env:2: is no NAME=value")) << warnings;
  around.file(".env", "MAIE_API__PORT=many\n");
  EXPECT_TRUE(contains(around.refused(), "MAIE_API__PORT")) << around.refused();
}

}  // namespace
}  // namespace maie::config
