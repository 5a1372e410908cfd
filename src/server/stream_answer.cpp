#include "server/stream_answer.h"

#include "server/sse.h"

namespace maie::server {

EventStream::EventStream(http::ReplyPtr reply, std::string request_id, double keep_alive_s)
    : reply_(std::move(reply)), request_id_(std::move(request_id)), keep_alive_(keep_alive_s) {}

void EventStream::write(std::string bytes) {
  stream_->write(std::move(bytes));  // a client that is gone is told to the task elsewhere
  written_ = std::chrono::steady_clock::now();
}

void EventStream::begin() {
  if (stream_ != nullptr) return;
  stream_ = reply_->start(event_stream_head());
  written_ = std::chrono::steady_clock::now();
}

void EventStream::send(const Json& event) {
  begin();
  write(data_event(event));
}

void EventStream::close(std::string_view last) {
  begin();
  if (!last.empty()) write(std::string(last));
  stream_->close();
}

void EventStream::fail(const ApiError& error) {
  http::Response response = to_response(error, http::ErrorStyle::kOpenAi, request_id_);
  if (stream_ == nullptr) return reply_->send(std::move(response));
  const Result<Json> body = parse_json(response.body);
  Json event;
  event["error"] = body.has_value() && body->contains("error") ? (*body)["error"] : Json();
  write(data_event(event));
  stream_->close();
}

void EventStream::keep_alive() {
  // Called three times as often as silence may last.
  const auto silence = std::chrono::steady_clock::now() - written_;
  if (stream_ != nullptr && silence >= keep_alive_ * 0.6) write(std::string(kKeepAliveComment));
}

}  // namespace maie::server
