#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <mutex>
#include <shared_mutex>
#include <string>

#include "tests/support/loopback_server.h"

namespace maie::store {

/// A hub of the tests with one model, "org/name": the API and small files at one address, large
/// files behind a redirect at another, as the real one has it.
class FakeHub {
 public:
  struct File {
    std::string content;
    bool large = false;  ///< listed with its SHA-256, served by the storage
  };
  /// Answers instead of the hub or the storage when it returns true.
  using Interrupt = std::function<bool(const support::LoopbackRequest&, support::LoopbackReply&)>;

  FakeHub();

  void add(const std::string& path, std::string content, bool large = false);
  std::string url() const { return hub_.url(""); }
  std::string commit() const { return std::string(39, 'c') + "1"; }
  /// What the hub lists as the tag of a file: its true one.
  std::string tag(const std::string& path) const;

  support::LoopbackServer& hub() { return hub_; }
  support::LoopbackServer& storage() { return storage_; }
  /// May be set at any time: setting waits until no request is being answered.
  class Handler {
   public:
    Handler& operator=(Interrupt interrupt);
    bool operator()(const support::LoopbackRequest& request, support::LoopbackReply& reply) const;

   private:
    mutable std::shared_mutex mutex_;
    Interrupt interrupt_;
  };
  Handler on_hub, on_storage;
  std::atomic<bool> has_ranges = true;
  std::atomic<int> files_a_page = 1000;

  /// The answer for such a request of a file: 206 with a range, else 200. Sends only `most` bytes
  /// of the body and then closes.
  void serve(const std::string& content, const support::LoopbackRequest& request,
             support::LoopbackReply& reply, size_t most = std::string::npos) const;
  const std::string& content(const std::string& path) const { return file(path).content; }

 private:
  void answer_hub(const support::LoopbackRequest& request, support::LoopbackReply& reply);
  void answer_tree(const support::LoopbackRequest& request, support::LoopbackReply& reply);

  const File& file(const std::string& path) const;

  mutable std::mutex mutex_;  // of the list; files stay where they are
  std::map<std::string, File> files_;
  support::LoopbackServer storage_;
  support::LoopbackServer hub_;
};

/// "size" pseudo-random bytes, the same for a seed.
std::string noise(size_t size, unsigned seed);

}  // namespace maie::store
