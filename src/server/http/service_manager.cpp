#include "server/http/service_manager.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <string_view>
#include <thread>

#include "base/log.h"

namespace maie::http {
namespace {

// Microseconds; 0 without a watchdog or with one for another process.
int64_t watchdog_us() {
  const char* text = std::getenv("WATCHDOG_USEC");
  if (text == nullptr) return 0;
  const char* pid = std::getenv("WATCHDOG_PID");
  if (pid != nullptr && std::to_string(::getpid()) != pid) return 0;
  int64_t value = 0;
  std::from_chars(text, text + std::strlen(text), value);
  return value;
}

void notify(const std::string& path, std::string_view message) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() < 2 || path.size() >= sizeof address.sun_path) return;
  std::memcpy(address.sun_path, path.data(), path.size());
  if (path[0] == '@') address.sun_path[0] = '\0';  // a name that is no file
  const int socket = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (socket < 0) return;
  const auto size = socklen_t(offsetof(sockaddr_un, sun_path) + path.size());
  if (::sendto(socket, message.data(), message.size(), MSG_NOSIGNAL,
               reinterpret_cast<const sockaddr*>(&address), size) < 0) {
    log_warning("the service manager does not listen at NOTIFY_SOCKET");
  }
  ::close(socket);
}

std::string one_line(std::string text) {
  std::replace(text.begin(), text.end(), '\n', ' ');
  return text;
}

}  // namespace

struct ServiceManager::State {
  std::string path;
  std::function<bool()> alive;
  std::mutex mutex;
  std::condition_variable changed;
  bool ending = false;
  std::thread watchdog;

  void say(const std::string& message) const {
    if (!path.empty()) notify(path, message);
  }

  void watch(std::chrono::microseconds period) {
    std::unique_lock lock(mutex);
    while (!changed.wait_for(lock, period, [this] { return ending; })) {
      lock.unlock();
      if (alive()) {
        say("WATCHDOG=1");
      } else {
        log_error("the service does not answer, so the watchdog is not told that it lives");
      }
      lock.lock();
    }
  }
};

ServiceManager::ServiceManager(std::function<bool()> alive) : state_(std::make_unique<State>()) {
  if (const char* path = std::getenv("NOTIFY_SOCKET"); path != nullptr) state_->path = path;
  state_->alive = std::move(alive);
  const int64_t limit = watchdog_us();
  if (state_->path.empty() || limit <= 0) return;
  state_->watchdog =
      std::thread([this, limit] { state_->watch(std::chrono::microseconds(limit / 2)); });
}

ServiceManager::~ServiceManager() {
  {
    const std::lock_guard lock(state_->mutex);
    state_->ending = true;
  }
  state_->changed.notify_all();
  if (state_->watchdog.joinable()) state_->watchdog.join();
}

void ServiceManager::ready(const std::string& status) {
  state_->say("READY=1\nSTATUS=" + one_line(status));
}

void ServiceManager::status(const std::string& text) { state_->say("STATUS=" + one_line(text)); }

void ServiceManager::reloading() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  const int64_t us = int64_t{now.tv_sec} * 1'000'000 + now.tv_nsec / 1000;
  state_->say("RELOADING=1\nMONOTONIC_USEC=" + std::to_string(us));
}

void ServiceManager::stopping() { state_->say("STOPPING=1"); }

}  // namespace maie::http
