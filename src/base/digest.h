#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace maie {

/// A hash over bytes that come piece by piece. One thread at a time.
class Digest {
 public:
  enum class Kind { kSha1, kSha256 };

  explicit Digest(Kind kind);
  ~Digest();
  Digest(Digest&&) noexcept;
  Digest& operator=(Digest&&) noexcept;

  void add(std::span<const std::byte> bytes);
  void add(std::string_view text) { add(std::as_bytes(std::span(text.data(), text.size()))); }

  /// Lower-case hexadecimal, once: afterwards the object is spent.
  std::string hex();

 private:
  class State;
  std::unique_ptr<State> state_;
};

}  // namespace maie
