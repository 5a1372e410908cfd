// The service card, health of all kinds, and the limits of this server.
#include "server/answers.h"
#include "server/http/server.h"
#include "server/openapi.h"
#include "server/openapi_schemas.h"
#include "server/service.h"
#include "server/upload.h"
#include "worker/worker_status.h"

namespace maie::server {
namespace {

using http::ReplyPtr;
using http::Request;

struct Health {
  bool store = false;
  int64_t depth = 0;
  bool worker = false;
};

Health health_of(Service& service) {
  Health health;
  health.store = service.queue.ping().ok();
  if (const auto counts = service.queue.counts(); counts.has_value()) {
    health.depth = counts->queued + counts->scheduled;
  }
  if (const auto workers = worker::living_workers(service.queue); workers.has_value()) {
    health.worker = workers->count > 0;
  }
  return health;
}

void card(Service&, Request&, const ReplyPtr& reply) {
  send_json(reply, {{"name", kApiTitle},
                    {"version", kApiVersion},
                    {"status", "running"},
                    {"endpoints",
                     {{"health", "/health"},
                      {"process", "/v1/process"},
                      {"status", "/v1/status/{task_id}"},
                      {"models", "/v1/models"},
                      {"templates", "/v1/templates"},
                      {"docs", "/schema"}}}});
}

// The five members that older clients know; 200 whatever they say (docs/spec/service.md, 1.1).
// Probes that act on the status code use /livez and /readyz.
void health(Service& service, Request&, const ReplyPtr& reply) {
  const Health now = health_of(service);
  send_json(reply, {{"status", now.store && now.worker ? "healthy" : "unhealthy"},
                    {"version", service.version},
                    {"redis_connected", now.store},
                    {"queue_depth", now.depth},
                    {"worker_active", now.worker}});
}

// docs/spec/interfaces.md, 11: strangers learn the status alone.
bool may_see_details(const Service& service, const Request& request) {
  const std::string_view peer = request.peer;
  if (peer == "unix" || peer == "::1" || peer.starts_with("127.") ||
      peer.starts_with("::ffff:127.")) {
    return true;
  }
  return service.shows_key && service.shows_key(request.headers);
}

void live(Service& service, Request& request, const ReplyPtr& reply) {
  Json body = {{"status", "ok"}};
  if (may_see_details(service, request)) body["version"] = service.version;
  send_json(reply, body);
}

void ready(Service& service, Request& request, const ReplyPtr& reply) {
  const Health now = health_of(service);
  const bool own_workers = service.settings.worker.processes > 0;
  const bool disk = !service.room_on_disk || service.room_on_disk().ok();
  const bool good = now.store && disk && !service.draining;
  Json body = {{"status", !good ? "unavailable" : now.worker || !own_workers ? "ok" : "degraded"}};
  if (may_see_details(service, request)) {
    body["version"] = service.version;
    body["checks"] = {{"queue", now.store ? "ok" : "unavailable"},
                      {"workers", now.worker ? "ok" : "none"},
                      {"disk", disk ? "ok" : "full"},
                      {"draining", service.draining ? "yes" : "no"}};
  }
  if (good) return send_json(reply, body);
  http::Response response;
  response.status = 503;
  response.headers.set("Retry-After", "5");
  response.body = body.dump() + "\n";
  reply->send(std::move(response));
}

void limits(Service& service, Request&, const ReplyPtr& reply) {
  const config::Settings& settings = service.settings;
  Json rate = nullptr;
  if (settings.rate_limit.enabled) {
    rate = {{"requests", settings.rate_limit.count}, {"per", settings.rate_limit.unit}};
  }
  send_json(reply,
            {{"max_file_bytes", most_upload_bytes(settings)},
             {"max_text_bytes", 32 << 20},
             {"max_audio_seconds", 24 * 3600},
             {"max_queued_tasks", settings.queue.max_depth},
             {"max_uploads", settings.server.max_uploads},
             {"max_connections", settings.server.max_connections},
             {"max_form_parts", http::ServerOptions().max_form_parts},
             {"max_speakers", 0},
             {"max_known_speakers", 0},
             {"job_timeout_seconds", settings.worker.job_timeout_s},
             {"job_timeout_seconds_per_audio_second", settings.worker.job_timeout_per_audio_s},
             {"result_ttl_seconds", settings.worker.result_ttl_s},
             {"rate_limit", rate}});
}

void add(http::Router& router, Service& service, const char* path, Action action,
         http::RouteDoc documentation) {
  router.add({.method = "GET",
              .path = path,
              .handler = handler_of(service, action),
              .doc = std::move(documentation)});
}

void add_probe(http::Router& router, Service& service, const char* path, const char* id,
               const char* summary, Action action, bool can_fail) {
  http::RouteDoc documentation{.id = id,
                               .summary = summary,
                               .tag = doc::kTagOperation,
                               .answers = {doc::answer(200, "Yes", doc::ref("Readiness"))}};
  if (can_fail) {
    documentation.answers.push_back(doc::answer(503, "No", doc::ref("Readiness")));
  }
  add(router, service, path, action, std::move(documentation));
}

}  // namespace

void add_root_routes(http::Router& router, Service& service) {
  add(router, service, "/", card,
      {.id = "card",
       .summary = "Service card",
       .tag = doc::kTagService,
       .answers = {doc::answer(200, "Where things are", doc::ref("ServiceCard"))}});
  add(router, service, "/health", health,
      {.id = "health",
       .summary = "Summary for people and old probes",
       .tag = doc::kTagOperation,
       .answers = {doc::answer(200, "Also when unhealthy", doc::ref("Health"))}});
  add(router, service, "/v1/limits", limits,
      {.id = "limits",
       .summary = "What this server allows",
       .tag = doc::kTagService,
       .answers = {doc::answer(200, "Bytes, seconds and counts", doc::ref("Limits"))}});
  const char* alive = "Is the process worth keeping?";
  const char* traffic = "May traffic come?";
  add_probe(router, service, "/livez", "livez", alive, live, false);
  add_probe(router, service, "/healthz", "healthz", alive, live, false);
  add_probe(router, service, "/v1/health/live", "health_live", alive, live, false);
  add_probe(router, service, "/startupz", "startupz", "Has start-up ended?", live, false);
  add_probe(router, service, "/readyz", "readyz", traffic, ready, true);
  add_probe(router, service, "/v1/health/ready", "health_ready", traffic, ready, true);
}

}  // namespace maie::server
