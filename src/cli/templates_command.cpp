#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>

#include "base/file.h"
#include "cli/context.h"
#include "cli/exit_code.h"
#include "cli/json_result.h"
#include "cli/printable.h"
#include "summary/template_store.h"

namespace maie::cli {
namespace {

constexpr size_t kMostFileBytes = 4 << 20;

struct Arguments {
  std::string id;
  std::string schema_file, prompt_file, example_file;
  bool as_json = false;
};

int end(const Status& status, Console& console) {
  if (status.ok() || console.output_closed()) return kExitOk;
  console.error(to_string(status.code()), status.message());
  return exit_code_of(status.code());
}

Status list(const Arguments& arguments, summary::TemplateStore& store, Console& console) {
  const std::vector<summary::TemplateItem> items = store.list();
  if (arguments.as_json) {
    Json all = Json::array();
    for (const summary::TemplateItem& item : items) {
      all.push_back({{"id", item.id},
                     {"name", item.name},
                     {"description", item.description},
                     {"shipped", item.shipped},
                     {"parameters", item.parameters}});
    }
    return console.write(to_text({{"templates", std::move(all)}}));
  }
  size_t width = 0;
  for (const summary::TemplateItem& item : items) width = std::max(width, item.id.size());
  std::string text;
  for (const summary::TemplateItem& item : items) {
    text += item.id + std::string(width - item.id.size() + 2, ' ') + printable(item.name) + "\n";
  }
  return console.write(text);
}

Status show(const Arguments& arguments, summary::TemplateStore& store, Console& console) {
  MAIE_ASSIGN(const summary::TemplateDetail detail, store.get(arguments.id));
  for (const std::string& warning : detail.warnings) console.warning("template", warning);
  return console.write(to_text({{"id", detail.id},
                                {"name", detail.name},
                                {"description", detail.description},
                                {"shipped", detail.shipped},
                                {"schema_data", detail.schema_data},
                                {"prompt_template", detail.prompt_template},
                                {"example", detail.example}}));
}

Result<std::optional<Json>> json_of(const std::string& path) {
  if (path.empty()) return std::optional<Json>();
  MAIE_ASSIGN(const std::string text, read_file(path, kMostFileBytes));
  Result<Json> parsed = parse_json(text);
  if (!parsed.has_value()) return parsed.error().within(path);
  return std::optional<Json>(std::move(*parsed));
}

// A new template, or a change to one that is there.
Status store_one(const Arguments& arguments, summary::TemplateStore& store, Console& console) {
  summary::TemplateParts parts;
  MAIE_ASSIGN(parts.schema_data, json_of(arguments.schema_file));
  MAIE_ASSIGN(parts.example, json_of(arguments.example_file));
  if (!arguments.prompt_file.empty()) {
    MAIE_ASSIGN(parts.prompt_template, read_file(arguments.prompt_file, kMostFileBytes));
  }
  const bool exists = store.get(arguments.id).has_value();
  const Result<summary::TemplateDetail> detail =
      exists ? store.update(arguments.id, parts) : store.create(arguments.id, parts);
  if (!detail.has_value()) return detail.error();
  for (const std::string& warning : detail->warnings) console.warning("template", warning);
  console.info("stored", std::string(exists ? "changed " : "stored ") + detail->id);
  return {};
}

}  // namespace

void add_templates_command(CLI::App& app, Context& context) {
  CLI::App* command = app.add_subcommand("templates", "List, show, store and remove templates");
  command->require_subcommand(1);
  const auto arguments = std::make_shared<Arguments>();
  const auto add = [&](const char* name, const char* help, auto work) {
    CLI::App* sub = command->add_subcommand(name, help);
    sub->callback([arguments, &context, work] {
      context.chosen = [arguments, &context, work] {
        summary::TemplateStore store(summary::template_roots_of_process());
        return end(work(*arguments, store, context.console), context.console);
      };
    });
    return sub;
  };
  const auto id_of = [&](CLI::App* sub) {
    sub->add_option("id", arguments->id, "Name of the template")->required()->type_name("ID");
  };
  add("list", "The templates there are", list)
      ->add_flag("--json", arguments->as_json, "As one JSON object");
  id_of(add("show", "A template with its schema and prompt, as JSON", show));
  CLI::App* put = add("put", "Store a template, or change one, from files", store_one);
  id_of(put);
  put->add_option("--schema", arguments->schema_file, "JSON Schema of the summary")
      ->type_name("FILE");
  put->add_option("--prompt", arguments->prompt_file, "Prompt (Jinja)")->type_name("FILE");
  put->add_option("--example", arguments->example_file, "A summary that fits the schema")
      ->type_name("FILE");
  id_of(add("rm", "Remove a template of yours",
            [](const Arguments& given, summary::TemplateStore& store, Console&) {
              return store.remove(given.id);
            }));
}

}  // namespace maie::cli
