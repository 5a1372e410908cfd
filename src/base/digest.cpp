#include "base/digest.h"

#include <openssl/evp.h>

#include <array>

#include "base/check.h"

namespace maie {

class Digest::State {
 public:
  explicit State(const EVP_MD* algorithm) : context_(EVP_MD_CTX_new()) {
    check(context_ != nullptr && EVP_DigestInit_ex(context_, algorithm, nullptr) == 1,
          "SHA-1 and SHA-256 are available");
  }
  ~State() { EVP_MD_CTX_free(context_); }
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  EVP_MD_CTX* get() { return context_; }

 private:
  EVP_MD_CTX* context_;
};

Digest::Digest(Kind kind)
    : state_(std::make_unique<State>(kind == Kind::kSha1 ? EVP_sha1() : EVP_sha256())) {}
Digest::~Digest() = default;
Digest::Digest(Digest&&) noexcept = default;
Digest& Digest::operator=(Digest&&) noexcept = default;

void Digest::add(std::span<const std::byte> bytes) {
  check(state_ != nullptr, "Digest::add() after hex()");
  check(EVP_DigestUpdate(state_->get(), bytes.data(), bytes.size()) == 1, "a digest takes bytes");
}

std::string Digest::hex() {
  check(state_ != nullptr, "Digest::hex() once");
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest;
  unsigned length = 0;
  check(EVP_DigestFinal_ex(state_->get(), digest.data(), &length) == 1, "a digest ends");
  state_.reset();
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (unsigned i = 0; i < length; ++i) {
    text += kDigits[digest[i] >> 4];
    text += kDigits[digest[i] & 15];
  }
  return text;
}

}  // namespace maie
