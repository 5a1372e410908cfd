#pragma once

#include <unistd.h>

#include <filesystem>
#include <memory>
#include <string>

#include "queue/sqlite_queue.h"
#include "tests/queue/queue_suite.h"
#include "tests/support/temporary_folder.h"

namespace maie::queue {

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
  std::string folder() const { return folder_.path(); }

 private:
  TemporaryFolder folder_;
};

}  // namespace maie::queue
