#include "server/http/random_id.h"

#include <sys/random.h>

#include <array>
#include <random>

namespace maie::http {

std::string random_id() {
  std::array<unsigned char, 16> bytes{};
  if (::getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) {
    std::random_device device;  // an old kernel without the call
    for (unsigned char& byte : bytes) byte = static_cast<unsigned char>(device());
  }
  std::string out;
  for (const unsigned char byte : bytes) {
    out += "0123456789abcdef"[byte >> 4];
    out += "0123456789abcdef"[byte & 15];
  }
  return out;
}

}  // namespace maie::http
