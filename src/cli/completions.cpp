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
  std::string name;       // "pull"
  std::string full_name;  // "models pull": what the scripts know it by
  std::string help;
  std::vector<Choice> options;
  std::vector<Choice> positionals;
  std::vector<Command> commands;  // below it
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

Command command_of(const CLI::App& app, const std::string& above) {
  Command command;
  command.name = app.get_name();
  command.full_name = above.empty() ? command.name : above + " " + command.name;
  command.help = app.get_description();
  for (const CLI::Option* option : app.get_options()) {
    (option->nonpositional() ? command.options : command.positionals).push_back(choice_of(*option));
  }
  const bool is_root = app.get_parent() == nullptr;
  for (const CLI::App* sub : app.get_subcommands({}))
    command.commands.push_back(command_of(*sub, is_root ? "" : command.full_name));
  return command;
}

// All commands below `command`, those of a command after it.
std::vector<const Command*> all_below(const Command& command) {
  std::vector<const Command*> all;
  for (const Command& sub : command.commands) {
    all.push_back(&sub);
    const std::vector<const Command*> deeper = all_below(sub);
    all.insert(all.end(), deeper.begin(), deeper.end());
  }
  return all;
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

// Quoted, as the name of a command below another holds a space.
std::string bash_case(const Command& command) { return "'" + command.full_name + "'"; }

std::string bash_value_cases(const Command& command) {
  std::string out;
  for (const Choice& option : command.options) {
    if (!option.takes_value) continue;
    std::vector<std::string> patterns;
    for (const std::string& name : option.names)
      patterns.push_back(bash_case(command) + ":" + name);
    out += "    " + join(patterns, "|") + ") " + bash_candidates(option) + " ;;\n";
  }
  return out;
}

// The words that lead from a command to one below it: :models, models:pull, ...
std::vector<std::string> bash_steps(const Command& root) {
  std::vector<std::string> steps;
  for (const Command* command : all_below(root)) {
    const std::string above =
        command->full_name.substr(0, command->full_name.size() - command->name.size());
    steps.push_back((above.empty() ? "" : "'" + above.substr(0, above.size() - 1) + "'") + ":" +
                    command->name);
  }
  return steps;
}

std::string bash_script(const Command& root) {
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
    case $command:${COMP_WORDS[i]} in
)";
  out += "      " + join(bash_steps(root), "|") + ") command+=${command:+ }${COMP_WORDS[i]} ;;\n";
  out += "    esac\n  done\n  case $command:$previous in\n";
  for (const Command* command : all_below(root)) out += bash_value_cases(*command);
  out += "    *) case $command:$current in\n";
  for (const Command* command : all_below(root)) {
    out += "      " + bash_case(*command) + ":-*) words='" + join(option_names(*command), " ") +
           "' ;;\n";
    if (!command->commands.empty())
      out += "      " + bash_case(*command) + ":*) words='" +
             join(names_of(command->commands), " ") + "' ;;\n";
    for (const Choice& positional : command->positionals) {
      out += "      " + bash_case(*command) + ":*) " + bash_candidates(positional) + " ;;\n";
    }
  }
  out += "      :-*) words='" + join(option_names(root), " ") + "' ;;\n";
  out += "      :*) words='" + join(names_of(root.commands), " ") + "' ;;\n";
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

// What follows the words of `command`: the commands below it, or its options and arguments. Each
// level takes the word before off `words`.
std::string zsh_body(const Command& command, const std::string& indent) {
  if (command.commands.empty()) return indent + zsh_arguments(command) + "\n";
  std::string out = indent + "local -a commands\n" + indent + "commands=(\n";
  for (const Command& sub : command.commands)
    out += indent + "  '" + zsh_text(sub.name) + ":" + zsh_text(sub.help) + "'\n";
  out += indent + ")\n" + indent + "if (( CURRENT == 2 )); then\n";
  out += indent + "  _describe command commands\n" + indent + "  " + zsh_arguments(command) + "\n";
  out += indent + "  return\n" + indent + "fi\n";
  out += indent + "shift words\n" + indent + "(( CURRENT-- ))\n" + indent + "case $words[1] in\n";
  for (const Command& sub : command.commands)
    out += indent + "  " + sub.name + ")\n" + zsh_body(sub, indent + "    ") + indent + "    ;;\n";
  return out + indent + "esac\n";
}

std::string zsh_script(const Command& root) {
  return "#compdef maie\n# zsh completion for maie; made by: maie completions zsh\n_maie() {\n" +
         zsh_body(root, "  ") + R"(}
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

// Commands below `command`, offered under a condition, and all that belongs to them.
std::string fish_commands(const Command& command, const std::string& condition) {
  std::string out;
  for (const Command& sub : command.commands) {
    const std::string none_yet = command.full_name == "maie"
                                     ? "__fish_use_subcommand"
                                     : condition + "; and not __fish_seen_subcommand_from " +
                                           join(names_of(command.commands), " ");
    out += "complete -c maie -n '" + none_yet + "' -a " + sub.name + " -d " + fish_text(sub.help) +
           "\n";
  }
  for (const Command& sub : command.commands) {
    const std::string seen = (condition.empty() ? "" : condition + "; and ") +
                             ("__fish_seen_subcommand_from " + sub.name);
    out += fish_options(sub, "'" + seen + "'") + fish_commands(sub, seen);
  }
  return out;
}

std::string fish_script(const Command& root) {
  return "# fish completion for maie; made by: maie completions fish\ncomplete -c maie -f\n" +
         fish_options(root, "__fish_use_subcommand") + fish_commands(root, "");
}

}  // namespace

std::string completion_script(const CLI::App& app, std::string_view shell) {
  const Command root = command_of(app, "");
  if (shell == "bash") return bash_script(root);
  if (shell == "zsh") return zsh_script(root);
  check(shell == "fish", "a shell of kShells");
  return fish_script(root);
}

}  // namespace maie::cli
