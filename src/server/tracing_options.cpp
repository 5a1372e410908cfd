#include <algorithm>
#include <cstdlib>

#include "base/ascii.h"
#include "base/log.h"
#include "net/url.h"
#include "server/tracing.h"

namespace maie::server {
namespace {

std::string trimmed(std::string_view text) {
  const size_t begin = text.find_first_not_of(" \t");
  if (begin == text.npos) return "";
  return std::string(text.substr(begin, text.find_last_not_of(" \t") - begin + 1));
}

// "%20" and the like, as the variables write what is not a token.
std::string decoded(const std::string& text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    const std::string hex = text.substr(std::min(i + 1, text.size()), 2);
    char* end = nullptr;
    const long code = std::strtol(hex.c_str(), &end, 16);
    if (text[i] == '%' && hex.size() == 2 && *end == 0 && hex[0] != ' ') {
      out += char(code);
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

// "name=value,name=value"
std::vector<std::pair<std::string, std::string>> pairs_of(std::string_view text) {
  std::vector<std::pair<std::string, std::string>> pairs;
  while (!text.empty()) {
    const size_t comma = std::min(text.find(','), text.size());
    const std::string_view one = text.substr(0, comma);
    text.remove_prefix(std::min(comma + 1, text.size()));
    const size_t equals = one.find('=');
    if (equals == one.npos) continue;
    std::string name = trimmed(one.substr(0, equals));
    if (!name.empty())
      pairs.emplace_back(std::move(name), decoded(trimmed(one.substr(equals + 1))));
  }
  return pairs;
}

std::string traces_url(std::string base) {
  while (!base.empty() && base.back() == '/') base.pop_back();
  return base.empty() ? "" : base + "/v1/traces";
}

void choose_sampler(TracingOptions& options, const std::string& sampler, const std::string& share) {
  const bool by_parent = sampler.rfind("parentbased_", 0) == 0;
  const std::string root = by_parent ? sampler.substr(12) : sampler;
  if (sampler.empty()) return;
  options.follow_parent = by_parent;
  if (root == "always_off") {
    options.share = 0;
  } else if (root == "traceidratio") {
    char* end = nullptr;
    const double value = std::strtod(share.c_str(), &end);
    options.share = share.empty() || *end != 0 ? 1 : std::clamp(value, 0.0, 1.0);
  } else if (root != "always_on") {
    options.follow_parent = true;
    log_warning("OTEL_TRACES_SAMPLER is none that is known here; parentbased_always_on is used");
  }
}

}  // namespace

TracingOptions tracing_options(const config::Settings& settings, std::string version,
                               const std::function<const char*(const char*)>& environment) {
  const auto variable = [&](const char* name) {
    const char* value = environment ? environment(name) : nullptr;
    return trimmed(value == nullptr ? "" : value);
  };
  TracingOptions options;
  options.version = std::move(version);
  if (settings.offline || lower(variable("OTEL_SDK_DISABLED")) == "true") return options;
  const config::TracingSettings& given = settings.tracing;
  options.url = traces_url(given.endpoint);
  if (options.url.empty()) options.url = variable("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT");
  if (options.url.empty()) options.url = traces_url(variable("OTEL_EXPORTER_OTLP_ENDPOINT"));
  if (options.url.empty()) return options;
  if (!net::parse_url(options.url).has_value()) {
    log_warning("traces are off: the endpoint is no http or https URL");
    options.url.clear();
    return options;
  }
  options.headers = pairs_of(given.headers);
  if (options.headers.empty()) options.headers = pairs_of(variable("OTEL_EXPORTER_OTLP_HEADERS"));
  const std::string name = variable("OTEL_SERVICE_NAME");
  const bool is_default = given.service_name.empty() || given.service_name == "maie";
  options.service_name = is_default && !name.empty()  ? name
                         : given.service_name.empty() ? "maie"
                                                      : given.service_name;
  options.resource = pairs_of(variable("OTEL_RESOURCE_ATTRIBUTES"));
  choose_sampler(options, lower(variable("OTEL_TRACES_SAMPLER")),
                 variable("OTEL_TRACES_SAMPLER_ARG"));
  return options;
}

}  // namespace maie::server
