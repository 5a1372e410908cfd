#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/status.h"
#include "prompt/template.h"
#include "summary/hallucinations.h"

namespace maie::summary {

/// Folders with templates, each `<id>/schema.json`, `<id>/prompt.jinja`, `<id>/example.json`; what
/// stands in an earlier one hides what a later one has under the same id.
struct TemplateRoots {
  std::string own;                   ///< the user's, changes are written here; empty: none
  std::vector<std::string> shipped;  ///< never written to
};

/// own: $MAIE_TEMPLATES, else maie/templates in $XDG_DATA_HOME or ~/.local/share. shipped:
/// share/maie/templates beside the program's bin folder, or `templates` of the source tree that the
/// program was built in.
TemplateRoots template_roots_of_process();

/// What a list of templates says of one.
struct TemplateItem {
  std::string id;
  std::string name;
  std::string description;
  Json parameters;       ///< the schema's `properties`; {} in TemplateDetail
  Json example;          ///< null without one
  bool shipped = false;  ///< comes with the program; a change makes a copy in the user's folder
};

struct TemplateDetail : TemplateItem {
  std::string prompt_template;  ///< text of prompt.jinja; empty without one
  Json schema_data;
  std::vector<std::string> warnings;  ///< what keeps it from being used for summaries
};

/// Parts of a template to store; absent ones stay as they are (update) or are not written (create).
struct TemplateParts {
  std::optional<Json> schema_data;
  std::optional<std::string> prompt_template;
  std::optional<Json> example;  ///< {} or null: no file
};

/// A template made ready for summaries. Immutable.
struct SummaryTemplate {
  std::string id;  ///< what was found: with the alias X_v1, X_v2
  Json schema;
  std::string schema_text;                 ///< compact
  std::string schema_pretty;               ///< indent 2, raw Unicode
  std::string schema_hash;                 ///< "sha256:" over canonical JSON with sorted keys
  std::optional<prompt::Template> prompt;  ///< absent without prompt.jinja
  bool prints_schema = false;              ///< the prompt has {{ schema }}
  bool prints_transcript = false;          ///< or {{ transcript }} or {{ input_text }}
};

/// The templates of one or more folders. Files are read again when their size or time changed, so
/// edits by hand are seen. Any thread.
///
/// Ids match [a-zA-Z0-9_-]+. `X_v1` means `X_v2` where only that exists. Nothing behind a symbolic
/// link is read or written. Errors: kNotFound ("Template <id> not found", "Invalid template ID"),
/// kInvalidInput for content that is refused, kPermissionDenied for what only the program's own
/// installation may change.
class TemplateStore {
 public:
  explicit TemplateStore(TemplateRoots roots);
  ~TemplateStore();
  TemplateStore(const TemplateStore&) = delete;
  TemplateStore& operator=(const TemplateStore&) = delete;

  /// Sorted by id. A template that cannot be read is left out and logged.
  std::vector<TemplateItem> list();
  Result<TemplateDetail> get(std::string_view id);
  /// The schema object itself.
  Result<Json> schema(std::string_view id);

  /// A new template in the user's folder: all of it or nothing. Needs `schema_data`.
  /// Refused: an id that exists or is reserved, a schema that is no object, lacks "type": "object",
  /// cannot be compiled to a grammar (an unsupported keyword, nothing that keeps it), a prompt with
  /// a syntax error or one that fails on a short transcript, an example that breaks the schema.
  Result<TemplateDetail> create(std::string_view id, const TemplateParts& parts);
  /// Changes the given parts, each file at once; a shipped template is copied to the user's folder
  /// first. The same refusals.
  Result<TemplateDetail> update(std::string_view id, const TemplateParts& parts);
  /// Removes the user's template; the shipped one of the same id shows again.
  Status remove(std::string_view id);

  /// The template checked by the rules of docs/spec/service.md, 6.4; errors in its words.
  Result<std::shared_ptr<const SummaryTemplate>> for_summary(std::string_view id);
  /// The compiled prompt of a template that need not be fit for summaries (text_enhancement_v1).
  Result<prompt::Template> prompt(std::string_view id);

  /// Phrases of `hallucinations.json` of every folder, the user's added to the shipped ones.
  std::shared_ptr<const HallucinationList> hallucinations();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace maie::summary
