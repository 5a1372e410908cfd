#include "models/whisper/vocabulary.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <utility>

#include "base/json.h"

namespace maie::whisper {
namespace {

constexpr size_t kTimestamps = 1501;  // 0.00 to 30.00 in steps of 0.02
constexpr size_t kMaxTokens = 1'000'000;

// In the order of their ids. large-v3 added the last.
constexpr std::array<std::string_view, 100> kLanguages = {
    "en", "zh", "de", "es",  "ru", "ko", "fr", "ja", "pt", "tr", "pl", "ca", "nl", "ar", "sv",
    "it", "id", "hi", "fi",  "vi", "he", "uk", "el", "ms", "cs", "ro", "da", "hu", "ta", "no",
    "th", "ur", "hr", "bg",  "lt", "la", "mi", "ml", "cy", "sk", "te", "fa", "lv", "bn", "sr",
    "az", "sl", "kn", "et",  "mk", "br", "eu", "is", "hy", "ne", "mn", "bs", "kk", "sq", "sw",
    "gl", "mr", "pa", "si",  "km", "sn", "yo", "so", "af", "oc", "ka", "be", "tg", "sd", "gu",
    "am", "yi", "lo", "uz",  "fo", "ht", "ps", "tk", "nn", "mt", "sa", "lb", "my", "bo", "tl",
    "mg", "as", "tt", "haw", "ln", "ha", "ba", "jw", "su", "yue"};

std::string special(std::string_view name) { return std::string("<|").append(name).append("|>"); }

void count_ordinary(Vocabulary& vocabulary) {
  const auto& tokens = vocabulary.tokens;
  vocabulary.ordinary =
      size_t(std::find(tokens.begin(), tokens.end(), "<|endoftext|>") - tokens.begin());
}

}  // namespace

Result<std::vector<std::string>> implied_special_tokens(size_t size, size_t ordinary) {
  constexpr size_t kBare = 3;  // end, start, no timestamps
  constexpr size_t kAroundLanguages = 8;
  const size_t others = size >= ordinary + kTimestamps ? size - ordinary - kTimestamps : 0;
  if (others != kBare &&
      (others <= kAroundLanguages || others > kAroundLanguages + kLanguages.size())) {
    return unsupported(
        "a vocabulary of " + std::to_string(size) + " with " + std::to_string(ordinary) +
        " ordinary tokens has no known layout of special ones; use the Hugging Face" +
        " form of the model, which names them");
  }
  std::vector<std::string> names = {special("endoftext"), special("startoftranscript")};
  if (others != kBare) {
    for (size_t i = 0; i < others - kAroundLanguages; ++i) names.push_back(special(kLanguages[i]));
    for (const char* name : {"translate", "transcribe", "startoflm", "startofprev", "nospeech"}) {
      names.push_back(special(name));
    }
  }
  names.push_back(special("notimestamps"));
  for (size_t i = 0; i < kTimestamps; ++i) {
    std::array<char, 16> text;
    std::snprintf(text.data(), text.size(), "<|%zu.%02zu|>", i / 50, i % 50 * 2);
    names.emplace_back(text.data());
  }
  return names;
}

Result<Vocabulary> parse_vocabulary_json(std::string_view text, const std::string& where) {
  auto parsed = parse_json(text, {.depth = 4, .values = kMaxTokens});
  if (!parsed) return parsed.error().within(where);
  if (!parsed->is_array())
    return corrupt(where + ": is not an array of tokens; convert the model again");
  Vocabulary vocabulary;
  vocabulary.byte_level_form = true;
  vocabulary.tokens.reserve(parsed->size());
  for (const Json& token : *parsed) {
    if (!token.is_string()) {
      return corrupt(where + ": entry " + std::to_string(vocabulary.tokens.size()) +
                     " is not a string; convert the model again");
    }
    vocabulary.tokens.push_back(token.get<std::string>());
  }
  count_ordinary(vocabulary);
  return vocabulary;
}

Result<Vocabulary> parse_vocabulary_text(std::string_view text, const std::string& where) {
  Vocabulary vocabulary;
  vocabulary.byte_level_form = true;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    vocabulary.tokens.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (vocabulary.tokens.size() > kMaxTokens)
      return corrupt(where + ": more tokens than a model has");
  }
  count_ordinary(vocabulary);
  return vocabulary;
}

}  // namespace maie::whisper
