#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "jobs/live.h"
#include "jobs/stored_result.h"
#include "queue/task_queue.h"
#include "server/errors.h"
#include "server/event_hub.h"
#include "server/http/reply.h"
#include "server/service.h"

namespace maie::server {

/// Answers one client from what its task does. The functions are called one at a time; after
/// on_result or on_error none is called any more.
class TaskAnswer {
 public:
  virtual ~TaskAnswer() = default;
  virtual bool wants_events() const { return false; }
  virtual void on_event(const jobs::Event&) {}
  /// The worker was lost: events come again from the first one.
  virtual void on_restart() {}
  virtual void on_result(const jobs::StoredResult& result) = 0;
  virtual void on_error(const ApiError& error) = 0;
  /// Three times in server.event_keep_alive_s, with wants_events.
  virtual void on_silence() {}
};

/// Clients that hold a connection until their task has ended. Several may wait for the same task;
/// when the last of them goes away before the end, the task is cancelled. What a task leaves behind
/// (the recording, and the task itself unless it succeeded) goes when it has ended. Any thread;
/// destroyed when no request comes any more, before the hub and the queue.
class OpenRequests {
 public:
  explicit OpenRequests(Service& service);
  ~OpenRequests();

  /// @param task_id  of the interactive lane; one of another lane is followed, but neither
  /// cancelled nor removed
  void follow(const std::string& task_id, const http::ReplyPtr& reply,
              std::unique_ptr<TaskAnswer> answer);

 private:
  class Follower;
  void client_left(const std::shared_ptr<Follower>& follower);
  void ended(const std::shared_ptr<Follower>& follower);
  bool is_last(const std::shared_ptr<Follower>& follower);
  std::vector<std::shared_ptr<Follower>> all_followers();
  void clean_up(const std::string& task_id);
  void look_at_all();

  Service& service_;
  std::mutex mutex_;  // guards what follows; never held while a callback or the queue is called
  std::multimap<std::string, std::shared_ptr<Follower>> followers_;
  std::unique_ptr<EventHub::Watch> clock_;
};

}  // namespace maie::server
