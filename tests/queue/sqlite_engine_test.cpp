// The SQLite engine joins the suite.
#include "tests/queue/sqlite_engine.h"

#include "tests/queue/queue_suite.h"

namespace maie::queue {
namespace {

std::unique_ptr<QueueEngine> sqlite_engine() { return std::make_unique<SqliteEngine>(); }
std::unique_ptr<QueueEngine> quick_sqlite_engine() {
  return std::make_unique<SqliteEngine>(quick_parent());
}

const auto kName = [](const auto&) { return "Embedded"; };

INSTANTIATE_TEST_SUITE_P(Sqlite, QueueSuite, testing::Values(EngineFactory(sqlite_engine)), kName);
INSTANTIATE_TEST_SUITE_P(Sqlite, QueueModelSuite,
                         testing::Values(EngineFactory(quick_sqlite_engine)), kName);

}  // namespace
}  // namespace maie::queue
