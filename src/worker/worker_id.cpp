#include "worker/worker_id.h"

#include <unistd.h>

#include <charconv>
#include <fstream>
#include <iterator>
#include <sstream>

namespace maie::worker {
namespace {

std::string host() {
  char name[256] = {};
  return ::gethostname(name, sizeof name - 1) == 0 && name[0] != 0 ? name : "localhost";
}

}  // namespace

std::optional<std::string> worker_id_of(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  // The name stands in parentheses and may hold anything; behind it the state, and the start in
  // clock ticks since boot as the 20th field after that.
  const size_t end = text.rfind(')');
  if (end == text.npos) return std::nullopt;
  std::istringstream fields(text.substr(end + 1));
  std::string state, field;
  fields >> state;
  if (state == "Z" || state == "X") return std::nullopt;
  for (int i = 0; i < 19; ++i) fields >> field;
  return host() + "-" + std::to_string(pid) + "-" + field;
}

std::string worker_id_of_process() {
  return worker_id_of(::getpid()).value_or(host() + "-" + std::to_string(::getpid()) + "-0");
}

bool is_gone(const std::string& worker_id) {
  const std::string prefix = host() + "-";
  if (!worker_id.starts_with(prefix)) return false;
  pid_t pid = 0;
  const char* begin = worker_id.data() + prefix.size();
  const auto [end, error] = std::from_chars(begin, worker_id.data() + worker_id.size(), pid);
  if (error != std::errc() || end == worker_id.data() + worker_id.size() || *end != '-')
    return false;
  return worker_id_of(pid) != worker_id;
}

}  // namespace maie::worker
