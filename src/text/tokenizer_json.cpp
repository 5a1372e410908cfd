// tokenizer.json is read as a stream: its vocabulary and merges (a hundred thousand strings) go
// straight into our tables, only the small rest becomes a JSON document. Start-up waits for this.
#include <array>
#include <utility>

#include "base/json.h"
#include "text/bpe_draft.h"
#include "text/byte_alphabet.h"
#include "text/utf8.h"

namespace maie::text {

class TokenizerJsonReader : public nlohmann::json_sax<Json> {
 public:
  explicit TokenizerJsonReader(Json& rest) : dom_(rest, false) {}

  bool null() override { return plain() && dom_.null(); }
  bool boolean(bool v) override { return plain() && dom_.boolean(v); }
  bool number_float(number_float_t v, const string_t& s) override {
    return plain() && dom_.number_float(v, s);
  }
  bool binary(binary_t&) override { return refuse("binary value"); }
  bool number_integer(number_integer_t v) override {
    return part_ == Part::kVocabulary ? refuse("a negative id in \"vocab\"")
                                      : plain() && dom_.number_integer(v);
  }
  bool number_unsigned(number_unsigned_t v) override {
    return part_ == Part::kVocabulary ? entry(v) : plain() && dom_.number_unsigned(v);
  }
  bool string(string_t& v) override {
    if (part_ != Part::kMerges || !inside_) return plain() && dom_.string(v);
    if (in_pair_) {
      pair_.push_back(v);
      return pair_.size() <= 2 || refuse("a merge of more than two tokens");
    }
    const size_t space = v.find(' ');
    if (space == v.npos || v.find(' ', space + 1) != v.npos) {
      return refuse("a merge that is not \"left right\"");
    }
    return merge(std::string_view(v).substr(0, space), std::string_view(v).substr(space + 1));
  }
  bool start_object(size_t n) override {
    if (part_ == Part::kVocabulary && !inside_) return inside_ = true;
    if (!plain() || !enter()) return false;
    keys_[depth_] = 0;
    return dom_.start_object(n);
  }
  bool end_object() override {
    if (part_ == Part::kVocabulary) return leave_part();
    --depth_;
    return dom_.end_object();
  }
  bool start_array(size_t n) override {
    if (part_ == Part::kMerges) {
      if (!inside_) return inside_ = true;
      if (in_pair_) return refuse("an array inside a merge");
      pair_.clear();
      return in_pair_ = true;
    }
    return plain() && enter() && dom_.start_array(n);
  }
  bool end_array() override {
    if (part_ == Part::kMerges) {
      if (!in_pair_) return leave_part();
      in_pair_ = false;
      if (pair_.size() != 2) return refuse("a merge that is not a pair");
      return merge(pair_[0], pair_[1]);
    }
    --depth_;
    return dom_.end_array();
  }
  bool key(string_t& name) override {
    if (part_ == Part::kVocabulary) {
      token_.swap(name);
      return true;
    }
    if (depth_ == 1) in_model_ = name == "model";
    if (in_model_ && depth_ == 2 && (name == "vocab" || name == "merges")) {
      bool& seen = name == "vocab" ? seen_vocabulary_ : seen_merges_;
      if (std::exchange(seen, true)) return refuse("\"" + name + "\" twice");
      part_ = name == "vocab" ? Part::kVocabulary : Part::kMerges;
      return true;
    }
    // The document keeps its members in a list: a huge object would take quadratic time.
    if (++keys_[depth_] > 1000) return refuse("an object with more than 1000 members");
    return dom_.key(name);
  }
  bool parse_error(size_t position, const std::string&,
                   const nlohmann::detail::exception&) override {
    return refuse("not valid JSON at byte " + std::to_string(position));
  }

  const std::string& error() const { return error_; }
  bool complete() const { return seen_vocabulary_ && seen_merges_; }
  Result<BpeTokenizer> finish(const Json& document);

 private:
  static constexpr int kMaxDepth = 64;
  enum class Part { kRest, kVocabulary, kMerges };

  bool refuse(std::string why) {
    if (error_.empty()) error_ = std::move(why);
    return false;
  }
  bool plain() {
    if (part_ == Part::kRest) {
      return ++values_ <= 1'000'000 || refuse("more values than any tokenizer has");
    }
    return refuse(part_ == Part::kVocabulary ? "\"vocab\" that is not tokens with their ids"
                                             : "\"merges\" that are not pairs of tokens");
  }
  bool enter() { return ++depth_ <= kMaxDepth || refuse("values nested deeper than allowed"); }
  bool leave_part() {
    part_ = Part::kRest;
    inside_ = false;
    return true;
  }

  bool entry(uint64_t id) {
    if (!inside_) return plain();
    if (id >= BpeTokenizer::kMaxTokens) {
      return refuse("token id " + std::to_string(id) + ", above the " +
                    std::to_string(BpeTokenizer::kMaxTokens) + " we take");
    }
    const auto slot = static_cast<int32_t>(id);
    if (id < draft_.extents.size() && draft_.extents[id].second > 0) {
      return refuse("token id " + std::to_string(id) + " twice");
    }
    const auto bytes = alphabet_to_bytes(token_);
    if (!bytes) draft_.exclude(slot);  // no bytes spell it; it can only be an added token
    draft_.set(slot, bytes ? *bytes : token_);
    return true;
  }
  // Merges come before or after the vocabulary: keep their bytes, look the ids up at the end.
  bool merge(std::string_view left, std::string_view right) {
    const auto left_bytes = alphabet_to_bytes(left);
    const auto right_bytes = alphabet_to_bytes(right);
    if (!left_bytes || !right_bytes) return refuse("a merge of characters that are no bytes");
    if (merge_sizes_.size() >= 2u * BpeTokenizer::kMaxTokens) return refuse("too many merges");
    merge_bytes_.append(*left_bytes).append(*right_bytes);
    merge_sizes_.emplace_back(static_cast<uint32_t>(left_bytes->size()),
                              static_cast<uint32_t>(right_bytes->size()));
    return true;
  }

  Status resolve_merges();
  Status read_model(const Json& model);
  Status read_normalizer(const Json& normalizer);
  Status read_pre_tokenizer(const Json& pre_tokenizer);
  Status read_added(const Json& list);

  nlohmann::detail::json_sax_dom_parser<Json> dom_;
  Part part_ = Part::kRest;
  bool inside_ = false, in_pair_ = false, in_model_ = false;
  bool seen_vocabulary_ = false, seen_merges_ = false;
  int depth_ = 0;
  size_t values_ = 0;
  std::array<int, kMaxDepth + 1> keys_{};  // members so far of the open object at each depth
  std::string token_, error_;
  std::vector<std::string> pair_;
  std::string merge_bytes_;
  std::vector<std::pair<uint32_t, uint32_t>> merge_sizes_;
  BpeTokenizer::Draft draft_;
};

namespace {

std::string type_of(const Json& part) {
  if (part.is_null()) return "null";
  return part.is_object() ? json_string(part, "type", "without type") : "not an object";
}

const Json& member(const Json& object, const char* key) {
  static const Json null;
  if (!object.is_object()) return null;
  const auto it = object.find(key);
  return it == object.end() ? null : *it;
}

}  // namespace

Status TokenizerJsonReader::resolve_merges() {
  const auto bytes_of = [this](int32_t id) { return draft_.bytes(id); };
  ByteStringIndex index;
  index.reserve(draft_.extents.size());
  for (int32_t id = 0; id < static_cast<int32_t>(draft_.extents.size()); ++id) {
    const bool hidden = static_cast<size_t>(id) < draft_.unmatched.size() && draft_.unmatched[id];
    if (draft_.bytes(id).empty() || hidden) continue;
    if (!index.insert(draft_.bytes(id), id, bytes_of)) {
      return corrupt("model.vocab names a token twice (id " + std::to_string(id) + ")");
    }
  }
  draft_.merges.reserve(merge_sizes_.size());
  std::string_view rest = merge_bytes_;
  for (size_t rank = 0; rank < merge_sizes_.size(); ++rank) {
    const auto [left_size, right_size] = merge_sizes_[rank];
    const int32_t left = index.find(rest.substr(0, left_size), bytes_of);
    const int32_t right = index.find(rest.substr(left_size, right_size), bytes_of);
    const int32_t result = index.find(rest.substr(0, left_size + right_size), bytes_of);
    if (left < 0 || right < 0 || result < 0) {
      return corrupt("merge " + std::to_string(rank) +
                     " is not a pair of tokens whose union is a token");
    }
    draft_.merges.push_back({left, right, result});
    rest.remove_prefix(left_size + right_size);
  }
  return {};
}

Status TokenizerJsonReader::read_model(const Json& model) {
  // Files older than the "type" key hold BPE when they have merges.
  const std::string type = json_string(model, "type", "BPE");
  if (type != "BPE") return unsupported("tokenizer model " + type);
  if (json_number(model, "dropout", 0) != 0) return unsupported("BPE dropout");
  if (json_bool(model, "byte_fallback", false)) return unsupported("BPE byte_fallback");
  for (const char* affix : {"continuing_subword_prefix", "end_of_word_suffix"}) {
    if (!json_string(model, affix, "").empty()) return unsupported(std::string("BPE ") + affix);
  }
  draft_.options.ignore_merges = json_bool(model, "ignore_merges", false);
  const std::string unknown = json_string(model, "unk_token", "");
  if (unknown.empty()) return {};
  if (json_bool(model, "fuse_unk", false)) return unsupported("BPE fuse_unk");
  const auto bytes = alphabet_to_bytes(unknown);
  for (int32_t id = 0; id < static_cast<int32_t>(draft_.extents.size()); ++id) {
    if (draft_.bytes(id) == (bytes ? *bytes : unknown)) draft_.options.unknown_id = id;
  }
  return {};
}

Status TokenizerJsonReader::read_normalizer(const Json& normalizer) {
  if (normalizer.is_null()) return {};
  if (type_of(normalizer) == "Sequence") {
    const Json& parts = member(normalizer, "normalizers");
    if (!parts.is_array()) return corrupt("normalizer Sequence without its list");
    for (const Json& part : parts) MAIE_TRY(read_normalizer(part));
    return {};
  }
  if (type_of(normalizer) != "NFC") return unsupported("normalizer " + type_of(normalizer));
  draft_.options.nfc = true;
  return {};
}

Status TokenizerJsonReader::read_pre_tokenizer(const Json& pre_tokenizer) {
  std::vector<const Json*> parts{&pre_tokenizer};
  if (type_of(pre_tokenizer) == "Sequence") {
    const Json& list = member(pre_tokenizer, "pretokenizers");
    if (!list.is_array()) return corrupt("pre_tokenizer Sequence without its list");
    parts.clear();
    for (const Json& part : list) parts.push_back(&part);
  }
  auto& patterns = draft_.options.split_patterns;
  patterns.clear();
  bool byte_level = false;
  for (const Json* part : parts) {
    const std::string type = type_of(*part);
    // Whatever came behind it would see the byte alphabet instead of the text.
    if (byte_level) return unsupported("pre_tokenizer " + type + " after ByteLevel");
    if (type == "ByteLevel") {
      byte_level = true;
      if (json_bool(*part, "add_prefix_space", true)) {
        return unsupported("pre_tokenizer ByteLevel with add_prefix_space");
      }
      if (json_bool(*part, "use_regex", true)) patterns.push_back(kGpt2Pattern);
    } else if (type == "Split") {
      const Json& pattern = member(member(*part, "pattern"), "Regex");
      if (!pattern.is_string()) return unsupported("pre_tokenizer Split without Regex");
      if (json_string(*part, "behavior", "") != "Isolated" || json_bool(*part, "invert", false)) {
        return unsupported("pre_tokenizer Split other than Isolated");
      }
      if (patterns.size() >= 16) return unsupported("more than 16 Splits");
      patterns.push_back(pattern.get<std::string>());
    } else {
      return unsupported("pre_tokenizer " + type);
    }
  }
  return byte_level ? Status() : unsupported("pre_tokenizer without ByteLevel");
}

Status TokenizerJsonReader::read_added(const Json& list) {
  if (list.is_null()) return {};
  if (!list.is_array()) return corrupt("added_tokens is not a list");
  for (const Json& entry : list) {
    const int64_t id = entry.is_object() ? json_int(entry, "id", -1) : -1;
    const std::string content = id >= 0 ? json_string(entry, "content", "") : "";
    if (content.empty() || id >= BpeTokenizer::kMaxTokens) {
      return corrupt("an entry of added_tokens without content or with a bad id");
    }
    draft_.added.push_back({.id = static_cast<int32_t>(id),
                            .content = content,
                            .special = json_bool(entry, "special", false),
                            .normalized = json_bool(entry, "normalized", true),
                            .single_word = json_bool(entry, "single_word", false),
                            .lstrip = json_bool(entry, "lstrip", false),
                            .rstrip = json_bool(entry, "rstrip", false)});
  }
  return {};
}

Result<BpeTokenizer> TokenizerJsonReader::finish(const Json& document) {
  const Json& model = member(document, "model");
  if (!model.is_object()) return corrupt("no \"model\" in it");
  MAIE_TRY(read_model(model));
  if (!complete()) return corrupt("model without \"vocab\" and \"merges\"");
  MAIE_TRY(read_normalizer(member(document, "normalizer")));
  MAIE_TRY(read_pre_tokenizer(member(document, "pre_tokenizer")));
  const std::string decoder = type_of(member(document, "decoder"));
  if (decoder != "ByteLevel") return unsupported("decoder " + decoder);
  MAIE_TRY(read_added(member(document, "added_tokens")));
  MAIE_TRY(resolve_merges());
  return BpeTokenizer::build(std::move(draft_));
}

Result<BpeTokenizer> BpeTokenizer::from_tokenizer_json(std::string_view json_text) {
  Json rest;
  TokenizerJsonReader reader(rest);
  if (!Json::sax_parse(json_text.data(), json_text.data() + json_text.size(), &reader)) {
    return corrupt("tokenizer.json: " +
                   (reader.error().empty() ? std::string("not valid JSON") : reader.error()) +
                   "; replace the file by the one published with the model");
  }
  auto tokenizer = reader.finish(rest);
  if (!tokenizer) return tokenizer.error().within("tokenizer.json");
  return tokenizer;
}

}  // namespace maie::text
