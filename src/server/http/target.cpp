#include "server/http/target.h"

#include <algorithm>

#include "server/http/characters.h"

namespace maie::http {
namespace {

/// Takes "http://host" off an absolute form.
Status strip_origin(std::string_view& target) {
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (!equal_fold(target.substr(0, scheme.size()), scheme)) continue;
    target.remove_prefix(scheme.size());
    const size_t end = std::min(target.find_first_of("/?"), target.size());
    if (end == 0) return invalid_input("the request target names no host");
    target.remove_prefix(end);
    return {};
  }
  if (target.starts_with('/')) return {};
  return invalid_input("the request target does not begin with a slash");
}

Result<std::string> decode(std::string_view text, bool query) {
  auto decoded = percent_decode(text, query);
  if (!decoded) return invalid_input("the request target has a broken percent escape");
  if (std::any_of(decoded->begin(), decoded->end(), is_control)) {
    return invalid_input("the request target has a control character");
  }
  if (!valid_utf8(*decoded)) return invalid_input("the request target is not UTF-8");
  return std::move(*decoded);
}

bool has_dot_segment(std::string_view path) {
  while (!path.empty()) {
    const size_t end = std::min(path.find('/'), path.size());
    const std::string_view segment = path.substr(0, end);
    if (segment == "." || segment == "..") return true;
    path.remove_prefix(std::min(end + 1, path.size()));
  }
  return false;
}

Result<std::string> parse_path(std::string_view text) {
  MAIE_ASSIGN(std::string path, decode(text, false));
  if (has_dot_segment(path)) return invalid_input("the path has a \".\" or \"..\" segment");
  while (path.size() > 1 && path.ends_with('/')) path.pop_back();
  return path.empty() ? std::string("/") : path;
}

}  // namespace

Result<Target> parse_target(std::string_view target) {
  if (target.size() > kMostTargetBytes) {
    return resource_exhausted("the request target is longer than 8192 bytes");
  }
  if (target.find('#') != std::string_view::npos) {
    return invalid_input("the request target has a fragment");
  }
  MAIE_TRY(strip_origin(target));
  Target out;
  const size_t mark = std::min(target.find('?'), target.size());
  MAIE_ASSIGN(out.path, parse_path(target.substr(0, mark)));
  std::string_view query = target.substr(std::min(mark + 1, target.size()));
  while (!query.empty()) {
    const std::string_view part = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(part.size() + 1, query.size()));
    if (part.empty()) continue;
    if (out.query.size() == kMostQueryParameters) {
      return invalid_input("the query has more than 200 parameters");
    }
    const size_t equals = std::min(part.find('='), part.size());
    MAIE_ASSIGN(std::string name, decode(part.substr(0, equals), true));
    MAIE_ASSIGN(std::string value, decode(part.substr(std::min(equals + 1, part.size())), true));
    out.query.emplace_back(std::move(name), std::move(value));
  }
  return out;
}

}  // namespace maie::http
