#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "llm/language_model.h"
#include "llm/remote_request.h"
#include "net/http_client.h"
#include "net/retry.h"

namespace maie::llm {

/// Whether `path` names a server (http:// or https://) rather than a file or folder.
bool is_remote(std::string_view path);

/// A server that speaks the OpenAI chat API (vLLM, llama.cpp, Ollama, a cloud, MAIE itself).
struct RemoteOptions {
  std::string base_url = {};      ///< as http://localhost:8000/v1; without a path /v1 is added
  std::string model = {};         ///< empty: the only one that the server lists
  std::string api_key = {};       ///< the key itself, where the caller has it; goes first
  std::string api_key_env = {};   ///< name of the variable that holds the key; then if it is set
  std::string api_key_file = {};  ///< file that holds the key and nothing else
  SchemaWay schema_way = SchemaWay::kAuto;
  int64_t context = 0;  ///< tokens; 0: what the server says, else 32768
  double connect_timeout_s = 10;
  int attempts = 5;             ///< of a request, the first counted, while nothing was delivered
  double first_pause_s = 0.5;   ///< doubles with every attempt
  double longest_pause_s = 30;  ///< a server that asks for a longer one is given up
  size_t max_answer_bytes = 16 << 20;  ///< of text
  bool offline = false;                ///< refuse to open
};

/// A language model behind a server. Immutable but for what it learns about the server, which a
/// mutex guards: any thread.
///
/// Answers come as a stream, so that Control::stall_limit_s is the only limit of time on them; a
/// server that sends one JSON document is understood too. What a server refuses by name (400, 422,
/// 500) is left out from then on, with a warning. An answer under a schema is parsed and validated
/// here; a text that is not valid fails with kUnavailable and the reason, because another try may
/// do better. Without a schema an empty answer is a value: what it means is the caller's to say.
class RemoteModel final : public LanguageModel {
 public:
  /// Asks the server for its models, unless name and context are given.
  /// @return kInvalidInput for an address, a key or a choice of model that cannot be, and the codes
  /// of `complete`.
  static Result<std::unique_ptr<RemoteModel>> open(RemoteOptions options,
                                                   const CancelToken* cancel = nullptr);

  const LanguageModelInfo& info() const override { return info_; }
  std::string checkpoint_hash() override { return "remote:" + info_.name; }

  /// What the server's /tokenize says (vLLM, llama.cpp), else `tokens_at_most`.
  Result<int64_t> count_tokens(std::string_view text) override;

  /// kUnavailable after the last attempt, kPermissionDenied for the key, kNotFound for the model,
  /// kInvalidInput for what the server refuses, kResourceExhausted for too long an answer.
  Result<Completion> complete(const Request& request, const Control& control) override;

 private:
  struct Attempt;

  RemoteModel(RemoteOptions options, std::string key);
  Status learn(const CancelToken* cancel);
  Status choose_model(const Json& models);
  int64_t context_of(const Json& model, const CancelToken* cancel);
  net::HttpRequest request_to(const std::string& url) const;
  Result<net::HttpResponse> get(const std::string& url, const CancelToken* cancel);
  int64_t ask_tokenizer(std::string_view text, bool as_llama_cpp);

  RemoteShape shape_for(const std::string& schema);
  bool adapt(const std::string& schema, const RemoteShape& shape, const Json& body,
             const std::string& message);
  Attempt attempt(const Json& body, const Request& request, const Control& control);
  Status failure_of(const net::HttpResponse& response) const;
  Status checked(Completion& completion, const Request& request, const Json& schema) const;
  std::string without_key(std::string text) const;

  const RemoteOptions options_;
  const std::string key_;
  std::string place_;  // host and port, for messages
  std::string root_;   // base URL without /v1
  LanguageModelInfo info_;
  std::vector<std::string> served_;  // models that the server listed
  net::HttpClient http_;
  net::Backoff backoff_;

  enum class Tokenizer { kUnknown, kVllm, kLlamaCpp, kNone };
  std::atomic<Tokenizer> tokenizer_{Tokenizer::kUnknown};

  std::mutex mutex_;  // guards what was learned:
  std::set<std::string> left_out_;
  std::map<std::string, SchemaWay> ways_;  // by schema: a server may refuse one and take another
};

}  // namespace maie::llm
