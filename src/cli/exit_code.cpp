#include "cli/exit_code.h"

#include <algorithm>

namespace maie::cli {

int exit_code_of(Code code) {
  switch (code) {
    case Code::kOk: return kExitOk;
    case Code::kInvalidInput:
    case Code::kUnsupported:
    case Code::kCorrupt: return kExitBadData;
    case Code::kNotFound: return kExitNoInput;
    case Code::kPermissionDenied: return kExitNoPermission;
    case Code::kResourceExhausted: return kExitSystem;
    case Code::kUnavailable: return kExitIo;
    case Code::kCancelled: return kExitInterrupted;
    case Code::kInternal: return kExitInternal;
  }
  return kExitFailure;
}

int exit_code_of_service(Code code) {
  return code == Code::kUnavailable ? int(kExitUnavailable) : exit_code_of(code);
}

int exit_code_of_output(Code code) {
  switch (code) {
    case Code::kOk: return kExitOk;
    case Code::kNotFound:
    case Code::kPermissionDenied:
    case Code::kInvalidInput: return kExitCannotCreate;
    default: return kExitIo;
  }
}

int exit_code_of_batch(const std::vector<int>& codes) {
  const auto failed = [](int code) { return code != kExitOk; };
  const auto first = std::find_if(codes.begin(), codes.end(), failed);
  if (first == codes.end()) return kExitOk;
  return std::all_of(codes.begin(), codes.end(), failed) ? *first : int(kExitSomeFailed);
}

}  // namespace maie::cli
