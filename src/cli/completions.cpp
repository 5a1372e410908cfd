// Completion scripts from the option tree. First the tree is read into plain values (what a shell
// needs to know), then each shell writes them in its own language.
#include "cli/completions.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <vector>

#include "base/check.h"
#include "cli/parse.h"

namespace maie::cli {
namespace {

struct Choice {
  std::vector<std::string> names;  // with dashes; empty for a positional argument
  std::string help;
  std::string value_name;          // "N", "FILE", ...
  std::vector<std::string> words;  // the words it takes, where it takes only some
  bool takes_value = false;
  bool takes_path = false;
};

struct Command {
  std::string name;
  std::string help;
  std::vector<Choice> options;
  std::vector<Choice> positionals;
};

// CLI11 writes the type as NAME or NAME:{word,word}.
Choice choice_of(const CLI::Option& option) {
  Choice choice;
  const std::string type = option.get_type_name();
  const size_t brace = type.find('{');
  choice.help = option.get_description();
  choice.value_name = type.substr(0, type.find(':'));
  if (brace != type.npos) {
    choice.words =
        split_commas(std::string_view(type).substr(brace + 1, type.find('}') - brace - 1));
  }
  choice.takes_value = option.get_items_expected_max() > 0;
  choice.takes_path =
      choice.value_name == "FILE" || choice.value_name == "PATH" || choice.value_name == "DIR";
  for (const std::string& name : option.get_lnames()) choice.names.push_back("--" + name);
  for (const std::string& name : option.get_snames()) choice.names.push_back("-" + name);
  return choice;
}

Command command_of(const CLI::App& app) {
  Command command{app.get_name(), app.get_description(), {}, {}};
  for (const CLI::Option* option : app.get_options()) {
    (option->nonpositional() ? command.options : command.positionals).push_back(choice_of(*option));
  }
  return command;
}

std::vector<Command> sub_commands(const CLI::App& app) {
  std::vector<Command> commands;
  for (const CLI::App* sub : app.get_subcommands({})) commands.push_back(command_of(*sub));
  return commands;
}

std::string join(const std::vector<std::string>& parts, const std::string& between) {
  std::string out;
  for (const std::string& part : parts) out += (out.empty() ? "" : between) + part;
  return out;
}

std::vector<std::string> names_of(const std::vector<Command>& commands) {
  std::vector<std::string> names;
  for (const Command& command : commands) names.push_back(command.name);
  return names;
}

std::vector<std::string> option_names(const Command& command) {
  std::vector<std::string> names;
  for (const Choice& option : command.options)
    names.insert(names.end(), option.names.begin(), option.names.end());
  return names;
}

// ---- bash
// ----------------------------------------------------------------------------------------

std::string bash_candidates(const Choice& choice) {
  if (!choice.words.empty()) return "words='" + join(choice.words, " ") + "'";
  if (choice.value_name == "DIR") return "kind=directory";
  if (choice.takes_path) return "kind=file";
  return ":";
}

std::string bash_value_cases(const Command& command) {
  std::string out;
  for (const Choice& option : command.options) {
    if (!option.takes_value) continue;
    std::vector<std::string> patterns;
    for (const std::string& name : option.names) patterns.push_back(command.name + ":" + name);
    out += "    " + join(patterns, "|") + ") " + bash_candidates(option) + " ;;\n";
  }
  return out;
}

std::string bash_script(const Command& root, const std::vector<Command>& commands) {
  std::string out = R"(# bash completion for maie; made by: maie completions bash
_maie() {
  local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]}
  local command= words= kind= i
  # bash splits --name=value into three words.
  if [[ $current == = ]]; then
    current=
  elif [[ $previous == = ]]; then
    previous=${COMP_WORDS[COMP_CWORD-2]}
  fi
  for ((i = 1; i < COMP_CWORD; i++)); do
    case ${COMP_WORDS[i]} in
)";
  out += "      " + join(names_of(commands), "|") + ") command=${COMP_WORDS[i]}; break ;;\n";
  out += "    esac\n  done\n  case $command:$previous in\n";
  for (const Command& command : commands) out += bash_value_cases(command);
  out += "    *) case $command:$current in\n";
  for (const Command& command : commands) {
    out += "      " + command.name + ":-*) words='" + join(option_names(command), " ") + "' ;;\n";
    for (const Choice& positional : command.positionals) {
      out += "      " + command.name + ":*) " + bash_candidates(positional) + " ;;\n";
    }
  }
  out += "      :-*) words='" + join(option_names(root), " ") + "' ;;\n";
  out += "      :*) words='" + join(names_of(commands), " ") + "' ;;\n";
  return out + R"(      esac ;;
  esac
  case $kind in
    file) compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -f -- "$current") ;;
    directory) compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -d -- "$current") ;;
    *) mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current") ;;
  esac
}
complete -F _maie maie
)";
}

// ---- zsh
// -----------------------------------------------------------------------------------------

// Inside single quotes, with the characters _arguments gives a meaning escaped.
std::string zsh_text(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '\'') {
      out += "'\\''";
    } else {
      if (c == '[' || c == ']' || c == ':' || c == '\\') out += '\\';
      out += c;
    }
  }
  return out;
}

std::string zsh_value(const Choice& choice) {
  const std::string head = ":" + zsh_text(choice.value_name) + ":";
  if (!choice.words.empty()) return head + "(" + join(choice.words, " ") + ")";
  if (choice.value_name == "DIR") return head + "_files -/";
  return head + (choice.takes_path ? "_files" : " ");
}

std::string zsh_arguments(const Command& command) {
  std::string out = "_arguments -s";
  for (const Choice& option : command.options) {
    for (const std::string& name : option.names) {
      const bool is_long = name.rfind("--", 0) == 0;
      out += " \\\n        '*" + name + (option.takes_value && is_long ? "=" : "") + "[" +
             zsh_text(option.help) + "]" + (option.takes_value ? zsh_value(option) : "") + "'";
    }
  }
  for (const Choice& positional : command.positionals)
    out += " \\\n        '*" + zsh_value(positional) + "'";
  return out;
}

std::string zsh_script(const Command& root, const std::vector<Command>& commands) {
  std::string out =
      "#compdef maie\n# zsh completion for maie; made by: maie completions zsh\n_maie() {\n";
  out += "  local -a commands\n  commands=(\n";
  for (const Command& command : commands) {
    out += "    '" + zsh_text(command.name) + ":" + zsh_text(command.help) + "'\n";
  }
  out += "  )\n  if (( CURRENT == 2 )); then\n    _describe command commands\n    " +
         zsh_arguments(root) +
         "\n    return\n  fi\n  local command=$words[2]\n  shift words\n  (( CURRENT-- ))\n  case "
         "$command in\n";
  for (const Command& command : commands) {
    out += "    " + command.name + ")\n      " + zsh_arguments(command) + "\n      ;;\n";
  }
  return out + R"(  esac
}
if [ "$funcstack[1]" = _maie ]; then
  _maie "$@"
else
  compdef _maie maie
fi
)";
}

// ---- fish
// ----------------------------------------------------------------------------------------

std::string fish_text(const std::string& text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'' || c == '\\') out += '\\';
    out += c;
  }
  return out + "'";
}

std::string fish_value(const Choice& choice) {
  if (!choice.takes_value) return "";
  if (!choice.words.empty()) return " -x -a " + fish_text(join(choice.words, " "));
  return choice.takes_path ? " -r -F" : " -x";
}

std::string fish_options(const Command& command, const std::string& condition) {
  std::string out;
  for (const Choice& option : command.options) {
    out += "complete -c maie -n " + condition;
    for (const std::string& name : option.names) {
      out += name.rfind("--", 0) == 0 ? " -l " + name.substr(2) : " -s " + name.substr(1);
    }
    out += fish_value(option) + " -d " + fish_text(option.help) + "\n";
  }
  for (const Choice& positional : command.positionals) {
    if (positional.takes_path) {
      out += "complete -c maie -n " + condition + " -F\n";
    } else if (!positional.words.empty()) {
      out += "complete -c maie -n " + condition + " -a " + fish_text(join(positional.words, " ")) +
             "\n";
    }
  }
  return out;
}

std::string fish_script(const Command& root, const std::vector<Command>& commands) {
  std::string out =
      "# fish completion for maie; made by: maie completions fish\ncomplete -c maie -f\n";
  for (const Command& command : commands) {
    out += "complete -c maie -n __fish_use_subcommand -a " + command.name + " -d " +
           fish_text(command.help) + "\n";
  }
  out += fish_options(root, "__fish_use_subcommand");
  for (const Command& command : commands) {
    out += fish_options(command, "'__fish_seen_subcommand_from " + command.name + "'");
  }
  return out;
}

}  // namespace

std::string completion_script(const CLI::App& app, std::string_view shell) {
  const Command root = command_of(app);
  const std::vector<Command> commands = sub_commands(app);
  if (shell == "bash") return bash_script(root, commands);
  if (shell == "zsh") return zsh_script(root, commands);
  check(shell == "fish", "a shell of kShells");
  return fish_script(root, commands);
}

}  // namespace maie::cli
