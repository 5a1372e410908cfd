#pragma once

#include <functional>
#include <memory>
#include <string>

namespace maie::http {

/// Tells the service manager how the service is (the notify protocol of systemd, without its
/// library): a datagram to the socket that NOTIFY_SOCKET names, nothing without one. With
/// WATCHDOG_USEC it says WATCHDOG=1 twice in that time, as long as `alive` says yes. Any thread.
class ServiceManager {
 public:
  /// @param alive  called from a thread of its own; may take as long as the watchdog's half
  explicit ServiceManager(std::function<bool()> alive);
  ~ServiceManager();
  ServiceManager(const ServiceManager&) = delete;
  ServiceManager& operator=(const ServiceManager&) = delete;

  void ready(const std::string& status);
  void status(const std::string& text);
  void reloading();
  void stopping();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace maie::http
