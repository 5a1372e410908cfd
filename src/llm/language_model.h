#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/cancel.h"
#include "base/status.h"

namespace maie::llm {

/// One message of a conversation, as the OpenAI API has it.
struct Message {
  std::string role;  ///< "system", "user" or "assistant"
  std::string content;
};

/// How the next token is chosen. What is absent is taken from the model's generation_config.json,
/// else from the defaults named here.
struct Sampling {
  std::optional<double> temperature;         ///< 1; 0 takes the likeliest token, exactly
  std::optional<int> top_k;                  ///< -1: all
  std::optional<double> top_p;               ///< 1
  std::optional<double> min_p;               ///< 0; share of the likeliest token's probability
  std::optional<double> repetition_penalty;  ///< 1; of tokens in prompt and answer
  std::optional<double> presence_penalty;    ///< 0; of tokens in the answer
  std::optional<double> frequency_penalty;   ///< 0; times their count in the answer
  std::optional<uint64_t> seed;              ///< 0; the same seed gives the same answer
};

/// What is asked of a model.
struct Request {
  std::vector<Message> messages;
  /// So many first messages recur in other requests (a template's prompt): what was computed for
  /// them is kept, also on disk where the model has a folder for it.
  size_t recurring_messages = 0;
  std::optional<bool>
      enable_thinking;     ///< of models that can (Qwen3); absent: as the template has it
  int64_t max_tokens = 0;  ///< of the answer; 0: what the context leaves
  Sampling sampling;
  std::string schema;              ///< JSON Schema of the answer; empty: free text
  std::string schema_name;         ///< what errors and servers call it
  std::vector<std::string> stops;  ///< the answer ends before any of them
};

enum class Finish {
  kStop,    ///< the model ended it, or a stop string
  kLength,  ///< max_tokens or the context; under a schema the document is complete all the same
};

/// What an answer took.
struct Usage {
  int64_t prompt_tokens = 0;
  int64_t cached_tokens = 0;  ///< of the prompt, read before
  int64_t answer_tokens = 0;
  int64_t forced_tokens = 0;    ///< of the answer, appended because the schema allows nothing else
  int64_t proposed_tokens = 0;  ///< looked up in prompt and answer, checked by the model
  int64_t accepted_tokens = 0;  ///< of the proposed ones, those that stood
  int64_t passes = 0;           ///< of the network for the answer
  double first_token_s = 0;     ///< from the request to the first token
  double total_s = 0;
};

struct Completion {
  std::string text;      ///< valid UTF-8
  std::string thinking;  ///< what stood between <think> and </think>
  Finish finish = Finish::kStop;
  Usage usage;
};

/// How far a request is.
struct Progress {
  int64_t prompt_tokens = 0;
  int64_t prompt_read = 0;  ///< of them
  int64_t answer_tokens = 0;
};

/// The caller's hand on a request. The functions are called from a thread of the model, one at a
/// time, and should return soon.
struct Control {
  const CancelToken* cancel = nullptr;  ///< outlives the call
  /// A request fails with kUnavailable when so long nothing at all comes from the model. There is
  /// no limit on one that makes progress, other than the token's deadline.
  double stall_limit_s = 300;
  /// Pieces of whole characters, in order.
  std::function<void(std::string_view text)> on_text = {};
  std::function<void(const Progress&)> on_progress = {};
};

struct LanguageModelInfo {
  std::string name;          ///< as results name it: folder or file name, or the served name
  std::string source;        ///< "huggingface", "gguf" or "remote"
  std::string path;          ///< or base URL
  std::string quantization;  ///< as stored: "bfloat16", "awq-4bit", "q4_0", ...; empty: unknown
  std::string compute_type;  ///< as computed; empty: unknown
  int64_t context = 0;       ///< tokens of prompt and answer together
  size_t memory_bytes = 0;   ///< weights and cache, held while it is loaded
  Sampling sampling;         ///< what its generation_config.json asks for; empty for a server
  /// System messages the model was trained with, by template id (prompts.json of its folder).
  std::vector<std::pair<std::string, std::string>> prompts;
};

/// A language model, in this process or behind a server. Any thread may call; requests that come
/// at the same time are served together.
class LanguageModel {
 public:
  virtual ~LanguageModel() = default;

  virtual const LanguageModelInfo& info() const = 0;
  /// "sha256:..." over the weights, "remote:<name>" for a server; computed on first use.
  virtual std::string checkpoint_hash() = 0;

  /// Tokens of a text without special tokens; a server that cannot say gets an estimate from above.
  virtual Result<int64_t> count_tokens(std::string_view text) = 0;

  /// Answers a request, and returns when the answer is complete. Under a schema the text is a
  /// document that it allows, or the request fails.
  /// @return kInvalidInput for a request that cannot be served (a schema without documents, a
  /// prompt longer than the context: the numbers are in the message), kUnavailable for what may
  /// work later, kCancelled.
  virtual Result<Completion> complete(const Request& request, const Control& control) = 0;
};

}  // namespace maie::llm
