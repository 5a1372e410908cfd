#include "server/process_numbers.h"

#include <dirent.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdlib>
#include <sstream>
#include <string>

#include "base/file.h"

namespace maie::server {
namespace {

constexpr size_t kMostBytes = 4 << 20;

// When the machine was started, Unix time. Asked once: /proc/stat is long on large machines.
double boot_time_s() {
  const Result<std::string> stat = read_file("/proc/stat", kMostBytes);
  if (!stat.has_value()) return 0;
  const size_t at = stat->find("\nbtime ");
  return at == stat->npos ? 0 : std::strtod(stat->c_str() + at + 7, nullptr);
}

uint64_t count_open_files() {
  DIR* folder = opendir("/proc/self/fd");
  if (folder == nullptr) return 0;
  uint64_t count = 0;
  while (readdir(folder) != nullptr) ++count;
  closedir(folder);
  return count > 3 ? count - 3 : 0;  // ".", ".." and the folder's own
}

// The fields behind the name, which may hold anything: from the last ")" on.
void read_stat(ProcessNumbers& numbers) {
  const Result<std::string> stat = read_file("/proc/self/stat", kMostBytes);
  if (!stat.has_value()) return;
  const size_t end = stat->rfind(')');
  if (end == stat->npos) return;
  std::istringstream fields(stat->substr(end + 1));
  std::string skipped;
  for (int field = 3; field <= 13; ++field) fields >> skipped;
  double user = 0, system = 0, start = 0, virtual_bytes = 0, pages = 0;
  fields >> user >> system;
  for (int field = 16; field <= 21; ++field) fields >> skipped;
  fields >> start >> virtual_bytes >> pages;
  static const double boot_s = boot_time_s();
  const double ticks = double(sysconf(_SC_CLK_TCK));
  numbers.cpu_seconds = (user + system) / ticks;
  numbers.start_time_s = boot_s + start / ticks;
  numbers.virtual_bytes = uint64_t(virtual_bytes);
  numbers.resident_bytes = uint64_t(pages) * uint64_t(sysconf(_SC_PAGESIZE));
}

}  // namespace

ProcessNumbers process_numbers() {
  ProcessNumbers numbers;
  read_stat(numbers);
  numbers.open_files = count_open_files();
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0) numbers.max_files = limit.rlim_cur;
  return numbers;
}

}  // namespace maie::server
