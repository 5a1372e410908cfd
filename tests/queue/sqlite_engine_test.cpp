// The SQLite engine joins the suite.
#include "tests/queue/sqlite_engine.h"

#include "tests/queue/queue_suite.h"

namespace maie::queue {
namespace {

INSTANTIATE_TEST_SUITE_P(Sqlite, QueueSuite, testing::Values(EngineFactory([] {
                           return std::unique_ptr<QueueEngine>(new SqliteEngine());
                         })),
                         [](const auto&) { return "Embedded"; });

}  // namespace
}  // namespace maie::queue
