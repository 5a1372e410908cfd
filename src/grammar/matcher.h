#pragma once

#include <optional>

#include "grammar/mask_cache.h"

namespace maie::grammar {

/// One document being written under a constraint, token by token. A sequence that keeps to `mask`
/// ends as a valid document; with a budget it does so in time. One thread at a time; several
/// matchers may share a Constraint.
class Matcher {
 public:
  explicit Matcher(std::shared_ptr<Constraint> constraint);

  /// Allowed tokens, one bit per id (bit id%32 of word id/32); valid until the next call. End
  /// tokens are allowed exactly when the document is complete.
  /// @param budget  tokens that may still be written, the end token not counted. Given, only
  ///   tokens after which the document can be finished in time are allowed; at least one is
  ///   whenever `budget >= tokens_to_finish()`.
  std::span<const uint32_t> mask(std::optional<uint64_t> budget = std::nullopt);

  /// Writes one token. False, and nothing changes, when it is not allowed.
  bool accept(int32_t token);
  /// Takes back the last `tokens` accepted ones. @throws ContractError when there are fewer.
  void rollback(size_t tokens);
  size_t accepted() const { return history_.size() - 1; }

  /// The bytes that must come next because nothing else may: possibly none, at most `most`.
  std::string forced(size_t most = 4096);
  /// How many of `tokens`, an encoding of the beginning of `forced()`, may be appended unasked. Of
  /// the last four, those are left out where a longer token that is allowed as well begins with
  /// the same bytes: the model may have meant that one.
  size_t safe_to_append(std::span<const int32_t> tokens);

  /// The document may end here (and may go on only if `mask` says so).
  bool complete() const { return Machine::complete(now().tops); }
  /// An end token was accepted.
  bool ended() const { return now().ended; }
  /// Tokens that surely suffice to finish, end token not counted.
  uint64_t tokens_to_finish() { return constraint_->needs().of(machine_, now().tops); }

 private:
  struct Place {
    Tops tops;
    size_t frames = 0;  ///< of the machine, once this place was reached
    bool ended = false;
  };
  const Place& now() const { return history_.back(); }
  bool advance(const std::string& bytes, Tops& tops);
  bool longer_allowed(const Tops& tops, const std::string& beginning);

  std::shared_ptr<Constraint> constraint_;
  Machine machine_;
  std::vector<Place> history_;
  std::vector<uint32_t> bits_;
};

}  // namespace maie::grammar
