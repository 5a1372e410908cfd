#include "server/http/server.h"

#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/thread_pool.hpp>
#include <cerrno>
#include <mutex>
#include <thread>
#include <vector>

#include "base/log.h"
#include "server/http/connection.h"
#include "server/http/form_receiver.h"
#include "server/http/listener.h"

namespace maie::http {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

constexpr int kSpoolThreads = 2;
/// Connections beyond the limit that are told so at one time; the others are just closed.
constexpr int kMostRefusals = 64;
constexpr auto kPoll = std::chrono::milliseconds(5);

/// Every connection is a descriptor, an upload a second one.
void raise_descriptor_limit(int connections) {
  rlimit limit{};
  const rlim_t wanted = static_cast<rlim_t>(connections) + 1024;
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= wanted) return;
  limit.rlim_cur = std::min(wanted, limit.rlim_max);
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

/// Accepts on one listening socket until it is closed.
class Listener : public std::enable_shared_from_this<Listener> {
 public:
  Listener(asio::io_context& io, int socket, std::function<void(int)> welcome)
      : strand_(asio::make_strand(io)),
        socket_(strand_, socket),
        pause_(strand_),
        welcome_(std::move(welcome)) {}

  void wait() {
    socket_.async_wait(asio::posix::stream_descriptor::wait_read,
                       [self = shared_from_this()](error_code error) {
                         if (!error && self->socket_.is_open()) self->accept();
                       });
  }

  void close_any_thread() {
    asio::post(strand_, [self = shared_from_this()] {
      error_code ignored;
      self->socket_.close(ignored);
      self->pause_.cancel();
    });
  }

 private:
  static constexpr int kAtOnce = 64;  // then other work has its turn

  void accept() {
    for (int i = 0; i < kAtOnce; ++i) {
      const int socket =
          ::accept4(socket_.native_handle(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (socket >= 0) {
        welcome_(socket);
      } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
        log_warning(errno_status("a connection cannot be accepted", errno).message());
        return rest();
      } else if (errno != EINTR && errno != ECONNABORTED) {
        break;
      }
    }
    wait();
  }

  /// Until somebody leaves.
  void rest() {
    pause_.expires_after(std::chrono::milliseconds(100));
    pause_.async_wait([self = shared_from_this()](error_code) {
      if (self->socket_.is_open()) self->wait();
    });
  }

  asio::any_io_executor strand_;
  asio::posix::stream_descriptor socket_;
  asio::steady_timer pause_;
  const std::function<void(int)> welcome_;
};

class AsioServer final : public Server {
 public:
  AsioServer(const ServerOptions& options, const Router& router, Hooks hooks)
      : options_(options),
        hooks_(std::move(hooks)),
        io_(std::max(1, options.limits.io_threads)),
        handlers_(static_cast<size_t>(std::max(1, options.limits.handler_threads))),
        spoolers_(kSpoolThreads),
        context_{.options = options_,
                 .router = router,
                 .hooks = hooks_,
                 .handlers = handlers_,
                 .spoolers = spoolers_} {}

  /// All coroutines end before what they run on does: no reply that outlives the server then finds
  /// a connection to wake.
  ~AsioServer() override {
    stop_accepting();
    while (context_.connections > 0) {
      cut_all();
      std::this_thread::sleep_for(kPoll);
    }
    spoolers_.join();
    handlers_.join();
    work_.reset();
    for (std::thread& thread : threads_) thread.join();
    if (owns_socket_file_) ::unlink(options_.unix_socket.c_str());
  }

  Status open() {
    MAIE_TRY(prepare_spool(options_.spool_folder));
    raise_descriptor_limit(options_.limits.max_connections);
    std::vector<int> sockets = inherited_sockets();
    if (sockets.empty()) {
      owns_socket_file_ = false;
      MAIE_ASSIGN(const int socket, options_.unix_socket.empty()
                                        ? listen_tcp(options_.host, options_.port)
                                        : listen_unix(options_.unix_socket));
      owns_socket_file_ = !options_.unix_socket.empty();
      sockets.push_back(socket);
    }
    port_ = port_of(sockets.front());
    for (const int socket : sockets) {
      listeners_.push_back(
          std::make_shared<Listener>(io_, socket, [this](int client) { welcome(client); }));
      listeners_.back()->wait();
    }
    for (int i = 0; i < std::max(1, options_.limits.io_threads); ++i) {
      threads_.emplace_back([this] { run(); });
    }
    return {};
  }

  int port() const override { return port_; }
  int connections() const override { return context_.connections; }

  void drain() override {
    context_.draining = true;
    stop_accepting();
    for (const auto& connection : living()) connection->wake_any_thread();
    const auto deadline = Clock::now() + std::chrono::duration<double>(options_.limits.drain_s);
    while (context_.connections > 0 && Clock::now() < deadline) std::this_thread::sleep_for(kPoll);
    cut_all();
  }

 private:
  void run() {
    while (true) {
      try {
        io_.run();
        return;
      } catch (const std::exception& error) {
        log_error(std::string("a connection failed: ") + error.what());
      }
    }
  }

  void welcome(int socket) {
    const int count = context_.connections;
    const bool full = count >= options_.limits.max_connections;
    if (context_.draining || count >= options_.limits.max_connections + kMostRefusals) {
      ::close(socket);
      return;
    }
    const auto connection = std::make_shared<Connection>(io_, context_, socket);
    {
      const std::lock_guard lock(mutex_);
      if (living_.size() >= next_sweep_) {
        std::erase_if(living_, [](const auto& weak) { return weak.expired(); });
        next_sweep_ = 2 * living_.size() + 64;
      }
      living_.push_back(connection);
    }
    connection->start(full);
  }

  std::vector<std::shared_ptr<Connection>> living() {
    const std::lock_guard lock(mutex_);
    std::vector<std::shared_ptr<Connection>> found;
    for (const auto& weak : living_) {
      if (auto connection = weak.lock()) found.push_back(std::move(connection));
    }
    return found;
  }

  void cut_all() {
    for (const auto& connection : living()) connection->cut_any_thread();
  }

  void stop_accepting() {
    context_.draining = true;
    for (const auto& listener : listeners_) listener->close_any_thread();
    for (auto& listener : listeners_) {
      const std::weak_ptr<Listener> gone = listener;
      listener.reset();
      while (!gone.expired()) std::this_thread::sleep_for(kPoll);
    }
    listeners_.clear();
  }

  const ServerOptions options_;
  const Hooks hooks_;
  asio::io_context io_;
  asio::executor_work_guard<asio::io_context::executor_type> work_{io_.get_executor()};
  asio::thread_pool handlers_;
  asio::thread_pool spoolers_;
  ConnectionContext context_;
  std::vector<std::shared_ptr<Listener>> listeners_;
  std::vector<std::thread> threads_;
  int port_ = 0;
  bool owns_socket_file_ = false;

  std::mutex mutex_;
  std::vector<std::weak_ptr<Connection>> living_;
  size_t next_sweep_ = 64;
};

}  // namespace

Result<std::unique_ptr<Server>> Server::start(const ServerOptions& options, const Router& router,
                                              Hooks hooks) {
  auto server = std::make_unique<AsioServer>(options, router, std::move(hooks));
  MAIE_TRY(server->open());
  return std::unique_ptr<Server>(std::move(server));
}

}  // namespace maie::http
