#pragma once

#include <cstddef>
#include <functional>
#include <mutex>
#include <vector>

namespace maie::summary {

/// Calls body(0), body(1), ... body(count - 1), handed out in order to at most `workers` threads,
/// and returns when all that were begun are done. A body that returns false ends the handing out.
/// Models batch requests that wait at the same time, which is what this is for: the threads sleep.
/// The first exception of a body is thrown again here.
void in_parallel(size_t count, int workers, const std::function<bool(size_t)>& body);

/// Adds up how much of several things is done. Any thread.
class Meter {
 public:
  /// @param weights  size of each thing
  Meter(std::function<void(double)> report, std::vector<double> weights);
  /// Thing `index` is done to `fraction`; going back is ignored.
  void set(size_t index, double fraction);

 private:
  std::mutex mutex_;
  std::function<void(double)> report_;
  std::vector<double> weights_, done_;
  double total_ = 0;
  double last_ = 0;
};

}  // namespace maie::summary
