#include "server/speech_reply.h"

#include "server/delta_text.h"
#include "server/speech_answer.h"
#include "server/stream_answer.h"

namespace maie::server {
namespace {

ApiError lacks_transcript() {
  return {.status = 500,
          .code = "PROCESSING_ERROR",
          .message = "the task ended without a transcript",
          .openai_code = "internal",
          .should_retry = false};
}

class WholeTranscript : public TaskAnswer {
 public:
  WholeTranscript(SpeechForm form, http::ReplyPtr reply, std::string request_id)
      : form_(std::move(form)), reply_(std::move(reply)), request_id_(std::move(request_id)) {}

  void on_result(const jobs::StoredResult& result) override {
    if (!result.transcript) return on_error(lacks_transcript());
    reply_->send(speech_answer(result, form_));
  }
  void on_error(const ApiError& error) override {
    reply_->send(to_response(error, http::ErrorStyle::kOpenAi, request_id_));
  }

 private:
  const SpeechForm form_;
  const http::ReplyPtr reply_;
  const std::string request_id_;
};

class StreamedTranscript : public TaskAnswer {
 public:
  explicit StreamedTranscript(EventStream stream) : stream_(std::move(stream)) {}

  bool wants_events() const override { return true; }

  void on_event(const jobs::Event& event) override {
    if (failed_) return;
    stream_.begin();
    if (const auto* made = std::get_if<jobs::SegmentEvent>(&event)) {
      send(text_.add(made->segment.text));
    }
  }

  void on_restart() override { text_.restart(); }

  void on_result(const jobs::StoredResult& result) override {
    if (!result.transcript) return on_error(lacks_transcript());
    const std::string text = text_of(*result.transcript);
    send(text_.finish(text));
    if (failed_) return;
    stream_.send({{"type", "transcript.text.done"},
                  {"text", text},
                  {"languages", languages_of(*result.transcript)},
                  {"usage", token_usage(*result.transcript)}});
    stream_.close();
  }

  void on_error(const ApiError& error) override {
    if (!failed_) stream_.fail(error);
  }
  void on_silence() override {
    if (!failed_) stream_.keep_alive();
  }

 private:
  void send(const std::optional<std::string>& delta) {
    if (failed_ || (delta && delta->empty())) return;
    if (delta) return stream_.send({{"type", "transcript.text.delta"}, {"delta", *delta}});
    stream_.fail({.status = 500,
                  .code = "PROCESSING_ERROR",
                  .message = "the final text is not what was sent so far; ask without stream",
                  .openai_code = "internal",
                  .should_retry = false});
    failed_ = true;
  }

  EventStream stream_;
  DeltaText text_{DeltaText::Ends::kStripped};
  bool failed_ = false;
};

}  // namespace

std::unique_ptr<TaskAnswer> speech_reply(const SpeechRequest& request, http::ReplyPtr reply,
                                         const std::string& request_id, double keep_alive_s) {
  if (!request.stream) {
    return std::make_unique<WholeTranscript>(request.form, std::move(reply), request_id);
  }
  return std::make_unique<StreamedTranscript>(
      EventStream(std::move(reply), request_id, keep_alive_s));
}

}  // namespace maie::server
