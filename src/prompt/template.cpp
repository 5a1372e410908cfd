#include "prompt/template.h"

#include <algorithm>
#include <new>
#include <vector>

#include "prompt/parser.h"
#include "prompt/render.h"

namespace maie::prompt {

struct Template::Parsed {
  std::string name;
  TemplateOptions options;
  Units units;
};

namespace {

std::string place(std::string_view name, int line) {
  return "template \"" + std::string(name) + "\"" +
         (line > 0 ? ", line " + std::to_string(line) : std::string());
}

/// A relative path that does not lead upwards; names come from template files.
bool is_template_name(std::string_view name) {
  if (name.empty() || name.size() > 255 || name.front() == '/') return false;
  if (std::any_of(name.begin(), name.end(),
                  [](char c) { return uint8_t(c) < 0x20 || c == '\\'; })) {
    return false;
  }
  while (true) {
    const size_t slash = name.find('/');
    const std::string_view part = name.substr(0, slash);
    if (part.empty() || part == "." || part == "..") return false;
    if (slash == std::string_view::npos) return true;
    name.remove_prefix(slash + 1);
  }
}

Result<std::string> load_source(std::string_view name, const Loader& loader) {
  if (!is_template_name(name)) {
    return not_found("\"" + std::string(name) +
                     "\" is no name of a template; write a path relative "
                     "to the templates' folder, without \"..\"");
  }
  if (!loader) {
    return not_found("\"" + std::string(name) +
                     "\" cannot be loaded: this template may not use "
                     "other files");
  }
  return loader(name);
}

Result<std::shared_ptr<const Unit>> parse_one(std::string name, std::string source,
                                              const TemplateOptions& options) {
  try {
    return parse_unit(name, std::move(source), {options.trim_blocks, options.lstrip_blocks},
                      options.limits);
  } catch (const Failure& failure) {
    return Status(failure.code, place(name, failure.line) + ": " + failure.what);
  }
}

/// Adds the files that `unit` names to `pending`, each with the place that names it.
struct Pending {
  std::string name;
  std::string place;
  bool optional;
};
void add_references(const Unit& unit, std::vector<Pending>& pending) {
  for (const auto& [name, line] : unit.references) {
    const bool optional =
        std::find(unit.optional_references.begin(), unit.optional_references.end(), name) !=
        unit.optional_references.end();
    pending.push_back({std::string(name), place(unit.name, line), optional});
  }
}

}  // namespace

Result<Template> Template::parse(std::string name, std::string source,
                                 const TemplateOptions& options, const Loader& loader) {
  auto parsed = std::make_shared<Parsed>();
  parsed->name = name;
  parsed->options = options;
  if (!parsed->options.now) parsed->options.now = [] { return std::chrono::system_clock::now(); };
  std::vector<Pending> pending;
  MAIE_ASSIGN(const auto main, parse_one(std::move(name), std::move(source), options));
  add_references(*main, pending);
  parsed->units.emplace(parsed->name, main);
  while (!pending.empty()) {
    const Pending next = std::move(pending.back());
    pending.pop_back();
    if (parsed->units.count(next.name) > 0) continue;
    auto text = load_source(next.name, loader);
    if (!text) {
      if (next.optional && text.error().code() == Code::kNotFound) continue;
      return text.error().within(next.place);
    }
    if (parsed->units.size() >= options.limits.files) {
      return resource_exhausted(next.place + ": the template needs more than " +
                                std::to_string(options.limits.files) + " files");
    }
    MAIE_ASSIGN(const auto unit, parse_one(next.name, std::move(*text), options));
    add_references(*unit, pending);
    parsed->units.emplace(next.name, unit);
  }
  return Template(std::move(parsed));
}

Result<Template> Template::load(std::string_view name, const Loader& loader,
                                const TemplateOptions& options) {
  MAIE_ASSIGN(std::string source, load_source(name, loader));
  return parse(std::string(name), std::move(source), options, loader);
}

Result<std::string> Template::render(const Json& variables) const {
  const TemplateOptions& options = parsed_->options;
  Render render(parsed_->units, options.limits, {options.escape, options.now});
  try {
    return render.run(parsed_->name, variables);
  } catch (const Failure& failure) {
    return Status(failure.code, render.place(failure) + ": " + failure.what);
  } catch (const std::bad_alloc&) {
    return resource_exhausted(render.place({Code::kResourceExhausted, {}}) +
                              ": no memory is left; lower the limits of templates");
  }
}

}  // namespace maie::prompt
