#include "server/chat_reply.h"

#include "server/answers.h"
#include "server/delta_text.h"
#include "server/sse.h"
#include "server/stream_answer.h"

namespace maie::server {
namespace {

ApiError lacks_answer() {
  return {.status = 500,
          .code = "PROCESSING_ERROR",
          .message = "the task ended without an answer",
          .openai_code = "internal",
          .should_retry = false};
}

class WholeAnswer : public TaskAnswer {
 public:
  WholeAnswer(std::string schema, ChatIdentity identity, http::ReplyPtr reply,
              std::string request_id)
      : schema_(std::move(schema)),
        identity_(std::move(identity)),
        reply_(std::move(reply)),
        request_id_(std::move(request_id)) {}

  void on_result(const jobs::StoredResult& result) override {
    if (!result.completion) return on_error(lacks_answer());
    const Json json = chat_completion(identity_, *result.completion, schema_);
    reply_->send(json_response(json));
  }
  void on_error(const ApiError& error) override {
    reply_->send(to_response(error, http::ErrorStyle::kOpenAi, request_id_));
  }

 private:
  const std::string schema_;
  const ChatIdentity identity_;
  const http::ReplyPtr reply_;
  const std::string request_id_;
};

class StreamedAnswer : public TaskAnswer {
 public:
  StreamedAnswer(std::string schema, bool include_usage, ChatIdentity identity, EventStream stream)
      : schema_(std::move(schema)),
        include_usage_(include_usage),
        identity_(std::move(identity)),
        stream_(std::move(stream)) {}

  bool wants_events() const override { return true; }

  // Not before there is text: what the model refuses, such as a prompt that is too long, is told
  // after its ReadyEvent, and is an ordinary error.
  void on_event(const jobs::Event& event) override {
    if (const auto* text = std::get_if<jobs::TextEvent>(&event)) {
      begin();
      send(text_.add(text->text));
    }
  }

  void on_restart() override { text_.restart(); }

  void on_result(const jobs::StoredResult& result) override {
    if (!result.completion) return on_error(lacks_answer());
    const llm::Completion& completion = *result.completion;
    begin();
    send(text_.finish(completion.text));
    if (failed_) return;
    if (!completion.thinking.empty()) {
      Json chunk = text_chunk(identity_, "", include_usage_);
      chunk["choices"][0]["delta"] = {{"reasoning_content", completion.thinking}};
      stream_.send(chunk);
    }
    stream_.send(finish_chunk(identity_, completion, schema_, include_usage_));
    if (include_usage_) stream_.send(usage_chunk(identity_, completion));
    stream_.close(kDoneEvent);
  }

  void on_error(const ApiError& error) override {
    if (!failed_) stream_.fail(error);
  }
  void on_silence() override {
    if (!failed_) stream_.keep_alive();
  }

 private:
  void begin() {
    if (!stream_.has_begun()) stream_.send(role_chunk(identity_, include_usage_));
  }

  void send(const std::optional<std::string>& delta) {
    if (failed_ || (delta && delta->empty())) return;
    if (delta) return stream_.send(text_chunk(identity_, *delta, include_usage_));
    stream_.fail({.status = 500,
                  .code = "PROCESSING_ERROR",
                  .message = "the worker was lost and its successor gave another answer; ask again",
                  .openai_code = "internal",
                  .should_retry = true});
    failed_ = true;
  }

  const std::string schema_;
  const bool include_usage_;
  const ChatIdentity identity_;
  EventStream stream_;
  DeltaText text_{DeltaText::Ends::kKept};
  bool failed_ = false;
};

}  // namespace

std::unique_ptr<TaskAnswer> chat_reply(const ChatRequest& request, ChatIdentity identity,
                                       http::ReplyPtr reply, const std::string& request_id,
                                       double keep_alive_s) {
  const std::string& schema = request.job.request.schema;
  if (!request.stream) {
    return std::make_unique<WholeAnswer>(schema, std::move(identity), std::move(reply), request_id);
  }
  return std::make_unique<StreamedAnswer>(schema, request.include_usage, std::move(identity),
                                          EventStream(std::move(reply), request_id, keep_alive_s));
}

}  // namespace maie::server
