#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <future>
#include <mutex>

#include "base/log.h"
#include "worker/worker.h"
#include "worker/worker_id.h"

extern char** environ;

namespace maie::worker {
namespace {

using namespace std::chrono_literals;
using SteadyClock = std::chrono::steady_clock;

constexpr const char* kLifelineVariable = "MAIE_WORKER_LIFELINE";
constexpr const char* kNumberVariable = "MAIE_WORKER_NUMBER";
constexpr std::chrono::milliseconds kLook{50};
constexpr double kFirstPauseS = 0.2, kLongestPauseS = 30;
constexpr double kSettledAfterS = 30;  // a child that lived so long did not die at once
constexpr double kLastPatienceS = 15;  // after the grace time: what a worker needs to give back
constexpr std::chrono::hours kOldWorkers{24 * 365};

int number_from(const char* variable, int otherwise) {
  const char* text = std::getenv(variable);
  return text != nullptr && *text != 0 ? std::atoi(text) : otherwise;
}

std::string end_of(int status) {
  if (WIFSIGNALED(status)) {
    const int signal = WTERMSIG(status);
    if (signal == SIGKILL)
      return "was killed (SIGKILL), most likely because memory ran out: lower memory.budget, or "
             "choose smaller models";
    return std::string("died of signal ") + std::to_string(signal) + " (" + strsignal(signal) + ")";
  }
  const int code = WEXITSTATUS(status);
  if (code == kExitHung) return "left because a task hung";
  return "ended with status " + std::to_string(code);
}

// Between fork and exec only what is safe in a signal handler may be called.
[[noreturn]] void become_child(char* const* arguments, char* const* variables, int lifeline,
                               pid_t parent) {
  ::setpgid(0, 0);  // an interrupt from the terminal is the parent's to answer
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (::getppid() != parent) ::_exit(1);
  ::fcntl(lifeline, F_SETFD, 0);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::execve("/proc/self/exe", arguments, variables);
  ::_exit(127);
}

// Children are started from the supervisor's one thread: PR_SET_PDEATHSIG means the death of the
// thread that forked.
class ChildSupervisor : public Supervisor {
 public:
  ChildSupervisor(const config::Settings& settings, queue::TaskQueue& queue,
                  std::vector<std::string> arguments, LeasesEnded on_leases_ended)
      : grace_s_(settings.worker.grace_s),
        queue_(queue),
        arguments_(std::move(arguments)),
        on_leases_ended_(std::move(on_leases_ended)) {
    arguments_.insert(arguments_.begin(), "maie");
    children_.resize(size_t(std::max(settings.worker.processes, 0)));
  }
  ~ChildSupervisor() override { stop(); }

  Status start() {
    std::promise<Status> first;
    std::future<Status> started = first.get_future();
    thread_ = std::thread([this, &first] { supervise(first); });
    return started.get();
  }

  void stop() override {
    stopping_ = true;
    if (thread_.joinable()) thread_.join();
  }
  int running() const override { return running_; }
  int64_t restarts() const override { return restarts_; }

 private:
  struct Child {
    pid_t pid = 0;  // 0: none runs
    int lifeline = -1;
    std::string id;
    SteadyClock::time_point started{}, next{};
    double pause_s = kFirstPauseS;
  };

  void supervise(std::promise<Status>& first) {
    Status status;
    for (size_t i = 0; i < children_.size() && status.ok(); ++i) status = spawn(int(i));
    const bool ok = status.ok();
    first.set_value(std::move(status));
    while (ok && !stopping_) {
      for (size_t i = 0; i < children_.size(); ++i) look_at(int(i));
      std::this_thread::sleep_for(kLook);
    }
    end_all();
  }

  Status spawn(int number) {
    Child& child = children_[size_t(number)];
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) return errno_status("a pipe to a worker process", errno);
    std::vector<std::string> variables;
    for (char** variable = environ; *variable != nullptr; ++variable)
      variables.emplace_back(*variable);
    variables.push_back(std::string(kLifelineVariable) + "=" + std::to_string(ends[0]));
    variables.push_back(std::string(kNumberVariable) + "=" + std::to_string(number + 1));
    std::vector<char*> argv = pointers(arguments_), envp = pointers(variables);
    const pid_t parent = ::getpid();
    const pid_t pid = ::fork();
    if (pid == 0) become_child(argv.data(), envp.data(), ends[0], parent);
    const int error = errno;
    ::close(ends[0]);
    if (pid < 0) {
      ::close(ends[1]);
      return errno_status("starting a worker process", error);
    }
    child.pid = pid;
    child.lifeline = ends[1];
    child.id = worker_id_of(pid).value_or("");
    child.started = SteadyClock::now();
    ++running_;
    log_info("worker process started", {{"pid", pid}});
    return {};
  }

  static std::vector<char*> pointers(std::vector<std::string>& texts) {
    std::vector<char*> out;
    for (std::string& text : texts) out.push_back(text.data());
    out.push_back(nullptr);
    return out;
  }

  void look_at(int number) {
    Child& child = children_[size_t(number)];
    if (child.pid == 0) {
      if (SteadyClock::now() < child.next) return;
      ++restarts_;
      if (const Status status = spawn(number); !status.ok()) {
        log_error(status.message());
        child.next = SteadyClock::now() + 1s;
      }
      return;
    }
    if (const std::optional<int> status = reaped(child)) {
      log_error("worker process " + std::to_string(child.pid) + " " + end_of(*status));
      gone(child);
    }
  }

  std::optional<int> reaped(const Child& child) {
    int status = 0;
    return ::waitpid(child.pid, &status, WNOHANG) == child.pid ? std::optional(status)
                                                               : std::nullopt;
  }

  // Its tasks are offered again at once, rather than when their leases run out.
  void gone(Child& child) {
    ::close(child.lifeline);
    if (!child.id.empty()) end_leases(child.id);
    const double lived_s =
        std::chrono::duration<double>(SteadyClock::now() - child.started).count();
    if (lived_s > kSettledAfterS) child.pause_s = kFirstPauseS;
    child.next = SteadyClock::now() + std::chrono::milliseconds(int64_t(child.pause_s * 1000));
    child.pause_s = std::min(child.pause_s * 2, kLongestPauseS);
    child.pid = 0;
    child.lifeline = -1;
    --running_;
  }

  void end_leases(const std::string& id) {
    const auto ended = queue_.end_leases_of(id);
    if (!ended.has_value()) {
      log_error("the leases of worker " + id + " run on: " + ended.error().message());
    } else if (ended->leases_expired > 0) {
      log_warning("leases of a worker that is gone were ended",
                  {{"worker", id}, {"leases", ended->leases_expired}});
      if (on_leases_ended_) on_leases_ended_(*ended);
    }
    (void)queue_.leave(id).ok();
  }

  void end_all() {
    for (Child& child : children_) {
      if (child.pid == 0) continue;
      ::close(std::exchange(child.lifeline, -1));  // which asks it to stop
    }
    const auto until =
        SteadyClock::now() + std::chrono::duration<double>(grace_s_ + kLastPatienceS);
    while (wait_for_children() && SteadyClock::now() < until) std::this_thread::sleep_for(20ms);
    for (const Child& child : children_) {
      if (child.pid == 0) continue;
      log_error("worker process " + std::to_string(child.pid) + " does not end and is killed");
      ::kill(child.pid, SIGKILL);
    }
    while (wait_for_children()) std::this_thread::sleep_for(10ms);
  }

  // @returns whether one still runs.
  bool wait_for_children() {
    bool any = false;
    for (Child& child : children_) {
      if (child.pid == 0) continue;
      if (!reaped(child)) {
        any = true;
        continue;
      }
      if (!child.id.empty()) end_leases(child.id);
      child.pid = 0;
      --running_;
    }
    return any;
  }

  const double grace_s_;
  queue::TaskQueue& queue_;
  std::vector<std::string> arguments_;
  const LeasesEnded on_leases_ended_;
  std::vector<Child> children_;  // of the thread
  std::atomic<bool> stopping_{false};
  std::atomic<int> running_{0};
  std::atomic<int64_t> restarts_{0};
  std::thread thread_;
};

// Workers of this machine that died with a server before this one.
void end_leases_of_the_gone(queue::TaskQueue& queue, const Supervisor::LeasesEnded& on_ended) {
  const auto workers = queue.workers(kOldWorkers);
  if (!workers.has_value()) {
    log_warning("who worked here before is not known: " + workers.error().message());
    return;
  }
  for (const queue::WorkerRecord& worker : *workers) {
    if (!is_gone(worker.id)) continue;
    const auto ended = queue.end_leases_of(worker.id);
    if (ended.has_value() && ended->leases_expired > 0) {
      log_warning("leases of a worker that is gone were ended",
                  {{"worker", worker.id}, {"leases", ended->leases_expired}});
      if (on_ended) on_ended(*ended);
    }
    (void)queue.leave(worker.id).ok();
  }
}

}  // namespace

Result<std::unique_ptr<Supervisor>> Supervisor::start(const config::Settings& settings,
                                                      queue::TaskQueue& queue,
                                                      std::vector<std::string> arguments,
                                                      LeasesEnded on_leases_ended) {
  end_leases_of_the_gone(queue, on_leases_ended);
  auto supervisor = std::make_unique<ChildSupervisor>(settings, queue, std::move(arguments),
                                                      std::move(on_leases_ended));
  MAIE_TRY(supervisor->start());
  return std::unique_ptr<Supervisor>(std::move(supervisor));
}

Lifeline::Lifeline(CancelToken& stop) {
  const int descriptor = number_from(kLifelineVariable, -1);
  if (descriptor < 0) return;
  ::fcntl(descriptor, F_SETFD, FD_CLOEXEC);
  thread_ = std::thread([this, descriptor, &stop] {
    while (!finished_) {
      pollfd waited{descriptor, POLLIN, 0};
      if (::poll(&waited, 1, 100) == 0) continue;
      stop.cancel();  // nothing is ever written: this is its end
      return;
    }
  });
}

Lifeline::~Lifeline() {
  finished_ = true;
  if (thread_.joinable()) thread_.join();
}

int Lifeline::number() { return number_from(kNumberVariable, 0); }

}  // namespace maie::worker
