#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "queue/task_queue.h"
#include "tests/queue/manual_clock.h"

namespace maie::queue {

/// One store of one engine, empty at first. An engine joins the suite with
/// INSTANTIATE_TEST_SUITE_P(<Engine>, QueueSuite, testing::Values(EngineFactory(...))).
class QueueEngine {
 public:
  virtual ~QueueEngine() = default;
  /// Another client of the same store, as another process would be.
  virtual std::unique_ptr<TaskQueue> open() = 0;
  ManualClock clock;  ///< of all its clients
};

using EngineFactory = std::function<std::unique_ptr<QueueEngine>()>;

/// The promises of TaskQueue, for whatever engine.
class QueueSuite : public testing::TestWithParam<EngineFactory> {
 protected:
  void SetUp() override {
    engine = GetParam()();
    queue = engine->open();
    ASSERT_NE(queue, nullptr);
  }

  std::string submit(NewTask task);  ///< and expects it to be created
  std::string submit_id(const std::string& id) {
    return submit(NewTask{.id = id, .kind = "audio"});
  }
  Task find(const std::string& id);                        ///< expects it to be there
  LeasedTask claim(const std::string& worker = "worker");  ///< expects one to be ready
  bool nothing_is_ready(Lane lane = Lane::kBatch);

  std::unique_ptr<QueueEngine> engine;
  std::unique_ptr<TaskQueue> queue;
};

/// The same against a model, in random order (queue_model_test.cpp). An engine joins likewise.
class QueueModelSuite : public testing::TestWithParam<EngineFactory> {};

}  // namespace maie::queue
