#include "net/http_client.h"

#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <stdexcept>
#include <thread>

#include "tests/support/loopback_server.h"

namespace maie::net {
namespace {

using support::LoopbackReply;
using support::LoopbackRequest;
using support::LoopbackServer;
using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

Result<HttpResponse> get(const std::string& url) {
  HttpClient client;
  return client.send({.url = url});
}

TEST(HttpClient, SendsWhatItIsGivenAndReturnsWhatCame) {
  LoopbackServer server([](const LoopbackRequest& request, LoopbackReply& reply) {
    reply.answer(201, "got " + request.body, {{"X-Thing", "a"}, {"x-thing", "b"}});
  });
  HttpClient client;
  const auto response = client.send({.method = "POST",
                                     .url = server.url("/p?q=1"),
                                     .headers = {{"Authorization", "Bearer k"}, {"X-Empty", ""}},
                                     .body = std::string("a\0b", 3)});
  ASSERT_TRUE(response) << response.error().message();
  EXPECT_EQ(response->status, 201);
  EXPECT_EQ(response->body, std::string("got a\0b", 7));
  EXPECT_EQ(response->header("x-thing"), "b");
  EXPECT_EQ(response->header("absent"), "");
  EXPECT_EQ(response->url, server.url("/p?q=1"));
  const LoopbackRequest seen = server.requests().at(0);
  EXPECT_EQ(seen.method, "POST");
  EXPECT_EQ(seen.target, "/p?q=1");
  EXPECT_EQ(seen.header("authorization"), "Bearer k");
  EXPECT_EQ(seen.header("user-agent"), "maie");
  for (const auto& [name, value] : seen.headers) {
    EXPECT_NE(name, "expect");
    EXPECT_NE(name, "content-type");  // not a web form
  }
}

TEST(HttpClient, KnowsTheMethods) {
  LoopbackServer server([](const LoopbackRequest& request, LoopbackReply& reply) {
    if (request.method == "HEAD") {
      reply.raw("HTTP/1.1 200 OK\r\nContent-Length: 123456789012\r\n\r\n");
    } else {
      reply.answer(200, request.method + request.body);
    }
  });
  HttpClient client;
  const auto head = client.send({.method = "HEAD", .url = server.url("/")});
  ASSERT_TRUE(head) << head.error().message();
  EXPECT_EQ(head->header("content-length"), "123456789012");
  for (const char* method : {"GET", "PUT", "DELETE", "PATCH", "POST"}) {
    EXPECT_EQ(client.send({.method = method, .url = server.url("/")})->body, method);
  }
  EXPECT_EQ(client.send({.method = "DELETE", .url = server.url("/"), .body = "x"})->body,
            "DELETEx");
}

TEST(HttpClient, KeepsItsConnection) {
  LoopbackServer server(
      [](const LoopbackRequest&, LoopbackReply& reply) { reply.answer(200, "x"); });
  HttpClient client;
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(client.send({.url = server.url("/")}));
  EXPECT_EQ(server.connections(), 1);
}

TEST(HttpClient, AConnectionThatTheServerDroppedMeanwhileIsReplaced) {
  LoopbackServer server([](const LoopbackRequest&, LoopbackReply& reply) {
    reply.answer(200, "x");
    reply.close();
  });
  HttpClient client;
  for (int i = 0; i < 3; ++i) {
    const auto response = client.send({.method = "POST", .url = server.url("/"), .body = "b"});
    ASSERT_TRUE(response) << response.error().message();
  }
  EXPECT_EQ(server.connections(), 3);
}

TEST(HttpClient, ManyThreadsShareOne) {
  LoopbackServer server([](const LoopbackRequest& request, LoopbackReply& reply) {
    reply.answer(200, request.target);
  });
  HttpClient client;
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 25; ++i) {
        const std::string target = "/" + std::to_string(t) + "/" + std::to_string(i);
        const auto response = client.send({.url = server.url(target)});
        if (!response || response->body != target) ++wrong;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
  EXPECT_LE(server.connections(), 8);
}

TEST(HttpClient, StreamsToAReceiverAsItComes) {
  std::atomic<bool> first_seen{false};
  LoopbackServer server([&](const LoopbackRequest&, LoopbackReply& reply) {
    reply.begin_chunked(200, {{"Content-Type", "text/event-stream"}});
    reply.chunk("one ");
    // Held until the first piece was seen: had it been kept back, this would time out.
    for (int i = 0; i < 500 && !first_seen; ++i) reply.wait(0.01);
    reply.chunk(first_seen ? "two" : "never");
    reply.end_chunked();
  });
  HttpClient client;
  std::string all;
  const auto response = client.send({.url = server.url("/")}, nullptr,
                                    [&](const HttpResponse& head, std::string_view piece) {
                                      EXPECT_EQ(head.status, 200);
                                      EXPECT_EQ(head.header("content-type"), "text/event-stream");
                                      all += piece;
                                      first_seen = true;
                                      return true;
                                    });
  ASSERT_TRUE(response) << response.error().message();
  EXPECT_EQ(all, "one two");
  EXPECT_EQ(response->body, "");
}

TEST(HttpClient, AnErrorsBodyDoesNotGoToTheReceiver) {
  LoopbackServer server([](const LoopbackRequest& request, LoopbackReply& reply) {
    reply.answer(404, request.target == "/long" ? std::string(3 << 20, 'x') : "no such thing");
  });
  HttpClient client;
  const auto never = [](const HttpResponse&, std::string_view) {
    ADD_FAILURE() << "called for an error";
    return true;
  };
  EXPECT_EQ(client.send({.url = server.url("/")}, nullptr, never)->body, "no such thing");
  const auto cut = client.send({.url = server.url("/long")}, nullptr, never);
  ASSERT_TRUE(cut) << cut.error().message();
  EXPECT_EQ(cut->status, 404);
  EXPECT_EQ(cut->body.size(), size_t{1} << 20);
}

TEST(HttpClient, ARefusingReceiverEndsTheExchange) {
  LoopbackServer server([](const LoopbackRequest&, LoopbackReply& reply) {
    reply.begin_chunked(200, {});
    while (reply.chunk(std::string(1000, 'x'))) {
    }
  });
  HttpClient client;
  HttpFailure failure;
  const auto response = client.send(
      {.url = server.url("/")}, nullptr,
      [](const HttpResponse&, std::string_view) { return false; }, &failure);
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code(), Code::kCancelled);
  EXPECT_EQ(failure, HttpFailure::kCancelled);
}

TEST(HttpClient, WhatAReceiverThrowsReachesTheCaller) {
  LoopbackServer server(
      [](const LoopbackRequest&, LoopbackReply& reply) { reply.answer(200, "x"); });
  HttpClient client;
  const auto thrower = [](const HttpResponse&, std::string_view) -> bool {
    throw std::runtime_error("mine");
  };
  EXPECT_THROW((void)client.send({.url = server.url("/")}, nullptr, thrower), std::runtime_error);
  EXPECT_TRUE(client.send({.url = server.url("/")}));
}

// Seconds from a cancellation to the return of the exchange.
double seconds_to_cancel(const std::string& url) {
  HttpClient client;
  CancelToken cancel;
  std::atomic<Clock::time_point> asked{};
  std::thread canceller([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(150));
    asked = Clock::now();
    cancel.cancel();
  });
  HttpFailure failure;
  const auto response = client.send({.url = url}, &cancel, {}, &failure);
  canceller.join();
  EXPECT_FALSE(response);
  EXPECT_EQ(response.status().code(), Code::kCancelled);
  EXPECT_EQ(failure, HttpFailure::kCancelled);
  return seconds_since(asked);
}

TEST(HttpClient, ACancelledOneReturnsSoon) {
  LoopbackServer server([](const LoopbackRequest&, LoopbackReply& reply) { reply.hang(); });
  double best_s = 10;  // of several: the machine may be busy with something else
  for (int i = 0; i < 5 && best_s > 0.2; ++i) {
    best_s = std::min(best_s, seconds_to_cancel(server.url("/")));
  }
  EXPECT_LE(best_s, 0.2);
}

TEST(HttpClient, AHangingServerMeetsTheStallLimit) {
  LoopbackServer server([](const LoopbackRequest& request, LoopbackReply& reply) {
    if (request.target == "/after-head") {
      reply.begin_chunked(200, {});
      reply.chunk("x");
    }
    reply.hang();
  });
  for (const char* target : {"/", "/after-head"}) {
    HttpClient client;
    HttpFailure failure;
    const auto response =
        client.send({.url = server.url(target), .stall_limit_s = 0.3}, nullptr, {}, &failure);
    ASSERT_FALSE(response);
    EXPECT_EQ(response.error().code(), Code::kUnavailable);
    EXPECT_EQ(failure, HttpFailure::kStalled);
    EXPECT_NE(response.error().message().find(server.place() + ": nothing came for 0.3 s"),
              std::string::npos)
        << response.error().message();
  }
}

TEST(HttpClient, ADrippingServerIsWaitedForUpToTheTotalLimit) {
  LoopbackServer server([](const LoopbackRequest& request, LoopbackReply& reply) {
    const int pieces = request.target == "/long" ? 1000 : 8;
    reply.begin_chunked(200, {});
    for (int i = 0; i < pieces && reply.wait(0.25); ++i) reply.chunk("x");
    reply.end_chunked();
  });
  HttpClient client;
  const auto slow = client.send({.url = server.url("/"), .stall_limit_s = 1.5});
  ASSERT_TRUE(slow) << slow.error().message();
  EXPECT_EQ(slow->body, "xxxxxxxx");
  HttpFailure failure;
  const auto late =
      client.send({.url = server.url("/long"), .stall_limit_s = 5, .total_limit_s = 0.5}, nullptr,
                  {}, &failure);
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code(), Code::kUnavailable);
  EXPECT_EQ(failure, HttpFailure::kStalled);
}

TEST(HttpClient, TooLongAnAnswerIsRefused) {
  LoopbackServer server([](const LoopbackRequest& request, LoopbackReply& reply) {
    if (request.target == "/announced") {
      reply.raw("HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\nx");
      reply.hang();
    } else if (request.target == "/head") {
      reply.raw("HTTP/1.1 200 OK\r\n");
      while (reply.raw("X-Endless: " + std::string(1000, 'x') + "\r\n")) {
      }
    } else {
      reply.begin_chunked(200, {});
      while (reply.chunk(std::string(1000, 'x'))) {
      }
    }
  });
  for (const char* target : {"/announced", "/head", "/chunks"}) {
    HttpClient client;
    HttpFailure failure;
    const auto response =
        client.send({.url = server.url(target), .max_body_bytes = 10'000}, nullptr, {}, &failure);
    ASSERT_FALSE(response) << target;
    // A newer libcurl has its own limit on headers and ends there.
    if (std::string_view(target) == "/head" && failure == HttpFailure::kBroken) continue;
    EXPECT_EQ(response.error().code(), Code::kResourceExhausted) << response.error().message();
    EXPECT_EQ(failure, HttpFailure::kTooLong);
  }
}

TEST(HttpClient, AnExactlyFittingAnswerIsTaken) {
  LoopbackServer server([](const LoopbackRequest&, LoopbackReply& reply) {
    reply.answer(200, std::string(10'000, 'x'));
  });
  HttpClient client;
  EXPECT_TRUE(client.send({.url = server.url("/"), .max_body_bytes = 10'000}));
  EXPECT_FALSE(client.send({.url = server.url("/"), .max_body_bytes = 9'999}));
}

TEST(HttpClient, AnEarlyCloseIsAnError) {
  LoopbackServer server([](const LoopbackRequest& request, LoopbackReply& reply) {
    if (request.target == "/length") reply.raw("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc");
    if (request.target == "/chunked")
      reply.raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc");
    if (request.target == "/head") reply.raw("HTTP/1.1 200 OK\r\nContent-Le");
    if (request.target == "/reset") return reply.reset();
    if (request.target == "/garbage") reply.raw("SSH-2.0-OpenSSH\r\n");
    reply.close();
  });
  for (const char* target : {"/length", "/chunked", "/head", "/nothing", "/reset", "/garbage"}) {
    HttpClient client;
    HttpFailure failure;
    const auto response = client.send({.url = server.url(target)}, nullptr, {}, &failure);
    ASSERT_FALSE(response) << target;
    EXPECT_EQ(response.error().code(), Code::kUnavailable) << target;
    EXPECT_EQ(failure, HttpFailure::kBroken) << target << ": " << response.error().message();
    EXPECT_NE(response.error().message().find(server.place()), std::string::npos);
  }
}

TEST(HttpClient, NobodyThereIsAnError) {
  const int port = support::unused_port();
  HttpClient client;
  HttpFailure failure;
  const auto response = client.send({.url = "http://127.0.0.1:" + std::to_string(port) + "/v1"},
                                    nullptr, {}, &failure);
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code(), Code::kUnavailable);
  EXPECT_EQ(failure, HttpFailure::kConnect);
  EXPECT_EQ(response.error().message(), "127.0.0.1:" + std::to_string(port) +
                                            ": no connection (Connection refused); is the server "
                                            "running there?");
}

TEST(HttpClient, PlainTextWhereTlsIsAskedIsAnError) {
  LoopbackServer server([](const LoopbackRequest&, LoopbackReply&) {});
  HttpClient client({.connect_timeout_s = 1});
  HttpFailure failure;
  const auto response =
      client.send({.url = "https://" + server.place() + "/"}, nullptr, {}, &failure);
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code(), Code::kUnavailable);
  EXPECT_EQ(failure, HttpFailure::kConnect);
}

TEST(HttpClient, OfflineOpensNoConnection) {
  LoopbackServer server(
      [](const LoopbackRequest&, LoopbackReply& reply) { reply.answer(200, "x"); });
  HttpClient client({.offline = true});
  const auto response = client.send({.url = server.url("/")});
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code(), Code::kUnavailable);
  EXPECT_NE(response.error().message().find("offline"), std::string::npos);
  EXPECT_EQ(server.connections(), 0);
}

TEST(HttpClient, WhatHttpDoesNotAllowIsRefusedWithoutTheKey) {
  for (const HttpRequest& request :
       {HttpRequest{.method = "GET",
       .url = "http://127.0.0.1:1/",
       .headers = {{"Authorization", "Bearer secret\r\nX: y"}}},
        HttpRequest{.method = "GET",
        .url = "http://127.0.0.1:1/",
        .headers = {{"Authorization: secret", "x"}}},
        HttpRequest{.method = "GET secret", .url = "http://127.0.0.1:1/"},
        HttpRequest{.url = "gopher://127.0.0.1:1/"}}) {
    HttpClient client;
    HttpFailure failure;
    const auto response = client.send(request, nullptr, {}, &failure);
    ASSERT_FALSE(response);
    EXPECT_EQ(response.error().code(), Code::kInvalidInput);
    EXPECT_EQ(failure, HttpFailure::kRefused);
    EXPECT_EQ(response.error().message().find("secret"), std::string::npos);
  }
}

TEST(HttpClient, AKeyStaysWithItsHost) {
  LoopbackServer other(
      [](const LoopbackRequest&, LoopbackReply& reply) { reply.answer(200, "o"); });
  LoopbackServer server([&](const LoopbackRequest& request, LoopbackReply& reply) {
    const std::string to = request.target == "/out" ? other.url("/x") : "/here";
    if (request.target == "/here") return (void)reply.answer(200, "h");
    reply.answer(302, "moved", {{"Location", to}});
  });
  HttpClient client;
  const HttpHeaders keys = {
      {"AUTHORIZATION", "Bearer k"}, {"X-Api-Key", "k"}, {"Cookie", "k"}, {"X-Plain", "p"}};
  const auto outside = client.send({.url = server.url("/out"), .headers = keys});
  ASSERT_TRUE(outside) << outside.error().message();
  EXPECT_EQ(outside->body, "o");
  EXPECT_EQ(outside->url, other.url("/x"));
  const LoopbackRequest seen = other.requests().at(0);
  EXPECT_EQ(seen.header("authorization") + seen.header("x-api-key") + seen.header("cookie"), "");
  EXPECT_EQ(seen.header("x-plain"), "p");

  EXPECT_EQ(client.send({.url = server.url("/in"), .headers = keys})->body, "h");
  EXPECT_EQ(server.requests().back().header("authorization"), "Bearer k");
}

TEST(HttpClient, RedirectsAreFollowedAsAsked) {
  LoopbackServer other(
      [](const LoopbackRequest&, LoopbackReply& reply) { reply.answer(200, "o"); });
  LoopbackServer server([&](const LoopbackRequest& request, LoopbackReply& reply) {
    if (request.target == "/out") reply.answer(307, "", {{"Location", other.url("/")}});
    if (request.target == "/in") reply.answer(307, "", {{"Location", "/end"}});
    if (request.target == "/loop") reply.answer(301, "", {{"Location", "/loop"}});
    if (request.target == "/ftp") reply.answer(301, "", {{"Location", "ftp://host/"}});
    if (request.target == "/nowhere") reply.answer(302, "no location");
    if (request.target == "/end") reply.answer(200, request.method + request.body);
  });
  HttpClient client;
  const auto ask = [&](const char* target, Redirects redirects) {
    return client.send(
        {.method = "POST", .url = server.url(target), .body = "b", .redirects = redirects});
  };
  EXPECT_EQ(ask("/out", Redirects::kFollow)->body, "o");
  EXPECT_EQ(ask("/in", Redirects::kSameOrigin)->body, "POSTb");
  EXPECT_EQ(ask("/out", Redirects::kSameOrigin)->status, 307);
  EXPECT_EQ(ask("/in", Redirects::kNone)->header("location"), "/end");
  EXPECT_EQ(ask("/nowhere", Redirects::kFollow)->status, 302);
  EXPECT_EQ(ask("/loop", Redirects::kFollow).error().code(), Code::kUnavailable);
  EXPECT_EQ(ask("/ftp", Redirects::kFollow).error().code(), Code::kUnavailable);
}

TEST(HttpClient, APostBecomesAGetWhereHttpSaysSo) {
  LoopbackServer server([](const LoopbackRequest& request, LoopbackReply& reply) {
    if (request.target == "/end") return (void)reply.answer(200, request.method + request.body);
    reply.answer(std::stoi(request.target.substr(1)), "", {{"Location", "/end"}});
  });
  HttpClient client;
  const auto ask = [&](const char* method, const char* target) {
    return client.send({.method = method, .url = server.url(target), .body = "b"})->body;
  };
  for (const char* status : {"/301", "/302", "/303"}) EXPECT_EQ(ask("POST", status), "GET");
  for (const char* status : {"/307", "/308"}) EXPECT_EQ(ask("POST", status), "POSTb");
  EXPECT_EQ(ask("PUT", "/303"), "GET");
  EXPECT_EQ(ask("PUT", "/302"), "PUTb");
}

TEST(HttpClient, AnInterimAnswerIsPassedOver) {
  LoopbackServer server([](const LoopbackRequest&, LoopbackReply& reply) {
    reply.raw(
        "HTTP/1.1 103 Early Hints\r\nX-Early: 1\r\n\r\n"
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx");
  });
  const auto response = get(server.url("/"));
  ASSERT_TRUE(response) << response.error().message();
  EXPECT_EQ(response->status, 200);
  EXPECT_EQ(response->header("x-early"), "");
}

TEST(HttpClient, ATrailerDoesNotPassForTheHead) {
  LoopbackServer server([](const LoopbackRequest&, LoopbackReply& reply) {
    reply.raw(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n"
        "HTTP/1.1: 500\r\nX-Late: 1\r\n\r\n");
  });
  const auto response = get(server.url("/"));
  ASSERT_TRUE(response) << response.error().message();
  EXPECT_EQ(response->status, 200);
  EXPECT_EQ(response->header("x-late"), "");
}

TEST(HttpClient, ALongBodyIsSentWhole) {
  LoopbackServer server([](const LoopbackRequest& request, LoopbackReply& reply) {
    reply.answer(200, std::to_string(request.body.size()));
  });
  HttpClient client;
  EXPECT_EQ(
      client.send({.method = "POST", .url = server.url("/"), .body = std::string(5 << 20, 'x')})
          ->body,
      "5242880");
}

TEST(HttpClient, LeavesTheProgramsSignalsAlone) {
  LoopbackServer server([](const LoopbackRequest&, LoopbackReply& reply) { reply.reset(); });
  struct sigaction before {
  }, after{};
  sigaction(SIGPIPE, nullptr, &before);
  (void)get(server.url("/"));
  sigaction(SIGPIPE, nullptr, &after);
  EXPECT_EQ(before.sa_handler, after.sa_handler);
  sigset_t mask;
  pthread_sigmask(SIG_BLOCK, nullptr, &mask);
  EXPECT_EQ(sigismember(&mask, SIGPIPE), 0);
}

}  // namespace
}  // namespace maie::net
