#pragma once

#include <string>
#include <vector>

#include "base/status.h"

namespace maie::http {

/// Sockets that listen, without blocking, closed when a program is started.

/// @param host  a name or address; "" and "*" mean all addresses
/// @param port  0: any free one
Result<int> listen_tcp(const std::string& host, int port);

/// A socket file with mode 0660. One that nobody listens on any more is replaced; kUnavailable when
/// somebody does.
Result<int> listen_unix(const std::string& path);

/// What the service manager hands over (LISTEN_FDS, LISTEN_PID); empty without. The variables are
/// taken out of the environment, so that no child believes the sockets are its own.
/// @param first  the first descriptor; the protocol says 3
std::vector<int> inherited_sockets(int first = 3);

int port_of(int socket);  ///< 0 for a socket file

/// The address of the other end without its port; "unix" for a socket file.
std::string peer_of(int socket);

/// What a connection of ours has: small packets at once, dead peers noticed within two minutes.
void tune_connection(int socket);

}  // namespace maie::http
