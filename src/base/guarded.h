#pragma once

#include <new>
#include <string>
#include <type_traits>
#include <utility>

#include "base/status.h"

namespace maie {

/// Runs `body` and turns the exceptions of tensor, kernels and ops into a Status. The public entry
/// of each model wraps its forward pass in this; nobody else catches. `body` returns void, a Status
/// or a Result.
template <class Body>
auto guarded(Body&& body) {
  using Returned = std::invoke_result_t<Body>;
  using Out = std::conditional_t<std::is_void_v<Returned>, Status, Returned>;
  try {
    if constexpr (std::is_void_v<Returned>) {
      std::forward<Body>(body)();
      return Out();
    } else {
      return Out(std::forward<Body>(body)());
    }
  } catch (const std::bad_alloc&) {
    return Out(resource_exhausted("out of memory; try a smaller model or --batch-size"));
  } catch (const ContractError& error) {
    return Out(internal_error(error.what()));
  } catch (const DeviceError& error) {
    return Out(unavailable(error.what()));
  }
}

}  // namespace maie
