#include "text/gguf_vocabulary.h"

#include <algorithm>
#include <cstdlib>
#include <unordered_map>

#include "formats/byte_reader.h"

namespace maie::text {
namespace {

using formats::Gguf;

// tokenizer.ggml.token_type
enum TokenType : int64_t {
  kNormal = 1,
  kUnknown = 2,
  kControl = 3,
  kUserDefined = 4,
  kUnused = 5,
  kByte = 6
};

constexpr const char* kQwen2Pattern =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*)"
    R"(|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr const char* kLlama3Pattern =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*)"
    R"(|\s*[\r\n]+|\s+(?!\S)|\s+)";

// The names of one split, and what surrounds it.
struct PreTokenizer {
  std::vector<std::string_view> names;
  std::vector<std::string> patterns;
  bool nfc = false;            // the published tokenizer normalises
  bool ignore_merges = false;  // a piece that is a token is taken whole
  bool add_bos = false;        // where the file does not say
};

const std::vector<PreTokenizer>& pre_tokenizers() {
  static const std::vector<PreTokenizer> all = {
      {.names = {"qwen2", "deepseek-r1-qwen"}, .patterns = {kQwen2Pattern}, .nfc = true},
      {.names = {"llama-bpe", "llama3", "llama-v3"},
       .patterns = {kLlama3Pattern},
       .ignore_merges = true,
       .add_bos = true},
      {.names = {"gpt-2", "phi-2", "mpt", "olmo", "jais"}, .patterns = {kGpt2Pattern}},
      {.names = {"smollm", "starcoder", "refact", "codeshell", "command-r"},
       .patterns = {R"(\p{N})", kGpt2Pattern}},
      {.names = {"falcon"},
       .patterns = {R"([\p{P}\$\+<=>\^~\|`]+)", kGpt2Pattern, "[0-9][0-9][0-9]"}},
      {.names = {"default"},
       .patterns = {R"([\p{P}\$\+<=>\^~\|]+)",
                    R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S))",
                    R"(\p{N}+)", "[0-9][0-9][0-9]"}},
  };
  return all;
}

const PreTokenizer* pre_tokenizer_named(std::string_view name) {
  for (const PreTokenizer& entry : pre_tokenizers()) {
    if (std::find(entry.names.begin(), entry.names.end(), name) != entry.names.end()) return &entry;
  }
  return nullptr;
}

constexpr std::string_view kAgain = "; fetch the file again";

class VocabularyReader {
 public:
  explicit VocabularyReader(const Gguf& file) : file_(file) {}

  Result<GgufVocabulary> read() {
    MAIE_ASSIGN(const std::string_view model, file_.string("tokenizer.ggml.model"));
    if (model != "gpt2" && model != "llama") {
      return unsupported(file_.path() + ": tokenizer.ggml.model is \"" + formats::printable(model) +
                         "\"; MAIE reads vocabularies of the kinds gpt2 and llama");
    }
    MAIE_TRY(read_tokens());
    MAIE_ASSIGN(bos_, id_of("bos_token_id"));
    MAIE_ASSIGN(eos_, id_of("eos_token_id"));
    MAIE_ASSIGN(unknown_, id_of("unknown_token_id"));
    sort_tokens();
    bool add_bos = model == "llama";
    auto tokenizer = model == "gpt2" ? byte_level(add_bos) : scored();
    if (!tokenizer) return tokenizer.error().within(file_.path() + ": tokenizer.ggml");
    return finish(std::move(*tokenizer), add_bos);
  }

 private:
  static std::string key(const char* name) { return std::string("tokenizer.ggml.") + name; }

  Status read_tokens() {
    MAIE_ASSIGN(const auto tokens, file_.strings(key("tokens")));
    if (tokens.empty() || tokens.size() > size_t(BpeTokenizer::kMaxTokens)) {
      return corrupt(file_.path() + ": tokenizer.ggml.tokens has " + std::to_string(tokens.size()) +
                     " tokens, where 1 to " + std::to_string(BpeTokenizer::kMaxTokens) + " can be" +
                     std::string(kAgain));
    }
    tokens_.assign(tokens.begin(), tokens.end());
    types_.assign(tokens.size(), kNormal);
    if (file_.find_value(key("token_type")) == nullptr) return {};
    MAIE_ASSIGN(types_, file_.integers(key("token_type")));
    if (types_.size() == tokens_.size()) return {};
    return corrupt(file_.path() + ": tokenizer.ggml.token_type has " +
                   std::to_string(types_.size()) + " types for " + std::to_string(tokens_.size()) +
                   " tokens" + std::string(kAgain));
  }

  // nullopt when the key is absent. Writers also store -1 (as a u32 too) for none.
  Result<std::optional<int32_t>> id_of(const char* name) const {
    if (file_.find_value(key(name)) == nullptr) return std::optional<int32_t>();
    MAIE_ASSIGN(const int64_t id, file_.integer(key(name)));
    if (id == -1 || id == int64_t{UINT32_MAX}) return std::optional<int32_t>();
    if (id < 0 || size_t(id) >= tokens_.size()) {
      return corrupt(file_.path() + ": " + key(name) + " is " + std::to_string(id) +
                     ", outside the " + std::to_string(tokens_.size()) + " tokens" +
                     std::string(kAgain));
    }
    return std::optional<int32_t>(int32_t(id));
  }

  Result<bool> flag(const char* name, bool fallback) const {
    if (file_.find_value(key(name)) == nullptr) return fallback;
    return file_.boolean(key(name));
  }

  // Takes tokens that are names out of the list that text merges into.
  void sort_tokens() {
    for (size_t i = 0; i < tokens_.size(); ++i) {
      const auto id = int32_t(i);
      const int64_t type = types_[i];
      const bool named = type == kControl || type == kUserDefined || unknown_ == id;
      if (named && !tokens_[i].empty()) {
        added_.push_back({.id = id, .content = tokens_[i], .special = type != kUserDefined});
      } else if (type == kUnknown || type == kUnused) {
        tokens_[i].clear();
      }
    }
  }

  // A name that no merge makes must not be made of text either, should its letters be bytes.
  void hide_names(const std::vector<std::string>& merges) {
    std::unordered_map<std::string_view, int32_t> names;
    for (const AddedToken& token : added_) names.emplace(token.content, token.id);
    for (const std::string& merge : merges) {
      std::string result = merge;
      if (const size_t space = result.find(' '); space != result.npos) result.erase(space, 1);
      names.erase(result);
    }
    for (const auto& [name, id] : names) tokens_[size_t(id)].clear();
  }

  Result<BpeTokenizer> byte_level(bool& add_bos) {
    std::string_view name = "default";
    if (file_.find_value(key("pre")) != nullptr) {
      MAIE_ASSIGN(name, file_.string(key("pre")));
    }
    const PreTokenizer* pre = pre_tokenizer_named(name);
    if (pre == nullptr) {
      return unsupported("pre-tokenizer \"" + formats::printable(name) +
                         "\" is not known here; use the model's Hugging Face directory instead");
    }
    add_bos = pre->add_bos;
    MAIE_ASSIGN(const auto views, file_.strings(key("merges")));
    const std::vector<std::string> merges(views.begin(), views.end());
    hide_names(merges);
    BpeOptions options;
    options.split_patterns = pre->patterns;
    options.nfc = pre->nfc;
    options.ignore_merges = pre->ignore_merges;
    return BpeTokenizer::from_vocabulary_and_merges(tokens_, merges, std::move(added_),
                                                    std::move(options));
  }

  Result<BpeTokenizer> scored() {
    MAIE_ASSIGN(const auto scores, file_.numbers(key("scores")));
    ScoredOptions options;
    options.unknown_id = unknown_;
    MAIE_ASSIGN(options.space_prefix, flag("add_space_prefix", true));
    for (size_t i = 0; i < tokens_.size(); ++i) {
      if (types_[i] != kByte) continue;
      const std::string& name = tokens_[i];  // "<0x0A>"
      char* end = nullptr;
      const long byte = name.size() == 6 && name.starts_with("<0x") && name.ends_with(">")
                            ? std::strtol(name.c_str() + 3, &end, 16)
                            : -1;
      if (byte < 0 || end != name.c_str() + 5) {
        return corrupt("byte token " + std::to_string(i) + " is \"" + formats::printable(name) +
                       "\" and not like <0x0A>");
      }
      options.byte_tokens[size_t(byte)] = int32_t(i);
    }
    return BpeTokenizer::from_scored_tokens(tokens_, scores, std::move(added_), options);
  }

  Result<GgufVocabulary> finish(BpeTokenizer tokenizer, bool add_bos) {
    GgufVocabulary out{.tokenizer = std::move(tokenizer),
                       .bos = bos_,
                       .eos = eos_,
                       .padding = {},
                       .unknown = unknown_,
                       .ends = {},
                       .chat_template = {}};
    MAIE_ASSIGN(out.padding, id_of("padding_token_id"));
    MAIE_ASSIGN(out.add_bos, flag("add_bos_token", add_bos));
    MAIE_ASSIGN(out.add_eos, flag("add_eos_token", false));
    out.add_bos = out.add_bos && bos_.has_value();
    out.add_eos = out.add_eos && eos_.has_value();
    for (const char* name : {"eos_token_id", "eot_token_id", "eom_token_id"}) {
      MAIE_ASSIGN(const auto id, id_of(name));
      if (id && std::find(out.ends.begin(), out.ends.end(), *id) == out.ends.end()) {
        out.ends.push_back(*id);
      }
    }
    if (file_.find_value("tokenizer.chat_template") != nullptr) {
      MAIE_ASSIGN(const std::string_view text, file_.string("tokenizer.chat_template"));
      out.chat_template = text;
    }
    return out;
  }

  const Gguf& file_;
  std::vector<std::string> tokens_;
  std::vector<int64_t> types_;
  std::vector<AddedToken> added_;
  std::optional<int32_t> bos_, eos_, unknown_;
};

}  // namespace

Result<GgufVocabulary> read_gguf_vocabulary(const Gguf& file) {
  return VocabularyReader(file).read();
}

}  // namespace maie::text
