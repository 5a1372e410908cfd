#include "tests/server/raw_client.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "server/http/characters.h"

namespace maie::http {
namespace {

using Clock = std::chrono::steady_clock;

Clock::time_point in(double seconds) {
  return Clock::now() +
         std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
}

}  // namespace

std::string RawAnswer::field(std::string_view name) const {
  size_t at = head.find("\r\n");
  while (at != std::string::npos && at + 2 < head.size()) {
    const size_t end = head.find("\r\n", at + 2);
    const std::string_view line = std::string_view(head).substr(at + 2, end - at - 2);
    const size_t colon = line.find(':');
    if (colon != std::string_view::npos && equal_fold(line.substr(0, colon), name)) {
      return std::string(trim(line.substr(colon + 1)));
    }
    at = end;
  }
  return {};
}

RawClient::RawClient(int port) {
  socket_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const int on = 1;
  ::setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (::connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) close();
}

RawClient::RawClient(const std::string& unix_path) {
  socket_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, unix_path.c_str(), unix_path.size() + 1);
  if (::connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) close();
}

RawClient::~RawClient() { close(); }

bool RawClient::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<size_t>(sent));
  }
  return true;
}

void RawClient::finish_sending() { ::shutdown(socket_, SHUT_WR); }

void RawClient::close() {
  if (socket_ >= 0) ::close(socket_);
  socket_ = -1;
}

void RawClient::reset() {
  const linger now{.l_onoff = 1, .l_linger = 0};
  ::setsockopt(socket_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
  close();
}

void RawClient::small_receive_buffer() {
  const int size = 4096;
  ::setsockopt(socket_, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
}

bool RawClient::fill(Clock::time_point deadline) {
  if (end_ || socket_ < 0) return false;
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now());
  pollfd wanted{.fd = socket_, .events = POLLIN, .revents = 0};
  if (left.count() <= 0 || ::poll(&wanted, 1, static_cast<int>(left.count())) <= 0) return false;
  std::array<char, 1 << 16> piece;
  const ssize_t got = ::recv(socket_, piece.data(), piece.size(), 0);
  if (got <= 0) {
    end_ = true;
    return false;
  }
  received_.append(piece.data(), static_cast<size_t>(got));
  return true;
}

bool RawClient::read_until(std::string_view text, double seconds) {
  const auto deadline = in(seconds);
  while (received_.find(text) == std::string::npos) {
    if (!fill(deadline)) return false;
  }
  return true;
}

bool RawClient::ended(double seconds) {
  const auto deadline = in(seconds);
  while (fill(deadline)) {
  }
  return end_;
}

RawAnswer RawClient::answer(bool to_head, double seconds) {
  RawAnswer answer;
  const auto deadline = in(seconds);
  if (!read_until("\r\n\r\n", seconds)) return answer;
  const size_t end = received_.find("\r\n\r\n") + 4;
  answer.head = received_.substr(0, end);
  received_.erase(0, end);
  if (answer.head.size() > 12) answer.status = std::atoi(answer.head.c_str() + 9);
  const std::string length = answer.field("content-length");
  const bool empty = to_head || answer.status < 200 || answer.status == 204 || answer.status == 304;
  if (empty) {
    answer.whole = true;
  } else if (!length.empty()) {
    const size_t wanted = std::stoul(length);
    while (received_.size() < wanted && fill(deadline)) {
    }
    answer.whole = received_.size() >= wanted;
    answer.body = received_.substr(0, wanted);
    received_.erase(0, wanted);
  } else if (answer.field("transfer-encoding") == "chunked") {
    while (true) {
      size_t line = received_.find("\r\n");
      while (line == std::string::npos && fill(deadline)) line = received_.find("\r\n");
      if (line == std::string::npos) return answer;
      const size_t size = std::stoul(received_.substr(0, line), nullptr, 16);
      while (received_.size() < line + 4 + size && fill(deadline)) {
      }
      if (received_.size() < line + 4 + size) return answer;
      answer.body += received_.substr(line + 2, size);
      received_.erase(0, line + 4 + size);
      if (size == 0) break;
    }
    answer.whole = true;
  } else {
    while (fill(deadline)) {
    }
    answer.whole = end_;
    answer.body = std::move(received_);
    received_.clear();
  }
  return answer;
}

}  // namespace maie::http
