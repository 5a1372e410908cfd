#include "server/hooks.h"

#include <algorithm>
#include <cmath>

#include "base/log.h"
#include "server/errors.h"

namespace maie::server {
namespace {

using http::Request;
using http::Response;
using http::Route;

http::ErrorStyle style_of(const Route* route) {
  return route == nullptr ? http::ErrorStyle::kJobApi : route->errors;
}

Response refusal(const ApiError& error, const Request& request, const Route& route) {
  return to_response(error, style_of(&route), request.id);
}

std::optional<Response> guard(const HookParts& parts, Request& request, const Route& route) {
  parts.tracer.begin(request);
  std::optional<RateLimit::Verdict> verdict;
  if (route.counted) {
    verdict = parts.rate_limit.count(request.peer);
    if (!verdict->allowed) {
      parts.metrics.rejected("rate_limit");
      Response response = refusal({.status = 429,
                                   .code = "API_RATE_LIMIT_ERROR",
                                   .message = "Too Many Requests",
                                   .openai_code = "rate_limited",
                                   .retry_after_s = std::max(1, verdict->reset_s),
                                   .should_retry = true},
                                  request, route);
      RateLimit::add_headers(*verdict, response.headers);
      return response;
    }
    RateLimit::add_headers(*verdict, request.for_answer);
  }
  if (route.needs_key) {
    Result<std::string> name = parts.keys.check(request.headers);
    if (!name.has_value()) {
      return refusal({.status = 401,
                      .code = "API_AUTHENTICATION_ERROR",
                      .message = name.error().message(),
                      .openai_code = "invalid_api_key"},
                     request, route);
    }
    request.principal = std::move(*name);
  }
  const bool makes_work = route.body != http::BodyKind::kNone;
  if (makes_work && parts.draining) {
    return refusal({.status = 503,
                    .code = "DRAINING",
                    .message = "The service is being stopped; try again soon",
                    .should_retry = true},
                   request, route);
  }
  if (route.body == http::BodyKind::kForm && !parts.disk.room_for_upload(0).ok()) {
    parts.metrics.rejected("disk_full");
    return refusal(api_error_of(resource_exhausted("")), request, route);
  }
  return std::nullopt;
}

// docs/spec/service.md, 1.4
ApiError words_of(const http::Refusal& given) {
  ApiError error{.status = given.status, .code = "VALIDATION_ERROR", .message = given.message};
  if (given.code == "not_found") error.code = "NOT_FOUND";
  if (given.code == "method") error.code = "METHOD_NOT_ALLOWED";
  if (given.code == "timeout") error.code = "REQUEST_TIMEOUT";
  if (given.code == "encoding") error.code = "UNSUPPORTED_FORMAT";
  if (given.code == "encoding") error.openai_code = "unsupported_media_type";
  if (given.code == "overloaded") error.code = "OVERLOADED";
  if (given.code == "disk_full") error.code = "DISK_FULL";
  if (given.code == "unavailable") error.code = "STORE_UNAVAILABLE";
  if (given.code == "too_large" && given.status == 413) {
    error.code = "FILE_TOO_LARGE";
    error.message = "Request Entity Too Large";
  }
  if (given.code == "bad_form") error.message = "Invalid multipart/form-data";
  if (given.code == "too_many_parts") error.message = "Request Entity Too Large";
  if (given.code == "internal") {
    error.code = "PROCESSING_ERROR";
    error.message = "Internal Server Error";
    error.openai_code = "internal";
  }
  if (given.status == 503 || given.status == 507) error.should_retry = true;
  if (given.status == 500) error.should_retry = false;
  return error;
}

bool allowed_origin(const config::Settings& settings, std::string_view origin) {
  const auto& known = settings.api.cors_origins;
  return std::any_of(known.begin(), known.end(),
                     [origin](const std::string& one) { return one == "*" || one == origin; });
}

void add_cors(const config::Settings& settings, const Request& request, Response& response) {
  if (settings.api.cors_origins.empty()) return;
  response.headers.add("Vary", "Origin");  // caches must not mix answers with and without
  const std::string_view origin = request.headers.get("origin");
  if (origin.empty() || !allowed_origin(settings, origin)) return;
  response.headers.set("Access-Control-Allow-Origin", std::string(origin));
  response.headers.set("Access-Control-Expose-Headers",
                       "X-Request-ID, X-Correlation-ID, Retry-After, Location, RateLimit-Limit, "
                       "RateLimit-Remaining, RateLimit-Reset");
}

void decorate(const config::Settings& settings, const Request& request, Response& response) {
  response.headers.set("X-Request-ID", request.id);
  response.headers.set("X-Correlation-ID", request.id);
  response.headers.set("X-Content-Type-Options", "nosniff");
  if (!response.headers.has("Cache-Control")) response.headers.set("Cache-Control", "no-store");
  for (const auto& [name, value] : request.for_answer.all()) response.headers.set(name, value);
  add_cors(settings, request, response);
}

std::optional<Response> preflight(const config::Settings& settings, const Request& request) {
  const std::string_view origin = request.headers.get("origin");
  if (origin.empty() || !request.headers.has("access-control-request-method")) return std::nullopt;
  if (!allowed_origin(settings, origin)) return std::nullopt;
  Response response;
  response.status = 204;
  response.headers.set("Access-Control-Allow-Methods", "GET, POST, PUT, DELETE, OPTIONS");
  response.headers.set("Access-Control-Allow-Headers",
                       "Authorization, Content-Type, Idempotency-Key, Last-Event-ID, Prefer, "
                       "X-API-Key, X-Correlation-ID, X-Request-ID");
  response.headers.set("Access-Control-Max-Age", "600");
  return response;
}

void log_access(const http::Hooks::Done& done) {
  const LogScope scope({.request_id = done.request.id});
  const std::string route = done.route == nullptr ? "unknown" : done.route->path;
  const LogFields fields = {{"method", done.request.method},
                            {"route", route},
                            {"status", done.status},
                            {"ms", std::round(done.seconds * 1e4) / 10}};
  // Probes and pollers would drown everything else.
  if (done.status < 400 && done.request.method == "GET") {
    log_debug("request", fields);
  } else {
    log_info("request", fields);
  }
}

}  // namespace

http::Hooks make_hooks(const HookParts& parts) {
  http::Hooks hooks;
  hooks.guard = [parts](Request& request, const Route& route) {
    return guard(parts, request, route);
  };
  hooks.refuse = [parts](const Request& request, const Route* route, const http::Refusal& given) {
    if (given.code == "disk_full") parts.metrics.rejected("disk_full");
    return to_response(words_of(given), style_of(route), request.id);
  };
  hooks.decorate = [parts](const Request& request, const Route*, Response& response) {
    decorate(parts.settings, request, response);
  };
  hooks.preflight = [parts](const Request& request) { return preflight(parts.settings, request); };
  hooks.done = [parts](const http::Hooks::Done& done) {
    parts.metrics.request_done(done);
    parts.tracer.request_done(done);
    log_access(done);
  };
  hooks.in_flight = [parts](int change) { parts.metrics.requests_in_flight(change); };
  return hooks;
}

}  // namespace maie::server
