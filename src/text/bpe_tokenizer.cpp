// Encoding runs in the order of the published tokenizers: added tokens out of the raw text, NFC,
// added tokens again (those that want normalised text), split by regular expressions, then merging
// inside each piece. A piece is nearly always a word, for which a scan over a few ranks is fastest;
// a long one (a megabyte without a space) goes through a heap instead, so that time stays n log n.
#include "text/bpe_tokenizer.h"

#include <utf8proc.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <queue>
#include <unordered_map>
#include <utility>

#include "text/added_matcher.h"
#include "text/bpe_draft.h"
#include "text/bpe_pairs.h"
#include "text/regex_splitter.h"
#include "text/utf8.h"

namespace maie::text {
namespace {

constexpr size_t kScanSymbols = 48;  // longest piece that is merged by scanning

bool is_word_character(char32_t c) {
  switch (utf8proc_category(static_cast<utf8proc_int32_t>(c))) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_MC:
    case UTF8PROC_CATEGORY_ME:
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_PC: return true;
    default: return false;
  }
}

// The character that ends at `end` / begins at `begin` of valid UTF-8; 0 at the ends of the text.
char32_t character_before(std::string_view text, size_t end) {
  if (end == 0) return 0;
  size_t begin = end - 1;
  while (begin > 0 && (text[begin] & 0xC0) == 0x80) --begin;
  return decode_utf8(text.substr(begin, end - begin)).front();
}
char32_t character_at(std::string_view text, size_t begin, size_t* size) {
  size_t end = begin;
  if (end >= text.size()) return 0;
  ++end;
  while (end < text.size() && (text[end] & 0xC0) == 0x80) ++end;
  *size = end - begin;
  return decode_utf8(text.substr(begin, end - begin)).front();
}

Result<std::string> to_nfc(std::string_view text) {
  if (std::all_of(text.begin(), text.end(),
                  [](char c) { return static_cast<uint8_t>(c) < 0x80; })) {
    return std::string(text);
  }
  utf8proc_uint8_t* composed = nullptr;
  const utf8proc_ssize_t size =
      utf8proc_map(reinterpret_cast<const utf8proc_uint8_t*>(text.data()),
                   static_cast<utf8proc_ssize_t>(text.size()), &composed,
                   static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE));
  if (size < 0) return resource_exhausted(std::string("NFC: ") + utf8proc_errmsg(size));
  std::string out(reinterpret_cast<const char*>(composed), static_cast<size_t>(size));
  std::free(composed);
  return out;
}

struct Symbol {
  int32_t id;
  uint32_t begin, end;  // bytes of the piece
};

}  // namespace

struct BpeTokenizer::Tables {
  std::string arena;
  std::vector<std::pair<size_t, size_t>> extents;
  std::vector<bool> special;
  ByteStringIndex by_bytes;
  PairIndex pairs;
  bool ranked = false;
  std::vector<int32_t> score_ranks;  // by id; empty unless the vocabulary is scored
  bool space_prefix = false;
  size_t longest = 0;  // bytes of the longest token that encoding can give
  std::array<int32_t, 256> byte_ids;
  std::vector<AddedToken> added;
  AddedMatcher raw_added, normalized_added;
  std::unordered_map<std::string, int32_t> added_ids;
  std::vector<RegexSplitter> splitters;
  BpeOptions options;

  std::string_view bytes(int32_t id) const {
    return std::string_view(arena).substr(extents[id].first, extents[id].second);
  }
  bool scored() const { return !score_ranks.empty(); }
  int32_t find(std::string_view wanted) const {
    if (wanted.size() > longest) return -1;
    return by_bytes.find(wanted, [this](int32_t id) { return bytes(id); });
  }
  Merged merge(std::string_view piece, const Symbol& left, const Symbol& right) const {
    if (!ranked) return pairs.find(left.id, right.id);
    const int32_t id = find(piece.substr(left.begin, right.end - left.begin));
    if (id < 0) return {};
    return {scored() ? score_ranks[static_cast<size_t>(id)] : id, id};
  }

  void encode_piece(std::string_view piece, std::vector<int32_t>& ids) const;
  void encode_scored(std::string_view text, std::vector<int32_t>& ids) const;
  void merge_symbols(std::string_view piece, std::vector<Symbol>& symbols) const;
  void merge_by_scan(std::string_view piece, std::vector<Symbol>& symbols) const;
  void merge_by_heap(std::string_view piece, std::vector<Symbol>& symbols) const;
  Status encode_plain(std::string_view text, std::vector<int32_t>& ids) const;
  Status encode_normalized(std::string_view text, AddedTokens mode,
                           std::vector<int32_t>& ids) const;
  template <class Plain>
  Status split_added(std::string_view text, const AddedMatcher& matcher, std::vector<int32_t>& ids,
                     Plain plain) const;
};

void BpeTokenizer::Tables::merge_by_scan(std::string_view piece,
                                         std::vector<Symbol>& symbols) const {
  std::array<Merged, kScanSymbols> next;  // merge of symbol i with i + 1
  size_t count = symbols.size();
  for (size_t i = 0; i + 1 < count; ++i) next[i] = merge(piece, symbols[i], symbols[i + 1]);
  while (count > 1) {
    size_t best = 0;
    for (size_t i = 1; i + 1 < count; ++i) {
      if (next[i].rank < next[best].rank) best = i;
    }
    if (next[best].rank == kNoRank) break;
    symbols[best].id = next[best].id;
    symbols[best].end = symbols[best + 1].end;
    symbols.erase(symbols.begin() + static_cast<ptrdiff_t>(best) + 1);
    --count;
    for (size_t i = best + 1; i + 1 < count; ++i) next[i] = next[i + 1];
    if (best > 0) next[best - 1] = merge(piece, symbols[best - 1], symbols[best]);
    if (best + 1 < count) next[best] = merge(piece, symbols[best], symbols[best + 1]);
  }
}

void BpeTokenizer::Tables::merge_by_heap(std::string_view piece,
                                         std::vector<Symbol>& symbols) const {
  struct Candidate {
    int32_t rank, id;
    uint32_t left, right;          // places in `symbols`
    uint32_t left_end, right_end;  // as they were: tells a candidate that has gone stale
  };
  const auto later = [](const Candidate& a, const Candidate& b) {
    return a.rank != b.rank ? a.rank > b.rank : a.left > b.left;
  };
  const size_t count = symbols.size();
  constexpr uint32_t kNone = UINT32_MAX;
  std::vector<uint32_t> previous(count), following(count);
  for (size_t i = 0; i < count; ++i) {
    previous[i] = i == 0 ? kNone : static_cast<uint32_t>(i - 1);
    following[i] = i + 1 == count ? kNone : static_cast<uint32_t>(i + 1);
  }
  std::vector<Candidate> first;
  first.reserve(count);
  const auto candidate = [&](uint32_t left, uint32_t right, auto&& put) {
    const Merged merged = merge(piece, symbols[left], symbols[right]);
    if (merged.rank == kNoRank) return;
    put(Candidate{merged.rank, merged.id, left, right, symbols[left].end, symbols[right].end});
  };
  for (uint32_t i = 0; i + 1 < count; ++i) {
    candidate(i, i + 1, [&](const Candidate& c) { first.push_back(c); });
  }
  std::priority_queue heap(later, std::move(first));
  const auto push = [&](const Candidate& c) { heap.push(c); };
  while (!heap.empty()) {
    const Candidate c = heap.top();
    heap.pop();
    // A merged-away symbol has id -2; one that grew has another end.
    if (symbols[c.left].id == -2 || symbols[c.right].id == -2 ||
        symbols[c.left].end != c.left_end || symbols[c.right].end != c.right_end) {
      continue;
    }
    symbols[c.left].id = c.id;
    symbols[c.left].end = symbols[c.right].end;
    symbols[c.right].id = -2;
    following[c.left] = following[c.right];
    if (following[c.left] != kNone) {
      previous[following[c.left]] = c.left;
      candidate(c.left, following[c.left], push);
    }
    if (previous[c.left] != kNone) candidate(previous[c.left], c.left, push);
  }
  std::erase_if(symbols, [](const Symbol& s) { return s.id == -2; });
}

void BpeTokenizer::Tables::encode_piece(std::string_view piece, std::vector<int32_t>& ids) const {
  if (ranked || options.ignore_merges) {
    if (const int32_t id = find(piece); id >= 0) {
      ids.push_back(id);
      return;
    }
  }
  std::vector<Symbol> symbols;
  symbols.reserve(piece.size());
  for (uint32_t i = 0; i < piece.size(); ++i) {
    int32_t id = byte_ids[static_cast<uint8_t>(piece[i])];
    if (id < 0 && !options.unknown_id) continue;
    if (id < 0) id = *options.unknown_id;
    symbols.push_back({id, i, i + 1});
  }
  merge_symbols(piece, symbols);
  for (const Symbol& symbol : symbols) ids.push_back(symbol.id);
}

void BpeTokenizer::Tables::merge_symbols(std::string_view piece,
                                         std::vector<Symbol>& symbols) const {
  if (symbols.size() <= kScanSymbols) {
    merge_by_scan(piece, symbols);
  } else {
    merge_by_heap(piece, symbols);
  }
}

// A stretch of text that begins the whole or stands behind an added token.
void BpeTokenizer::Tables::encode_scored(std::string_view text, std::vector<int32_t>& ids) const {
  constexpr std::string_view kVisibleSpace = "\u2581";  // stands for a space in texts as in tokens
  std::string piece(space_prefix ? " " : "");
  for (size_t at = 0; at < text.size();) {
    const size_t next = std::min(text.find(kVisibleSpace, at), text.size());
    piece.append(text.substr(at, next - at));
    if (next < text.size()) piece.push_back(' ');
    at = next + kVisibleSpace.size();
  }
  std::vector<Symbol> symbols;
  symbols.reserve(piece.size());
  for (size_t begin = 0, end = 0; begin < piece.size(); begin = end) {
    ++end;
    while (end < piece.size() && (piece[end] & 0xC0) == 0x80) ++end;
    symbols.push_back({find(std::string_view(piece).substr(begin, end - begin)),
                       static_cast<uint32_t>(begin), static_cast<uint32_t>(end)});
  }
  merge_symbols(piece, symbols);
  for (const Symbol& symbol : symbols) {
    if (symbol.id >= 0) {
      ids.push_back(symbol.id);
      continue;
    }
    for (uint32_t i = symbol.begin; i < symbol.end; ++i) {
      const int32_t id = byte_ids[static_cast<uint8_t>(piece[i])];
      if (id >= 0) {
        ids.push_back(id);
      } else if (options.unknown_id) {
        ids.push_back(*options.unknown_id);
      }
    }
  }
}

Status BpeTokenizer::Tables::encode_plain(std::string_view text, std::vector<int32_t>& ids) const {
  if (text.empty()) return {};
  if (scored()) {
    encode_scored(text, ids);
    return {};
  }
  std::vector<std::string_view> pieces{text}, finer;
  for (const RegexSplitter& splitter : splitters) {
    finer.clear();
    for (const std::string_view piece : pieces) MAIE_TRY(splitter.split(piece, finer));
    pieces.swap(finer);
  }
  for (const std::string_view piece : pieces) encode_piece(piece, ids);
  return {};
}

// Hands the stretches between added tokens to `plain` and appends the tokens themselves.
template <class Plain>
Status BpeTokenizer::Tables::split_added(std::string_view text, const AddedMatcher& matcher,
                                         std::vector<int32_t>& ids, Plain plain) const {
  if (matcher.empty()) return plain(text);
  size_t taken = 0;
  for (size_t at = 0; at < text.size();) {
    size_t size = 0;
    const int32_t index = matcher.match(text, at, &size);
    if (index < 0) {
      ++at;
      continue;
    }
    const AddedToken& token = added[index];
    size_t begin = at, end = at + size, next_size = 0;
    at = end;
    if (token.single_word && (is_word_character(character_before(text, begin)) ||
                              is_word_character(character_at(text, end, &next_size)))) {
      continue;
    }
    if (token.lstrip) {
      while (begin > taken && is_white_space(character_before(text, begin))) {
        --begin;
        while (begin > taken && (text[begin] & 0xC0) == 0x80) --begin;
      }
    }
    if (token.rstrip) {
      while (end < text.size() && is_white_space(character_at(text, end, &next_size))) {
        end += next_size;
      }
    }
    MAIE_TRY(plain(text.substr(taken, begin - taken)));
    ids.push_back(token.id);
    taken = at = end;
  }
  return plain(text.substr(taken));
}

Status BpeTokenizer::Tables::encode_normalized(std::string_view text, AddedTokens mode,
                                               std::vector<int32_t>& ids) const {
  const auto plain = [&](std::string_view part) { return encode_plain(part, ids); };
  std::string composed;
  if (options.nfc) {
    MAIE_ASSIGN(composed, to_nfc(text));
    text = composed;
  }
  if (mode == AddedTokens::kAsText) return plain(text);
  return split_added(text, normalized_added, ids, plain);
}

Result<BpeTokenizer> BpeTokenizer::build(Draft draft) {
  auto tables = std::make_shared<Tables>();
  Tables& t = *tables;
  for (const AddedToken& token : draft.added) {
    if (token.id < 0 || token.id >= kMaxTokens) {
      return corrupt("added token \"" + token.content + "\" has id " + std::to_string(token.id) +
                     ", outside 0.." + std::to_string(kMaxTokens - 1));
    }
  }
  for (const AddedToken& token : draft.added) {
    // An id that is in the vocabulary as well keeps its bytes there and still takes part in merges.
    const auto id = static_cast<size_t>(token.id);
    if (id < draft.extents.size() && draft.extents[id].second > 0) continue;
    draft.exclude(token.id);
    draft.set(token.id, token.content);
  }
  t.arena = std::move(draft.arena);
  t.extents = std::move(draft.extents);
  t.ranked = draft.ranked;
  t.score_ranks = std::move(draft.score_ranks);
  if (t.scored()) t.score_ranks.resize(t.extents.size());
  t.space_prefix = t.scored() && draft.scored.space_prefix;
  t.options = std::move(draft.options);

  t.by_bytes.reserve(t.extents.size());
  const auto bytes_of = [&t](int32_t id) { return t.bytes(id); };
  for (int32_t id = 0; id < static_cast<int32_t>(t.extents.size()); ++id) {
    const std::string_view bytes = t.bytes(id);
    const bool hidden = static_cast<size_t>(id) < draft.unmatched.size() && draft.unmatched[id];
    if (bytes.empty() || hidden) continue;
    t.by_bytes.insert(bytes, id, bytes_of);
    t.longest = std::max(t.longest, bytes.size());
  }
  for (int b = 0; b < 256; ++b) {
    const char byte = static_cast<char>(b);
    t.byte_ids[b] =
        t.scored() ? draft.scored.byte_tokens[static_cast<size_t>(b)] : t.find({&byte, 1});
  }
  t.pairs.reserve(draft.merges.size());
  for (size_t rank = 0; rank < draft.merges.size(); ++rank) {
    const Draft::Merge& merge = draft.merges[rank];
    t.pairs.set(merge.left, merge.right, {static_cast<int32_t>(rank), merge.result});
  }
  t.added = std::move(draft.added);
  t.special.resize(t.extents.size(), false);
  for (size_t i = 0; i < t.added.size(); ++i) {
    const AddedToken& token = t.added[i];
    if (token.special) t.special[token.id] = true;
    t.added_ids.emplace(token.content, token.id);
    std::string content = repair_utf8(token.content);
    if (token.normalized && t.options.nfc) {
      MAIE_ASSIGN(content, to_nfc(content));
    }
    (token.normalized ? t.normalized_added : t.raw_added)
        .add(std::move(content), static_cast<int32_t>(i));
  }
  for (const std::string& pattern : t.options.split_patterns) {
    MAIE_ASSIGN(RegexSplitter splitter, RegexSplitter::compile(pattern));
    t.splitters.push_back(std::move(splitter));
  }
  return BpeTokenizer(std::move(tables));
}

Result<std::vector<int32_t>> BpeTokenizer::encode(std::string_view text, AddedTokens mode) const {
  if (text.size() > UINT32_MAX / 2) return invalid_input("text longer than 2 GiB");
  const std::string valid = repair_utf8(text);
  std::vector<int32_t> ids;
  ids.reserve(valid.size() / 3 + 4);
  const auto normalized = [&](std::string_view part) {
    return part.empty() ? Status() : tables_->encode_normalized(part, mode, ids);
  };
  if (mode == AddedTokens::kAsText) {
    MAIE_TRY(normalized(valid));
  } else {
    MAIE_TRY(tables_->split_added(valid, tables_->raw_added, ids, normalized));
  }
  return ids;
}

std::string BpeTokenizer::decode_bytes(std::span<const int32_t> ids, bool skip_special) const {
  std::string out;
  bool at_start = tables_->space_prefix;
  for (const int32_t id : ids) {
    if (skip_special && is_special(id)) continue;
    std::string_view bytes = id_to_bytes(id);
    if (std::exchange(at_start, false) && bytes.starts_with(' ')) bytes.remove_prefix(1);
    out.append(bytes);
  }
  return out;
}

std::string BpeTokenizer::decode(std::span<const int32_t> ids, bool skip_special) const {
  return repair_utf8(decode_bytes(ids, skip_special));
}

std::optional<int32_t> BpeTokenizer::token_to_id(std::string_view token) const {
  const auto added = tables_->added_ids.find(std::string(token));
  if (added != tables_->added_ids.end()) return added->second;
  const int32_t id = tables_->find(token);
  return id < 0 ? std::nullopt : std::optional<int32_t>(id);
}

std::string_view BpeTokenizer::id_to_bytes(int32_t id) const {
  return id >= 0 && id < size() ? tables_->bytes(id) : std::string_view();
}

bool BpeTokenizer::is_special(int32_t id) const {
  return id >= 0 && id < size() && tables_->special[id];
}

const std::vector<AddedToken>& BpeTokenizer::added_tokens() const { return tables_->added; }

int32_t BpeTokenizer::size() const { return static_cast<int32_t>(tables_->extents.size()); }

}  // namespace maie::text
