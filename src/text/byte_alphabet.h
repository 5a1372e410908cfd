#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace maie::text {

/// Byte-level vocabularies are written in an alphabet that gives each of the 256 bytes one
/// printable character: bytes 33-126, 161-172 and 174-255 stand for themselves, the other 68 in
/// ascending order are U+0100 and up (space is U+0120, newline U+010A).
std::string bytes_to_alphabet(std::string_view bytes);

/// The bytes behind `characters`; nullopt when one of them is not of the alphabet.
std::optional<std::string> alphabet_to_bytes(std::string_view characters);

}  // namespace maie::text
