// A queue.db of which one page was overwritten while nobody had it open.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "tests/queue/sqlite_engine.h"

namespace maie::queue {
namespace {

namespace fs = std::filesystem;

constexpr int kTasks = 20;
constexpr size_t kPageBytes = 4096;

NewTask task_named(const std::string& id) {
  NewTask task;
  task.id = id;
  task.kind = "process_text";
  task.payload = std::string(3000, 'p');
  return task;
}

TEST(SqliteDamage, AnyPageMayBeDestroyed) {
  const TemporaryFolder folder;
  const std::string whole = folder.path() + "/whole";
  {
    auto queue = open_sqlite_queue({.folder = whole});
    ASSERT_TRUE(queue.has_value()) << queue.status().message();
    for (int i = 0; i < kTasks; ++i)
      ASSERT_TRUE((*queue)->submit(task_named("task-" + std::to_string(i)), {}).has_value());
  }
  const size_t pages = fs::file_size(whole + "/queue.db") / kPageBytes;
  ASSERT_GT(pages, size_t{kTasks});
  int kept = 0;
  for (size_t page = 1; page < pages; ++page) {  // the first names the tables
    SCOPED_TRACE(page);
    const std::string damaged = folder.path() + "/damaged";
    fs::remove_all(damaged);
    fs::copy(whole, damaged, fs::copy_options::recursive);
    {
      std::fstream file(damaged + "/queue.db", std::ios::in | std::ios::out | std::ios::binary);
      file.seekp(std::streamoff(page * kPageBytes));
      file << std::string(kPageBytes, '\x5a');
      ASSERT_TRUE(file.flush());
    }
    auto queue = open_sqlite_queue({.folder = damaged});
    ASSERT_TRUE(queue.has_value()) << queue.status().message();
    for (int i = 0; i < kTasks; ++i) {
      const auto found = (*queue)->find("task-" + std::to_string(i));
      ASSERT_TRUE(found.has_value()) << found.status().message();
      kept += found->has_value() ? 1 : 0;
    }
    EXPECT_TRUE((*queue)->submit(task_named("later"), {}).has_value());
    const auto later = (*queue)->find("later");
    EXPECT_TRUE(later.has_value() && later->has_value());
  }
  // Most pages hold payloads, whose loss leaves the task; one holds a part of the tasks themselves.
  EXPECT_GT(kept, int(pages - 1) * kTasks * 3 / 4);
}

}  // namespace
}  // namespace maie::queue
