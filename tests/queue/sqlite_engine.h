#pragma once

#include <stdlib.h>
#include <unistd.h>

#include <filesystem>
#include <memory>
#include <string>

#include "queue/sqlite_queue.h"
#include "tests/queue/queue_suite.h"

namespace maie::queue {

/// A folder that goes with its test.
class TemporaryFolder {
 public:
  TemporaryFolder() : TemporaryFolder(std::filesystem::temp_directory_path()) {}
  explicit TemporaryFolder(const std::filesystem::path& parent) {
    std::string name = parent / "maie-queue-XXXXXX";
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

/// For what does not ask whether the disk keeps its word: in memory where the system offers that.
inline std::filesystem::path quick_parent() {
  const bool has_memory = ::access("/dev/shm", W_OK) == 0;
  return has_memory ? std::filesystem::path("/dev/shm") : std::filesystem::temp_directory_path();
}

class SqliteEngine final : public QueueEngine {
 public:
  SqliteEngine() = default;
  explicit SqliteEngine(const std::filesystem::path& parent) : folder_(parent) {}
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
