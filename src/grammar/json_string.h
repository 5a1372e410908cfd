#pragma once

#include "grammar/grammar.h"

namespace maie::grammar {

/// Where a reader is inside one character of a JSON string. Packed into 32 bits as kind (4), bytes
/// or digits still to come (4), value so far (24).
enum class Lex : uint32_t {
  kOpen,      ///< before the opening quote
  kClean,     ///< between two characters
  kUtf8,      ///< inside a character of several bytes; `left` continuation bytes to come
  kSlash,     ///< after a backslash
  kHex,       ///< inside \uXXXX; `left` digits to come
  kLowSlash,  ///< after a high surrogate: \ must come; value is the surrogate's ten bits
  kLowU,      ///< then u
  kLowHex,    ///< then the digits of the low one; value is ten bits, then the digits so far
};
constexpr uint32_t pack(Lex kind, uint32_t left = 0, uint32_t value = 0) {
  return uint32_t(kind) << 28 | left << 24 | value;
}
constexpr Lex kind_of(uint32_t lex) { return Lex(lex >> 28); }

/// What one byte did.
enum class StringStep { kRefused, kInside, kClosed };

/// One byte of the JSON string `node`: UTF-8 only whole and shortest, no raw control characters,
/// surrogates only in pairs, every character one that the automaton and the length allow. A prefix
/// of a character is accepted exactly when some character that begins so is.
StringStep step_string(const Node& node, uint8_t byte, uint32_t& state, uint32_t& count,
                       uint32_t& lex);

/// Bytes that surely suffice to finish the string from here; one byte exists that lowers it.
uint64_t string_need(const Node& node, uint32_t state, uint32_t count, uint32_t lex);

}  // namespace maie::grammar
