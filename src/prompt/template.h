#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/json.h"
#include "base/status.h"
#include "prompt/limits.h"

namespace maie::prompt {

/// The text of a template file by its name; kNotFound where there is none.
using Loader = std::function<Result<std::string>(std::string_view name)>;

/// A loader of the files below `root`. "a/b.jinja" is that file; a name without the ending, "a", is
/// "a/prompt.jinja". Whatever lies outside of `root`, also behind a symbolic link, is kNotFound.
Loader folder_loader(std::string root);

struct TemplateOptions {
  Limits limits;
  bool escape = false;        ///< printed values are escaped for HTML unless they are "| safe"
  bool trim_blocks = true;    ///< the newline behind {% %} and {# #} goes
  bool lstrip_blocks = true;  ///< so do spaces before one that begins its line
  /// What strftime_now() asks; the system's clock when empty.
  std::function<std::chrono::system_clock::time_point()> now;
};

/// A parsed template with all it extends and includes. Immutable; copies share it; any thread may
/// render. docs/prompts.md describes the language.
class Template {
 public:
  /// Parses `source`. `name` is what errors call it; `loader` finds the files it names, which it
  /// can do only by names written as strings. Fails with kInvalidInput (template, line, what is
  /// wrong), kResourceExhausted (a limit), or what the loader answered.
  static Result<Template> parse(std::string name, std::string source,
                                const TemplateOptions& options = {}, const Loader& loader = {});
  /// Parses the file `name` of the loader. kNotFound for a name that is no relative path, or that
  /// leads out with "..".
  static Result<Template> load(std::string_view name, const Loader& loader,
                               const TemplateOptions& options = {});

  /// The text for these variables (an object, or null for none), always valid UTF-8. Strings of the
  /// variables that are not UTF-8 are repaired; template syntax in them is text. Fails with
  /// kInvalidInput or kResourceExhausted, template and line in front.
  Result<std::string> render(const Json& variables) const;

 private:
  struct Parsed;
  explicit Template(std::shared_ptr<const Parsed> parsed) : parsed_(std::move(parsed)) {}
  std::shared_ptr<const Parsed> parsed_;
};

}  // namespace maie::prompt
