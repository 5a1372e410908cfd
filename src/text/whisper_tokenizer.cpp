#include "text/whisper_tokenizer.h"

#include <algorithm>
#include <cstdio>

#include "text/languages.h"
#include "text/utf8.h"

namespace maie::text {
namespace {

// The signs Whisper's training text brackets its remarks with; see non_speech_tokens.
constexpr const char* kNonSpeechSigns[] = {
    "\"",  "#",  "(",  ")",   "*",   "+",   "/",   ":",  ";",   "<",  "=",  ">",
    "@",   "[",  "\\", "]",   "^",   "_",   "`",   "{",  "|",   "}",  "~",  "「",
    "」",  "『", "』", "<<",  ">>",  "<<<", ">>>", "--", "---", "-(", "-[", "('",
    "(\"", "((", "))", "(((", ")))", "[[",  "]]",  "{{", "}}",  "♪♪", "♪♪♪"};
// These are suppressed by their first token even when they take several.
constexpr const char* kMusicSigns[] = {"♩", "♪", "♫", "♬", "♭", "♮", "♯"};

constexpr std::string_view kPunctuation = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~";

// eot, sot, translate, transcribe, startoflm, startofprev, nospeech, notimestamps.
constexpr int32_t kNamedSpecials = 8;
// Of a small model without languages and tasks: eot, sot, notimestamps.
constexpr int32_t kMinimalSpecials = 3;
constexpr int32_t kEnglishOnlyOrdinary = 50256;  // ranks of the gpt2 vocabulary

std::string timestamp_name(int32_t index) {
  char name[32];
  std::snprintf(name, sizeof name, "<|%d.%02d|>", index / 50, index % 50 * 2);
  return name;
}

bool is_language_name(std::string_view content) {
  if (!content.starts_with("<|") || !content.ends_with("|>")) return false;
  if (content.size() < 6 || content.size() > 7) return false;
  const std::string_view code = content.substr(2, content.size() - 4);
  return std::all_of(code.begin(), code.end(), [](char c) { return c >= 'a' && c <= 'z'; });
}

}  // namespace

Result<WhisperTokenizer> WhisperTokenizer::from_bpe(BpeTokenizer bpe) {
  WhisperTokenizer tokenizer(std::move(bpe));
  MAIE_TRY(tokenizer.find_specials());
  MAIE_TRY(tokenizer.find_suppressed());
  return tokenizer;
}

Result<WhisperTokenizer> WhisperTokenizer::from_ranked_tokens(std::vector<std::string> token_bytes,
                                                              int32_t vocabulary_size) {
  if (vocabulary_size <= 0 || vocabulary_size > BpeTokenizer::kMaxTokens) {
    return corrupt("a vocabulary of " + std::to_string(vocabulary_size) + " tokens");
  }
  std::vector<AddedToken> added;
  const auto eot_at = std::find(token_bytes.begin(), token_bytes.end(), "<|endoftext|>");
  const auto sot_at = std::find(token_bytes.begin(), token_bytes.end(), "<|startoftranscript|>");
  if (sot_at != token_bytes.end()) {
    for (size_t i = 0; i < token_bytes.size(); ++i) {
      const std::string& token = token_bytes[i];
      if (token.size() > 4 && token.starts_with("<|") && token.ends_with("|>")) {
        added.push_back({.id = static_cast<int32_t>(i), .content = token});
      }
    }
  } else {
    int32_t ordinary = static_cast<int32_t>(eot_at - token_bytes.begin());
    // The published sizes say it themselves; some writers list a token more or less.
    if (vocabulary_size == 51864) ordinary = kEnglishOnlyOrdinary;
    if (vocabulary_size == 51865 || vocabulary_size == 51866) ordinary = 50257;
    const int32_t extra = vocabulary_size - ordinary;
    const int32_t languages = extra - kNamedSpecials - kTimestamps;
    const bool minimal = extra == kMinimalSpecials + kTimestamps;
    const auto known = static_cast<int32_t>(whisper_languages().size());
    if (!minimal && (languages < 0 || languages > known)) {
      return corrupt("the tokenizer has " + std::to_string(ordinary) +
                     " ordinary tokens, which does not fit a Whisper vocabulary of " +
                     std::to_string(vocabulary_size));
    }
    token_bytes.resize(static_cast<size_t>(ordinary));
    int32_t id = ordinary;
    const auto add = [&](std::string name) { added.push_back({id++, std::move(name)}); };
    add("<|endoftext|>");
    add("<|startoftranscript|>");
    if (!minimal) {
      for (int32_t i = 0; i < languages; ++i) {
        add("<|" + std::string(whisper_languages()[static_cast<size_t>(i)].code) + "|>");
      }
      for (const char* name : {"<|translate|>", "<|transcribe|>", "<|startoflm|>",
                               "<|startofprev|>", "<|nospeech|>"}) {
        add(name);
      }
    }
    add("<|notimestamps|>");
    for (int32_t i = 0; i < kTimestamps; ++i) add(timestamp_name(i));
  }
  MAIE_ASSIGN(BpeTokenizer bpe,
              BpeTokenizer::from_ranked_tokens(std::move(token_bytes), std::move(added)));
  return from_bpe(std::move(bpe));
}

Status WhisperTokenizer::find_specials() {
  const auto id = [this](const char* name) { return bpe_.token_to_id(name); };
  const auto eot = id("<|endoftext|>"), sot = id("<|startoftranscript|>");
  if (!eot || !sot) {
    return corrupt(
        "the tokenizer has no <|endoftext|> or no <|startoftranscript|>; it is not a "
        "Whisper tokenizer");
  }
  eot_ = *eot;
  sot_ = *sot;
  translate_ = id("<|translate|>");
  transcribe_ = id("<|transcribe|>");
  start_of_lm_ = id("<|startoflm|>");
  start_of_previous_ = id("<|startofprev|>");
  no_speech_ = id("<|nospeech|>") ? id("<|nospeech|>") : id("<|nocaptions|>");
  no_timestamps_ = id("<|notimestamps|>");
  timestamp_begin_ = id("<|0.00|>");
  vocabulary_size_ = bpe_.size();
  if (!timestamp_begin_ && no_timestamps_) {
    // Older published tokenizer files leave the timestamps out; they follow this token.
    timestamp_begin_ = *no_timestamps_ + 1;
    vocabulary_size_ = std::max(vocabulary_size_, *timestamp_begin_ + kTimestamps);
  }
  if (timestamp_begin_ && *timestamp_begin_ <= eot_) {
    return corrupt("timestamps lie below <|endoftext|>; it is not a Whisper tokenizer");
  }
  for (const AddedToken& token : bpe_.added_tokens()) {
    if (token.id > sot_ && is_language_name(token.content)) {
      languages_.push_back({token.content.substr(2, token.content.size() - 4), token.id});
    }
  }
  std::sort(languages_.begin(), languages_.end(),
            [](const LanguageToken& a, const LanguageToken& b) { return a.id < b.id; });
  // The published English-only models name languages as well; their eot tells them apart.
  multilingual_ = !languages_.empty() && eot_ != kEnglishOnlyOrdinary;
  return {};
}

Status WhisperTokenizer::find_suppressed() {
  const auto first_of = [this](const std::string& text, bool only_if_single) -> Status {
    MAIE_ASSIGN(const std::vector<int32_t> ids, encode(text));
    if (ids.empty() || (only_if_single && ids.size() != 1)) return {};
    // In a small vocabulary a sign may begin with a bare space or with one byte of a character.
    // Those begin words and letters too: without them the model cannot write.
    const std::string_view bytes = bpe_.id_to_bytes(ids.front());
    if (ids.size() > 1 && (bytes == " " || (bytes.size() == 1 && (bytes[0] & 0x80) != 0)))
      return {};
    non_speech_.push_back(ids.front());
    return {};
  };
  MAIE_TRY(first_of(" -", false));
  MAIE_TRY(first_of(" '", false));
  for (const std::string space : {"", " "}) {
    for (const char* sign : kNonSpeechSigns) MAIE_TRY(first_of(space + sign, true));
    for (const char* sign : kMusicSigns) MAIE_TRY(first_of(space + sign, false));
  }
  std::sort(non_speech_.begin(), non_speech_.end());
  non_speech_.erase(std::unique(non_speech_.begin(), non_speech_.end()), non_speech_.end());

  // The blank stands for an empty answer only where no word begins with it: Whisper's vocabularies
  // have a token of space and letter for every letter, a small one may write the two apart.
  MAIE_ASSIGN(blank_, encode(" "));
  for (char letter = 'A'; letter <= 'z' && !blank_.empty(); ++letter) {
    if (letter > 'Z' && letter < 'a') continue;
    MAIE_ASSIGN(const std::vector<int32_t> ids, encode(std::string(" ") + letter));
    if (ids.size() > 1 && ids.front() == blank_.front()) blank_.clear();
  }
  blank_.push_back(eot_);
  return {};
}

Status WhisperTokenizer::check_fits(int64_t model_vocabulary_size) const {
  // Some exports pad the embedding to a round number of rows, never by more.
  constexpr int64_t kMostPadding = 1024;
  if (model_vocabulary_size >= vocabulary_size_ &&
      model_vocabulary_size <= vocabulary_size_ + kMostPadding) {
    return {};
  }
  return corrupt("the tokenizer has " + std::to_string(vocabulary_size_) + " tokens, the model " +
                 std::to_string(model_vocabulary_size) + "; they do not belong together");
}

std::optional<int32_t> WhisperTokenizer::language_id(std::string_view code) const {
  for (const LanguageToken& language : languages_) {
    if (language.code == code) return language.id;
  }
  return std::nullopt;
}

std::optional<std::string> WhisperTokenizer::language_of(int32_t id) const {
  for (const LanguageToken& language : languages_) {
    if (language.id == id) return language.code;
  }
  return std::nullopt;
}

Result<std::vector<int32_t>> WhisperTokenizer::sot_sequence(std::string_view language_code,
                                                            WhisperTask task) const {
  std::vector<int32_t> sequence{sot_};
  const auto task_id = task == WhisperTask::kTranslate ? translate_ : transcribe_;
  if (task == WhisperTask::kTranslate && (!multilingual_ || !task_id)) {
    return unsupported(
        "this model cannot translate; use the task transcribe or a multilingual model");
  }
  if (!multilingual_) return sequence;
  const auto language = language_id(language_code);
  if (!language) {
    return invalid_input("this model has no language \"" + std::string(language_code) + "\"");
  }
  sequence.push_back(*language);
  if (task_id) sequence.push_back(*task_id);
  return sequence;
}

std::vector<int32_t> WhisperTokenizer::suppressed_tokens(std::span<const int32_t> wanted) const {
  std::vector<int32_t> ids{sot_};
  for (const int32_t id : wanted) {
    if (id >= 0 && id < vocabulary_size_) ids.push_back(id);
    if (id == -1) ids.insert(ids.end(), non_speech_.begin(), non_speech_.end());
  }
  for (const auto& id : {transcribe_, translate_, start_of_previous_, start_of_lm_, no_speech_}) {
    if (id) ids.push_back(*id);
  }
  std::sort(ids.begin(), ids.end());
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
  return ids;
}

Result<std::vector<int32_t>> WhisperTokenizer::encode(std::string_view text) const {
  return bpe_.encode(text, AddedTokens::kAsText);
}

std::string WhisperTokenizer::decode(std::span<const int32_t> ids) const {
  std::string bytes;
  for (const int32_t id : ids) {
    if (id < eot_) bytes.append(bpe_.id_to_bytes(id));
  }
  return repair_utf8(bytes);
}

std::string WhisperTokenizer::decode_with_timestamps(std::span<const int32_t> ids) const {
  std::string out;
  size_t begin = 0;  // of the run of text tokens, which are decoded together
  for (size_t i = 0; i < ids.size(); ++i) {
    if (!timestamp_begin_ || ids[i] < *timestamp_begin_) continue;
    out += decode(ids.subspan(begin, i - begin));
    out += timestamp_name(ids[i] - *timestamp_begin_);
    begin = i + 1;
  }
  return out + decode(ids.subspan(begin));
}

std::vector<WordTokens> WhisperTokenizer::split_by_characters(std::span<const int32_t> ids) const {
  const std::u32string whole = decode_utf8(decode_with_timestamps(ids));
  std::vector<WordTokens> words;
  size_t done = 0;   // code points of `whole` that finished words cover
  size_t begin = 0;  // first id of the run that grows
  for (size_t i = 0; i < ids.size(); ++i) {
    const auto run = ids.subspan(begin, i + 1 - begin);
    const std::string decoded = decode_with_timestamps(run);
    const std::u32string points = decode_utf8(decoded);
    const size_t broken = points.find(kReplacementCharacter);
    // A replacement that the whole text has as well is there to stay: bytes that never were UTF-8.
    if (broken != points.npos &&
        (done + broken >= whole.size() || whole[done + broken] != kReplacementCharacter)) {
      continue;
    }
    words.push_back({decoded, {run.begin(), run.end()}});
    done += points.size();
    begin = i + 1;
  }
  return words;
}

std::vector<WordTokens> WhisperTokenizer::split_to_words(std::span<const int32_t> ids,
                                                         std::string_view language_code) const {
  std::vector<WordTokens> parts = split_by_characters(ids);
  for (const char* code : {"zh", "ja", "th", "lo", "my", "yue"}) {
    if (language_code == code) return parts;
  }
  std::vector<WordTokens> words;
  for (WordTokens& part : parts) {
    const bool special = part.tokens.front() >= eot_;
    const bool spaced = part.text.starts_with(' ');
    // Also true for what strips to nothing: the reference tests for a substring.
    const bool punctuation = kPunctuation.find(strip(part.text)) != kPunctuation.npos;
    if (special || spaced || punctuation || words.empty()) {
      words.push_back(std::move(part));
    } else {
      words.back().text += part.text;
      words.back().tokens.insert(words.back().tokens.end(), part.tokens.begin(), part.tokens.end());
    }
  }
  return words;
}

}  // namespace maie::text
