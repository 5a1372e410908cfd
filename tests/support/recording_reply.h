#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "server/http/reply.h"

namespace maie::http {

/// A client in memory: keeps what a handler answers, at once or as a stream. Any thread.
class RecordingReply : public Reply {
 private:
  struct State {
    mutable std::mutex mutex;
    mutable std::condition_variable changed;
    Response head;
    std::string pieces;
    int answers = 0;
    bool complete = false, gone = false;
  };

  class RecordingStream : public Stream {
   public:
    explicit RecordingStream(std::shared_ptr<State> state) : state_(std::move(state)) {}
    bool write(std::string bytes) override {
      const std::lock_guard lock(state_->mutex);
      if (state_->gone || state_->complete) return false;
      state_->pieces += bytes;
      state_->changed.notify_all();
      return true;
    }
    void close() override {
      const std::lock_guard lock(state_->mutex);
      state_->complete = true;
      state_->changed.notify_all();
    }

   private:
    std::shared_ptr<State> state_;
  };

  template <class Condition>
  bool wait_for(Condition condition, std::chrono::milliseconds limit) const {
    std::unique_lock lock(state_->mutex);
    return state_->changed.wait_for(lock, limit, [&] { return condition(*state_); });
  }
  template <class Read>
  auto locked(Read read) const {
    const std::lock_guard lock(state_->mutex);
    return read(*state_);
  }

 public:
  void send(Response response) override {
    const std::lock_guard lock(state_->mutex);
    state_->head = std::move(response);
    ++state_->answers;
    state_->complete = true;
    state_->changed.notify_all();
  }

  std::shared_ptr<Stream> start(Response head) override {
    const std::lock_guard lock(state_->mutex);
    state_->head = std::move(head);
    ++state_->answers;
    state_->changed.notify_all();
    return std::make_shared<RecordingStream>(state_);
  }

  void on_disconnect(std::function<void()> gone) override {
    {
      const std::lock_guard lock(state_->mutex);
      if (!state_->gone) {
        gone_ = std::move(gone);
        return;
      }
    }
    gone();
  }

  /// The client goes away.
  void disconnect() {
    std::function<void()> told;
    {
      const std::lock_guard lock(state_->mutex);
      state_->gone = true;
      told = std::exchange(gone_, nullptr);
    }
    if (told) told();
  }

  /// Whether the answer was complete in time.
  bool wait(std::chrono::milliseconds limit = std::chrono::seconds(10)) const {
    return wait_for([](const State& state) { return state.complete; }, limit);
  }
  /// Whether status and headers were sent in time.
  bool wait_for_head(std::chrono::milliseconds limit = std::chrono::seconds(10)) const {
    return wait_for([](const State& state) { return state.answers > 0; }, limit);
  }
  /// Whether the pieces so far hold `text`, in time.
  bool wait_for_text(const std::string& text,
                     std::chrono::milliseconds limit = std::chrono::seconds(10)) const {
    return wait_for([&](const State& state) { return state.pieces.find(text) != text.npos; },
                    limit);
  }

  int answers() const {
    return locked([](const State& state) { return state.answers; });
  }
  int status() const {
    return locked([](const State& state) { return state.head.status; });
  }
  Response head() const {
    return locked([](const State& state) { return state.head; });
  }
  /// The body, or all pieces of the stream so far.
  std::string body() const {
    return locked([](const State& state) { return state.head.body + state.pieces; });
  }
  bool is_complete() const {
    return locked([](const State& state) { return state.complete; });
  }

 private:
  const std::shared_ptr<State> state_ = std::make_shared<State>();
  std::function<void()> gone_;
};

}  // namespace maie::http
