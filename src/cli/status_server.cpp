#include <algorithm>

#include "cli/metrics_reader.h"
#include "cli/status_sources.h"
#include "net/http_client.h"
#include "net/url.h"

namespace maie::cli {
namespace {

constexpr double kLimit_s = 10;

class Asker {
 public:
  Asker(const ServerAddress& server, const CancelToken& cancel)
      : server_(server), cancel_(cancel), client_(net::HttpOptions{.connect_timeout_s = 5}) {}

  Result<net::HttpResponse> get(const std::string& path) {
    net::HttpRequest request;
    request.url = server_.url + path;
    if (!server_.key.empty()) request.headers = {{"X-API-Key", server_.key}};
    request.total_limit_s = kLimit_s;
    request.redirects = net::Redirects::kSameOrigin;
    return client_.send(request, &cancel_);
  }

 private:
  const ServerAddress& server_;
  const CancelToken& cancel_;
  net::HttpClient client_;
};

Json object_of(const net::HttpResponse& response) {
  Result<Json> parsed = parse_json(response.body);
  return parsed.has_value() && parsed->is_object() ? std::move(*parsed) : Json::object();
}

// The sentence of an error body, for a status that is no success.
Status failure_of(const net::HttpResponse& response, const std::string& what) {
  std::string said = json_string(object_of(response), "detail", "");
  if (said.empty()) said = "the server answered " + std::to_string(response.status);
  said = what + ": " + said;
  switch (response.status) {
    case 401:
    case 403: return permission_denied(said + "; give --key-file or MAIE_API_KEY");
    case 404: return not_found(said);
    case 429: return resource_exhausted(said);
    default: return response.status >= 500 ? unavailable(said) : invalid_input(said);
  }
}

std::optional<uint64_t> bytes_of(const std::vector<MetricSample>& samples, const char* name) {
  const std::optional<double> value = metric_value(samples, name);
  return value.has_value() ? std::optional<uint64_t>(uint64_t(*value)) : std::nullopt;
}

void take_metrics(ServiceStatus& status, const std::string& page) {
  const std::vector<MetricSample> samples = read_metrics(page);
  for (const char* state : {"queued", "scheduled", "running", "dead"}) {
    const auto count = metric_value(samples, "maie_jobs", {{"state", state}});
    if (count.has_value()) status.tasks.emplace_back(state, int64_t(*count));
  }
  for (const char* outcome : {"succeeded", "failed", "cancelled"}) {
    const auto count = metric_value(samples, "maie_jobs_total", {{"outcome", outcome}});
    if (count.has_value())
      status.tasks.emplace_back(std::string(outcome) + " since the start", int64_t(*count));
  }
  if (const auto workers = metric_value(samples, "maie_workers"))
    status.workers = int64_t(*workers);
  for (const MetricSample& sample : samples) {
    if (sample.name != "maie_model_loaded" || sample.labels.count("model") == 0) continue;
    const std::string& name = sample.labels.at("model");
    const double bytes = metric_value(samples, "maie_model_bytes", {{"model", name}}).value_or(0);
    status.models.push_back({name, sample.value > 0, uint64_t(bytes)});
  }
  status.memory_budget = bytes_of(samples, "maie_memory_budget_bytes");
  status.memory_reserved = bytes_of(samples, "maie_memory_reserved_bytes");
  status.disk_free = bytes_of(samples, "maie_disk_free_bytes");
  status.disk_size = bytes_of(samples, "maie_disk_size_bytes");
}

}  // namespace

Result<ServiceStatus> service_status_of(const ServerAddress& server, const CancelToken& cancel) {
  Asker asker(server, cancel);
  MAIE_ASSIGN(const net::HttpResponse health, asker.get("/health"));
  const Json said = object_of(health);
  if (!health.ok() && health.status != 503) return failure_of(health, "/health");
  if (!said.contains("status"))
    return invalid_input("what answers at this address is no MAIE service; check --url");
  ServiceStatus status;
  status.source = server.url;
  status.version = json_string(said, "version", "");
  status.state = json_string(said, "status", "");
  MAIE_ASSIGN(const net::HttpResponse ready, asker.get("/readyz"));
  const Json checks = object_of(ready).value("checks", Json::object());
  for (const auto& [what, state] : checks.items()) {
    if (state.is_string()) status.checks.emplace_back(what, state.get<std::string>());
  }
  MAIE_ASSIGN(const net::HttpResponse metrics, asker.get("/metrics"));
  if (metrics.ok()) {
    take_metrics(status, metrics.body);
  } else {  // closed to this key: what /health says is all there is
    status.tasks.emplace_back("queued", json_int(said, "queue_depth", 0));
  }
  return status;
}

Result<TaskStatus> task_status_of(const ServerAddress& server, const std::string& id,
                                  const CancelToken& cancel) {
  Asker asker(server, cancel);
  MAIE_ASSIGN(const net::HttpResponse answer, asker.get("/v1/tasks/" + id));
  if (!answer.ok()) return failure_of(answer, "task " + id);
  const Json said = object_of(answer);
  if (!said.contains("status"))
    return invalid_input("what answers at this address is no MAIE service; check --url");
  return task_status_from(said);
}

}  // namespace maie::cli
