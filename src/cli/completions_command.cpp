#include <CLI/CLI.hpp>
#include <memory>
#include <string>

#include "cli/completions.h"
#include "cli/context.h"
#include "cli/exit_code.h"

namespace maie::cli {
namespace {

constexpr const char* kFooter = R"(To install:
  bash   maie completions bash > ~/.local/share/bash-completion/completions/maie
  zsh    maie completions zsh > _maie, in a directory of $fpath
  fish   maie completions fish > ~/.config/fish/completions/maie.fish)";

}  // namespace

void add_completions_command(CLI::App& app, Context& context) {
  CLI::App* command = app.add_subcommand("completions", "Print a completion script for your shell");
  const auto shell = std::make_shared<std::string>();
  command->add_option("shell", *shell, "bash, zsh or fish")
      ->required()
      ->type_name("SHELL")
      ->check(CLI::IsMember(std::vector<std::string>(std::begin(kShells), std::end(kShells))));
  command->footer(kFooter);
  command->callback([&app, &context, shell] {
    context.chosen = [&app, &context, shell] {
      const Status status = context.console.write(completion_script(app, *shell));
      if (status.ok() || context.console.output_closed()) return int(kExitOk);
      context.console.error("io_error", status.message());
      return int(kExitIo);
    };
  });
}

}  // namespace maie::cli
