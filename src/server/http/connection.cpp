#include "server/http/connection.h"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <exception>

#include "base/log.h"
#include "base/secret.h"
#include "server/http/characters.h"
#include "server/http/head_check.h"
#include "server/http/listener.h"
#include "server/http/target.h"

// Coroutines here keep what they await in named variables: g++ up to 12 destroys some temporaries
// of an expression with co_await twice.
namespace maie::http {
namespace {

constexpr size_t kMostRequestId = 128;

Clock::duration seconds(double value) {
  return std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(value));
}

/// From the client, reduced to visible ASCII, or made.
std::string request_id_of(const Headers& headers) {
  for (const auto& [name, value] : headers.all()) {
    if (!equal_fold(name, "x-request-id") && !equal_fold(name, "x-correlation-id")) continue;
    std::string id;
    for (const char c : value) {
      if (c > ' ' && c < 127 && id.size() < kMostRequestId) id += c;
    }
    if (!id.empty()) return id;
  }
  return "api-" + random_hex(4);
}

bool is_known_method(std::string_view method) {
  for (const char* known :
       {"GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"}) {
    if (method == known) return true;
  }
  return false;
}

}  // namespace

Connection::Connection(boost::asio::io_context& io, ConnectionContext& context, int socket)
    : Counted(context.connections),
      ClientSocket(io, socket),
      context_(context),
      limits_(context.options.limits) {}

std::shared_ptr<Connection> Connection::self() {
  return std::static_pointer_cast<Connection>(shared_from_this());
}

Clock::duration Connection::patience() const { return seconds(limits_.write_timeout_s); }

void Connection::start(bool refuse) {
  boost::asio::co_spawn(
      executor(), [self = self(), refuse] { return self->run(refuse); }, boost::asio::detached);
}

Awaitable<void> Connection::run(bool refuse) {
  try {
    bool more = !refuse;
    if (refuse) co_await refuse_connection();
    while (more) more = co_await serve_one();
    if (lingers_ && side() == Side::kOpen) co_await linger();
  } catch (const std::exception& error) {
    log_error(std::string("a connection failed: ") + error.what());
  }
  if (exchange_) {
    tell_client_gone();
    finish(499);
  }
  close();
}

Awaitable<void> Connection::refuse_connection() {
  exchange_ = std::make_shared<Exchange>([] {});
  exchange_->request.path = "/";
  exchange_->request.id = request_id_of({});
  exchange_->request.peer = peer_of(descriptor());
  exchange_->request.arrived = Clock::now();
  body_unread_ = true;
  const Refusal refusal{503, "overloaded", "the server has too many connections; try again later"};
  co_await send_refusal(refusal);
}

Awaitable<bool> Connection::serve_one() {
  Problem problem;
  const std::optional<size_t> head_bytes = co_await read_head(problem);
  if (!head_bytes && !problem) co_return false;
  exchange_ = std::make_shared<Exchange>([weak = weak_from_this()] {
    if (const auto connection = weak.lock()) connection->wake_any_thread();
  });
  exchange_->request.arrived = Clock::now();
  exchange_->request.path = "/";
  exchange_->request.peer = peer_of(descriptor());
  head_only_ = keep_alive_ = left_early_ = lingers_ = false;
  version_11_ = body_unread_ = true;
  body_bytes_ = 0;
  sent_before_ = bytes_sent();
  counted_ = true;
  if (context_.hooks.in_flight) context_.hooks.in_flight(+1);

  RequestParser parser;
  if (!problem) {
    problem = parser.parse_head(std::string_view(received()).substr(0, *head_bytes));
    received().erase(0, *head_bytes);
  }
  if (!problem) problem = begin_request(parser);
  if (problem) {
    if (exchange_->request.id.empty()) exchange_->request.id = request_id_of({});
    co_await send_refusal(*problem);
    co_return false;
  }
  const bool more = co_await serve(parser);
  co_return more;
}

/// Waits for the first byte of a request, holding no memory. false: the connection ends.
Awaitable<bool> Connection::await_request() {
  const Clock::time_point deadline = Clock::now() + seconds(limits_.keep_alive_s);
  while (received().empty()) {
    release_memory();
    watch();
    if (!received().empty()) break;
    if (side() != Side::kOpen || context_.draining) co_return false;
    const bool in_time = co_await wait(deadline);
    if (!in_time) co_return false;
  }
  co_return true;
}

/// Waits for a head and returns its length. Neither a length nor a problem: the connection ends.
Awaitable<std::optional<size_t>> Connection::read_head(Problem& problem) {
  const size_t most = context_.options.max_header_bytes;
  const bool begun = co_await await_request();
  if (!begun) co_return std::nullopt;
  const Clock::time_point deadline = Clock::now() + seconds(limits_.header_timeout_s);
  size_t known = 0;
  while (true) {
    std::string& bytes = received();
    if (known == 0 && bytes.starts_with("\r\n")) bytes.erase(0, 2);  // RFC 9112, 2.2
    const size_t end = find_head_end(bytes, known);
    if (end <= most) co_return end;
    if (bytes.size() > most) {
      problem = Refusal{431, "bad_request", "the head of the request is too long"};
      co_return std::nullopt;
    }
    const bool half_line = bytes == "\r";
    if (!half_line) problem = check_head_start(bytes);
    if (problem) co_return std::nullopt;
    known = half_line ? 0 : bytes.size();
    const Read got = co_await read(deadline);
    if (got == Read::kEnd) co_return std::nullopt;
    if (got == Read::kTimeout) {
      problem = Refusal{408, "timeout", "the head of the request took too long"};
      co_return std::nullopt;
    }
  }
}

Connection::Problem Connection::begin_request(RequestParser& parser) {
  Request& request = exchange_->request;
  version_11_ = parser.version_11();
  keep_alive_ = parser.keep_alive();
  body_unread_ = !parser.done();
  request.method = parser.method();
  request.target = parser.target();
  request.headers = std::move(parser.headers());
  request.id = request_id_of(request.headers);
  head_only_ = request.method == "HEAD";
  if (request.target == "*" && request.method == "OPTIONS") return std::nullopt;
  Result<Target> target = parse_target(request.target);
  if (!target && is_known_method(request.method)) {
    keep_alive_ = false;
    return bad_request(target.error().message());
  }
  if (!target) return std::nullopt;  // 405 says more
  request.path = std::move(target->path);
  request.query = std::move(target->query);
  return std::nullopt;
}

/// Sets the exchange's route, or what stands in its way: a refusal or a ready answer.
Connection::Problem Connection::find_route(std::optional<Response>& answer) {
  Request& request = exchange_->request;
  if (!is_known_method(request.method)) {
    return Refusal{405, "method", "Method Not Allowed"};
  }
  if (request.method == "OPTIONS" && context_.hooks.preflight) {
    answer = context_.hooks.preflight(request);
    if (answer) return std::nullopt;
  }
  Router::Match match = context_.router.match(request.method, request.path);
  exchange_->route = match.route;
  if (match.route == nullptr && match.allowed.empty()) {
    return Refusal{404, "not_found", "Not Found"};
  }
  if (match.route == nullptr) {
    exchange_->allowed = std::move(match.allowed);
    return Refusal{405, "method", "Method Not Allowed"};
  }
  request.params = std::move(match.params);
  if (context_.hooks.guard) answer = context_.hooks.guard(request, *match.route);
  return std::nullopt;
}

Connection::Problem Connection::check_body(const RequestParser& parser) {
  const Request& request = exchange_->request;
  const Route& route = *exchange_->route;
  const std::string_view encoding = request.headers.get("content-encoding");
  if (!encoding.empty() && !equal_fold(encoding, "identity")) {
    return Refusal{415, "encoding", "a compressed body is not taken; send it as it is"};
  }
  if (route.body == BodyKind::kNone && !parser.done()) {
    return bad_request("this route takes no body");
  }
  if (parser.content_length().value_or(0) > route.max_body_bytes) {
    return Refusal{413, "too_large", "Request Entity Too Large"};
  }
  const std::string_view expected = request.headers.get("expect");
  if (!expected.empty() && version_11_ && !equal_fold(expected, "100-continue")) {
    return Refusal{417, "bad_request", "the only expectation served here is 100-continue"};
  }
  return std::nullopt;
}

Awaitable<bool> Connection::serve(RequestParser& parser) {
  bool more = false;
  std::optional<Response> answer;
  Problem problem = find_route(answer);
  if (answer) {
    more = co_await send_response(*answer);
    co_return more;
  }
  if (!problem) problem = check_body(parser);
  if (!problem) co_await read_body(parser, problem);
  if (left_early_) co_return false;
  if (problem) {
    more = co_await send_refusal(*problem);
    co_return more;
  }
  body_unread_ = false;
  run_handler();
  more = co_await take_answer();
  co_return more;
}

}  // namespace maie::http
