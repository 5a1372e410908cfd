#include "summary/template_shelf.h"

#include <algorithm>

#include "base/log.h"
#include "summary/schema_rules.h"
#include "summary/template_checks.h"

namespace maie::summary {
namespace {

constexpr size_t kMostKept = 128;  // templates with their compiled prompts

Status no_template(std::string_view id) {
  return not_found("Template " + std::string(id) + " not found");
}

bool unchanged(const PromptParents& parents) {
  return std::all_of(parents.begin(), parents.end(),
                     [](const auto& parent) { return stamp_of(parent.first) == parent.second; });
}

}  // namespace

TemplateShelf::TemplateShelf(TemplateRoots roots) : has_own_(!roots.own.empty()) {
  if (has_own_) folders_.emplace_back(std::move(roots.own));
  for (std::string& root : roots.shipped) folders_.emplace_back(std::move(root));
}

std::optional<size_t> TemplateShelf::root_of(const std::string& id) const {
  for (size_t root = 0; root < folders_.size(); ++root) {
    if (folders_[root].stamp(id, kSchemaFile).exists) return root;
  }
  return {};
}

Result<std::string> TemplateShelf::resolve(std::string_view id) const {
  if (!is_template_id(id)) return not_found("Invalid template ID");
  std::string name(id);
  if (root_of(name)) return name;
  if (name.ends_with("_v1")) {
    std::string newer = name.substr(0, name.size() - 1) + "2";
    if (root_of(newer)) return newer;
  }
  return no_template(id);
}

Result<TemplateEntry*> TemplateShelf::entry(const std::string& id) {
  const auto root = root_of(id);
  if (!root) return no_template(id);
  const TemplateFolder& folder = folders_[*root];
  TemplateEntry now;
  now.root = *root;
  now.schema_stamp = folder.stamp(id, kSchemaFile);
  now.prompt_stamp = folder.stamp(id, kPromptFile);
  now.example_stamp = folder.stamp(id, kExampleFile);
  const auto kept = entries_.find(id);
  if (kept != entries_.end()) {
    TemplateEntry& old = kept->second;
    if (old.root == now.root && old.schema_stamp == now.schema_stamp &&
        old.prompt_stamp == now.prompt_stamp && old.example_stamp == now.example_stamp) {
      old.used = ++clock_;
      return &old;
    }
    entries_.erase(kept);
  }
  MAIE_TRY(read(id, now));
  make_room();
  now.used = ++clock_;
  return &(entries_[id] = std::move(now));
}

Status TemplateShelf::read(const std::string& id, TemplateEntry& entry) const {
  const TemplateFolder& folder = folders_[entry.root];
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

void TemplateShelf::make_room() {
  if (entries_.size() < kMostKept) return;
  entries_.erase(
      std::min_element(entries_.begin(), entries_.end(),
                       [](const auto& a, const auto& b) { return a.second.used < b.second.used; }));
}

// Looks through the folders_ in turn, so that a user's prompt may extend a shipped one.
prompt::Loader TemplateShelf::loader(PromptParents* seen) const {
  return [this, seen](std::string_view name) -> Result<std::string> {
    const bool is_file = name.ends_with(".jinja");
    for (const TemplateFolder& folder : folders_) {
      const std::string path =
          folder.root() + "/" + std::string(name) + (is_file ? "" : "/prompt.jinja");
      if (seen) seen->emplace_back(path, stamp_of(path));
      auto text = prompt::folder_loader(folder.root())(name);
      if (text) return text;
    }
    return not_found("there is no template \"" + std::string(name) + "\" to extend or include");
  };
}

Result<prompt::Template> TemplateShelf::compiled(const std::string& id,
                                                 TemplateEntry& entry) const {
  if (!entry.prompt_text) return no_template(id).within("there is no prompt.jinja");
  if (!entry.prompt || !unchanged(entry.parents)) {
    entry.parents.clear();
    entry.summary.reset();
    MAIE_ASSIGN(entry.prompt, prompt::Template::parse(id + "/" + kPromptFile, *entry.prompt_text,
                                                      prompt_options(), loader(&entry.parents)));
  }
  return *entry.prompt;
}

Result<std::shared_ptr<const SummaryTemplate>> TemplateShelf::for_summary(
    const std::string& id, TemplateEntry& entry) const {
  std::optional<prompt::Template> prompt;
  if (entry.prompt_text) {
    MAIE_ASSIGN(prompt, compiled(id, entry));
  }
  if (entry.summary) return entry.summary;
  MAIE_TRY(check_object_schema(entry.schema, id));
  MAIE_TRY(check_tags(entry.schema, id));
  MAIE_TRY(check_grammar(entry.schema).within(id));
  SummaryTemplate made{id,
                       entry.schema,
                       to_line(entry.schema),
                       to_indented(entry.schema),
                       hash_of(entry.schema),
                       std::move(prompt)};
  if (made.prompt) {
    MAIE_ASSIGN(const Printed printed, printed_variables(*made.prompt));
    made.prints_schema = printed.schema;
    made.prints_transcript = printed.transcript;
  }
  entry.summary = std::make_shared<const SummaryTemplate>(std::move(made));
  return entry.summary;
}

}  // namespace maie::summary
