#pragma once

#include <string>
#include <string_view>

namespace CLI {
class App;
}

namespace maie::cli {

/// Shells a completion script can be written for.
inline constexpr std::string_view kShells[] = {"bash", "zsh", "fish"};

/// The completion script for `shell`, made from the options of `app` and its sub-commands: what the
/// parser knows, the shell knows. `shell` is one of kShells (else ContractError).
std::string completion_script(const CLI::App& app, std::string_view shell);

}  // namespace maie::cli
