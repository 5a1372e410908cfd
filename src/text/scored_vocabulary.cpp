// SentencePiece vocabularies: scores become ranks, equal ones alike, so that the merging of
// bpe_tokenizer.cpp takes the best score first and the leftmost among equals.
#include <algorithm>
#include <cmath>

#include "text/bpe_draft.h"

namespace maie::text {
namespace {

std::string with_spaces(std::string_view token) {
  constexpr std::string_view kVisibleSpace = "\u2581";
  std::string out;
  for (size_t at = 0; at < token.size();) {
    const bool space = token.substr(at).starts_with(kVisibleSpace);
    out.push_back(space ? ' ' : token[at]);
    at += space ? kVisibleSpace.size() : 1;
  }
  return out;
}

}  // namespace

Result<BpeTokenizer> BpeTokenizer::from_scored_tokens(const std::vector<std::string>& tokens,
                                                      std::span<const float> scores,
                                                      std::vector<AddedToken> added,
                                                      ScoredOptions options) {
  if (tokens.empty() || tokens.size() > kMaxTokens) {
    return corrupt("vocabulary has " + std::to_string(tokens.size()) + " tokens, where 1 to " +
                   std::to_string(kMaxTokens) + " can be");
  }
  if (scores.size() != tokens.size()) {
    return corrupt("vocabulary has " + std::to_string(tokens.size()) + " tokens and " +
                   std::to_string(scores.size()) + " scores");
  }
  for (size_t id = 0; id < scores.size(); ++id) {
    if (!std::isfinite(scores[id])) {
      return corrupt("token " + std::to_string(id) + " has a score that is no finite number");
    }
  }
  Draft draft;
  draft.ranked = true;  // what two neighbours spell decides whether they merge
  draft.options.split_patterns.clear();
  draft.options.unknown_id = options.unknown_id;
  draft.added = std::move(added);
  draft.extents.reserve(tokens.size());
  for (size_t id = 0; id < tokens.size(); ++id) {
    draft.set(static_cast<int32_t>(id), with_spaces(tokens[id]));
  }
  for (size_t byte = 0; byte < options.byte_tokens.size(); ++byte) {
    const int32_t id = options.byte_tokens[byte];
    if (id < 0) continue;
    if (static_cast<size_t>(id) >= tokens.size()) {
      return corrupt("byte token " + std::to_string(id) + " is outside the vocabulary");
    }
    const char value = static_cast<char>(byte);
    draft.set(id, {&value, 1});
    draft.exclude(id);  // a byte is the last resort, not a token that characters merge to
  }
  for (AddedToken& token : draft.added) {
    if (token.id < 0 || static_cast<size_t>(token.id) >= tokens.size()) continue;
    draft.set(token.id, token.content);
    draft.exclude(token.id);
  }
  std::vector<float> order(scores.begin(), scores.end());
  std::sort(order.begin(), order.end(), std::greater<>());
  order.erase(std::unique(order.begin(), order.end()), order.end());
  for (const float score : scores) {
    const auto place = std::lower_bound(order.begin(), order.end(), score, std::greater<>());
    draft.score_ranks.push_back(static_cast<int32_t>(place - order.begin()));
  }
  draft.scored = options;
  return build(std::move(draft));
}

}  // namespace maie::text
