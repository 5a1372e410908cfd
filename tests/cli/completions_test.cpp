// The completion scripts, tried in the shells they are for.
#include "cli/completions.h"

#include <gtest/gtest.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "cli/app.h"
#include "tests/support/temporary_folder.h"

namespace maie::cli {
namespace {

class Completions : public ::testing::Test {
 protected:
  Completions() { build_app(app_, context_); }

  static bool has_shell(const std::string& shell) {
    return std::system(("command -v " + shell + " >/dev/null 2>&1").c_str()) == 0;
  }

  // What `shell` prints for `commands`, run in the folder.
  std::string output_of(const std::string& shell, const std::string& commands) {
    folder_.write(".commands", commands);
    FILE* pipe =
        ::popen(("cd '" + folder_.path() + "' && " + shell + " ./.commands 2>&1").c_str(), "r");
    std::string out;
    char block[4096];
    for (size_t count; (count = std::fread(block, 1, sizeof block, pipe)) > 0;)
      out.append(block, count);
    const int status = ::pclose(pipe);
    EXPECT_EQ(status, 0) << out;
    return out;
  }

  // The words bash offers for the last of `words`, sorted, separated by spaces.
  std::string offered(const std::string& words) {
    folder_.write(".maie.bash", completion_script(app_, "bash"));
    return output_of("bash",
                     "source ./.maie.bash\nCOMP_WORDS=(" + words +
                         ")\nCOMP_CWORD=$((${#COMP_WORDS[@]} - 1))\n"
                         "_maie\nprintf '%s\\n' \"${COMPREPLY[@]}\" | sort | paste -sd' '\n");
  }

  TemporaryFolder folder_;
  Console console_{-1, -1, {}};
  CancelToken cancel_;
  Context context_{.console = console_, .cancel = cancel_, .load = {}};
  CLI::App app_;
};

TEST_F(Completions, BashOffersCommandsOptionsAndValues) {
  if (!has_shell("bash")) GTEST_SKIP() << "bash is not installed";
  EXPECT_EQ(offered("maie tr"), "transcribe\n");
  std::vector<std::string> commands;
  for (const CLI::App* command : app_.get_subcommands({})) commands.push_back(command->get_name());
  std::sort(commands.begin(), commands.end());
  std::string all;
  for (const std::string& name : commands) all.append(all.empty() ? "" : " ").append(name);
  EXPECT_EQ(offered("maie ''"), all.append("\n"));
  EXPECT_EQ(offered("maie --v"), "--version\n");
  EXPECT_EQ(offered("maie transcribe --beam"), "--beam-size\n");
  EXPECT_EQ(offered("maie transcribe --no-v"), "--no-vad\n");
  EXPECT_EQ(offered("maie transcribe --task ''"), "transcribe translate\n");
  EXPECT_EQ(offered("maie transcribe --task = transl"), "translate\n");
  EXPECT_EQ(offered("maie transcribe --output-format s"), "srt\n");
  EXPECT_EQ(offered("maie completions z"), "zsh\n");
  EXPECT_EQ(offered("maie transcribe --beam-size ''"), "\n");
}

TEST_F(Completions, BashGoesIntoCommandsBelowACommand) {
  if (!has_shell("bash")) GTEST_SKIP() << "bash is not installed";
  EXPECT_EQ(offered("maie models ''"), "list path pull rm verify\n");
  EXPECT_EQ(offered("maie models p"), "path pull\n");
  EXPECT_EQ(offered("maie models pull --conn"), "--connections\n");
  EXPECT_EQ(offered("maie models rm --y"), "--yes\n");
  EXPECT_EQ(offered("maie models list --conn"), "\n");
  EXPECT_EQ(offered("maie transcribe models --beam"), "--beam-size\n");
}

TEST_F(Completions, BashOffersFilesWhereFilesAreMeant) {
  if (!has_shell("bash")) GTEST_SKIP() << "bash is not installed";
  folder_.write("talk one.wav");
  folder_.write("talks/x.wav");
  EXPECT_EQ(offered("maie transcribe talk"), "talk one.wav talks\n");
  EXPECT_EQ(offered("maie transcribe --quiet talk"), "talk one.wav talks\n");
  EXPECT_EQ(offered("maie transcribe --output-dir talk"), "talks\n");
}

// Commands and options of `app` and below stand in the script.
void expect_all_in(const std::string& script, const CLI::App& app, std::string_view shell) {
  for (const CLI::App* command : app.get_subcommands({})) {
    EXPECT_NE(script.find(command->get_name()), std::string::npos) << shell;
    for (const CLI::Option* option : command->get_options()) {
      for (const std::string& name : option->get_lnames()) {
        EXPECT_NE(script.find((shell == "fish" ? "-l " : "--") + name), std::string::npos)
            << shell << " " << name;
      }
    }
    expect_all_in(script, *command, shell);
  }
}

TEST_F(Completions, EveryOptionIsInEveryScript) {
  for (const std::string_view shell : kShells)
    expect_all_in(completion_script(app_, shell), app_, shell);
}

TEST_F(Completions, ShellsFindNoFaultInTheScripts) {
  int tried = 0;
  for (const std::string_view shell : kShells) {
    const std::string name(shell);
    if (!has_shell(name)) continue;
    folder_.write("script", completion_script(app_, shell));
    EXPECT_EQ(output_of(name + " -n", folder_.read("script")), "") << name;
    ++tried;
  }
  if (tried == 0) GTEST_SKIP() << "none of bash, zsh and fish is installed";
}

}  // namespace
}  // namespace maie::cli
