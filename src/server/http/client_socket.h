#pragma once

// Boost 1.74's awaitable.hpp forgets <utility>, so that it stands first.
#include <utility>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace maie::http {

template <class T>
using Awaitable = boost::asio::awaitable<T>;
using Clock = std::chrono::steady_clock;

/// A connected socket as one coroutine uses it. There is one way to wait: for the next event,
/// whichever it is (bytes came, there is room to send, somebody called wake()), until a deadline.
/// Bytes are read without waiting when an event says so; so a client that is silent costs no
/// buffer, and one that leaves is noticed whatever the coroutine waits for.
///
/// All of it runs on executor(), a strand of its own, but what says "any thread".
class ClientSocket : public std::enable_shared_from_this<ClientSocket> {
 public:
  ClientSocket(boost::asio::io_context& io, int socket);  ///< takes the connected socket
  ClientSocket(const ClientSocket&) = delete;
  ClientSocket& operator=(const ClientSocket&) = delete;
  virtual ~ClientSocket() = default;

  const boost::asio::any_io_executor& executor() const { return strand_; }
  int descriptor() { return socket_.native_handle(); }

  enum class Read { kData, kEnd, kTimeout };
  /// At least a byte more in received(). kEnd: none will come, or cut() was called.
  Awaitable<Read> read(Clock::time_point deadline);
  std::string& received() { return received_; }  ///< and not yet used
  /// Gives the memory of received() back when nothing is in it.
  void release_memory();

  /// Sends all; false when the client takes nothing for `patience` or is gone.
  Awaitable<bool> write(std::string_view bytes, Clock::duration patience);
  Awaitable<bool> write(std::string_view first, std::string_view second, Clock::duration patience);
  uint64_t bytes_sent() const { return bytes_sent_; }

  /// Until the next event. Events may be stale: look, then wait again. false: the deadline passed.
  Awaitable<bool> wait(Clock::time_point deadline);
  /// Reads what has come, up to kMostAhead bytes, and asks for an event when more comes or the
  /// client leaves. For the time in which no request is read.
  void watch();
  enum class Side { kOpen, kHalfClosed, kGone };
  /// What is known of the client: it sends nothing more, or it is gone.
  Side side() const { return side_; }

  void wake();             ///< an event
  void wake_any_thread();  ///< the same, any thread
  void cut_any_thread();   ///< ends everything; any thread

  /// Closes after the client had some time to read what was sent last: it may still be sending, and
  /// closing on unread bytes would take the answer from it.
  Awaitable<void> linger();
  void close();

  static constexpr size_t kMostAhead = 16 << 10;
  static constexpr Clock::time_point kForever = Clock::time_point::max();

 private:
  enum class Got { kData, kNothing, kEnd };
  Got receive(size_t most);
  void expect_bytes();
  void expect_room();

  const boost::asio::any_io_executor strand_;
  boost::asio::posix::stream_descriptor socket_;
  boost::asio::steady_timer event_;  ///< cancelled by an event
  bool happened_ = false;            ///< an event since the last wait
  bool expects_bytes_ = false, expects_room_ = false;
  Side side_ = Side::kOpen;
  std::string received_;
  uint64_t bytes_sent_ = 0;
};

}  // namespace maie::http
