#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <string_view>

namespace maie {

/// What is kept of a secret to compare it with: its SHA-256.
using SecretDigest = std::array<unsigned char, 32>;
SecretDigest digest_of_secret(std::string_view secret);

/// Whether both are the same, in a time that tells nothing about where they differ.
bool same_in_constant_time(const SecretDigest& a, const SecretDigest& b);

/// `bytes` random bytes of the system's generator as lower-case hexadecimal: what nobody can guess.
std::string random_hex(size_t bytes);

}  // namespace maie
