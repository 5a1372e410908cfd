#include "server/application.h"

#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <mutex>
#include <optional>
#include <thread>

#include "base/cancel.h"
#include "base/file.h"
#include "base/json.h"
#include "base/log.h"
#include "queue/sqlite_queue.h"
#include "server/disk_care.h"
#include "server/ended_tasks.h"
#include "server/event_hub.h"
#include "server/guards.h"
#include "server/hooks.h"
#include "server/http/server.h"
#include "server/metrics.h"
#include "server/service.h"
#include "server/tracing.h"
#include "store/file_lock.h"
#include "worker/worker.h"

namespace maie::server {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

constexpr auto kMaintenanceInterval = 2s;

Status make_folder(const std::string& path) {
  std::error_code error;
  fs::create_directories(path, error);
  if (error) return errno_status(path, error.value()).within("the folder cannot be made");
  if (::access(path.c_str(), W_OK) != 0) return errno_status(path, errno).within("not writable");
  return {};
}

summary::TemplateRoots template_roots(const config::Settings& settings) {
  summary::TemplateRoots roots = summary::template_roots_of_process();
  roots.own = settings.paths.templates_dir;
  return roots;
}

http::ServerOptions server_options(const config::Settings& settings) {
  http::ServerOptions options;
  options.host = settings.api.host;
  options.port = settings.api.port;
  options.unix_socket = settings.api.unix_socket;
  options.limits = settings.server;
  // On the file system of the tasks' folders, so that an upload is moved by renaming it.
  options.spool_folder = spool_folder_of(settings);
  return options;
}

}  // namespace

struct Application::Parts {
  explicit Parts(ApplicationOptions given)
      : settings(std::move(given.settings)),
        version(std::move(given.version)),
        worker_arguments(std::move(given.worker_arguments)),
        templates(template_roots(settings)),
        metrics(version, given.commit),
        rate_limit(settings.rate_limit) {}

  config::Settings settings;
  std::string version;
  std::vector<std::string> worker_arguments;
  std::optional<store::FileLock> lock;  // of the data folder
  std::unique_ptr<queue::TaskQueue> queue;
  summary::TemplateStore templates;
  Metrics metrics;
  std::unique_ptr<EventHub> events;
  std::unique_ptr<EventHub::Watch> ended_tasks;
  std::unique_ptr<KeyRing> keys;
  RateLimit rate_limit;
  std::unique_ptr<DiskCare> disk;
  std::unique_ptr<Tracer> tracer;
  std::atomic<bool> draining{false};
  std::optional<Service> service;
  http::Router router;
  std::unique_ptr<worker::Supervisor> workers;
  std::unique_ptr<http::Server> http;
  CancelToken stopping;
  std::thread maintenance;
  bool stopped = false;

  Status open();
  Status serve();
  void add_routes();
  void follow_tasks();
  void task_ended(const queue::Task& task);
  void leases_ended(const queue::Maintenance& done);
  void maintain();
  std::string run_file() const { return settings.paths.data_dir + "/server.json"; }
  std::string url() const;
  void stop();
};

Status Application::Parts::open() {
  MAIE_TRY(make_folder(settings.paths.data_dir));
  MAIE_TRY(make_folder(settings.paths.audio_dir));
  MAIE_TRY(make_folder(settings.paths.templates_dir));
  MAIE_ASSIGN(std::vector<KeyRing::Key> known, keys_of(settings));
  keys = std::make_unique<KeyRing>(std::move(known));
  Result<store::FileLock> lock_now = store::FileLock::try_now(
      settings.paths.data_dir + "/serve.lock", store::FileLock::Mode::kExclusive);
  if (!lock_now.has_value()) {
    return unavailable(settings.paths.data_dir +
                       " is already served by another process; choose another --data-dir");
  }
  lock.emplace(std::move(*lock_now));
  MAIE_ASSIGN(queue, queue::open_sqlite_queue({.folder = settings.paths.data_dir}));
  events = std::make_unique<EventHub>(*queue);
  disk = std::make_unique<DiskCare>(settings, *queue);
  tracer = std::make_unique<Tracer>(tracing_options(settings, version, ::getenv));
  metrics.watch_disk(settings.paths.data_dir);
  follow_tasks();
  return {};
}

// What ended is counted and traced, whichever process worked on it.
void Application::Parts::follow_tasks() {
  ended_tasks = events->watch_all([this](const queue::Task& task) { task_ended(task); });
}

// Also called by who removes a task that has ended, before the hub may have seen its end.
void Application::Parts::task_ended(const queue::Task& task) {
  if (!queue::is_final(task.state)) return;
  const std::optional<jobs::StoredResult> result = result_of(*queue, task);
  metrics.task_ended(task, result ? &*result : nullptr);
  tracer->task_ended(task, result ? &*result : nullptr);
}

// Of tasks whose worker was lost; removed ones are not known any more.
void Application::Parts::leases_ended(const queue::Maintenance& done) {
  metrics.leases_expired(done.leases_expired);
  for (const std::string& id : done.offered_again) {
    const Result<std::optional<queue::Task>> task = queue->find(id);
    metrics.task_retried(task.has_value() && *task ? (*task)->kind : "other", "worker_lost");
  }
}

void Application::Parts::add_routes() {
  service.emplace(
      Service{settings, *queue, templates, *events, metrics, version, draining,
              [this] { return workers ? workers->restarts() : int64_t{0}; },
              [this] { return disk->room_for_upload(0); },
              [this](const http::Headers& headers) { return keys->check(headers).has_value(); },
              [this](const queue::Task& task) { task_ended(task); }});
  add_root_routes(router, *service);
  add_submit_routes(router, *service);
  add_task_routes(router, *service);
  add_template_routes(router, *service);
  add_model_routes(router, *service);
  add_speech_routes(router, *service);
  add_chat_routes(router, *service);
  add_metrics_routes(router, *service);
  add_openapi_routes(router, *service);
}

Status Application::Parts::serve() {
  add_routes();
  MAIE_ASSIGN(http, http::Server::start(server_options(settings), router,
                                        make_hooks({settings, *keys, rate_limit, *disk, metrics,
                                                    *tracer, draining})));
  if (settings.worker.processes > 0) {
    MAIE_ASSIGN(workers, worker::Supervisor::start(
                             settings, *queue, worker_arguments,
                             [this](const queue::Maintenance& done) { leases_ended(done); }));
  }
  maintenance = std::thread([this] { maintain(); });
  const Json facts = {{"pid", ::getpid()}, {"url", url()}, {"version", version}};
  return write_file_atomically(run_file(), facts.dump() + "\n");
}

void Application::Parts::maintain() {
  while (!stopping.is_cancelled()) {
    const Result<queue::Maintenance> done = queue->maintain();
    if (!done.has_value()) {
      log_error("the queue could not be looked after: " + done.error().message());
    } else {
      leases_ended(*done);
    }
    for (auto waited = 0ms; waited < kMaintenanceInterval && !stopping.is_cancelled();
         waited += 100ms) {
      std::this_thread::sleep_for(100ms);
    }
  }
}

std::string Application::Parts::url() const {
  if (!settings.api.unix_socket.empty()) return "unix:" + settings.api.unix_socket;
  const bool any = settings.api.host == "0.0.0.0" || settings.api.host == "::";
  return "http://" + (any ? "127.0.0.1" : settings.api.host) + ":" + std::to_string(http->port());
}

void Application::Parts::stop() {
  if (stopped) return;
  stopped = true;
  draining = true;
  // Workers first hear that they are to stop, then the last requests are answered meanwhile.
  std::thread drain([this] {
    if (http) http->drain();
  });
  if (workers) workers->stop();
  drain.join();
  stopping.cancel();
  if (maintenance.joinable()) maintenance.join();
  ended_tasks.reset();
  http.reset();
  std::error_code ignored;
  fs::remove(run_file(), ignored);
}

Application::Application(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

Application::~Application() { stop(); }

Result<std::unique_ptr<Application>> Application::start(ApplicationOptions options) {
  auto parts = std::make_unique<Parts>(std::move(options));
  MAIE_TRY(parts->open());
  if (Status status = parts->serve(); !status.ok()) {
    parts->stop();
    return status;
  }
  return std::unique_ptr<Application>(new Application(std::move(parts)));
}

std::string Application::url() const { return parts_->url(); }

Status Application::reload(const config::Settings& settings) {
  MAIE_ASSIGN(std::vector<KeyRing::Key> keys, keys_of(settings));
  parts_->keys->replace(std::move(keys));
  return {};
}

bool Application::alive() {
  const Code code = parts_->queue->ping().code();
  return code == Code::kOk || code == Code::kUnavailable;
}

void Application::stop() { parts_->stop(); }

}  // namespace maie::server
