#include "summary/template_store.h"

#include <algorithm>
#include <map>
#include <mutex>
#include <set>

#include "base/log.h"
#include "summary/answer.h"
#include "summary/schema_rules.h"
#include "summary/template_checks.h"
#include "summary/template_files.h"

namespace maie::summary {
namespace {

constexpr char kSchemaFile[] = "schema.json";
constexpr char kPromptFile[] = "prompt.jinja";
constexpr char kExampleFile[] = "example.json";
constexpr char kPhrasesFile[] = "hallucinations.json";
constexpr size_t kMostKept = 128;  // templates with their compiled prompts

const std::set<std::string, std::less<>> kReserved = {"base", "schemas", "prompts", "examples"};

Status no_template(std::string_view id) {
  return not_found("Template " + std::string(id) + " not found");
}

// Files that a prompt extends or includes, as they were when it was parsed.
using Parents = std::vector<std::pair<std::string, FileStamp>>;

// What the files of one template said when they were last read.
struct Entry {
  size_t root = 0;
  FileStamp schema_stamp, prompt_stamp, example_stamp;
  Json schema;
  std::optional<std::string> prompt_text;
  Json example;
  // Made when first asked for.
  std::optional<prompt::Template> prompt;
  Parents parents;
  std::shared_ptr<const SummaryTemplate> summary;
  uint64_t used = 0;
};

bool unchanged(const Parents& parents) {
  return std::all_of(parents.begin(), parents.end(),
                     [](const auto& parent) { return stamp_of(parent.first) == parent.second; });
}

Json properties_of(const Json& schema) {
  const auto properties = schema.find("properties");
  return properties != schema.end() && properties->is_object() ? *properties : Json::object();
}

std::optional<std::string> example_text(const std::optional<Json>& example) {
  if (!example || example->is_null() || (example->is_object() && example->empty())) return {};
  return json_text(in_nfc(*example), 2) + "\n";
}

}  // namespace

struct TemplateStore::State {
  explicit State(TemplateRoots given) : own(given.own) {
    if (!own.empty()) folders.emplace_back(own);
    for (std::string& root : given.shipped) folders.emplace_back(std::move(root));
  }
  bool is_own(size_t root) const { return !own.empty() && root == 0; }

  std::optional<size_t> root_of(const std::string& id) const;
  Result<std::string> resolve(std::string_view id) const;
  Result<Entry*> entry(const std::string& id);
  Status read(const std::string& id, Entry& entry) const;
  Result<prompt::Template> compiled(const std::string& id, Entry& entry) const;
  prompt::Loader loader(Parents* seen) const;
  TemplateItem item(const std::string& id, const Entry& entry) const;
  TemplateDetail detail(const std::string& id, const Entry& entry) const;
  Status check(const std::string& id, const TemplateParts& parts, const Json& schema) const;
  Status write(const std::string& id, const TemplateParts& parts, const Entry& old);
  void make_room();

  const std::string own;
  std::vector<TemplateFolder> folders;  // own first

  std::mutex mutex;
  // Guarded by mutex:
  std::map<std::string, Entry> entries;
  uint64_t clock = 0;
  std::vector<FileStamp> phrase_stamps;
  std::shared_ptr<const HallucinationList> phrases;
};

std::optional<size_t> TemplateStore::State::root_of(const std::string& id) const {
  for (size_t root = 0; root < folders.size(); ++root) {
    if (folders[root].stamp(id, kSchemaFile).exists) return root;
  }
  return {};
}

Result<std::string> TemplateStore::State::resolve(std::string_view id) const {
  if (!is_template_id(id)) return not_found("Invalid template ID");
  std::string name(id);
  if (root_of(name)) return name;
  if (name.ends_with("_v1")) {
    std::string newer = name.substr(0, name.size() - 1) + "2";
    if (root_of(newer)) return newer;
  }
  return no_template(id);
}

// The template as its files are now. The pointer holds until the mutex is let go.
Result<Entry*> TemplateStore::State::entry(const std::string& id) {
  const auto root = root_of(id);
  if (!root) return no_template(id);
  const TemplateFolder& folder = folders[*root];
  Entry now;
  now.root = *root;
  now.schema_stamp = folder.stamp(id, kSchemaFile);
  now.prompt_stamp = folder.stamp(id, kPromptFile);
  now.example_stamp = folder.stamp(id, kExampleFile);
  const auto kept = entries.find(id);
  if (kept != entries.end()) {
    Entry& old = kept->second;
    if (old.root == now.root && old.schema_stamp == now.schema_stamp &&
        old.prompt_stamp == now.prompt_stamp && old.example_stamp == now.example_stamp) {
      old.used = ++clock;
      return &old;
    }
    entries.erase(kept);
  }
  MAIE_TRY(read(id, now));
  make_room();
  now.used = ++clock;
  return &(entries[id] = std::move(now));
}

Status TemplateStore::State::read(const std::string& id, Entry& entry) const {
  const TemplateFolder& folder = folders[entry.root];
  MAIE_ASSIGN(const std::string text, folder.read(id, kSchemaFile));
  auto schema = parse_json(text, {.unique_keys = true});
  if (!schema) {
    return invalid_input("Invalid JSON in template file " + id + "/" + kSchemaFile + ": " +
                         schema.error().message());
  }
  if (!schema->is_object()) return check_object_schema(*schema, id);
  entry.schema = in_nfc(*schema);
  if (entry.prompt_stamp.exists) {
    MAIE_ASSIGN(entry.prompt_text, folder.read(id, kPromptFile));
  }
  if (entry.example_stamp.exists) {
    MAIE_ASSIGN(const std::string example, folder.read(id, kExampleFile));
    auto parsed = parse_json(example);
    if (parsed) {
      entry.example = in_nfc(*parsed);
    } else {
      log_warning(id + "/" + kExampleFile + ": " + parsed.error().message() + "; left out");
    }
  }
  return {};
}

void TemplateStore::State::make_room() {
  if (entries.size() < kMostKept) return;
  entries.erase(std::min_element(entries.begin(), entries.end(), [](const auto& a, const auto& b) {
    return a.second.used < b.second.used;
  }));
}

// Looks through the folders in turn, so that a user's prompt may extend a shipped one.
prompt::Loader TemplateStore::State::loader(Parents* seen) const {
  return [this, seen](std::string_view name) -> Result<std::string> {
    const bool is_file = name.ends_with(".jinja");
    for (const TemplateFolder& folder : folders) {
      const std::string path =
          folder.root() + "/" + std::string(name) + (is_file ? "" : "/prompt.jinja");
      if (seen) seen->emplace_back(path, stamp_of(path));
      auto text = prompt::folder_loader(folder.root())(name);
      if (text) return text;
    }
    return not_found("there is no template \"" + std::string(name) + "\" to extend or include");
  };
}

Result<prompt::Template> TemplateStore::State::compiled(const std::string& id, Entry& entry) const {
  if (!entry.prompt_text) return no_template(id).within("there is no prompt.jinja");
  if (!entry.prompt || !unchanged(entry.parents)) {
    entry.parents.clear();
    entry.summary.reset();
    MAIE_ASSIGN(entry.prompt, prompt::Template::parse(id + "/" + kPromptFile, *entry.prompt_text,
                                                      prompt_options(), loader(&entry.parents)));
  }
  return *entry.prompt;
}

TemplateItem TemplateStore::State::item(const std::string& id, const Entry& entry) const {
  return {id,
          name_of(entry.schema, id),
          json_string(entry.schema, "mô_tả",
                      json_string(entry.schema, "description",
                                  "Auto-discovered template based on JSON schema.")),
          properties_of(entry.schema),
          entry.example,
          !is_own(entry.root)};
}

TemplateDetail TemplateStore::State::detail(const std::string& id, const Entry& entry) const {
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
    const Status status = check_prompt(*parts.prompt_template, schema, loader(nullptr));
    // Whatever the loader or the limits said: it is the prompt that has to change.
    if (!status.ok()) return invalid_input(status.message());
  }
  return {};
}

Status TemplateStore::State::write(const std::string& id, const TemplateParts& parts,
                                   const Entry& old) {
  const TemplateFolder& folder = folders.front();
  if (!is_own(old.root)) {  // a copy in the user's folder hides the shipped one
    TemplateFiles files;
    files.emplace_back(
        kSchemaFile,
        json_text(parts.schema_data ? in_nfc(*parts.schema_data) : old.schema, 2) + "\n");
    const auto prompt = parts.prompt_template ? parts.prompt_template : old.prompt_text;
    if (prompt) files.emplace_back(kPromptFile, *prompt);
    const auto example = example_text(parts.example ? parts.example : std::optional(old.example));
    if (example) files.emplace_back(kExampleFile, *example);
    return folder.create(id, files);
  }
  if (parts.prompt_template) MAIE_TRY(folder.replace(id, kPromptFile, parts.prompt_template));
  if (parts.example) MAIE_TRY(folder.replace(id, kExampleFile, example_text(parts.example)));
  if (parts.schema_data) {
    MAIE_TRY(folder.replace(id, kSchemaFile, json_text(in_nfc(*parts.schema_data), 2) + "\n"));
  }
  return {};
}

TemplateStore::TemplateStore(TemplateRoots roots)
    : state_(std::make_unique<State>(std::move(roots))) {}
TemplateStore::~TemplateStore() = default;

std::vector<TemplateItem> TemplateStore::list() {
  const std::lock_guard lock(state_->mutex);
  std::set<std::string> ids;
  for (const TemplateFolder& folder : state_->folders) {
    for (std::string& id : folder.ids()) ids.insert(std::move(id));
  }
  std::vector<TemplateItem> items;
  for (const std::string& id : ids) {
    if (kReserved.contains(id) || !state_->root_of(id)) continue;
    const auto entry = state_->entry(id);
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
  MAIE_ASSIGN(const std::string name, state_->resolve(id));
  MAIE_ASSIGN(const Entry* entry, state_->entry(name));
  return state_->detail(name, *entry);
}

Result<Json> TemplateStore::schema(std::string_view id) {
  const std::lock_guard lock(state_->mutex);
  MAIE_ASSIGN(const std::string name, state_->resolve(id));
  MAIE_ASSIGN(const Entry* entry, state_->entry(name));
  return entry->schema;
}

Result<TemplateDetail> TemplateStore::create(std::string_view id, const TemplateParts& parts) {
  const std::string name(id);
  if (!is_template_id(id) || kReserved.contains(name)) {
    return invalid_input("Invalid template ID: " + name.substr(0, 100) +
                         " (letters, digits, _ and -, at most 100, and none of base, schemas, "
                         "prompts, examples)");
  }
  if (state_->own.empty()) {
    return permission_denied("there is no folder for templates of your own; set $MAIE_TEMPLATES");
  }
  if (!parts.schema_data) return invalid_input("schema_data is missing");
  if (state_->root_of(name)) return invalid_input("Template " + name + " already exists");
  const Json schema = in_nfc(*parts.schema_data);
  MAIE_TRY(state_->check(name, parts, schema));
  TemplateFiles files{{kSchemaFile, json_text(schema, 2) + "\n"}};
  if (parts.prompt_template) files.emplace_back(kPromptFile, *parts.prompt_template);
  const auto example = example_text(parts.example);
  if (example) files.emplace_back(kExampleFile, *example);
  const std::lock_guard lock(state_->mutex);
  MAIE_TRY(state_->folders.front().create(name, files));
  MAIE_ASSIGN(const Entry* entry, state_->entry(name));
  return state_->detail(name, *entry);
}

Result<TemplateDetail> TemplateStore::update(std::string_view id, const TemplateParts& parts) {
  Entry old;
  std::string name;
  {
    const std::lock_guard lock(state_->mutex);
    MAIE_ASSIGN(name, state_->resolve(id));
    MAIE_ASSIGN(const Entry* entry, state_->entry(name));
    old = *entry;
  }
  if (state_->own.empty()) {
    return permission_denied("there is no folder for templates of your own; set $MAIE_TEMPLATES");
  }
  // Outside of the lock: compiling a schema takes its time.
  MAIE_TRY(state_->check(name, parts, parts.schema_data ? in_nfc(*parts.schema_data) : old.schema));
  const std::lock_guard lock(state_->mutex);
  MAIE_TRY(state_->write(name, parts, old));
  MAIE_ASSIGN(const Entry* entry, state_->entry(name));
  return state_->detail(name, *entry);
}

Status TemplateStore::remove(std::string_view id) {
  const std::lock_guard lock(state_->mutex);
  MAIE_ASSIGN(const std::string name, state_->resolve(id));
  if (!state_->is_own(*state_->root_of(name))) {
    return permission_denied("Template " + name +
                             " comes with the program and cannot be removed; a changed copy of it "
                             "can");
  }
  state_->entries.erase(name);
  return state_->folders.front().remove(name);
}

Result<std::shared_ptr<const SummaryTemplate>> TemplateStore::for_summary(std::string_view id) {
  const std::lock_guard lock(state_->mutex);
  if (!is_template_id(id)) return not_found("Invalid template ID");
  const auto found = state_->resolve(id);
  if (!found) {
    return not_found("Template file not found: " + std::string(id) + "/" + kSchemaFile);
  }
  const std::string& name = *found;
  MAIE_ASSIGN(Entry * entry, state_->entry(name));
  std::optional<prompt::Template> prompt;
  if (entry->prompt_text) {
    MAIE_ASSIGN(prompt, state_->compiled(name, *entry));
  }
  if (entry->summary) return entry->summary;
  MAIE_TRY(check_object_schema(entry->schema, name));
  MAIE_TRY(check_tags(entry->schema, name));
  SummaryTemplate made{name,
                       entry->schema,
                       json_text(entry->schema, -1),
                       json_text(entry->schema, 2),
                       hash_of(entry->schema),
                       std::move(prompt)};
  if (made.prompt) {
    MAIE_ASSIGN(const Printed printed, printed_variables(*made.prompt));
    made.prints_schema = printed.schema;
    made.prints_transcript = printed.transcript;
  }
  entry->summary = std::make_shared<const SummaryTemplate>(std::move(made));
  return entry->summary;
}

Result<prompt::Template> TemplateStore::prompt(std::string_view id) {
  const std::lock_guard lock(state_->mutex);
  MAIE_ASSIGN(const std::string name, state_->resolve(id));
  MAIE_ASSIGN(Entry * entry, state_->entry(name));
  return state_->compiled(name, *entry);
}

std::shared_ptr<const HallucinationList> TemplateStore::hallucinations() {
  const std::lock_guard lock(state_->mutex);
  std::vector<FileStamp> stamps;
  for (const TemplateFolder& folder : state_->folders) {
    stamps.push_back(stamp_of(folder.root() + "/" + kPhrasesFile));
  }
  if (state_->phrases && stamps == state_->phrase_stamps) return state_->phrases;
  auto list = std::make_shared<HallucinationList>();
  for (size_t i = 0; i < stamps.size(); ++i) {
    if (!stamps[i].exists) continue;
    const auto text = state_->folders[i].read(".", kPhrasesFile);
    const Status status = text ? list->add(*text, kPhrasesFile) : text.error();
    if (!status.ok()) log_warning(status.message() + "; its phrases are not used");
  }
  state_->phrase_stamps = std::move(stamps);
  state_->phrases = list;
  return list;
}

}  // namespace maie::summary
