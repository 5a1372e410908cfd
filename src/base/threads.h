#pragma once

#include <cstdint>
#include <functional>
#include <memory>

namespace maie {

/// A fixed team of threads for data-parallel loops. The calling thread is member 0 of the team, so
/// a team of one starts no thread at all. Between loops the others spin for a moment (a decoder
/// step is a hundred small loops, and waking a sleeper costs more than such a loop), then sleep.
///
/// One thread at a time may call `run`/`for_each`; loops do not nest.
class ThreadPool {
 public:
  /// @param count size of the team, at least 1; 0 means one per core this process may use.
  explicit ThreadPool(int count);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int size() const { return size_; }

  /// Calls body(member) once for each member in [0, size()), at the same time, and returns when
  /// all have. The first exception thrown by a member is thrown again here.
  void run(const std::function<void(int)>& body);

  /// Calls body(item, member) for each item in [0, count); items are handed out one by one.
  void for_each(int64_t count, const std::function<void(int64_t, int)>& body);

  /// Cores this process may run on.
  static int default_size();

 private:
  struct Team;
  int size_;
  std::unique_ptr<Team> team_;
};

}  // namespace maie
