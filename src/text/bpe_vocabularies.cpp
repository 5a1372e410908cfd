// The plain vocabularies: lists of tokens, with merges or with ranks.
#include <algorithm>
#include <charconv>

#include "base/json.h"
#include "text/bpe_draft.h"
#include "text/byte_alphabet.h"

namespace maie::text {
namespace {

// Bytes of standard base64 with padding; false when it is not.
bool decode_base64(std::string_view in, std::string& out) {
  out.clear();
  if (in == "=") return true;  // how the multilingual Whisper vocabulary writes its empty token
  uint32_t bits = 0;
  int held = 0;
  const size_t end = std::min(in.find('='), in.size());
  if (in.size() % 4 != 0 || in.size() - end > 2) return false;
  if (in.substr(end).find_first_not_of('=') != std::string_view::npos) return false;
  for (const char c : in.substr(0, end)) {
    int value = 0;
    if (c >= 'A' && c <= 'Z') {
      value = c - 'A';
    } else if (c >= 'a' && c <= 'z') {
      value = c - 'a' + 26;
    } else if (c >= '0' && c <= '9') {
      value = c - '0' + 52;
    } else if (c == '+') {
      value = 62;
    } else if (c == '/') {
      value = 63;
    } else {
      return false;
    }
    bits = bits << 6 | static_cast<uint32_t>(value);
    held += 6;
    if (held >= 8) {
      held -= 8;
      out.push_back(static_cast<char>(bits >> held));
    }
  }
  return true;
}

bool looks_like_a_name(std::string_view token) {
  return token.size() > 4 && token.starts_with("<|") && token.ends_with("|>");
}

Status too_many(size_t count) {
  return corrupt("vocabulary has " + std::to_string(count) + " tokens, more than the " +
                 std::to_string(BpeTokenizer::kMaxTokens) + " we take");
}

}  // namespace

Result<BpeTokenizer> BpeTokenizer::from_vocabulary_and_merges(
    const std::vector<std::string>& tokens, const std::vector<std::string>& merges,
    std::vector<AddedToken> added, BpeOptions options) {
  if (tokens.size() > kMaxTokens) return too_many(tokens.size());
  if (merges.size() > 2u * kMaxTokens) return corrupt("more merges than any vocabulary has");
  Draft draft;
  draft.added = std::move(added);
  draft.options = std::move(options);
  const auto bytes_of = [&draft](int32_t id) { return draft.bytes(id); };
  ByteStringIndex index;
  index.reserve(tokens.size());
  for (size_t i = 0; i < tokens.size(); ++i) {
    const auto id = static_cast<int32_t>(i);
    const auto bytes = alphabet_to_bytes(tokens[i]);
    draft.set(id, bytes ? *bytes : tokens[i]);
    if (bytes) {
      index.insert(draft.bytes(id), id, bytes_of);
    } else {
      draft.exclude(id);  // no bytes spell it; it can only be an added token
    }
  }
  draft.merges.reserve(merges.size());
  for (size_t rank = 0; rank < merges.size(); ++rank) {
    const std::string_view line = merges[rank];
    const size_t space = line.find(' ');
    const bool two = space != std::string_view::npos && line.find(' ', space + 1) == line.npos;
    const auto left = two ? alphabet_to_bytes(line.substr(0, space)) : std::nullopt;
    const auto right = two ? alphabet_to_bytes(line.substr(space + 1)) : std::nullopt;
    const int32_t left_id = left ? index.find(*left, bytes_of) : -1;
    const int32_t right_id = right ? index.find(*right, bytes_of) : -1;
    const int32_t result = left && right ? index.find(*left + *right, bytes_of) : -1;
    if (left_id < 0 || right_id < 0 || result < 0) {
      return corrupt("merge " + std::to_string(rank) + " \"" + std::string(line.substr(0, 80)) +
                     "\" is not a pair of tokens whose union is a token");
    }
    draft.merges.push_back({left_id, right_id, result});
  }
  return build(std::move(draft));
}

Result<BpeTokenizer> BpeTokenizer::from_ranked_tokens(std::vector<std::string> token_bytes,
                                                      std::vector<AddedToken> added,
                                                      BpeOptions options) {
  if (token_bytes.size() > kMaxTokens) return too_many(token_bytes.size());
  Draft draft;
  draft.ranked = true;
  draft.added = std::move(added);
  draft.options = std::move(options);
  draft.extents.reserve(token_bytes.size());
  for (size_t id = 0; id < token_bytes.size(); ++id) {
    draft.set(static_cast<int32_t>(id), token_bytes[id]);
  }
  for (const AddedToken& token : draft.added) {
    // Named tokens inside the list are no merges: "<|" + "x|>" must stay text.
    if (token.id >= 0 && static_cast<size_t>(token.id) < token_bytes.size())
      draft.exclude(token.id);
  }
  return build(std::move(draft));
}

Result<BpeTokenizer> BpeTokenizer::from_tiktoken(std::string_view file_text,
                                                 std::vector<AddedToken> added,
                                                 BpeOptions options) {
  std::vector<std::string> tokens;
  size_t line_number = 0;
  for (size_t at = 0; at < file_text.size();) {
    ++line_number;
    const size_t end = std::min(file_text.find('\n', at), file_text.size());
    std::string_view line = file_text.substr(at, end - at);
    at = end + 1;
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty()) continue;
    const size_t space = line.find(' ');
    const std::string_view number =
        space == std::string_view::npos ? std::string_view() : line.substr(space + 1);
    size_t rank = 0;
    const auto parsed = std::from_chars(number.data(), number.data() + number.size(), rank);
    std::string bytes;
    if (number.empty() || parsed.ec != std::errc() || parsed.ptr != number.data() + number.size() ||
        rank != tokens.size() || !decode_base64(line.substr(0, space), bytes)) {
      return corrupt("line " + std::to_string(line_number) +
                     " is not \"base64 rank\" with the next rank in turn");
    }
    tokens.push_back(std::move(bytes));
    if (tokens.size() > kMaxTokens) return too_many(tokens.size());
  }
  if (tokens.empty()) return corrupt("no token in the tiktoken file");
  return from_ranked_tokens(std::move(tokens), std::move(added), std::move(options));
}

Result<BpeTokenizer> BpeTokenizer::from_ct2_vocabulary(std::string_view file_text) {
  std::vector<std::string> tokens;
  if (file_text.starts_with("[")) {
    MAIE_ASSIGN(const Json list, parse_json(file_text, {.depth = 2}));
    for (const Json& entry : list) {
      if (!entry.is_string()) {
        return corrupt("vocabulary entry " + std::to_string(tokens.size()) + " is not a string");
      }
      tokens.push_back(entry.get<std::string>());
    }
  } else {
    for (size_t at = 0; at < file_text.size();) {
      const size_t end = std::min(file_text.find('\n', at), file_text.size());
      tokens.emplace_back(file_text.substr(at, end - at));
      if (tokens.back().ends_with('\r')) tokens.back().pop_back();
      at = end + 1;
    }
  }
  if (tokens.empty()) return corrupt("no token in the vocabulary");
  std::vector<AddedToken> added;
  for (size_t i = 0; i < tokens.size(); ++i) {
    auto bytes = alphabet_to_bytes(tokens[i]);
    if (!bytes || looks_like_a_name(tokens[i])) {
      added.push_back({.id = static_cast<int32_t>(i), .content = tokens[i]});
    } else {
      tokens[i] = std::move(*bytes);
    }
  }
  return from_ranked_tokens(std::move(tokens), std::move(added));
}

}  // namespace maie::text
