// A request in words becomes one in tokens: prompt, limits, sampling, constraint.

#include <algorithm>

#include "llm/chat_prompt.h"
#include "llm/local_model.h"

namespace maie::llm {
namespace {

// Schemas kept, and bytes of masks for each: a mask of 150,000 tokens has 19 kB.
constexpr size_t kMostCompiled = 8;
constexpr size_t kMaskBytes = 8 << 20;

template <class T>
T chosen(const std::optional<T>& asked, const std::optional<T>& of_model, T otherwise) {
  return asked ? *asked : of_model.value_or(otherwise);
}

Status out_of_range(const char* name, double value, const char* range) {
  return invalid_input(std::string(name) + " " + std::to_string(value) + " is not " + range);
}

}  // namespace

Result<search::SamplingRules> LocalModel::sampling_of(const Sampling& asked) const {
  const Sampling& own = files_.defaults.sampling;
  search::SamplingRules rules;
  rules.temperature = chosen(asked.temperature, own.temperature, 1.0);
  rules.top_k = chosen(asked.top_k, own.top_k, -1);
  rules.top_p = chosen(asked.top_p, own.top_p, 1.0);
  rules.min_p = chosen(asked.min_p, own.min_p, 0.0);
  rules.repetition_penalty = chosen(asked.repetition_penalty, own.repetition_penalty, 1.0);
  rules.presence_penalty = chosen(asked.presence_penalty, own.presence_penalty, 0.0);
  rules.frequency_penalty = chosen(asked.frequency_penalty, own.frequency_penalty, 0.0);
  rules.seed = chosen(asked.seed, own.seed, uint64_t{0});
  if (!(rules.temperature >= 0 && rules.temperature <= 100)) {
    return out_of_range("temperature", rules.temperature, "within 0 and 100");
  }
  if (!(rules.top_p > 0 && rules.top_p <= 1)) {
    return out_of_range("top_p", rules.top_p, "above 0 and at most 1");
  }
  if (!(rules.min_p >= 0 && rules.min_p <= 1)) {
    return out_of_range("min_p", rules.min_p, "within 0 and 1");
  }
  if (!(rules.repetition_penalty > 0 && rules.repetition_penalty <= 100)) {
    return out_of_range("repetition_penalty", rules.repetition_penalty, "above 0, at most 100");
  }
  for (const auto& [name, value] : {std::pair{"presence_penalty", rules.presence_penalty},
                                    {"frequency_penalty", rules.frequency_penalty}}) {
    if (!(value >= -100 && value <= 100)) return out_of_range(name, value, "within -100 and 100");
  }
  return rules;
}

Result<std::shared_ptr<const grammar::TokenTrie>> LocalModel::trie() {
  if (trie_ != nullptr) return trie_;
  const text::BpeTokenizer& tokenizer = files_.tokenizer;
  std::vector<std::string> tokens(size_t(tokenizer.size()));
  for (int32_t id = 0; id < tokenizer.size(); ++id) tokens[size_t(id)] = tokenizer.id_to_bytes(id);
  for (const text::AddedToken& added : tokenizer.added_tokens()) {
    if (added.id >= 0 && size_t(added.id) < tokens.size()) tokens[size_t(added.id)].clear();
  }
  std::vector<int32_t> ends;
  for (const int32_t id : files_.end_tokens) {
    if (id >= 0 && id < tokenizer.size()) ends.push_back(id);
  }
  MAIE_ASSIGN(trie_, grammar::TokenTrie::make(tokens, ends));
  return trie_;
}

Result<std::shared_ptr<grammar::Constraint>> LocalModel::constraint_of(const Request& request) {
  const std::lock_guard lock(mutex_);
  const auto found = std::find_if(compiled_.begin(), compiled_.end(), [&](const Compiled& one) {
    return one.schema == request.schema;
  });
  if (found != compiled_.end()) {
    compiled_.splice(compiled_.begin(), compiled_, found);
    return compiled_.front().constraint;
  }
  MAIE_ASSIGN(const auto vocabulary, trie());
  const auto grammar = grammar::Grammar::compile(request.schema);
  if (!grammar) {
    const std::string name = request.schema_name.empty() ? "schema" : request.schema_name;
    return invalid_input(name + ": " + grammar.error().message());
  }
  compiled_.push_front(
      {request.schema, std::make_shared<grammar::Constraint>(*grammar, vocabulary, kMaskBytes)});
  if (compiled_.size() > kMostCompiled) compiled_.pop_back();
  return compiled_.front().constraint;
}

// Under a schema a model may think before the document, for half of its tokens at most.
Status LocalModel::set_thinking(const Request& request, bool opens_thinking,
                                AnswerRules& rules) const {
  const auto needed = int64_t(rules.constraint->needs().document());
  int64_t reserved = needed;
  const text::BpeTokenizer& tokenizer = files_.tokenizer;
  const auto end = tokenizer.token_to_id("</think>");
  if (end && (opens_thinking ||
              (request.enable_thinking.value_or(false) && tokenizer.token_to_id("<think>")))) {
    AnswerRules::Thinking thinking;
    thinking.think_end = *end;
    if (!opens_thinking) {
      MAIE_ASSIGN(thinking.opening, tokenizer.encode("<think>\n"));
    }
    MAIE_ASSIGN(thinking.closing, tokenizer.encode("\n</think>\n\n"));
    MAIE_ASSIGN(thinking.after, tokenizer.encode("\n\n"));
    reserved += int64_t(thinking.closing.size());
    thinking.most_tokens = std::min(rules.max_tokens / 2, rules.max_tokens - reserved);
    reserved += int64_t(thinking.opening.size()) + 1;
    rules.thinking = std::move(thinking);
  }
  if (reserved <= rules.max_tokens) return {};
  return invalid_input("the shortest document of the schema may take " + std::to_string(reserved) +
                       " tokens, the answer has room for " + std::to_string(rules.max_tokens) +
                       "; raise max_tokens or shorten the prompt");
}

// None where the vocabulary would put a space before the text.
std::vector<int32_t> LocalModel::exact_tokens(const std::string& text) const {
  const auto tokens = files_.tokenizer.encode(text, text::AddedTokens::kAsText);
  if (!tokens) return {};
  std::string spelt;
  for (const int32_t id : *tokens) spelt += files_.tokenizer.id_to_bytes(id);
  return spelt == text ? *tokens : std::vector<int32_t>();
}

Result<TokenRequest> LocalModel::prepare(const Request& request, bool& opens_thinking) {
  if (request.max_tokens < 0) return invalid_input("max_tokens is negative");
  for (const std::string& stop : request.stops) {
    if (stop.empty()) return invalid_input("an empty stop string");
  }
  if (!request.schema.empty() && !request.stops.empty()) {
    return invalid_input("stop strings would cut the document of a schema; leave them out");
  }
  TokenRequest asked;  // made first: its time counts
  MAIE_ASSIGN(asked.rules.sampling, sampling_of(request.sampling));
  if (!request.schema.empty()) {
    MAIE_ASSIGN(asked.rules.constraint, constraint_of(request));
  }
  MAIE_ASSIGN(ChatPrompt prompt, make_chat_prompt(files_, request));
  const auto size = int64_t(prompt.tokens.size());
  if (size == 0) return invalid_input("the prompt is empty");
  if (size >= info_.context) {
    return invalid_input("Input exceeds model context: the prompt has " + std::to_string(size) +
                         " tokens, the context " + std::to_string(info_.context) +
                         ", the answer included; shorten it or load the model with more");
  }
  opens_thinking = prompt.opens_thinking;
  asked.rules.max_tokens = info_.context - size;
  if (request.max_tokens > 0) {
    asked.rules.max_tokens = std::min(asked.rules.max_tokens, request.max_tokens);
  }
  asked.rules.end_tokens = files_.end_tokens;
  asked.rules.writable = writable_;
  asked.rules.tokenizer = files_.tokenizer;
  if (asked.rules.constraint) MAIE_TRY(set_thinking(request, opens_thinking, asked.rules));
  if (options_.speculate) {
    asked.spelling = Spelling{[this](int32_t id) { return files_.tokenizer.id_to_bytes(id); },
                              [this](const std::string& text) { return exact_tokens(text); }};
  }
  asked.recurring_tokens = prompt.recurring_tokens;
  asked.prompt = std::move(prompt.tokens);
  return asked;
}

}  // namespace maie::llm
