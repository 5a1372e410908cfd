#include "cli/stop_signals.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <mutex>
#include <thread>

#include "base/check.h"

namespace maie::cli {
namespace {

// The handler may touch only these. A handler rather than a blocked mask and sigwait: the mask
// would be inherited by the decoding child, which could then not be stopped by these signals.
CancelToken g_token;
std::atomic<int> g_signal{0};
std::atomic<int> g_wake_fd{-1};

std::mutex g_writing;  // held by Shield
std::atomic<bool> g_patient{false};

// Leaves time for the second that a stop may take, minus what starting to end costs.
constexpr int kPatienceMs = 800;

void on_signal(int number) {
  const int saved = errno;
  int none = 0;
  if (!g_signal.compare_exchange_strong(none, number)) ::_exit(128 + number);
  g_token.cancel();
  const char byte = 1;
  if (::write(g_wake_fd.load(), &byte, 1) < 0) {
    // The pipe is never full: one byte goes in per process.
  }
  errno = saved;
}

void handle(int number, void (*handler)(int)) {
  struct sigaction action {};
  action.sa_handler = handler;
  ::sigemptyset(&action.sa_mask);
  action.sa_flags = 0;  // no SA_RESTART: a blocked read or write comes back and looks at the token
  ::sigaction(number, &action, nullptr);
}

}  // namespace

class StopSignals::Watcher {
 public:
  Watcher() {
    check(::pipe2(wake_, O_CLOEXEC | O_NONBLOCK) == 0, "a pipe for signals");
    g_wake_fd = wake_[1];
    handle(SIGINT, on_signal);
    handle(SIGTERM, on_signal);
    handle(SIGPIPE, SIG_IGN);
    handle(SIGXFSZ, SIG_IGN);
    thread_ = std::thread([this] { watch(); });
  }

  ~Watcher() {
    finished_ = true;
    const char byte = 0;
    (void)!::write(wake_[1], &byte, 1);
    thread_.join();
    handle(SIGINT, SIG_DFL);
    handle(SIGTERM, SIG_DFL);
    g_wake_fd = -1;
    ::close(wake_[0]);
    ::close(wake_[1]);
  }

 private:
  // Sleeps until a byte comes or `timeout_ms` passed (-1: for ever).
  void sleep(int timeout_ms) {
    pollfd waited{wake_[0], POLLIN, 0};
    while (::poll(&waited, 1, timeout_ms) < 0 && errno == EINTR) {
    }
    char byte;
    (void)!::read(wake_[0], &byte, 1);
  }

  void watch() {
    sleep(-1);
    if (!finished_) sleep(kPatienceMs);
    if (finished_ || g_patient) return;
    const std::lock_guard writing(g_writing);
    if (finished_) return;
    // The decoding child notices: it is bound to this process and its pipe closes.
    static constexpr char kErase[] = "\r\x1b[K";
    if (::isatty(STDERR_FILENO) == 1) (void)!::write(STDERR_FILENO, kErase, sizeof kErase - 1);
    ::_exit(128 + g_signal);
  }

  int wake_[2] = {-1, -1};
  std::atomic<bool> finished_{false};
  std::thread thread_;
};

StopSignals::StopSignals() : watcher_(std::make_unique<Watcher>()) {}
StopSignals::~StopSignals() = default;
CancelToken& StopSignals::token() { return g_token; }
int StopSignals::signal() const { return g_signal; }

void StopSignals::be_patient() { g_patient = true; }

StopSignals::Shield::Shield() { g_writing.lock(); }
StopSignals::Shield::~Shield() { g_writing.unlock(); }

}  // namespace maie::cli
