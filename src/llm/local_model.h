#pragma once

#include <list>
#include <memory>
#include <mutex>
#include <string>

#include "llm/engine.h"
#include "llm/model_files.h"
#include "models/qwen3/model.h"

namespace maie::llm {

struct LocalModelOptions {
  ComputeType compute_type = ComputeType::kAuto;
  int threads = 0;  ///< 0: one per core
  int slots = 4;    ///< requests served at the same time
  /// Tokens of prompt and answer together. 0: what the model was made for, at most 16,384, and less
  /// where the memory budget asks for it.
  int64_t context = 0;
  /// Tokens whose keys and values are held, of all requests and of kept beginnings; 0: twice the
  /// context, or once with one slot.
  int64_t cache_tokens = 0;
  DType cache_type = DType::kBF16;  ///< of keys and values: bfloat16, int8 or float32
  std::string prefix_dir = {};      ///< where beginnings of prompts are kept; empty: nowhere
  size_t prefix_dir_bytes = size_t{2} << 30;
  size_t memory_budget = 0;  ///< bytes for weights, cache and work; 0: no limit
  bool speculate = true;     ///< guess tokens from prompt and answer; never changes a text
  bool prefix_cache = true;  ///< keep beginnings of prompts in memory; likewise
};

/// A model of a folder or a GGUF file, in this process. How it works and what it promises:
/// docs/language-model.md. Any thread may call; `on_text` must not call the model.
class LocalModel : public LanguageModel {
 public:
  /// @return kNotFound, kCorrupt or kUnsupported with the file and the reason; kResourceExhausted
  /// with the numbers when the memory budget is too small.
  static Result<std::unique_ptr<LocalModel>> load(const std::string& path,
                                                  const LocalModelOptions& options = {});
  ~LocalModel() override;

  const LanguageModelInfo& info() const override { return info_; }
  std::string checkpoint_hash() override;
  Result<int64_t> count_tokens(std::string_view text) override;
  Result<Completion> complete(const Request& request, const Control& control) override;

 private:
  struct Machine;  // threads, network, store and engine, in the order they need each other
  LocalModel(ModelFiles files, const LocalModelOptions& options);
  Status start();
  Status plan();
  int rows_of_a_pass() const;
  std::string path_and(const std::string& what) const;
  Result<TokenRequest> prepare(const Request& request, bool& opens_thinking);
  Status set_thinking(const Request& request, bool opens_thinking, AnswerRules& rules) const;
  Result<std::shared_ptr<grammar::Constraint>> constraint_of(const Request& request);
  Result<std::shared_ptr<const grammar::TokenTrie>> trie();
  std::vector<int32_t> exact_tokens(const std::string& text) const;
  Result<search::SamplingRules> sampling_of(const Sampling& asked) const;

  ModelFiles files_;
  LocalModelOptions options_;
  LanguageModelInfo info_;
  int64_t cache_pages_ = 0;
  std::shared_ptr<const std::vector<uint32_t>> writable_;
  std::unique_ptr<Machine> machine_;

  std::mutex mutex_;  // guards what follows
  std::string hash_;
  std::shared_ptr<const grammar::TokenTrie> trie_;
  struct Compiled {
    std::string schema;
    std::shared_ptr<grammar::Constraint> constraint;
  };
  std::list<Compiled> compiled_;  // latest first
};

}  // namespace maie::llm
