#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "summary/template_files.h"
#include "summary/template_store.h"

namespace maie::summary {

inline constexpr char kSchemaFile[] = "schema.json";
inline constexpr char kPromptFile[] = "prompt.jinja";
inline constexpr char kExampleFile[] = "example.json";

/// Files that a prompt extends or includes, as they were when it was parsed.
using PromptParents = std::vector<std::pair<std::string, FileStamp>>;

/// What the files of one template said when they were last read.
struct TemplateEntry {
  size_t root = 0;  ///< index of its folder
  FileStamp schema_stamp, prompt_stamp, example_stamp;
  Json schema;
  std::optional<std::string> prompt_text;
  Json example;
  // Made when first asked for.
  std::optional<prompt::Template> prompt;
  PromptParents parents;
  std::shared_ptr<const SummaryTemplate> summary;
  uint64_t used = 0;  ///< when, in calls
};

/// Templates as they are on disk, with what was made of them kept until a file changes; at most 128
/// at a time. One thread at a time, but for `root_of`, `resolve` and `loader`.
class TemplateShelf {
 public:
  explicit TemplateShelf(TemplateRoots roots);

  const std::vector<TemplateFolder>& folders() const { return folders_; }  ///< own first
  bool has_own() const { return has_own_; }
  bool is_own(size_t root) const { return has_own_ && root == 0; }

  /// The first folder that has the template.
  std::optional<size_t> root_of(const std::string& id) const;
  /// The id, or X_v2 for X_v1. kNotFound.
  Result<std::string> resolve(std::string_view id) const;
  /// The template as its files are now. The pointer holds until the next call.
  Result<TemplateEntry*> entry(const std::string& id);
  void forget(const std::string& id) { entries_.erase(id); }

  Result<prompt::Template> compiled(const std::string& id, TemplateEntry& entry) const;
  /// By the rules of docs/spec/service.md, 6.4.
  Result<std::shared_ptr<const SummaryTemplate>> for_summary(const std::string& id,
                                                             TemplateEntry& entry) const;
  /// Finds what prompts extend and include in all folders, the user's first. `seen` hears of every
  /// place that was looked at; it may be null. The shelf outlives the loader.
  prompt::Loader loader(PromptParents* seen) const;

 private:
  Status read(const std::string& id, TemplateEntry& entry) const;
  void make_room();

  bool has_own_;
  std::vector<TemplateFolder> folders_;
  std::map<std::string, TemplateEntry> entries_;
  uint64_t clock_ = 0;
};

}  // namespace maie::summary
