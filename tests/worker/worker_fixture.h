#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <cmath>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "audio/decode.h"
#include "base/file.h"
#include "base/log.h"
#include "jobs/job.h"
#include "jobs/live.h"
#include "jobs/stored_result.h"
#include "queue/sqlite_queue.h"
#include "worker/worker.h"

namespace maie::worker {

/// A RIFF file of a tone, 16 kHz mono unless said otherwise.
inline std::string wav(double seconds, int rate_hz = 16000) {
  const uint32_t count = uint32_t(seconds * rate_hz);
  std::string out;
  const auto number = [&out](uint32_t value, int bytes) {
    for (int i = 0; i < bytes; ++i) out += char(value >> (8 * i));
  };
  out += "RIFF";
  number(36 + 2 * count, 4);
  out += "WAVEfmt ";
  number(16, 4);
  number(1, 2);
  number(1, 2);
  number(uint32_t(rate_hz), 4);
  number(uint32_t(rate_hz) * 2, 4);
  number(2, 2);
  number(16, 2);
  out += "data";
  number(2 * count, 4);
  for (uint32_t i = 0; i < count; ++i)
    number(uint32_t(int16_t(3000 * std::sin(i * 0.05))) & 0xffff, 2);
  return out;
}

inline bool becomes(const std::function<bool()>& condition, double within_s = 10) {
  const auto until = std::chrono::steady_clock::now() + std::chrono::duration<double>(within_s);
  while (std::chrono::steady_clock::now() < until) {
    if (condition()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return condition();
}

/// A data folder with its queue, and a worker over it that the test starts and stops.
class WorkerFixture : public ::testing::Test {
 protected:
  WorkerFixture() {
    audio::set_decoder_program(MAIE_BINARY_DIR "/bin/maie_decode_child");
    configure_log(LogLevel::kOff, false);
    std::string name =
        (std::filesystem::path(::testing::TempDir()) / "maie-worker-XXXXXX").string();
    EXPECT_NE(::mkdtemp(name.data()), nullptr);
    folder_ = name;
    settings_.paths.data_dir = folder_;
    settings_.paths.audio_dir = folder_ + "/audio";
    settings_.paths.templates_dir = folder_ + "/templates";
    settings_.worker.interactive = 1;
    settings_.worker.nice = 0;
    settings_.worker.grace_s = 5;
    settings_.queue.retry_delay_s = 0.05;
    std::filesystem::create_directories(settings_.paths.audio_dir);
    auto opened = queue::open_sqlite_queue({.folder = folder_});
    EXPECT_TRUE(opened.has_value()) << opened.status().message();
    queue_ = std::move(*opened);
  }
  ~WorkerFixture() override {
    stop();
    queue_.reset();
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }

  void start(Models& models) {
    thread_ = std::thread([this, &models] {
      const Status status = run_worker(settings_, *queue_, models, *stop_);
      EXPECT_TRUE(status.ok()) << status.message();
    });
  }
  void stop() {
    stop_->cancel();
    if (thread_.joinable()) thread_.join();
    stop_ = std::make_unique<CancelToken>();
  }

  /// Puts a recording below the audio folder; returns its path there.
  std::string recording(const std::string& content, const std::string& name = "raw.wav") {
    const std::string folder = "rec" + std::to_string(++count_);
    std::filesystem::create_directories(settings_.paths.audio_dir + "/" + folder);
    EXPECT_TRUE(
        write_file_atomically(settings_.paths.audio_dir + "/" + folder + "/" + name, content).ok());
    return folder + "/" + name;
  }

  std::string submit(const jobs::Job& job, queue::Lane lane = queue::Lane::kBatch,
                     int max_attempts = 3) {
    queue::NewTask task;
    task.id = "task-" + std::to_string(++count_);
    task.kind = jobs::kind_of(job);
    task.lane = lane;
    task.payload = jobs::to_payload(job);
    task.max_attempts = max_attempts;
    EXPECT_TRUE(queue_->submit(task, {}).has_value());
    return task.id;
  }

  queue::Task task(const std::string& id) {
    auto found = queue_->find(id);
    EXPECT_TRUE(found.has_value() && *found) << id;
    return found.has_value() && *found ? **found : queue::Task{};
  }
  queue::Task finished(const std::string& id, double within_s = 20) {
    EXPECT_TRUE(becomes([&] { return queue::is_final(task(id).state); }, within_s))
        << id << " is " << int(task(id).state) << " at " << task(id).stage;
    return task(id);
  }
  jobs::StoredResult result(const std::string& id) {
    const auto bytes = queue_->result(id);
    EXPECT_TRUE(bytes.has_value() && *bytes);
    if (!bytes.has_value() || !*bytes) return {};
    auto stored = jobs::result_from_bytes(**bytes);
    EXPECT_TRUE(stored.has_value()) << stored.status().message();
    return stored.has_value() ? std::move(*stored) : jobs::StoredResult{};
  }
  std::vector<jobs::Event> events(const std::string& id) {
    std::vector<jobs::Event> out;
    const auto all = queue_->events(id, 0, 1000);
    EXPECT_TRUE(all.has_value());
    for (const queue::LiveEvent& event : *all) out.push_back(*jobs::event_of(event.data));
    return out;
  }

  std::string folder_;
  config::Settings settings_;
  std::unique_ptr<queue::TaskQueue> queue_;
  std::unique_ptr<CancelToken> stop_ = std::make_unique<CancelToken>();

 private:
  std::thread thread_;
  int count_ = 0;
};

}  // namespace maie::worker
