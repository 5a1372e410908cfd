#include "base/status.h"

#include <cerrno>
#include <cstring>
#include <system_error>

namespace maie {

void fail_check(const char* what, const char* file, int line) {
  throw ContractError(std::string(what) + " (" + file + ":" + std::to_string(line) + ")");
}

std::string_view to_string(Code code) {
  switch (code) {
    case Code::kOk: return "ok";
    case Code::kInvalidInput: return "invalid_input";
    case Code::kNotFound: return "not_found";
    case Code::kUnsupported: return "unsupported";
    case Code::kCorrupt: return "corrupt";
    case Code::kPermissionDenied: return "permission_denied";
    case Code::kResourceExhausted: return "resource_exhausted";
    case Code::kUnavailable: return "unavailable";
    case Code::kCancelled: return "cancelled";
    case Code::kInternal: return "internal";
  }
  return "unknown";
}

Status Status::within(std::string_view where) const {
  if (ok()) return *this;
  return {code_, std::string(where) + ": " + message_};
}

Status errno_status(std::string_view what, int error_number) {
  Code code = Code::kUnavailable;
  switch (error_number) {
    case ENOENT:
    case ENOTDIR: code = Code::kNotFound; break;
    case EACCES:
    case EPERM:
    case EROFS: code = Code::kPermissionDenied; break;
    case ENOSPC:
    case EDQUOT:
    case EMFILE:
    case ENFILE:
    case ENOMEM: code = Code::kResourceExhausted; break;
    case EISDIR:
    case EINVAL:
    case ENAMETOOLONG: code = Code::kInvalidInput; break;
    default: break;
  }
  // generic_category().message is thread-safe where strerror is not.
  return {code, std::string(what) + ": " + std::generic_category().message(error_number)};
}

}  // namespace maie
