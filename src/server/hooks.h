#pragma once

#include <atomic>

#include "config/settings.h"
#include "server/disk_care.h"
#include "server/guards.h"
#include "server/http/server.h"
#include "server/metrics.h"
#include "server/tracing.h"

namespace maie::server {

/// What every exchange goes through beside its route. Not owned; outlives the HTTP server.
struct HookParts {
  const config::Settings& settings;
  KeyRing& keys;
  RateLimit& rate_limit;
  DiskCare& disk;
  Metrics& metrics;
  Tracer& tracer;
  std::atomic<bool>& draining;
};

/// Guard (rate limit, key, room on the disk, end of service), the words of refusals, headers of
/// every answer, CORS, metrics, traces and the access log.
http::Hooks make_hooks(const HookParts& parts);

}  // namespace maie::server
