#include "base/threads.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <set>
#include <stdexcept>
#include <thread>
#include <vector>

namespace maie {
namespace {

TEST(ThreadPool, RunCallsEachMemberOnce) {
  for (const int count : {1, 2, 5}) {
    ThreadPool pool(count);
    std::vector<std::atomic<int>> calls(static_cast<size_t>(count));
    for (int repeat = 0; repeat < 200; ++repeat) {
      pool.run([&](int member) { calls[size_t(member)]++; });
    }
    for (const auto& c : calls) EXPECT_EQ(c.load(), 200);
  }
}

TEST(ThreadPool, ForEachVisitsEachItemOnce) {
  ThreadPool pool(3);
  for (const int64_t count : {0, 1, 2, 3, 1000}) {
    std::vector<std::atomic<int>> visits(static_cast<size_t>(count));
    pool.for_each(count, [&](int64_t item, int member) {
      ASSERT_LT(member, pool.size());
      visits[size_t(item)]++;
    });
    for (const auto& v : visits) EXPECT_EQ(v.load(), 1);
  }
}

TEST(ThreadPool, WorkAfterSleepIsStillDone) {
  ThreadPool pool(2);
  std::atomic<int> calls{0};
  pool.run([&](int) { calls++; });
  std::this_thread::sleep_for(std::chrono::milliseconds(50));  // longer than the members spin
  pool.run([&](int) { calls++; });
  EXPECT_EQ(calls.load(), 4);
}

TEST(ThreadPool, ExceptionOfAMemberReachesTheCaller) {
  ThreadPool pool(4);
  EXPECT_THROW(pool.run([](int member) {
    if (member == 3) throw std::runtime_error("three");
  }),
               std::runtime_error);
  std::atomic<int> calls{0};
  pool.run([&](int) { calls++; });
  EXPECT_EQ(calls.load(), 4);
}

}  // namespace
}  // namespace maie
