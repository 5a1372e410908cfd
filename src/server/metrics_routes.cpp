#include "server/metrics.h"
#include "server/metrics_text.h"
#include "server/openapi_schemas.h"
#include "server/service.h"

namespace maie::server {

void add_metrics_routes(http::Router& router, Service& service) {
  http::Route route{.method = "GET", .path = "/metrics", .handler = {}, .doc = {}};
  route.handler = [&service](http::Request& request, const http::ReplyPtr& reply) {
    const bool open_metrics = request.headers.get("Accept").find("application/openmetrics-text") !=
                              std::string_view::npos;
    http::Response response;
    response.content_type = open_metrics ? kOpenMetricsType : kMetricsType;
    response.headers.set("Cache-Control", "no-store");
    response.headers.set("Vary", "Accept");
    response.body = service.metrics.render(service.queue, open_metrics);
    reply->send(std::move(response));
  };
  route.needs_key = service.settings.api.metrics_need_key;
  route.doc = {
      .id = "get_metrics",
      .summary = "Numbers for Prometheus",
      .description =
          "Text format 0.0.4, or OpenMetrics 1.0 where Accept asks for it. A "
          "key is needed only with api.metrics_need_key.",
      .tag = doc::kTagOperation,
      .parameters = {},
      .body_type = "",
      .body_schema = nullptr,
      .answers = {doc::answer(200, "All families", doc::text(), "text/plain"),
                  doc::answer(200, "All families", doc::text(), "application/openmetrics-text")}};
  router.add(std::move(route));
}

}  // namespace maie::server
