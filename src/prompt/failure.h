#pragma once

#include <string>
#include <utility>

#include "base/status.h"

namespace maie::prompt {

/// How a parse or a render ends early. Thrown and caught within this folder only: an interpreter
/// has hundreds of places that can fail, each many calls below the one that answers for all of
/// them. `Template` turns it into a Status with the template's name and line in front.
struct Failure {
  Code code;
  std::string what;
  int line = 0;  ///< 0: where the renderer stands
};

[[noreturn]] inline void fail(std::string what) {
  throw Failure{Code::kInvalidInput, std::move(what)};
}
[[noreturn]] inline void fail_at(int line, std::string what) {
  throw Failure{Code::kInvalidInput, std::move(what), line};
}
[[noreturn]] inline void over_limit(std::string what, int line = 0) {
  throw Failure{Code::kResourceExhausted, std::move(what), line};
}

}  // namespace maie::prompt
