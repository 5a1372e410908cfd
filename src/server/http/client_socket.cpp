#include "server/http/client_socket.h"

#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cerrno>

#include "server/http/listener.h"

namespace maie::http {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;
using Descriptor = asio::posix::stream_descriptor;

constexpr size_t kReadBytes = 64 << 10;
constexpr auto kLingerPause = std::chrono::seconds(1);   // without a byte
constexpr auto kLingerLimit = std::chrono::seconds(10);  // in all
constexpr uint64_t kLingerBytes = 256 << 20;

bool is_temporary(int error) { return error == EAGAIN || error == EINTR; }

}  // namespace

ClientSocket::ClientSocket(asio::io_context& io, int socket)
    : strand_(asio::make_strand(io)), socket_(strand_, socket), event_(strand_) {
  tune_connection(socket);
}

ClientSocket::Got ClientSocket::receive(size_t most) {
  std::array<char, kReadBytes> piece;  // on the stack: received_ grows by what came alone
  while (side_ == Side::kOpen) {
    const ssize_t got =
        ::recv(descriptor(), piece.data(), std::min(most, piece.size()), MSG_DONTWAIT);
    if (got > 0) {
      received_.append(piece.data(), static_cast<size_t>(got));
      return Got::kData;
    }
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno == EAGAIN) return Got::kNothing;
    side_ = got == 0 ? Side::kHalfClosed : Side::kGone;
  }
  return Got::kEnd;
}

Awaitable<ClientSocket::Read> ClientSocket::read(Clock::time_point deadline) {
  while (true) {
    const Got got = receive(kReadBytes);
    if (got == Got::kData) co_return Read::kData;
    if (got == Got::kEnd) co_return Read::kEnd;
    expect_bytes();
    const bool in_time = co_await wait(deadline);
    if (!in_time) co_return Read::kTimeout;
  }
}

void ClientSocket::release_memory() {
  if (received_.empty()) std::string().swap(received_);
}

Awaitable<bool> ClientSocket::write(std::string_view bytes, Clock::duration patience) {
  const bool sent = co_await write(bytes, {}, patience);
  co_return sent;
}

Awaitable<bool> ClientSocket::write(std::string_view first, std::string_view second,
                                    Clock::duration patience) {
  Clock::time_point deadline = Clock::now() + patience;
  while (!first.empty() || !second.empty()) {
    if (side_ == Side::kGone) co_return false;
    std::array<iovec, 2> pieces = {iovec{const_cast<char*>(first.data()), first.size()},
                                   iovec{const_cast<char*>(second.data()), second.size()}};
    msghdr message{};
    message.msg_iov = pieces.data();
    message.msg_iovlen = pieces.size();
    const ssize_t sent = ::sendmsg(descriptor(), &message, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent > 0) {
      const auto count = static_cast<size_t>(sent);
      const size_t of_first = std::min(count, first.size());
      first.remove_prefix(of_first);
      second.remove_prefix(count - of_first);
      bytes_sent_ += count;
      deadline = Clock::now() + patience;
      continue;
    }
    if (!is_temporary(errno)) {
      side_ = Side::kGone;
      co_return false;
    }
    expect_room();
    const bool in_time = co_await wait(deadline);
    if (!in_time) co_return false;
  }
  co_return true;
}

Awaitable<bool> ClientSocket::wait(Clock::time_point deadline) {
  while (!happened_) {
    error_code error;
    event_.expires_at(deadline);
    co_await event_.async_wait(asio::redirect_error(asio::use_awaitable, error));
    if (!error && !happened_) co_return false;
  }
  happened_ = false;
  co_return true;
}

void ClientSocket::wake() {
  happened_ = true;
  event_.cancel();
}

void ClientSocket::wake_any_thread() {
  asio::post(strand_, [self = shared_from_this()] { self->wake(); });
}

void ClientSocket::cut_any_thread() {
  asio::post(strand_, [self = shared_from_this()] {
    self->side_ = Side::kGone;
    if (self->socket_.is_open()) ::shutdown(self->descriptor(), SHUT_RDWR);
    self->wake();
  });
}

void ClientSocket::watch() {
  while (side_ == Side::kOpen && received_.size() < kMostAhead) {
    const Got got = receive(kMostAhead - received_.size());
    if (got == Got::kNothing) {
      expect_bytes();
      return;
    }
  }
}

void ClientSocket::expect_bytes() {
  if (expects_bytes_ || !socket_.is_open()) return;
  expects_bytes_ = true;
  socket_.async_wait(Descriptor::wait_read, [self = shared_from_this()](error_code) {
    self->expects_bytes_ = false;
    self->wake();
  });
}

void ClientSocket::expect_room() {
  if (expects_room_ || !socket_.is_open()) return;
  expects_room_ = true;
  socket_.async_wait(Descriptor::wait_write, [self = shared_from_this()](error_code) {
    self->expects_room_ = false;
    self->wake();
  });
}

Awaitable<void> ClientSocket::linger() {
  ::shutdown(descriptor(), SHUT_WR);
  const Clock::time_point limit = Clock::now() + kLingerLimit;
  uint64_t discarded = 0;
  while (discarded < kLingerBytes) {
    discarded += received_.size();
    received_.clear();
    const Read got = co_await read(std::min(limit, Clock::now() + kLingerPause));
    if (got != Read::kData || Clock::now() > limit) break;
  }
}

void ClientSocket::close() {
  error_code ignored;
  socket_.close(ignored);
  event_.cancel();
}

}  // namespace maie::http
