#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace maie::text {

/// `text` in Unicode's composed form (NFC); invalid UTF-8 becomes U+FFFD first.
std::string nfc(std::string_view text);

/// Text as lists of phrases are compared: NFC, lower case, white space at the ends gone and single
/// spaces elsewhere.
std::string fold(std::string_view text);

/// The words of `text` as scoring compares them (normalize_for_scoring), in order.
std::vector<std::string> scoring_words(std::string_view text);

}  // namespace maie::text
