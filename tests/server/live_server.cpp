#include "tests/server/live_server.h"

#include <unistd.h>

#include <stdexcept>
#include <thread>

namespace maie::http {
namespace {

Response text(std::string body, int status = 200) {
  return {.status = status, .content_type = "text/plain", .body = std::move(body)};
}

Handler answers(std::function<std::string(Request&)> body) {
  return [body = std::move(body)](Request& request, const ReplyPtr& reply) {
    reply->send(text(body(request)));
  };
}

std::string listed(const std::vector<std::pair<std::string, std::string>>& pairs) {
  std::string out;
  for (const auto& [name, value] : pairs) out += name + "=" + value + ";";
  return out;
}

std::string described(Request& request) {
  std::string out = "fields:" + listed(request.form.fields);
  for (const FormFile& file : request.form.files) {
    out += " file:" + file.name + "," + file.file_name + "," + file.content_type + "," +
           std::to_string(file.bytes) + "," + file.sha256.substr(0, 8);
  }
  return out;
}

}  // namespace

ServerOptions LiveServer::quick_options() {
  ServerOptions options;
  options.host = "127.0.0.1";
  options.limits.header_timeout_s = 0.5;
  options.limits.body_idle_timeout_s = 0.5;
  options.limits.keep_alive_s = 10;
  options.limits.write_timeout_s = 1;
  options.limits.drain_s = 3;
  return options;
}

LiveServer::LiveServer(ServerOptions options) {
  std::string name = std::filesystem::temp_directory_path() / "http_server_test.XXXXXX";
  if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary folder");
  spool_ = name;
  options.spool_folder = spool_ + "/spool";
  add_routes();
  auto server = Server::start(options, router_, hooks());
  if (!server) throw std::runtime_error(server.error().message());
  server_ = std::move(*server);
}

LiveServer::~LiveServer() {
  server_.reset();
  std::filesystem::remove_all(spool_);
}

size_t LiveServer::files_in_spool() const {
  size_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(spool_ + "/spool")) {
    count += entry.is_regular_file() ? 1 : 0;
  }
  return count;
}

Hooks LiveServer::hooks() {
  Hooks hooks;
  hooks.guard = [](Request& request, const Route& route) -> std::optional<Response> {
    request.principal = "tester";
    if (route.needs_key) return text("no key", 401);
    return std::nullopt;
  };
  hooks.refuse = [](const Request&, const Route*, const Hooks::Refusal& refusal) {
    return text(refusal.code + ": " + refusal.message, refusal.status);
  };
  hooks.decorate = [](const Request& request, const Route*, Response& response) {
    response.headers.set("X-Request-Id", request.id);
  };
  hooks.done = [this](const Hooks::Done& done) {
    const std::lock_guard lock(mutex_);
    done_.push_back(
        {done.request.method, done.request.path, done.status, done.body_bytes_in, done.bytes_out});
  };
  hooks.in_flight = [this](int change) { in_flight_ += change; };
  return hooks;
}

void LiveServer::add_routes() {
  const auto get = [&](std::string path, Handler handler) {
    router_.add({.method = "GET", .path = std::move(path), .handler = std::move(handler)});
  };
  get("/hello", answers([](Request&) { return "hello"; }));
  get("/query", answers([](Request& request) { return listed(request.query); }));
  get("/about", answers([](Request& r) { return r.peer + "|" + r.id + "|" + r.principal; }));
  get("/rest/{path...}", answers([](Request& r) { return std::string(r.param("path")); }));
  get("/big", answers([](Request& request) {
        return std::string(std::stoul(std::string(*request.query_value("bytes"))), 'x');
      }));
  get("/throw", [](Request&, const ReplyPtr&) { throw std::runtime_error("/secret/path"); });
  get("/drop", [](Request&, const ReplyPtr&) {});
  get("/empty", [](Request&, const ReplyPtr& reply) { reply->send(text("not sent", 204)); });
  get("/split", [](Request&, const ReplyPtr& reply) {
    Response response = text("x");
    response.headers.add("X-Bad", "a\r\nX-Injected: b");
    response.headers.add("X Bad", "name");
    reply->send(response);
  });
  get("/wait", [this](Request&, const ReplyPtr& reply) {
    reply->on_disconnect([this] { ++gone_; });
    const std::lock_guard lock(mutex_);
    parked_.push_back(reply);
  });
  get("/events", [this](Request&, const ReplyPtr& reply) {
    reply->on_disconnect([this] { ++gone_; });
    auto stream = reply->start({.content_type = "text/event-stream"});
    const std::lock_guard lock(mutex_);
    streams_.push_back(std::move(stream));
  });
  get("/count", [](Request&, const ReplyPtr& reply) {
    const auto stream = reply->start(text(""));
    for (int i = 0; i < 10; ++i) stream->write(std::to_string(i) + ",");
    stream->close();
  });
  get("/torn", [](Request&, const ReplyPtr& reply) {
    const auto stream = reply->start(text(""));
    stream->write("half");
  });
  router_.add({.method = "POST",
               .path = "/bytes",
               .handler = answers([](Request& request) { return request.body; }),
               .body = BodyKind::kBytes});
  router_.add({.method = "POST",
               .path = "/form",
               .handler = answers(described),
               .body = BodyKind::kForm,
               .max_body_bytes = 8 << 20});
  router_.add({.method = "POST",
               .path = "/guarded",
               .handler = answers(described),
               .body = BodyKind::kForm,
               .max_body_bytes = 8 << 20,
               .needs_key = true});
}

std::vector<LiveServer::Seen> LiveServer::done() {
  const std::lock_guard lock(mutex_);
  return done_;
}

std::vector<ReplyPtr> LiveServer::parked() {
  const std::lock_guard lock(mutex_);
  return parked_;
}

std::vector<std::shared_ptr<Stream>> LiveServer::streams() {
  const std::lock_guard lock(mutex_);
  return streams_;
}

void LiveServer::forget_parked() {
  const std::lock_guard lock(mutex_);
  parked_.clear();
}

bool LiveServer::eventually(const std::function<bool()>& condition, double seconds) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::duration<double>(seconds);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return true;
}

}  // namespace maie::http
