#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/file.h"
#include "queue/sqlite_queue.h"
#include "server/event_hub.h"
#include "server/metrics.h"
#include "server/service.h"
#include "server/upload.h"
#include "tests/server/fake_worker.h"
#include "tests/support/recording_reply.h"
#include "tests/support/temporary_folder.h"

namespace maie::server {

/// The routes that make tasks, over a real queue in a folder of its own, without a network.
class OpenAiRoutes : public ::testing::Test {
 protected:
  using Fields = std::vector<std::pair<std::string, std::string>>;
  using Client = std::shared_ptr<http::RecordingReply>;

  OpenAiRoutes() {
    std::filesystem::create_directories(folder_ / "audio");
    settings_.paths.data_dir = folder_.path();
    settings_.paths.audio_dir = folder_ / "audio";
    settings_.asr.model = MAIE_SOURCE_DIR "/models/mini/asr";
    settings_.llm.model = MAIE_SOURCE_DIR "/models/mini/lm";
    settings_.llm.aliases = {"gpt-4o"};
    queue_ = queue::open_sqlite_queue({.folder = folder_.path()}).value();
  }
  ~OpenAiRoutes() override {
    worker_.reset();
    router_.reset();
    events_.reset();
    queue_.reset();
  }

  // Settings may be changed before.
  void begin(FakeWorker::Script script) {
    events_ = std::make_unique<EventHub>(*queue_);
    service_.emplace(
        Service{settings_, *queue_, templates_, *events_, metrics_, "test", draining_, nullptr});
    router_ = std::make_unique<http::Router>();
    add_speech_routes(*router_, *service_);
    add_model_routes(*router_, *service_);
    add_chat_routes(*router_, *service_);
    if (with_job_api_) {
      add_submit_routes(*router_, *service_);
      add_task_routes(*router_, *service_);
    }
    if (script) worker_ = std::make_unique<FakeWorker>(*queue_, std::move(script));
  }

  Client send(http::Request request) {
    const auto reply = std::make_shared<http::RecordingReply>();
    const auto match = router_->match(request.method, request.path);
    EXPECT_NE(match.route, nullptr) << request.path;
    if (match.route == nullptr) return reply;
    request.params = match.params;
    request.id = "request-1";
    request.principal = "key-1";
    match.route->handler(request, reply);
    for (const http::FormFile& file : request.form.files) std::filesystem::remove(file.path);
    return reply;
  }

  http::Request upload(Fields fields, const std::string& bytes = "RIFF and some audio",
                       const std::string& path = "/v1/audio/transcriptions") {
    http::Request request;
    request.method = "POST";
    request.path = path;
    request.form.fields = std::move(fields);
    const std::string file = folder_ / ("spool-" + new_task_id());
    std::ofstream(file, std::ios::binary) << bytes;
    request.form.files.push_back({.name = "file",
                                  .file_name = "talk.mp3",
                                  .path = file,
                                  .bytes = bytes.size(),
                                  .sha256 = sha256_hex(std::as_bytes(std::span(bytes)))});
    return request;
  }
  Client transcribe(Fields fields, const std::string& bytes = "RIFF and some audio") {
    return send(upload(std::move(fields), bytes));
  }

  Client get(const std::string& path) {
    http::Request request;
    request.method = "GET";
    request.path = path;
    return send(std::move(request));
  }

  Client chat(Json body) {
    http::Request request;
    request.method = "POST";
    request.path = "/v1/chat/completions";
    request.headers.set("Content-Type", "application/json");
    request.body = body.dump();
    return send(std::move(request));
  }

  static Json json_of(const Client& client) {
    EXPECT_TRUE(client->wait());
    const Result<Json> json = parse_json(client->body());
    EXPECT_TRUE(json.has_value()) << client->body();
    return json.has_value() ? *json : Json();
  }
  // "status code param" of a refusal.
  static std::string refusal(const Client& client) {
    const Json json = json_of(client);
    if (!json.contains("error")) return "answered " + json.dump();
    const Json& error = json["error"];
    EXPECT_EQ(json["request_id"], "request-1");
    return std::to_string(client->status()) + " " + error["code"].dump() + " " +
           error["param"].dump();
  }

  std::vector<queue::Task> tasks() { return queue_->list({.limit = 1000}).value().tasks; }
  bool wait_for_tasks(size_t count) {
    for (int i = 0; i < 400; ++i) {
      if (tasks().size() == count) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return false;
  }
  size_t recordings() const {
    size_t count = 0;
    for ([[maybe_unused]] const auto& entry :
         std::filesystem::directory_iterator(settings_.paths.audio_dir)) {
      ++count;
    }
    return count;
  }

  bool with_job_api_ = false;  // set before `begin`
  TemporaryFolder folder_;
  config::Settings settings_;
  std::unique_ptr<queue::TaskQueue> queue_;
  summary::TemplateStore templates_{summary::TemplateRoots{}};
  Metrics metrics_{"test", ""};
  std::atomic<bool> draining_{false};
  std::unique_ptr<EventHub> events_;
  std::optional<Service> service_;
  std::unique_ptr<http::Router> router_;
  std::unique_ptr<FakeWorker> worker_;
};

/// The events of a stream as JSON; comments and [DONE] as strings.
inline std::vector<Json> events_of(const std::string& stream) {
  std::vector<Json> events;
  for (size_t at = 0; at < stream.size();) {
    const size_t end = stream.find("\n\n", at);
    if (end == stream.npos) {
      ADD_FAILURE() << "no empty line behind: " << stream.substr(at);
      break;
    }
    const std::string line = stream.substr(at, end - at);
    EXPECT_EQ(line.find('\n'), line.npos) << line;
    const Result<Json> json =
        line.starts_with("data: ") ? parse_json(line.substr(6)) : Result<Json>(Json(line));
    events.push_back(json.has_value() ? *json : Json(line.substr(6)));
    at = end + 2;
  }
  return events;
}

}  // namespace maie::server
