#pragma once

#include <stdlib.h>

#include <filesystem>
#include <memory>
#include <string>

#include "queue/sqlite_queue.h"
#include "tests/queue/queue_suite.h"

namespace maie::queue {

/// A folder that goes with its test.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string name = std::filesystem::temp_directory_path() / "maie-queue-XXXXXX";
    path_ = ::mkdtemp(name.data());
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

class SqliteEngine final : public QueueEngine {
 public:
  std::unique_ptr<TaskQueue> open() override {
    Result<std::unique_ptr<TaskQueue>> queue =
        open_sqlite_queue({.folder = folder_.path(), .clock = &clock});
    EXPECT_TRUE(queue.has_value()) << queue.status().message();
    return queue.has_value() ? std::move(*queue) : nullptr;
  }
  const std::string& folder() const { return folder_.path(); }

 private:
  TemporaryFolder folder_;
};

}  // namespace maie::queue
