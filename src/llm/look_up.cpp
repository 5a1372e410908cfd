#include "llm/look_up.h"

#include <algorithm>

namespace maie::llm {
namespace {

constexpr size_t kFirstLength = 4;
constexpr size_t kLongestMatch = 4;
constexpr size_t kShortestMatch = 2;
constexpr size_t kLongestPause = 16;
constexpr size_t kSkipped = 4;  // tokens without letters that a source may have and the answer not

}  // namespace

LookUp::LookUp(std::span<const int32_t> prompt, Letters letters, size_t most)
    : text_(prompt.begin(), prompt.end()),
      letters_(std::move(letters)),
      most_(most),
      length_(std::min(kFirstLength, most)) {}

void LookUp::push(int32_t token) {
  if (source_ != kNowhere) follow(token);
  text_.push_back(token);
  if (pause_ > 0) --pause_;
}

// Moves the source along with a token of the answer: over an equal one, and otherwise over as many
// as have its letters.
void LookUp::follow(int32_t token) {
  if (owed_.empty() && source_ < text_.size() && text_[source_] == token) {
    ++source_;
    return;
  }
  owed_ += letters_(token);
  size_t skipped = 0;
  size_t at = source_;
  while (!owed_.empty()) {
    if (at >= text_.size()) break;
    const std::string next = letters_(text_[at]);
    if (next.empty()) {
      if (++skipped > kSkipped) break;
      ++at;
    } else if (owed_.starts_with(next)) {
      owed_.erase(0, next.size());
      source_ = ++at;
      skipped = 0;
    } else if (next.starts_with(owed_)) {
      return;  // in the middle of a word that is cut otherwise in the source
    } else {
      break;
    }
  }
  if (!owed_.empty()) {
    source_ = kNowhere;
    owed_.clear();
  }
}

// Where the longest end of the text stood before; of several the first one, as answers tend to go
// through their source from front to back.
size_t LookUp::find() const {
  for (size_t n = kLongestMatch; n >= kShortestMatch; --n) {
    if (text_.size() <= n) continue;
    const auto end = text_.end() - std::ptrdiff_t(n);
    const auto found = std::search(text_.begin(), text_.end() - 1, end, text_.end());
    if (found != text_.end() - 1) return size_t(found - text_.begin()) + n;
  }
  return kNowhere;
}

std::vector<int32_t> LookUp::propose(size_t room) {
  if (!owed_.empty()) return {};
  if (source_ == kNowhere) {
    if (pause_ > 0) return {};
    source_ = find();
  }
  if (source_ >= text_.size()) {
    source_ = kNowhere;
    return {};
  }
  const size_t count = std::min({room, length_, text_.size() - source_});
  const auto first = text_.begin() + std::ptrdiff_t(source_);
  return {first, first + std::ptrdiff_t(count)};
}

void LookUp::judge(size_t proposed, size_t accepted) {
  if (proposed == 0) return;
  if (accepted == proposed) {
    failures_ = 0;
    length_ = std::min(most_, std::max(length_, 2 * accepted));
    return;
  }
  failures_ = accepted == 0 ? failures_ + 1 : 0;
  // A word that is written otherwise ends a guess, and the next words are mostly as guessed again.
  length_ = std::min(most_, failures_ > 1 ? 1 : std::max(accepted + 1, kFirstLength));
  if (failures_ >= 2) {
    pause_ = std::min(kLongestPause, size_t{1} << (failures_ - 1));
    source_ = kNowhere;
    owed_.clear();
  }
}

}  // namespace maie::llm
