#pragma once

#include <string>
#include <string_view>

#include "tests/server/live_server.h"
#include "tests/server/raw_client.h"

namespace maie::http {

// Requests as text, for tests of the server.

inline RawAnswer ask(const LiveServer& server, std::string_view request, bool to_head = false) {
  RawClient client(server.port());
  client.send(request);
  return client.answer(to_head);
}

inline RawAnswer get(const LiveServer& server, const std::string& target,
                     const std::string& more = "") {
  return ask(server, "GET " + target + " HTTP/1.1\r\nHost: x\r\n" + more + "\r\n");
}

inline std::string post(const std::string& target, const std::string& body,
                        const std::string& more = "") {
  return "POST " + target + " HTTP/1.1\r\nHost: x\r\n" + more +
         "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

inline const std::string kHello = "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n";
inline const std::string kFormType = "Content-Type: multipart/form-data; boundary=B\r\n";

inline std::string field(const std::string& name, const std::string& value) {
  return "--B\r\nContent-Disposition: form-data; name=\"" + name + "\"\r\n\r\n" + value + "\r\n";
}

inline std::string file(const std::string& name, const std::string& file_name,
                        const std::string& bytes) {
  return "--B\r\nContent-Disposition: form-data; name=\"" + name + "\"; filename=\"" + file_name +
         "\"\r\nContent-Type: audio/wav\r\n\r\n" + bytes + "\r\n";
}

}  // namespace maie::http
