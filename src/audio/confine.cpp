#include "audio/confine.h"

#include <seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define MAIE_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || \
    __has_feature(memory_sanitizer)
#define MAIE_SANITIZED 1
#endif
#endif
#ifndef MAIE_SANITIZED
#define MAIE_SANITIZED 0
#endif

namespace maie::audio {
namespace {

void limit(int resource, rlim_t most) {
  rlimit current{};
  if (::getrlimit(decltype(RLIMIT_AS)(resource), &current) != 0) return;
  current.rlim_cur = std::min(current.rlim_max, most);
  current.rlim_max = current.rlim_cur;
  (void)::setrlimit(decltype(RLIMIT_AS)(resource), &current);
}

/// Address space in use, so that a program with large libraries has as much left as a small one.
rlim_t address_space() {
  unsigned long pages = 0;
  if (std::FILE* file = std::fopen("/proc/self/statm", "re")) {
    if (std::fscanf(file, "%lu", &pages) != 1) pages = 0;
    std::fclose(file);
  }
  return rlim_t(pages) * rlim_t(::sysconf(_SC_PAGESIZE));
}

/// Calls FFmpeg, soxr, malloc and the C library make while decoding in one thread.
constexpr int kAllowed[] = {
    SCMP_SYS(read),          SCMP_SYS(readv),
    SCMP_SYS(pread64),       SCMP_SYS(write),
    SCMP_SYS(writev),        SCMP_SYS(pwrite64),
    SCMP_SYS(lseek),         SCMP_SYS(fstat),
    SCMP_SYS(newfstatat),    SCMP_SYS(close),
    SCMP_SYS(brk),           SCMP_SYS(munmap),
    SCMP_SYS(madvise),       SCMP_SYS(futex),
    SCMP_SYS(rt_sigaction),  SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(rt_sigreturn),  SCMP_SYS(sigaltstack),
    SCMP_SYS(clock_gettime), SCMP_SYS(clock_getres),
    SCMP_SYS(gettimeofday),  SCMP_SYS(time),
    SCMP_SYS(getrandom),     SCMP_SYS(getpid),
    SCMP_SYS(gettid),        SCMP_SYS(exit),
    SCMP_SYS(exit_group),    SCMP_SYS(restart_syscall),
    SCMP_SYS(sched_yield),   SCMP_SYS(sched_getaffinity),
    SCMP_SYS(sysinfo),       SCMP_SYS(getrusage),
    SCMP_SYS(times),
};

bool allow_calls() {
  scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
  if (filter == nullptr) return false;
  bool ok = true;
  for (const int call : kAllowed) {
    // A call this architecture lacks (time on arm64) has a negative number; leaving it out is
    // right.
    if (call >= 0) ok = ok && seccomp_rule_add(filter, SCMP_ACT_ALLOW, call, 0) == 0;
  }
  // Memory may be mapped and protected, but never made executable.
  const scmp_arg_cmp not_executable{2, SCMP_CMP_MASKED_EQ, PROT_EXEC, 0};
  for (const int call : {SCMP_SYS(mmap), SCMP_SYS(mprotect)}) {
    ok = ok && seccomp_rule_add(filter, SCMP_ACT_ALLOW, call, 1, not_executable) == 0;
  }
  ok = ok && seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mremap), 0) == 0;
  // abort() must end the process rather than be refused.
  const scmp_arg_cmp itself{0, SCMP_CMP_EQ, scmp_datum_t(::getpid()), 0};
  ok = ok && seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1, itself) == 0;
  ok = ok && seccomp_load(filter) == 0;
  seccomp_release(filter);
  return ok;
}

}  // namespace

bool confines_calls() { return MAIE_SANITIZED == 0; }

std::string confine(const Confinement& limits) {
  const rlim_t used = address_space();  // reads /proc, so before no file can be opened any more
  limit(RLIMIT_CORE, 0);
  limit(RLIMIT_FSIZE, rlim_t(limits.file_bytes));
  (void)std::signal(SIGXFSZ, SIG_IGN);  // so that a full spool is an error of write()
  if (!confines_calls()) return "sanitizer build: no memory or file limit, no seccomp";
  limit(RLIMIT_NOFILE, 0);
  limit(RLIMIT_AS, used + rlim_t(limits.memory_bytes));
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
    return std::string("no_new_privs: ") + std::strerror(errno);
  }
  if (!allow_calls()) return "seccomp is not available in this kernel";
  return {};
}

}  // namespace maie::audio
