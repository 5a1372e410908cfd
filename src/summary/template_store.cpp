#include "summary/template_store.h"

#include <mutex>
#include <set>

#include "base/log.h"
#include "summary/answer.h"
#include "summary/schema_rules.h"
#include "summary/template_checks.h"
#include "summary/template_shelf.h"

namespace maie::summary {
namespace {

constexpr char kPhrasesFile[] = "hallucinations.json";
const std::set<std::string, std::less<>> kReserved = {"base", "schemas", "prompts", "examples"};

Json properties_of(const Json& schema) {
  const auto properties = schema.find("properties");
  return properties != schema.end() && properties->is_object() ? *properties : Json::object();
}

std::optional<std::string> example_text(const std::optional<Json>& example) {
  if (!example || example->is_null() || (example->is_object() && example->empty())) return {};
  return to_indented(in_nfc(*example)) + "\n";
}

}  // namespace

struct TemplateStore::State {
  explicit State(TemplateRoots roots) : shelf(std::move(roots)) {}

  TemplateItem item(const std::string& id, const TemplateEntry& entry) const;
  TemplateDetail detail(const std::string& id, const TemplateEntry& entry) const;
  Status check(const std::string& id, const TemplateParts& parts, const Json& schema) const;
  Status write(const std::string& id, const TemplateParts& parts, const TemplateEntry& old);

  std::mutex mutex;
  // Guarded by mutex, but for what the shelf allows to any thread:
  TemplateShelf shelf;
  std::vector<FileStamp> phrase_stamps;
  std::shared_ptr<const HallucinationList> phrases;
};

TemplateItem TemplateStore::State::item(const std::string& id, const TemplateEntry& entry) const {
  return {id,
          name_of(entry.schema, id),
          json_string(entry.schema, "mô_tả",
                      json_string(entry.schema, "description",
                                  "Auto-discovered template based on JSON schema.")),
          properties_of(entry.schema),
          entry.example,
          !shelf.is_own(entry.root)};
}

TemplateDetail TemplateStore::State::detail(const std::string& id,
                                            const TemplateEntry& entry) const {
  TemplateDetail out;
  static_cast<TemplateItem&>(out) = item(id, entry);
  out.description =
      json_string(entry.schema, "mô_tả", json_string(entry.schema, "description", "Template"));
  out.parameters = Json::object();
  out.prompt_template = entry.prompt_text.value_or("");
  out.schema_data = entry.schema;
  const auto warn = [&](const Status& status) {
    if (!status.ok()) out.warnings.push_back(status.message());
  };
  warn(check_tags(entry.schema, id));
  if (!entry.example.is_null()) warn(check_schema(entry.schema, entry.example).within("example"));
  return out;
}

// Everything that is refused, before anything is written. `schema` is the one it will have.
Status TemplateStore::State::check(const std::string& id, const TemplateParts& parts,
                                   const Json& schema) const {
  if (parts.schema_data) {
    MAIE_TRY(check_object_schema(schema, id));
    MAIE_TRY(check_grammar(schema));
  }
  if (parts.prompt_template) {
    const Status status = check_prompt(*parts.prompt_template, schema, shelf.loader(nullptr));
    // Whatever the loader or the limits said: it is the prompt that has to change.
    if (!status.ok()) return invalid_input(status.message());
  }
  return {};
}

Status TemplateStore::State::write(const std::string& id, const TemplateParts& parts,
                                   const TemplateEntry& old) {
  const TemplateFolder& folder = shelf.folders().front();
  if (!shelf.is_own(old.root)) {  // a copy in the user's folder hides the shipped one
    TemplateFiles files;
    files.emplace_back(
        kSchemaFile,
        to_indented(parts.schema_data ? in_nfc(*parts.schema_data) : old.schema) + "\n");
    const auto prompt = parts.prompt_template ? parts.prompt_template : old.prompt_text;
    if (prompt) files.emplace_back(kPromptFile, *prompt);
    const auto example = example_text(parts.example ? parts.example : std::optional(old.example));
    if (example) files.emplace_back(kExampleFile, *example);
    return folder.create(id, files);
  }
  if (parts.prompt_template) MAIE_TRY(folder.replace(id, kPromptFile, parts.prompt_template));
  if (parts.example) MAIE_TRY(folder.replace(id, kExampleFile, example_text(parts.example)));
  if (parts.schema_data) {
    MAIE_TRY(folder.replace(id, kSchemaFile, to_indented(in_nfc(*parts.schema_data)) + "\n"));
  }
  return {};
}

TemplateStore::TemplateStore(TemplateRoots roots)
    : state_(std::make_unique<State>(std::move(roots))) {}
TemplateStore::~TemplateStore() = default;

std::vector<TemplateItem> TemplateStore::list() {
  const std::lock_guard lock(state_->mutex);
  std::set<std::string> ids;
  for (const TemplateFolder& folder : state_->shelf.folders()) {
    for (std::string& id : folder.ids()) ids.insert(std::move(id));
  }
  std::vector<TemplateItem> items;
  for (const std::string& id : ids) {
    if (kReserved.contains(id) || !state_->shelf.root_of(id)) continue;
    const auto entry = state_->shelf.entry(id);
    if (entry) {
      items.push_back(state_->item(id, **entry));
    } else {
      log_warning("template " + id + " is left out: " + entry.error().message());
    }
  }
  return items;
}

Result<TemplateDetail> TemplateStore::get(std::string_view id) {
  const std::lock_guard lock(state_->mutex);
  MAIE_ASSIGN(const std::string name, state_->shelf.resolve(id));
  MAIE_ASSIGN(const TemplateEntry* entry, state_->shelf.entry(name));
  return state_->detail(name, *entry);
}

Result<Json> TemplateStore::schema(std::string_view id) {
  const std::lock_guard lock(state_->mutex);
  MAIE_ASSIGN(const std::string name, state_->shelf.resolve(id));
  MAIE_ASSIGN(const TemplateEntry* entry, state_->shelf.entry(name));
  return entry->schema;
}

Result<TemplateDetail> TemplateStore::create(std::string_view id, const TemplateParts& parts) {
  const std::string name(id);
  if (!is_template_id(id) || kReserved.contains(name)) {
    return invalid_input("Invalid template ID: " + name.substr(0, 100) +
                         " (letters, digits, _ and -, at most 100, and none of base, schemas, "
                         "prompts, examples)");
  }
  if (!state_->shelf.has_own()) {
    return permission_denied("there is no folder for templates of your own; set $MAIE_TEMPLATES");
  }
  if (!parts.schema_data) return invalid_input("schema_data is missing");
  if (state_->shelf.root_of(name)) return invalid_input("Template " + name + " already exists");
  const Json schema = in_nfc(*parts.schema_data);
  MAIE_TRY(state_->check(name, parts, schema));
  TemplateFiles files{{kSchemaFile, to_indented(schema) + "\n"}};
  if (parts.prompt_template) files.emplace_back(kPromptFile, *parts.prompt_template);
  const auto example = example_text(parts.example);
  if (example) files.emplace_back(kExampleFile, *example);
  const std::lock_guard lock(state_->mutex);
  MAIE_TRY(state_->shelf.folders().front().create(name, files));
  MAIE_ASSIGN(const TemplateEntry* entry, state_->shelf.entry(name));
  return state_->detail(name, *entry);
}

Result<TemplateDetail> TemplateStore::update(std::string_view id, const TemplateParts& parts) {
  TemplateEntry old;
  std::string name;
  {
    const std::lock_guard lock(state_->mutex);
    MAIE_ASSIGN(name, state_->shelf.resolve(id));
    MAIE_ASSIGN(const TemplateEntry* entry, state_->shelf.entry(name));
    old = *entry;
  }
  if (!state_->shelf.has_own()) {
    return permission_denied("there is no folder for templates of your own; set $MAIE_TEMPLATES");
  }
  // Outside of the lock: compiling a schema takes its time.
  MAIE_TRY(state_->check(name, parts, parts.schema_data ? in_nfc(*parts.schema_data) : old.schema));
  const std::lock_guard lock(state_->mutex);
  MAIE_TRY(state_->write(name, parts, old));
  MAIE_ASSIGN(const TemplateEntry* entry, state_->shelf.entry(name));
  return state_->detail(name, *entry);
}

Status TemplateStore::remove(std::string_view id) {
  const std::lock_guard lock(state_->mutex);
  MAIE_ASSIGN(const std::string name, state_->shelf.resolve(id));
  if (!state_->shelf.is_own(*state_->shelf.root_of(name))) {
    return permission_denied("Template " + name +
                             " comes with the program and cannot be removed; a changed copy of it "
                             "can");
  }
  state_->shelf.forget(name);
  return state_->shelf.folders().front().remove(name);
}

Result<std::shared_ptr<const SummaryTemplate>> TemplateStore::for_summary(std::string_view id) {
  const std::lock_guard lock(state_->mutex);
  if (!is_template_id(id)) return not_found("Invalid template ID");
  const auto name = state_->shelf.resolve(id);
  if (!name) return not_found("Template file not found: " + std::string(id) + "/" + kSchemaFile);
  MAIE_ASSIGN(TemplateEntry * entry, state_->shelf.entry(*name));
  return state_->shelf.for_summary(*name, *entry);
}

Result<prompt::Template> TemplateStore::prompt(std::string_view id) {
  const std::lock_guard lock(state_->mutex);
  MAIE_ASSIGN(const std::string name, state_->shelf.resolve(id));
  MAIE_ASSIGN(TemplateEntry * entry, state_->shelf.entry(name));
  return state_->shelf.compiled(name, *entry);
}

std::shared_ptr<const HallucinationList> TemplateStore::hallucinations() {
  const std::lock_guard lock(state_->mutex);
  std::vector<FileStamp> stamps;
  for (const TemplateFolder& folder : state_->shelf.folders()) {
    stamps.push_back(stamp_of(folder.root() + "/" + kPhrasesFile));
  }
  if (state_->phrases && stamps == state_->phrase_stamps) return state_->phrases;
  auto list = std::make_shared<HallucinationList>();
  for (size_t i = 0; i < stamps.size(); ++i) {
    if (!stamps[i].exists) continue;
    const auto text = state_->shelf.folders()[i].read(".", kPhrasesFile);
    const Status status = text ? list->add(*text, kPhrasesFile) : text.error();
    if (!status.ok()) log_warning(status.message() + "; its phrases are not used");
  }
  state_->phrase_stamps = std::move(stamps);
  state_->phrases = list;
  return list;
}

}  // namespace maie::summary
