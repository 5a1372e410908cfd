#include "base/threads.h"

#include <sched.h>

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "base/check.h"

namespace maie {
namespace {

// About 50 us on current cores: longer than the serial parts between two loops of a decoder step,
// short enough that an idle program does not heat the room.
constexpr int kSpins = 4000;

void relax() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

// Waits until `value` differs from `old`: spinning first, then asleep.
template <class T>
T await_change(std::atomic<T>& value, T old) {
  for (int spin = 0; spin < kSpins; ++spin) {
    const T now = value.load(std::memory_order_acquire);
    if (now != old) return now;
    relax();
  }
  value.wait(old, std::memory_order_acquire);
  return value.load(std::memory_order_acquire);
}

}  // namespace

struct ThreadPool::Team {
  // A loop is published by raising `generation`; members report by lowering `pending`.
  std::atomic<uint32_t> generation{0};
  std::atomic<int32_t> pending{0};
  const std::function<void(int)>* body = nullptr;  // valid while pending > 0; null ends the members
  std::mutex failure_mutex;
  std::exception_ptr failure;
  std::vector<std::thread> threads;

  void work(int member) {
    uint32_t seen = 0;
    while (true) {
      uint32_t now = seen;
      while (now == seen) now = await_change(generation, seen);
      seen = now;
      if (body == nullptr) return;
      call(member);
      if (pending.fetch_sub(1, std::memory_order_acq_rel) == 1) pending.notify_one();
    }
  }

  void call(int member) {
    try {
      (*body)(member);
    } catch (...) {
      const std::lock_guard lock(failure_mutex);
      if (!failure) failure = std::current_exception();
    }
  }

  void publish() {
    generation.fetch_add(1, std::memory_order_acq_rel);
    generation.notify_all();
  }
};

int ThreadPool::default_size() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof set, &set) == 0) return std::max(1, CPU_COUNT(&set));
  return std::max(1u, std::thread::hardware_concurrency());
}

ThreadPool::ThreadPool(int count) : size_(count == 0 ? default_size() : count) {
  check(size_ >= 1 && size_ <= 1024, "a thread pool has 1 to 1024 members");
  team_ = std::make_unique<Team>();
  for (int member = 1; member < size_; ++member) {
    team_->threads.emplace_back([team = team_.get(), member] { team->work(member); });
  }
}

ThreadPool::~ThreadPool() {
  team_->body = nullptr;
  team_->publish();
  for (std::thread& thread : team_->threads) thread.join();
}

void ThreadPool::run(const std::function<void(int)>& body) {
  Team& team = *team_;
  if (size_ == 1) {
    body(0);
    return;
  }
  check(team.pending.load(std::memory_order_relaxed) == 0, "thread pool loops do not nest");
  team.body = &body;
  team.pending.store(size_ - 1, std::memory_order_relaxed);
  team.publish();
  team.call(0);
  for (int32_t left = team.pending.load(std::memory_order_acquire); left != 0;) {
    left = await_change(team.pending, left);
  }
  if (team.failure) std::rethrow_exception(std::exchange(team.failure, nullptr));
}

void ThreadPool::for_each(int64_t count, const std::function<void(int64_t, int)>& body) {
  if (count <= 1 || size_ == 1) {
    for (int64_t item = 0; item < count; ++item) body(item, 0);
    return;
  }
  std::atomic<int64_t> next{0};
  run([&](int member) {
    for (int64_t item = next.fetch_add(1); item < count; item = next.fetch_add(1)) {
      body(item, member);
    }
  });
}

}  // namespace maie
