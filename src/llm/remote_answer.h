#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/json.h"
#include "llm/language_model.h"
#include "llm/text_stream.h"
#include "net/http_client.h"
#include "net/sse_reader.h"

namespace maie::llm {

/// Reads the answer to POST /chat/completions as it comes: a stream of events
/// (docs/spec/interfaces.md, 6.4), or one JSON document (6.2). Bounded; any bytes are a completion
/// or a failure. One thread at a time; it must stay where it was made.
class RemoteAnswer {
 public:
  struct Options {
    std::string place;  ///< host and port, for messages
    std::vector<std::string> stops = {};
    size_t max_text_bytes = 16 << 20;
    /// Gets the text as it comes, but for thinking that does not begin with <think>: that is told
    /// apart only at its end.
    std::function<void(std::string_view)> on_text = {};
    std::function<void(const Progress&)> on_progress = {};
  };
  explicit RemoteAnswer(Options options);
  RemoteAnswer(const RemoteAnswer&) = delete;
  RemoteAnswer& operator=(const RemoteAnswer&) = delete;

  /// A piece of the body; false when no more is wanted: the answer is complete, or wrong.
  bool take(const net::HttpResponse& head, std::string_view piece);

  /// Whether `take` has seen the whole answer.
  bool complete() const { return done_; }

  /// After the last piece: the answer, or what is wrong with it. The times of its usage are the
  /// caller's to fill in, but for first_token_s, measured from the construction.
  Result<Completion> finish();

  bool delivered() const { return delivered_; }  ///< on_text was called
  /// A failure of `finish` that another attempt may not meet.
  bool may_pass() const { return may_pass_; }

 private:
  enum class Form { kUnknown, kEvents, kJson, kStrange };
  void find_form(const net::HttpResponse& head);
  bool take_event(const net::ServerEvent& event);
  bool take_choice(const Json& choice, const char* member);
  bool take_text(const Json& part);
  void take_usage(const Json& usage);
  bool take_error(const Json& document);
  bool fail(Status status, bool may_pass = false);

  const Options options_;
  const std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  Form form_ = Form::kUnknown;
  std::string document_;  // the body, as long as it is not known to be a stream
  net::SseReader events_;
  TextStream text_;
  std::string reasoning_;
  std::string content_type_;
  std::string finish_reason_;
  Usage usage_;
  int64_t pieces_ = 0;
  size_t text_bytes_ = 0;
  bool done_ = false;
  bool delivered_ = false;
  bool may_pass_ = false;
  Status wrong_;
};

/// The sentence in a server's error body (OpenAI, FastAPI, Ollama, TGI), in one line of at most 300
/// bytes; empty when there is none.
std::string error_sentence(std::string_view body);
std::string error_sentence_of(const Json& document);

/// At most 300 bytes of a foreign text, without line breaks and control characters.
std::string one_line(std::string text);

}  // namespace maie::llm
