#include "base/secret.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <sys/random.h>

#include <cerrno>

namespace maie {

SecretDigest digest_of_secret(std::string_view secret) {
  SecretDigest digest{};
  unsigned length = 0;
  check(EVP_Digest(secret.data(), secret.size(), digest.data(), &length, EVP_sha256(), nullptr) ==
                1 &&
            length == digest.size(),
        "SHA-256 is available");
  return digest;
}

bool same_in_constant_time(const SecretDigest& a, const SecretDigest& b) {
  return CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

Result<std::string> random_hex(size_t bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  while (text.size() < bytes * 2) {
    unsigned char byte = 0;
    const ssize_t got = ::getrandom(&byte, 1, 0);
    if (got < 0 && errno == EINTR) continue;
    if (got != 1) return errno_status("random numbers of the system", errno);
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

}  // namespace maie
