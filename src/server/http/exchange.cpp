#include "server/http/exchange.h"

#include <exception>

#include "base/log.h"

namespace maie::http {
namespace {

class ExchangeStream final : public Stream {
 public:
  explicit ExchangeStream(std::shared_ptr<Exchange> exchange) : exchange_(std::move(exchange)) {}
  ~ExchangeStream() override { exchange_->stream_dropped(); }
  bool write(std::string bytes) override { return exchange_->write(std::move(bytes)); }
  void close() override { exchange_->close(); }

 private:
  const std::shared_ptr<Exchange> exchange_;
};

class ExchangeReply final : public Reply {
 public:
  explicit ExchangeReply(std::shared_ptr<Exchange> exchange) : exchange_(std::move(exchange)) {}
  ~ExchangeReply() override { exchange_->reply_dropped(); }
  void send(Response response) override { exchange_->send(std::move(response)); }
  std::shared_ptr<Stream> start(Response head) override {
    return exchange_->start(std::move(head));
  }
  void on_disconnect(std::function<void()> gone) override {
    exchange_->on_disconnect(std::move(gone));
  }

 private:
  const std::shared_ptr<Exchange> exchange_;
};

void call(const std::function<void()>& gone) {
  try {
    gone();
  } catch (const std::exception& error) {
    log_error(std::string("a disconnect handler failed: ") + error.what());
  }
}

}  // namespace

ReplyPtr Exchange::make_reply() { return std::make_shared<ExchangeReply>(shared_from_this()); }

void Exchange::send(Response response) {
  {
    const std::lock_guard lock(mutex_);
    check(!answered_, "a request is answered once");
    answered_ = true;
    news_.response = std::move(response);
    news_.closed = true;
  }
  wake_once();
}

std::shared_ptr<Stream> Exchange::start(Response head) {
  {
    const std::lock_guard lock(mutex_);
    check(!answered_, "a request is answered once");
    answered_ = true;
    news_.response = std::move(head);
    news_.streams = true;
  }
  wake_once();
  return std::make_shared<ExchangeStream>(shared_from_this());
}

void Exchange::on_disconnect(std::function<void()> gone) {
  {
    const std::lock_guard lock(mutex_);
    if (!gone_) {
      if (!complete_) gone_calls_.push_back(std::move(gone));
      return;
    }
  }
  call(gone);
}

void Exchange::reply_dropped() {
  {
    const std::lock_guard lock(mutex_);
    if (answered_) return;
    answered_ = true;
    news_.abandoned = true;
  }
  wake_once();
}

bool Exchange::write(std::string bytes) {
  bool accepted = false;
  {
    const std::lock_guard lock(mutex_);
    if (gone_ || complete_ || news_.closed || news_.cut) return false;
    if (bytes.empty()) return true;
    accepted = waiting_ == 0 || waiting_ + bytes.size() <= Stream::kBacklogBytes;
    if (accepted) {
      waiting_ += bytes.size();
      news_.bytes += bytes;
    } else {
      news_.cut = true;
    }
  }
  wake_once();
  return accepted;
}

void Exchange::close() {
  {
    const std::lock_guard lock(mutex_);
    if (news_.closed || complete_) return;
    news_.closed = true;
  }
  wake_once();
}

void Exchange::stream_dropped() {
  {
    const std::lock_guard lock(mutex_);
    if (news_.closed || gone_ || complete_) return;
    news_.cut = true;  // the client must not take half of an answer for the whole
  }
  wake_once();
}

Exchange::News Exchange::take_news() {
  woken_ = false;
  const std::lock_guard lock(mutex_);
  News news = std::move(news_);
  news_ = {.streams = news.streams, .closed = news.closed, .cut = news.cut};
  return news;
}

void Exchange::written(size_t bytes) {
  const std::lock_guard lock(mutex_);
  waiting_ -= bytes;
}

void Exchange::client_gone() {
  std::vector<std::function<void()>> calls;
  {
    const std::lock_guard lock(mutex_);
    if (complete_ || gone_) return;
    gone_ = true;
    calls.swap(gone_calls_);
  }
  for (const auto& gone : calls) call(gone);
}

void Exchange::complete() {
  std::vector<std::function<void()>> calls;  // their destructors may come back here
  const std::lock_guard lock(mutex_);
  complete_ = true;
  calls.swap(gone_calls_);
}

void Exchange::wake_once() {
  if (!woken_.exchange(true)) wake_();
}

}  // namespace maie::http
