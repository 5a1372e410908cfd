#include "worker/model_pool.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <random>
#include <thread>

namespace maie::worker {
namespace {

using namespace std::chrono_literals;

// What happens to the models of a test.
struct Watch {
  std::atomic<int> loads{0}, alive{0}, in_use{0}, most_in_use{0};
  std::atomic<int64_t> bytes_alive{0}, most_bytes{0};
};

class FakeModel : public PooledModel {
 public:
  FakeModel(Watch& watch, uint64_t bytes) : watch_(watch), bytes_(bytes) {
    ++watch_.alive;
    const int64_t all = watch_.bytes_alive += int64_t(bytes);
    for (int64_t most = watch_.most_bytes; most < all;)
      if (watch_.most_bytes.compare_exchange_weak(most, all)) break;
  }
  ~FakeModel() override {
    --watch_.alive;
    watch_.bytes_alive -= int64_t(bytes_);
  }
  uint64_t memory_bytes() const override { return bytes_; }

 private:
  Watch& watch_;
  uint64_t bytes_;
};

ModelSource source(const std::string& name, uint64_t bytes, Watch& watch, bool shared = false,
                   std::chrono::milliseconds load_time = 0ms) {
  return {name,
          "chat",
          true,
          shared,
          [bytes] { return Result<uint64_t>(bytes); },
          [&watch, bytes, load_time]() -> Result<std::unique_ptr<PooledModel>> {
            ++watch.loads;
            std::this_thread::sleep_for(load_time);
            return std::unique_ptr<PooledModel>(std::make_unique<FakeModel>(watch, bytes));
          }};
}

bool becomes(const std::function<bool()>& condition) {
  for (int i = 0; i < 400; ++i) {
    if (condition()) return true;
    std::this_thread::sleep_for(5ms);
  }
  return false;
}

TEST(ModelPool, LoadsOnceAndKeepsWarm) {
  Watch watch;
  ModelPool pool(100);
  pool.add(source("a", 60, watch));
  const CancelToken cancel;
  for (int i = 0; i < 3; ++i) {
    const auto loan = pool.borrow("a", cancel);
    ASSERT_TRUE(loan.has_value());
    EXPECT_EQ(loan->as<FakeModel>().memory_bytes(), 60u);
    EXPECT_EQ(pool.resident().at(0).borrowers, 1);
  }
  EXPECT_EQ(watch.loads, 1);
  EXPECT_EQ(pool.reserved_bytes(), 60u);
  EXPECT_EQ(pool.resident().at(0).borrowers, 0);
}

TEST(ModelPool, EvictsTheLeastRecentlyUsed) {
  Watch watch;
  ModelPool pool(100);
  for (const char* name : {"a", "b", "c"}) pool.add(source(name, 40, watch));
  const CancelToken cancel;
  for (const char* name : {"a", "b", "a", "c"}) ASSERT_TRUE(pool.borrow(name, cancel).has_value());
  std::vector<std::string> names;
  for (const ResidentModel& model : pool.resident()) names.push_back(model.name);
  EXPECT_EQ(names, std::vector<std::string>({"a", "c"}));
  EXPECT_LE(watch.most_bytes, 100);
}

TEST(ModelPool, NeverFittingSaysTheNumbers) {
  Watch watch;
  ModelPool pool(2 << 20);
  pool.add(source("big", 5 << 20, watch));
  const Status status = pool.can_fit("big");
  EXPECT_EQ(status.code(), Code::kResourceExhausted);
  EXPECT_NE(status.message().find("5.0 MiB"), std::string::npos) << status.message();
  EXPECT_NE(status.message().find("2.0 MiB"), std::string::npos) << status.message();
  EXPECT_EQ(pool.borrow("big", {}).error().code(), Code::kResourceExhausted);
  EXPECT_EQ(pool.borrow("other", {}).error().code(), Code::kNotFound);
  EXPECT_EQ(watch.loads, 0);
}

TEST(ModelPool, FailedLoadGivesItsRoomBackAndMayBeTriedAgain) {
  Watch watch;
  ModelPool pool(100);
  int tries = 0;
  ModelSource flaky = source("a", 80, watch);
  flaky.load = [&, good = flaky.load]() -> Result<std::unique_ptr<PooledModel>> {
    if (++tries == 1) return corrupt("weights are cut short");
    if (tries == 2) throw std::bad_alloc();
    return good();
  };
  pool.add(std::move(flaky));
  EXPECT_EQ(pool.borrow("a", {}).error().code(), Code::kCorrupt);
  EXPECT_EQ(pool.reserved_bytes(), 0u);
  EXPECT_EQ(pool.borrow("a", {}).error().code(), Code::kResourceExhausted);
  EXPECT_TRUE(pool.borrow("a", {}).has_value());
}

TEST(ModelPool, ReservationIsCorrectedByWhatWasLoaded) {
  Watch watch;
  ModelPool pool(100);
  ModelSource modest = source("a", 30, watch);
  modest.need_bytes = [] { return Result<uint64_t>(uint64_t{90}); };
  pool.add(std::move(modest));
  pool.add(source("b", 60, watch));
  const auto a = pool.borrow("a", {});
  EXPECT_EQ(pool.reserved_bytes(), 30u);
  EXPECT_TRUE(pool.borrow("b", {}).has_value());  // beside it
}

TEST(ModelPool, SharedModelServesManyAndAnExclusiveOneOne) {
  Watch watch;
  ModelPool pool(100);
  pool.add(source("shared", 10, watch, true));
  pool.add(source("one", 10, watch));
  const auto first = pool.borrow("shared", {}), second = pool.borrow("shared", {});
  EXPECT_TRUE(second.has_value());
  auto held = std::make_unique<Result<ModelPool::Loan>>(pool.borrow("one", {}));
  std::atomic<bool> got{false};
  std::thread other([&] {
    const auto loan = pool.borrow("one", {});
    got = loan.has_value();
  });
  std::this_thread::sleep_for(30ms);
  EXPECT_FALSE(got);
  held.reset();
  other.join();
  EXPECT_TRUE(got);
}

TEST(ModelPool, OneLoadsWhileOthersWait) {
  Watch watch;
  ModelPool pool(100);
  pool.add(source("slow", 10, watch, true, 50ms));
  std::vector<std::thread> threads;
  std::atomic<int> got{0};
  for (int i = 0; i < 6; ++i)
    threads.emplace_back([&] { got += pool.borrow("slow", {}).has_value(); });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(got, 6);
  EXPECT_EQ(watch.loads, 1);
}

TEST(ModelPool, CancelEndsTheWait) {
  Watch watch;
  ModelPool pool(100);
  pool.add(source("a", 10, watch));
  const auto held = pool.borrow("a", {});
  CancelToken cancel;
  Status status;
  std::thread waiting([&] { status = pool.borrow("a", cancel).status(); });
  std::this_thread::sleep_for(20ms);
  cancel.cancel();
  waiting.join();
  EXPECT_EQ(status.code(), Code::kCancelled);
}

// A shared model that is never free must not keep another one out: who waits for room is not
// overtaken.
TEST(ModelPool, WhoWaitsForRoomIsNotOvertaken) {
  Watch watch;
  ModelPool pool(100);
  pool.add(source("chat", 80, watch, true));
  pool.add(source("asr", 80, watch));
  std::atomic<bool> stop{false};
  std::vector<std::thread> chats;
  for (int i = 0; i < 4; ++i) {
    chats.emplace_back([&] {
      while (!stop) {
        const auto loan = pool.borrow("chat", {});
        std::this_thread::sleep_for(3ms);
      }
    });
  }
  ASSERT_TRUE(becomes([&] { return watch.alive == 1; }));
  for (int i = 0; i < 3; ++i) {
    const auto start = std::chrono::steady_clock::now();
    EXPECT_TRUE(pool.borrow("asr", {}).has_value());
    EXPECT_LT(std::chrono::steady_clock::now() - start, 1s);
  }
  stop = true;
  for (std::thread& chat : chats) chat.join();
  EXPECT_LE(watch.most_bytes, 100);
}

TEST(ModelPool, DropsWhatIsIdle) {
  Watch watch;
  ModelPool pool(100);
  pool.add(source("a", 10, watch));
  pool.add(source("b", 10, watch));
  const auto held = pool.borrow("b", {});
  { const auto loan = pool.borrow("a", {}); }
  EXPECT_EQ(pool.drop_idle(60), 0);
  EXPECT_EQ(pool.drop_idle(0), 1);
  EXPECT_EQ(watch.alive, 1);
  EXPECT_EQ(pool.reserved_bytes(), 10u);
}

TEST(ModelPool, ManyThreadsManyModelsNeverOverBudget) {
  Watch watch;
  ModelPool pool(100);
  std::atomic<int> users[5] = {};
  for (int i = 0; i < 5; ++i)
    pool.add(source(std::string(1, char('a' + i)), uint64_t(30 + 10 * i), watch, i % 2 == 0, 1ms));
  std::atomic<int> got{0}, wrong{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&, t] {
      std::minstd_rand random(unsigned(t + 1));
      for (int i = 0; i < 60; ++i) {
        const int which = int(random() % 5);
        CancelToken cancel;
        if (random() % 8 == 0) cancel.cancel();
        const auto loan = pool.borrow(std::string(1, char('a' + which)), cancel);
        if (!loan.has_value()) continue;
        const int now = ++users[which];
        if (which % 2 == 1 && now > 1) ++wrong;
        std::this_thread::sleep_for(std::chrono::microseconds(random() % 300));
        --users[which];
        ++got;
        if (random() % 16 == 0) pool.drop_idle(0);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_GT(got, 300);
  EXPECT_EQ(wrong, 0);
  EXPECT_LE(watch.most_bytes, 100);
  pool.drop_idle(0);
  EXPECT_EQ(pool.reserved_bytes(), 0u);
  EXPECT_EQ(watch.alive, 0);
}

}  // namespace
}  // namespace maie::worker
