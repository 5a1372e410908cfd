#include "tests/support/loopback_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <stdexcept>

namespace maie::support {
namespace {

constexpr int kTickMs = 20;  // how soon a thread sees that the server stops

int listen_anywhere(int& port) {
  const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  if (socket < 0 || bind(socket, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
      listen(socket, 64) != 0 ||
      getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    throw std::runtime_error("no port of the loopback address can be had");
  }
  port = ntohs(address.sin_port);
  return socket;
}

// One connection, read request by request.
class Reader {
 public:
  Reader(int socket, const std::atomic<bool>& stopping) : socket_(socket), stopping_(stopping) {}

  std::optional<LoopbackRequest> next() {
    size_t end;
    while ((end = buffer_.find("\r\n\r\n")) == std::string::npos) {
      if (!more()) return std::nullopt;
    }
    LoopbackRequest request;
    size_t at = buffer_.find("\r\n");
    const std::string first = buffer_.substr(0, at);
    const size_t a = first.find(' '), b = first.rfind(' ');
    request.method = first.substr(0, a);
    request.target = a < b ? first.substr(a + 1, b - a - 1) : "";
    while (at < end) {
      const size_t begin = at + 2;
      at = buffer_.find("\r\n", begin);
      const std::string line = buffer_.substr(begin, at - begin);
      const size_t colon = line.find(':');
      if (colon == std::string::npos) continue;
      std::string name = line.substr(0, colon);
      for (char& c : name) c = char(tolower(static_cast<unsigned char>(c)));
      const size_t value = line.find_first_not_of(" \t", colon + 1);
      request.headers.emplace_back(name, value == std::string::npos ? "" : line.substr(value));
    }
    buffer_.erase(0, end + 4);
    const size_t length = size_t(std::atoll(request.header("content-length").c_str()));
    while (buffer_.size() < length) {
      if (!more()) return std::nullopt;
    }
    request.body = buffer_.substr(0, length);
    buffer_.erase(0, length);
    return request;
  }

 private:
  bool more() {
    while (!stopping_) {
      pollfd ready{socket_, POLLIN, 0};
      if (poll(&ready, 1, kTickMs) <= 0) continue;
      char bytes[16384];
      const ssize_t got = recv(socket_, bytes, sizeof bytes, 0);
      if (got <= 0) return false;
      buffer_.append(bytes, size_t(got));
      return true;
    }
    return false;
  }

  int socket_;
  const std::atomic<bool>& stopping_;
  std::string buffer_;
};

std::string head_of(int status, const LoopbackReply::Headers& headers) {
  std::string head = "HTTP/1.1 " + std::to_string(status) + " Said\r\n";
  for (const auto& [name, value] : headers) head += name + ": " + value + "\r\n";
  return head;
}

}  // namespace

std::string LoopbackRequest::header(std::string_view name) const {
  for (const auto& [key, value] : headers) {
    if (key == name) return value;
  }
  return {};
}

bool LoopbackReply::raw(std::string_view bytes) {
  while (!bytes.empty() && !closed_ && !stopping_) {
    pollfd ready{socket_, POLLOUT, 0};
    if (poll(&ready, 1, kTickMs) <= 0) continue;
    const ssize_t sent = send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && errno != EAGAIN) closed_ = true;
    if (sent > 0) bytes.remove_prefix(size_t(sent));
  }
  return bytes.empty();
}

bool LoopbackReply::answer(int status, std::string_view body, const Headers& headers) {
  return raw(head_of(status, headers) + "Content-Length: " + std::to_string(body.size()) +
             "\r\n\r\n" + std::string(body));
}

bool LoopbackReply::json(std::string_view body, int status) {
  return answer(status, body, {{"Content-Type", "application/json"}});
}

bool LoopbackReply::begin_chunked(int status, const Headers& headers) {
  return raw(head_of(status, headers) + "Transfer-Encoding: chunked\r\n\r\n");
}

bool LoopbackReply::chunk(std::string_view bytes) {
  char size[32];
  snprintf(size, sizeof size, "%zx\r\n", bytes.size());
  return bytes.empty() || raw(size + std::string(bytes) + "\r\n");
}

bool LoopbackReply::end_chunked() { return raw("0\r\n\r\n"); }

bool LoopbackReply::wait(double seconds) {
  using Clock = std::chrono::steady_clock;
  const auto end = Clock::now() + std::chrono::duration<double>(seconds);
  while (!closed_ && !stopping_ && Clock::now() < end) {
    const double left = std::chrono::duration<double>(end - Clock::now()).count();
    pollfd gone{socket_, POLLRDHUP, 0};
    if (poll(&gone, 1, int(std::min(left * 1000 + 1, double(kTickMs)))) > 0) closed_ = true;
  }
  return !closed_ && !stopping_;
}

void LoopbackReply::close() {
  shutdown(socket_, SHUT_RDWR);
  closed_ = true;
}

void LoopbackReply::reset() {
  const linger at_once{1, 0};
  setsockopt(socket_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  closed_ = true;  // and the connection's thread closes the socket
}

LoopbackServer::LoopbackServer(Handler handler)
    : handler_(std::move(handler)), listener_(listen_anywhere(port_)) {
  acceptor_ = std::thread([this] { accept_all(); });
}

LoopbackServer::~LoopbackServer() {
  stopping_ = true;
  acceptor_.join();
  for (std::thread& connection : connections_) connection.join();
  ::close(listener_);
}

std::vector<LoopbackRequest> LoopbackServer::requests() const {
  const std::lock_guard lock(mutex_);
  return requests_;
}

int LoopbackServer::connections() const {
  const std::lock_guard lock(mutex_);
  return int(connections_.size());
}

void LoopbackServer::accept_all() {
  while (!stopping_) {
    pollfd ready{listener_, POLLIN, 0};
    if (poll(&ready, 1, kTickMs) <= 0) continue;
    const int socket = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (socket < 0) continue;
    const int yes = 1;
    setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    const std::lock_guard lock(mutex_);
    const int number = int(connections_.size());
    connections_.emplace_back([this, socket, number] { serve(socket, number); });
  }
}

void LoopbackServer::serve(int socket, int number) {
  Reader reader(socket, stopping_);
  LoopbackReply reply(socket, stopping_);
  while (!reply.is_closed()) {
    std::optional<LoopbackRequest> request = reader.next();
    if (!request) break;
    request->connection = number;
    {
      const std::lock_guard lock(mutex_);
      requests_.push_back(*request);
    }
    handler_(*request, reply);
  }
  ::close(socket);
}

int unused_port() {
  int port = 0;
  ::close(listen_anywhere(port));
  return port;
}

}  // namespace maie::support
