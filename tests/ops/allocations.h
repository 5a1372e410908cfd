#pragma once

#include <cstddef>

namespace maie::testing {

/// What operator new has handed out while this object lives, on all threads. One at a time.
class CountAllocations {
 public:
  CountAllocations();
  ~CountAllocations();
  size_t count() const;
  size_t bytes() const;
  size_t largest_bytes() const;
};

}  // namespace maie::testing
