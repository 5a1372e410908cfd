#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>

#include "config/settings.h"
#include "queue/task_queue.h"
#include "server/http/router.h"
#include "summary/template_store.h"

namespace maie::server {

class EventHub;
class Metrics;

/// What the groups of routes work with. Not owned; everything outlives the HTTP server.
struct Service {
  const config::Settings& settings;
  queue::TaskQueue& queue;
  summary::TemplateStore& templates;
  EventHub& events;
  Metrics& metrics;
  std::string version;  ///< of the program
  std::atomic<bool>& draining;
  std::function<int64_t()> worker_restarts;  ///< null without children
  /// Whether the disk has room for uploads; null: it has.
  std::function<Status()> room_on_disk = nullptr;
  /// Whether a request shows a valid key, for routes that answer strangers less; null: none does.
  std::function<bool(const http::Headers&)> shows_key = nullptr;
  /// To be told of a task in its final state before it is removed, so that metrics and traces have
  /// its end; telling twice counts once. Null: nobody wants to know.
  std::function<void(const queue::Task&)> task_ended = nullptr;
};

/// One function a group of routes; each adds its own to the table.
void add_root_routes(http::Router& router, Service& service);  // "/", health, limits
void add_submit_routes(http::Router& router,
                       Service& service);  // process, process_text, process-sync
void add_task_routes(http::Router& router, Service& service);      // status, tasks, results, events
void add_template_routes(http::Router& router, Service& service);  // templates and their changes
void add_model_routes(http::Router& router, Service& service);     // GET /v1/models
void add_speech_routes(http::Router& router, Service& service);    // /v1/audio/*
void add_chat_routes(http::Router& router, Service& service);      // /v1/chat/completions
void add_metrics_routes(http::Router& router, Service& service);   // /metrics
/// Last: it describes all the others. /schema, /schema/openapi.json, .yaml, the browsable page
void add_openapi_routes(http::Router& router, Service& service);

}  // namespace maie::server
