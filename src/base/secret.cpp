#include "base/secret.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <sys/random.h>

#include <algorithm>
#include <cerrno>

#include "base/check.h"

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

std::string random_hex(size_t bytes) {
  std::string text;
  while (text.size() < 2 * bytes) {
    unsigned char block[32];  // so few are never cut short once the system has any
    const size_t count = std::min(sizeof block, bytes - text.size() / 2);
    if (::getrandom(block, count, 0) != ssize_t(count)) {
      check(errno == EINTR, "the system gives random numbers");
      continue;
    }
    for (size_t i = 0; i < count; ++i) {
      text += "0123456789abcdef"[block[i] >> 4];
      text += "0123456789abcdef"[block[i] & 15];
    }
  }
  return text;
}

}  // namespace maie
