#include <CLI/CLI.hpp>
#include <memory>

#include "cli/context.h"
#include "cli/exit_code.h"
#include "cli/models_job.h"

namespace maie::cli {
namespace {

using Arguments = std::shared_ptr<ModelsArguments>;

constexpr const char* kFooter = R"(Examples:
  maie models list                                  what is here, what it needs, whether it fits
  maie models pull Qwen/Qwen3-4B-AWQ                the files a program needs of a model
  maie models pull org/name/model-Q4_K_M.gguf       one file
  maie models rm org/name@v1                        a revision

Models lie where the hub's other tools keep theirs: $HF_HUB_CACHE, else $HF_HOME/hub, else
~/.cache/huggingface/hub. $HF_ENDPOINT names a mirror, $HF_TOKEN a token, $HF_HUB_OFFLINE=1 opens
no connection.

Exit codes: 0 done; 2, 64 wrong options; 65 damaged; 66 not found; 69 the hub is not to be reached;
71 too little memory or disk; 77 not permitted; 130, 143 stopped.)";

void add_context(CLI::App& command, int64_t& context) {
  command
      .add_option("--context", context,
                  "Tokens of prompt and answer the estimate of memory is for [8192]")
      ->type_name("N")
      ->check(CLI::Range(int64_t{1}, int64_t{1} << 30));
}

void add_list(CLI::App& models, Context& context) {
  CLI::App* command = models.add_subcommand("list", "Show the models of this machine");
  const auto arguments = std::make_shared<ModelsArguments>();
  command->add_flag("--json", arguments->as_json, "The list as one JSON object");
  add_context(*command, arguments->context);
  command->callback([arguments, &context] {
    context.chosen = [arguments, &context] {
      const Result<ModelsPlace> place = place_of_process();
      if (place.has_value()) return list_models(*arguments, *place, context.console);
      context.console.error(to_string(place.error().code()), place.error().message());
      return int(kExitConfig);
    };
  });
}

// A command with an id, the usual switches, and an action.
template <class Action>
CLI::App* add_with_id(CLI::App& models, Context& context, const Arguments& arguments,
                      const char* name, const char* help, Action action) {
  CLI::App* command = models.add_subcommand(name, help);
  command->add_option("id", arguments->id, "org/name, org/name@revision, or a name or path here")
      ->type_name("ID");
  command->callback([arguments, &context, action] {
    apply(arguments->speech, context.console);
    context.chosen = [arguments, &context, action] {
      Result<ModelsPlace> place = place_of_process();
      if (place.has_value()) return action(*arguments, std::move(*place), context);
      context.console.error(to_string(place.error().code()), place.error().message());
      return int(kExitConfig);
    };
  });
  return command;
}

void add_pull(CLI::App& models, Context& context) {
  const auto arguments = std::make_shared<ModelsArguments>();
  CLI::App* command = add_with_id(models, context, arguments, "pull", "Fetch a model from the hub",
                                  [](const ModelsArguments& given, ModelsPlace place, Context& c) {
                                    return pull_model(given, std::move(place), c.console, c.cancel);
                                  });
  command->get_option("id")->required()->description(
      "org/name, org/name@revision or org/name/file.gguf");
  store::PullOptions& pull = arguments->pull;
  command
      ->add_option("--include", pull.choice.include,
                   "Fetch the files that fit these patterns instead of those a program needs")
      ->type_name("PATTERN")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  command->add_option("--exclude", pull.choice.exclude, "Leave out the files that fit these")
      ->type_name("PATTERN")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  command->add_option("--connections", pull.connections, "Ranges of a file fetched at a time [4]")
      ->type_name("N")
      ->check(CLI::Range(1, 16));
  command->add_option("--mirror", arguments->mirror, "Base URL of the hub [$HF_ENDPOINT]")
      ->type_name("URL");
  command->add_flag("--offline", arguments->offline,
                    "Open no connection, say whether the model is complete");
  command->add_flag("--recheck", pull.recheck,
                    "Check the files that are here too, fetch damaged ones again");
  command->add_flag("--force", arguments->force, "Fetch it although this machine cannot hold it");
  add_context(*command, arguments->context);
  add_speech_options(*command, arguments->speech);
}

void add_verify(CLI::App& models, Context& context) {
  const auto arguments = std::make_shared<ModelsArguments>();
  CLI::App* command =
      add_with_id(models, context, arguments, "verify", "Check models against their hashes",
                  [](const ModelsArguments& given, const ModelsPlace& place, Context& c) {
                    return verify_models(given, place, c.console, c.cancel);
                  });
  command->get_option("id")->description("org/name, a name or path here [all models]");
  add_speech_options(*command, arguments->speech);
}

void add_remove(CLI::App& models, Context& context) {
  const auto arguments = std::make_shared<ModelsArguments>();
  CLI::App* command = add_with_id(models, context, arguments, "rm", "Remove a model from the cache",
                                  [](const ModelsArguments& given, const ModelsPlace& place,
                                     Context& c) { return remove_model(given, place, c.console); });
  command->get_option("id")->required()->description("org/name or org/name@revision");
  command->add_flag("-y,--yes", arguments->yes, "Do not ask");
  add_speech_options(*command, arguments->speech);
}

void add_path(CLI::App& models, Context& context) {
  const auto arguments = std::make_shared<ModelsArguments>();
  CLI::App* command =
      add_with_id(models, context, arguments, "path", "Print where a model lies",
                  [](const ModelsArguments& given, const ModelsPlace& place, Context& c) {
                    return print_model_path(given, place, c.console);
                  });
  command->get_option("id")->required();
  add_speech_options(*command, arguments->speech);
}

}  // namespace

void add_models_command(CLI::App& app, Context& context) {
  CLI::App* command = app.add_subcommand("models", "List, fetch, check and remove models");
  command->require_subcommand(1);
  command->footer(kFooter);
  add_list(*command, context);
  add_pull(*command, context);
  add_verify(*command, context);
  add_remove(*command, context);
  add_path(*command, context);
}

}  // namespace maie::cli
