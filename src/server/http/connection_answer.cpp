// How a connection gets an answer from a handler to the client.
#include <boost/asio/post.hpp>
#include <cstdio>
#include <exception>

#include "base/log.h"
#include "server/http/characters.h"
#include "server/http/connection.h"
#include "server/http/response_head.h"

namespace maie::http {
namespace {

std::string listed(const std::vector<std::string>& methods) {
  std::string out;
  for (const std::string& method : methods) {
    out += (out.empty() ? "" : ", ") + method;
    if (method == "GET") out += ", HEAD";
  }
  return out;
}

std::string chunk_begin(size_t bytes) {
  char text[24];
  std::snprintf(text, sizeof text, "%zx\r\n", bytes);
  return text;
}

/// All that hooks need; the handler may take the rest apart meanwhile.
Request without_body(const Request& whole) {
  Request request;
  request.method = whole.method;
  request.path = whole.path;
  request.target = whole.target;
  request.query = whole.query;
  request.params = whole.params;
  request.headers = whole.headers;
  request.peer = whole.peer;
  request.id = whole.id;
  request.principal = whole.principal;
  request.for_answer = whole.for_answer;
  request.arrived = whole.arrived;
  return request;
}

}  // namespace

void Connection::run_handler() {
  exchange_->seen = without_body(exchange_->request);
  handed_over_ = true;
  boost::asio::post(context_.handlers,
                    [exchange = exchange_, reply = exchange_->make_reply()]() mutable {
                      const LogScope scope({.request_id = exchange->seen.id});
                      const std::string& path = exchange->route->path;
                      try {
                        exchange->route->handler(exchange->request, reply);
                      } catch (const std::exception& error) {
                        log_error("the handler of " + path + " failed: " + error.what());
                      } catch (...) {
                        log_error("the handler of " + path + " failed");
                      }
                      reply.reset();
                    });
}

Awaitable<bool> Connection::take_answer() {
  bool more = false;
  while (true) {
    Exchange::News news = exchange_->take_news();
    if (news.response && news.streams) {
      more = co_await send_stream(news);
      co_return more;
    }
    if (news.response) {
      more = co_await send_response(*news.response);
      co_return more;
    }
    if (news.abandoned) {
      const Refusal refusal{500, "internal", "Internal Server Error"};
      more = co_await send_refusal(refusal);
      co_return more;
    }
    watch();
    // A client that only sends no more may still read, so its answer is waited for.
    if (side() != Side::kOpen) tell_client_gone();
    if (side() == Side::kGone) co_return false;
    co_await wait(kForever);
  }
}

bool Connection::keeps_connection(const Response& response) const {
  return keep_alive_ && !body_unread_ && !context_.draining &&
         !lists_token(response.headers.get("connection"), "close");
}

Awaitable<bool> Connection::send_stream(Exchange::News& news) {
  Response& head = *news.response;
  if (context_.hooks.decorate) context_.hooks.decorate(shown(), exchange_->route, head);
  const bool chunked = version_11_;
  const bool keep = chunked && keeps_connection(head);
  const int status = head.status;
  const bool no_body = head_only_ || !has_body(status);
  std::string text = format_head(head, chunked ? Framing::kChunked : Framing::kToEnd, keep);
  bool going = co_await write(text, patience());
  while (going && !no_body) {
    const size_t size = news.bytes.size();
    if (size > 0 && chunked) news.bytes += "\r\n";
    text = size > 0 && chunked ? chunk_begin(size) : "";
    if (news.closed && chunked) news.bytes += "0\r\n\r\n";
    going = co_await write(text, news.bytes, patience());
    exchange_->written(size);
    if (news.closed || !going) break;
    std::string().swap(news.bytes);
    watch();
    going = !news.cut && side() == Side::kOpen;
    if (going) co_await wait(kForever);
    if (going) news = exchange_->take_news();
  }
  if (!going) tell_client_gone();
  lingers_ = going && !keep;
  finish(going ? status : 499);
  co_return going&& keep;
}

Awaitable<bool> Connection::send_refusal(const Refusal& refusal) {
  Response response;
  if (context_.hooks.refuse) {
    response = context_.hooks.refuse(shown(), exchange_->route, refusal);
  } else {
    response.status = refusal.status;
    response.content_type = "text/plain; charset=utf-8";
    response.body = refusal.message + "\n";
  }
  if (!exchange_->allowed.empty()) response.headers.set("Allow", listed(exchange_->allowed));
  if (response.status == 503 && !response.headers.has("retry-after")) {
    response.headers.set("Retry-After", "1");
  }
  const bool more = co_await send_response(response);
  co_return more;
}

Awaitable<bool> Connection::send_response(Response& response) {
  if (context_.hooks.decorate) context_.hooks.decorate(shown(), exchange_->route, response);
  const bool keep = keeps_connection(response);
  const std::string head = format_head(response, Framing::kLength, keep);
  const bool no_body = head_only_ || !has_body(response.status);
  const std::string_view body = no_body ? std::string_view() : response.body;
  const bool sent = co_await write(head, body, patience());
  if (!sent) tell_client_gone();
  lingers_ = sent && !keep;
  finish(sent && !exchange_->told_gone ? response.status : 499);
  co_return sent&& keep;
}

/// Elsewhere, since what is called may take a while.
void Connection::tell_client_gone() {
  if (!handed_over_ || exchange_->told_gone) return;
  exchange_->told_gone = true;
  boost::asio::post(context_.handlers, [exchange = exchange_] { exchange->client_gone(); });
}

/// The answer is complete, or will never be.
void Connection::finish(int status) {
  if (status != 499) exchange_->complete();
  const Request& request = shown();
  const double took = std::chrono::duration<double>(Clock::now() - request.arrived).count();
  if (context_.hooks.done) {
    context_.hooks.done(
        {request, exchange_->route, status, took, body_bytes_, bytes_sent() - sent_before_});
  }
  if (counted_ && context_.hooks.in_flight) context_.hooks.in_flight(-1);
  counted_ = handed_over_ = false;
  // The last owner removes what is left of an upload, which may touch the disk.
  if (exchange_->form) boost::asio::post(context_.spoolers, [exchange = exchange_] {});
  exchange_.reset();
}

}  // namespace maie::http
