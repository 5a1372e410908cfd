#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace maie::text {

struct Language {
  std::string_view code;  ///< as in Whisper's tokens: "en", "yue"
  std::string_view name;  ///< English, lower case: "english", "haitian creole"
};

/// The languages of Whisper in the order of their ids: 100, of which versions before large-v3 lack
/// the last (Cantonese).
std::span<const Language> whisper_languages();

/// The code for what a user may write: a code ("en"), a BCP-47 tag ("pt-BR"), an English name or
/// one of its synonyms ("Flemish"), in any case. nullopt when unknown.
std::optional<std::string> language_code(std::string_view written);

/// English name of a code; the code itself when we have no name for it.
std::string language_name(std::string_view code);

}  // namespace maie::text
