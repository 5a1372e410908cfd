#pragma once

#include <functional>
#include <string_view>

#include "base/cancel.h"

namespace maie::summary {

/// The caller's hand on a stage.
struct Control {
  const CancelToken* cancel = nullptr;  ///< outlives the call
  double stall_limit_s = 300;           ///< of each request, see llm::Control
  /// How much of the stage is done, 0 to 1, never less than before. Called from threads of the
  /// stage or of the model, one at a time; should return soon.
  std::function<void(double fraction)> on_progress;
};

}  // namespace maie::summary
