#include "server/http/service_manager.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <filesystem>

namespace maie::http {
namespace {

/// What a service manager has: a datagram socket whose name is in the environment.
class Manager {
 public:
  explicit Manager(const std::string& name) {
    socket_ = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, name.data(), name.size());
    if (name[0] == '@') address.sun_path[0] = '\0';
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
    EXPECT_EQ(::bind(socket_, reinterpret_cast<sockaddr*>(&address), size), 0);
    ::setenv("NOTIFY_SOCKET", name.c_str(), 1);
  }
  ~Manager() {
    ::close(socket_);
    for (const char* name : {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"}) ::unsetenv(name);
  }
  /// The next message; empty when none comes in time.
  std::string next(int wait_ms = 2000) {
    pollfd wanted{.fd = socket_, .events = POLLIN, .revents = 0};
    char text[512];
    if (::poll(&wanted, 1, wait_ms) <= 0) return "";
    const ssize_t got = ::recv(socket_, text, sizeof text, 0);
    return got > 0 ? std::string(text, static_cast<size_t>(got)) : "";
  }

 private:
  int socket_;
};

std::string abstract_name() { return "@maie-test-" + std::to_string(::getpid()); }

TEST(ServiceManager, SaysHowTheServiceIs) {
  const std::string file =
      std::filesystem::temp_directory_path() / ("notify-" + std::to_string(::getpid()));
  for (const std::string& name : {abstract_name(), file}) {
    Manager manager(name);
    ServiceManager service([] { return true; });
    service.ready("two\nlines");
    EXPECT_EQ(manager.next(), "READY=1\nSTATUS=two lines");
    service.status("busy");
    EXPECT_EQ(manager.next(), "STATUS=busy");
    service.reloading();
    EXPECT_TRUE(manager.next().starts_with("RELOADING=1\nMONOTONIC_USEC="));
    service.stopping();
    EXPECT_EQ(manager.next(), "STOPPING=1");
    EXPECT_EQ(manager.next(50), "");  // nobody asked for a watchdog
  }
  std::filesystem::remove(file);
}

TEST(ServiceManager, FeedsTheWatchdogWhileTheServiceLives) {
  Manager manager(abstract_name());
  ::setenv("WATCHDOG_USEC", "100000", 1);
  ::setenv("WATCHDOG_PID", std::to_string(::getpid()).c_str(), 1);
  std::atomic<bool> alive{true};
  ServiceManager service([&] { return alive.load(); });
  const auto begin = std::chrono::steady_clock::now();
  for (int i = 0; i < 3; ++i) EXPECT_EQ(manager.next(), "WATCHDOG=1");
  const auto took = std::chrono::steady_clock::now() - begin;
  EXPECT_GE(took, std::chrono::milliseconds(140));  // every half of the time
  alive = false;
  manager.next(70);  // one may be on its way
  EXPECT_EQ(manager.next(200), "");
}

TEST(ServiceManager, IsSilentForOthers) {
  {
    Manager manager(abstract_name());
    ::setenv("WATCHDOG_USEC", "20000", 1);
    ::setenv("WATCHDOG_PID", "1", 1);
    ServiceManager service([] { return true; });
    EXPECT_EQ(manager.next(100), "");
  }
  ServiceManager service([] { return true; });  // without NOTIFY_SOCKET
  service.ready("nobody listens");
  service.stopping();
}

}  // namespace
}  // namespace maie::http
