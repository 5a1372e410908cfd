#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/status.h"
#include "config/settings.h"

namespace maie::server {

struct ApplicationOptions {
  config::Settings settings;
  std::string version;                        ///< of the program
  std::string commit;                         ///< it was built from, or "unknown"
  std::vector<std::string> worker_arguments;  ///< command line of its workers, without the name
};

/// The whole service in one process: queue, HTTP server, workers as children, timers. Of one folder
/// of data there is one application at a time.
class Application {
 public:
  /// Returns when requests are answered. Errors: a wrong setting (kInvalidInput), a port that is
  /// taken, a folder that cannot be written, a queue that cannot be opened; each says what to do.
  static Result<std::unique_ptr<Application>> start(ApplicationOptions options);
  ~Application();

  /// "http://127.0.0.1:8000" or "unix:/run/maie.sock"
  std::string url() const;
  /// Takes over what may change while it runs: the keys. The rest of `settings` is ignored.
  Status reload(const config::Settings& settings);
  /// For the watchdog: whether the queue answers. One that is locked or being repaired does, too: a
  /// new start would not mend that.
  bool alive();
  /// Takes no more work, lets exchanges and tasks end within their time, then gives tasks back.
  void stop();

 private:
  struct Parts;
  explicit Application(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace maie::server
