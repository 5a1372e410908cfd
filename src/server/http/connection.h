#pragma once

#include <atomic>
#include <boost/asio/thread_pool.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "server/http/client_socket.h"
#include "server/http/exchange.h"
#include "server/http/request_parser.h"
#include "server/http/server.h"

namespace maie::http {

/// What all connections of a server share; outlives them.
struct ConnectionContext {
  const ServerOptions& options;
  const Router& router;
  const Hooks& hooks;
  boost::asio::thread_pool& handlers;
  boost::asio::thread_pool& spoolers;  ///< write uploads to the disk
  std::atomic<int> connections{0};
  std::atomic<int> uploads{0};
  std::atomic<bool> draining{false};
};

/// Counts in `number` for as long as it lives.
class Counted {
 public:
  explicit Counted(std::atomic<int>& number) : number_(number), rank_(++number) {}
  ~Counted() { --number_; }
  Counted(const Counted&) = delete;
  Counted& operator=(const Counted&) = delete;
  int rank() const { return rank_; }  ///< how many there were with this one

 private:
  std::atomic<int>& number_;
  const int rank_;
};

/// One client's connection: its requests one after the other, in one coroutine.
class Connection final : private Counted, public ClientSocket {
 public:
  Connection(boost::asio::io_context& io, ConnectionContext& context, int socket);

  /// @param refuse  says that the server is full, and ends
  void start(bool refuse);

 private:
  using Problem = std::optional<Refusal>;
  std::shared_ptr<Connection> self();

  Awaitable<void> run(bool refuse);
  Awaitable<void> refuse_connection();

  // A request from its bytes to its answer. false: the connection ends.
  Awaitable<bool> serve_one();
  Awaitable<bool> await_request();
  Awaitable<std::optional<size_t>> read_head(Problem& problem);
  Awaitable<bool> serve(RequestParser& parser);
  Problem begin_request(RequestParser& parser);
  Problem find_route(std::optional<Response>& answer);
  Problem check_body(const RequestParser& parser);

  // The body (connection_body.cpp). `problem` or left_early_ say why it is not whole.
  Awaitable<void> read_body(RequestParser& parser, Problem& problem);
  Awaitable<void> receive_body(RequestParser& parser, Problem& problem);
  Awaitable<void> on_spooler(const std::function<void()>& work);
  Awaitable<void> end_form(Problem& problem);

  // The answer (connection_answer.cpp).
  void run_handler();
  Awaitable<bool> take_answer();
  Awaitable<bool> send_stream(Exchange::News& news);
  Awaitable<bool> send_refusal(const Refusal& refusal);
  Awaitable<bool> send_response(Response& response);
  bool keeps_connection(const Response& response) const;
  void tell_client_gone();
  void finish(int status);

  const Request& shown() const { return handed_over_ ? exchange_->seen : exchange_->request; }
  Clock::duration patience() const;

  ConnectionContext& context_;
  const config::ServerSettings& limits_;

  // Of the request in work.
  std::shared_ptr<Exchange> exchange_;  ///< null between requests
  bool handed_over_ = false;            ///< the request is the handler's
  bool counted_ = false;                ///< as in flight
  bool head_only_ = false, version_11_ = true, keep_alive_ = false;
  bool body_unread_ = false;  ///< what follows in received() is no request
  bool lingers_ = false;      ///< the client is given time to read the last answer
  bool left_early_ = false;   ///< the client ended its request in the middle
  uint64_t body_bytes_ = 0, sent_before_ = 0;
};

}  // namespace maie::http
