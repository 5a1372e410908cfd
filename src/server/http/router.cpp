#include "server/http/router.h"

#include <algorithm>

#include "base/check.h"

namespace maie::http {
namespace {

using Params = std::vector<std::pair<std::string, std::string>>;

/// "/a/b" -> "a", "b"; takes the first segment off `path`.
std::string_view take_segment(std::string_view& path) {
  path.remove_prefix(1);
  const size_t end = std::min(path.find('/'), path.size());
  const std::string_view segment = path.substr(0, end);
  path.remove_prefix(end);
  return segment;
}

bool is_parameter(std::string_view segment) {
  return segment.size() > 2 && segment.front() == '{' && segment.back() == '}';
}

/// How a path fits a pattern. `fixed` has one character a segment, so that of two patterns that fit
/// the one with the earlier fixed segment compares smaller: 'a' fixed, 'b' parameter, 'c' the rest.
struct Fit {
  std::string fixed;
  Params params;
};

std::optional<Fit> fit(std::string_view pattern, std::string_view path) {
  Fit found;
  while (!pattern.empty() && !path.empty()) {
    const std::string_view rest = path;
    const std::string_view wanted = take_segment(pattern), given = take_segment(path);
    if (!is_parameter(wanted)) {
      if (wanted != given) return std::nullopt;
      found.fixed += 'a';
      continue;
    }
    std::string_view name = wanted.substr(1, wanted.size() - 2);
    if (name.ends_with("...")) {
      if (rest.size() < 2) return std::nullopt;
      name.remove_suffix(3);
      found.params.emplace_back(name, rest.substr(1));
      found.fixed += 'c';
      return found;
    }
    if (given.empty()) return std::nullopt;
    found.params.emplace_back(name, given);
    found.fixed += 'b';
  }
  if (!pattern.empty() || !path.empty()) return std::nullopt;
  return found;
}

}  // namespace

void Router::add(Route route) {
  check(route.path.starts_with('/'), "a route's path begins with a slash");
  check(static_cast<bool>(route.handler), "a route has a handler");
  for (const Route& other : routes_) {
    check(other.method != route.method || other.path != route.path, "no two routes are the same");
  }
  routes_.push_back(std::move(route));
}

Router::Match Router::match(std::string_view method, std::string_view path) const {
  Match match;
  if (!path.starts_with('/')) return match;
  std::string best;  // a method not served on the best path must not fall to a looser one
  std::vector<std::pair<const Route*, Fit>> fits;
  for (const Route& route : routes_) {
    auto found = fit(route.path, path);
    if (!found) continue;
    if (best.empty() || found->fixed < best) best = found->fixed;
    fits.emplace_back(&route, std::move(*found));
  }
  for (auto& [route, found] : fits) {
    if (found.fixed != best) continue;
    match.allowed.push_back(route->method);
    const bool serves = route->method == method;
    const bool serves_head = method == "HEAD" && route->method == "GET" && match.route == nullptr;
    if (!serves && !serves_head) continue;
    match.route = route;
    match.params = std::move(found.params);
  }
  return match;
}

}  // namespace maie::http
