#include "cli/app.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>
#include <sstream>

#include "base/version.h"
#include "cli/exit_code.h"

namespace maie::cli {
namespace {

std::string positional_name(const CLI::Option& option) {
  const std::string type = option.get_type_name();
  return type.substr(0, type.find(':')) + (option.get_items_expected_max() > 1 ? "..." : "");
}

constexpr size_t kNameColumns = 34;
constexpr size_t kTextColumns = 100 - kNameColumns;

std::string wrapped(const std::string& text, size_t columns) {
  std::string out, word;
  size_t used = 0;
  for (std::istringstream words(text); words >> word;) {
    if (used > 0 && used + 1 + word.size() > columns) {
      out += "\n";
      used = 0;
    } else if (used > 0) {
      out += " ";
      ++used;
    }
    out += word;
    used += word.size();
  }
  return out;
}

// "maie models pull": the program and the commands that lead to this one.
std::string full_name(const CLI::App& app) {
  const CLI::App* parent = app.get_parent();
  return parent == nullptr ? "maie" : full_name(*parent) + " " + app.get_name();
}

std::string usage_line(const CLI::App& app) {
  std::string line = "Usage: " + full_name(app);
  if (!app.get_subcommands({}).empty()) return line + " COMMAND [OPTIONS]";
  line += " [OPTIONS]";
  for (const CLI::Option* option : app.get_options()) {
    if (option->get_positional()) line += " " + positional_name(*option);
  }
  return line;
}

// CLI11's formatter with room for our names, and without its marks for required and repeated
// options, which say nothing that the usage line does not.
class HelpFormatter : public CLI::Formatter {
 public:
  HelpFormatter() {
    column_width(kNameColumns);
    label("Positionals", "Arguments");
    label("Subcommands", "Commands");
  }

  std::string make_usage(const CLI::App* app, std::string) const override {
    return usage_line(*app) + "\n";
  }

  std::string make_option_name(const CLI::Option* option, bool positional) const override {
    if (positional) return positional_name(*option);
    // Not get_name(), which shows how the opposite of a flag is implemented.
    std::string names;
    for (const std::string& name : option->get_snames())
      names += (names.empty() ? "-" : ", -") + name;
    for (const std::string& name : option->get_lnames())
      names += (names.empty() ? "--" : ", --") + name;
    return names;
  }

  std::string make_option_desc(const CLI::Option* option) const override {
    return wrapped(option->get_description(), kTextColumns);
  }

  std::string make_option_opts(const CLI::Option* option) const override {
    if (option->get_positional()) return "";
    std::string type = option->get_type_name();
    const size_t brace = type.find('{');
    // The words themselves are the best name for what is wanted; not where several may be joined.
    if (brace != type.npos &&
        option->get_multi_option_policy() != CLI::MultiOptionPolicy::TakeAll) {
      type = type.substr(brace + 1, type.find('}') - brace - 1);
      std::replace(type.begin(), type.end(), ',', '|');
    } else {
      type = type.substr(0, type.find(':'));
    }
    return type.empty() ? "" : " " + type;
  }
};

const CLI::App& chosen_command(const CLI::App& app) {
  const std::vector<CLI::App*> parsed = app.get_subcommands();
  return parsed.empty() ? app : chosen_command(*parsed.front());
}

int usage_error(const CLI::App& app, const CLI::ParseError& error, Console& console) {
  const CLI::App& command = chosen_command(app);
  const std::string name = full_name(command);
  const std::vector<std::string> rest = app.remaining(true);
  const bool unknown = !command.get_subcommands({}).empty() && !rest.empty();
  console.error("usage", unknown ? "no such command: " + rest.front() : error.what());
  console.error("usage", usage_line(command) + " (" + name + " --help explains them)");
  return kExitUsage;
}

}  // namespace

void build_app(CLI::App& app, Context& context) {
  app.name("maie");
  app.description("maie turns recordings into transcripts and summaries, on this machine.");
  app.formatter(std::make_shared<HelpFormatter>());
  app.require_subcommand(1);
  app.set_help_flag("-h,--help", "Show this help and exit");
  app.set_version_flag("--version", "maie " + std::string(kVersion), "Show the version and exit");
  add_process_command(app, context);
  add_transcribe_command(app, context);
  add_models_command(app, context);
  add_enhance_command(app, context);
  add_summarize_command(app, context);
  add_templates_command(app, context);
  add_status_command(app, context);
  add_config_command(app, context);
  add_doctor_command(app, context);
  add_bench_command(app, context);
  add_serve_command(app, context);
  add_worker_command(app, context);
  add_completions_command(app, context);
}

int run_app(std::vector<std::string> arguments, Context& context) {
  CLI::App app;
  build_app(app, context);
  // Known before parsing, so that a usage error has the form asked for as well.
  const bool json = std::find(arguments.begin(), arguments.end(), "--json") != arguments.end();
  context.console.configure(Verbosity::kNormal, json);
  std::reverse(arguments.begin(), arguments.end());  // CLI11 takes them from the back
  try {
    app.parse(arguments);
  } catch (const CLI::Success&) {
    // --help or --version: which one, and of which command, the parsed options know.
    const bool version = app.get_option("--version")->count() > 0;
    const std::string text =
        version ? "maie " + std::string(kVersion) + "\n" : chosen_command(app).help();
    const Status status = context.console.write(text);
    return status.ok() || context.console.output_closed() ? kExitOk : kExitIo;
  } catch (const CLI::ParseError& error) {
    return usage_error(app, error, context.console);
  }
  return context.chosen();
}

}  // namespace maie::cli
