#include "server/http/listener.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string_view>

namespace maie::http {
namespace {

constexpr int kBacklog = 4096;  // the system caps it

Status listen_at(int socket, const sockaddr* address, socklen_t size, const std::string& where) {
  if (::bind(socket, address, size) != 0 || ::listen(socket, kBacklog) != 0) {
    const int error = errno;
    ::close(socket);
    return errno_status(where, error);
  }
  return {};
}

Result<int> listen_address(const addrinfo& address, const std::string& where) {
  const int socket =
      ::socket(address.ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_TCP);
  if (socket < 0) return errno_status(where, errno);
  const int on = 1, off = 0;
  ::setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (address.ai_family == AF_INET6) {  // "::" takes IPv4 as well
    ::setsockopt(socket, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
  }
  MAIE_TRY(listen_at(socket, address.ai_addr, address.ai_addrlen, where));
  return socket;
}

/// Removes a socket file that nobody listens on.
Status remove_stale(const std::string& path, const sockaddr_un& address) {
  struct stat found {};
  if (::lstat(path.c_str(), &found) != 0) return {};
  if (!S_ISSOCK(found.st_mode)) {
    return invalid_input(path + " exists and is no socket; choose another path");
  }
  const int probe = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (probe < 0) return errno_status(path, errno);
  const bool served =
      ::connect(probe, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  ::close(probe);
  if (served) return unavailable(path + ": another server listens there");
  if (::unlink(path.c_str()) != 0) return errno_status(path, errno);
  return {};
}

int number_of(const char* variable) {
  const char* text = std::getenv(variable);
  int value = 0;
  if (text != nullptr) std::from_chars(text, text + std::strlen(text), value);
  return value;
}

}  // namespace

Result<int> listen_tcp(const std::string& host, int port) {
  const std::string where = host + ":" + std::to_string(port);
  addrinfo hints{};
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const bool any = host.empty() || host == "*";
  const int error =
      ::getaddrinfo(any ? nullptr : host.c_str(), std::to_string(port).c_str(), &hints, &found);
  if (error != 0) return invalid_input(where + ": " + ::gai_strerror(error));
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner(found, &::freeaddrinfo);
  Result<int> socket = invalid_input(where + ": no such address");
  for (const addrinfo* address = found; address != nullptr; address = address->ai_next) {
    socket = listen_address(*address, where);
    if (socket) break;
  }
  return socket;
}

Result<int> listen_unix(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof address.sun_path) {
    return invalid_input(path + ": a socket's path has 1 to 107 bytes");
  }
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  MAIE_TRY(remove_stale(path, address));
  const int socket = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (socket < 0) return errno_status(path, errno);
  ::fchmod(socket, 0660);  // Linux makes the file with the mode of the socket, less the umask
  MAIE_TRY(listen_at(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address, path));
  ::chmod(path.c_str(), 0660);
  return socket;
}

std::vector<int> inherited_sockets(int first) {
  std::vector<int> sockets;
  if (number_of("LISTEN_PID") == ::getpid()) {
    const int count = number_of("LISTEN_FDS");
    for (int socket = first; socket < first + count; ++socket) {
      const int flags = ::fcntl(socket, F_GETFL);
      if (flags < 0) break;
      ::fcntl(socket, F_SETFL, flags | O_NONBLOCK);
      ::fcntl(socket, F_SETFD, FD_CLOEXEC);
      sockets.push_back(socket);
    }
  }
  for (const char* name : {"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"}) ::unsetenv(name);
  return sockets;
}

int port_of(int socket) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  if (::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size) != 0) return 0;
  if (address.ss_family == AF_INET) {
    return ntohs(reinterpret_cast<const sockaddr_in&>(address).sin_port);
  }
  if (address.ss_family == AF_INET6) {
    return ntohs(reinterpret_cast<const sockaddr_in6&>(address).sin6_port);
  }
  return 0;
}

std::string peer_of(int socket) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  if (::getpeername(socket, reinterpret_cast<sockaddr*>(&address), &size) != 0) return "unknown";
  char text[INET6_ADDRSTRLEN] = "";
  if (address.ss_family == AF_UNIX) return "unix";
  if (address.ss_family == AF_INET) {
    ::inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in&>(address).sin_addr, text,
                sizeof text);
  } else if (address.ss_family == AF_INET6) {
    ::inet_ntop(AF_INET6, &reinterpret_cast<const sockaddr_in6&>(address).sin6_addr, text,
                sizeof text);
  }
  const std::string_view mapped = "::ffff:";  // IPv4 over an IPv6 socket
  const std::string_view found = text;
  const bool is_mapped = found.starts_with(mapped) && found.find('.') != std::string_view::npos;
  return std::string(is_mapped ? found.substr(mapped.size()) : found);
}

void tune_connection(int socket) {
  const auto set = [&](int level, int name, int value) {
    ::setsockopt(socket, level, name, &value, sizeof value);  // fails on socket files: no matter
  };
  set(IPPROTO_TCP, TCP_NODELAY, 1);
  set(SOL_SOCKET, SO_KEEPALIVE, 1);
  set(IPPROTO_TCP, TCP_KEEPIDLE, 60);
  set(IPPROTO_TCP, TCP_KEEPINTVL, 15);
  set(IPPROTO_TCP, TCP_KEEPCNT, 4);
}

}  // namespace maie::http
