#include "summary/parallel.h"

#include <algorithm>
#include <atomic>
#include <exception>
#include <system_error>
#include <thread>

namespace maie::summary {

void in_parallel(size_t count, int workers, const std::function<bool(size_t)>& body) {
  std::atomic<size_t> next{0};
  std::atomic<bool> stop{false};
  std::mutex mutex;
  std::exception_ptr thrown;  // guarded by mutex
  const auto work = [&] {
    for (size_t i = next++; i < count && !stop; i = next++) {
      try {
        if (!body(i)) stop = true;
      } catch (...) {
        stop = true;
        const std::lock_guard lock(mutex);
        if (!thrown) thrown = std::current_exception();
      }
    }
  };
  const size_t threads = std::min(count, size_t(std::max(workers, 1)));
  std::vector<std::thread> others;
  try {
    for (size_t t = 1; t < threads; ++t) others.emplace_back(work);
  } catch (const std::system_error&) {
    // Fewer threads do the same work.
  }
  work();
  for (std::thread& thread : others) thread.join();
  if (thrown) std::rethrow_exception(thrown);
}

Meter::Meter(std::function<void(double)> report, std::vector<double> weights)
    : report_(std::move(report)), weights_(std::move(weights)), done_(weights_.size()) {
  for (const double weight : weights_) total_ += weight;
}

void Meter::set(size_t index, double fraction) {
  const std::lock_guard lock(mutex_);
  done_[index] = std::max(done_[index], std::clamp(fraction, 0.0, 1.0));
  double sum = 0;
  for (size_t i = 0; i < done_.size(); ++i) sum += done_[i] * weights_[i];
  const double now = total_ > 0 ? std::min(sum / total_, 1.0) : 1.0;
  if (now <= last_ || !report_) return;
  last_ = now;
  report_(now);
}

}  // namespace maie::summary
