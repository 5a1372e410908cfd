// The server with clients that send whatever they like.
#include "server/http/server.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <thread>

#include "tests/server/http_requests.h"

namespace maie::http {
namespace {

TEST(HttpServer, AnswersAndKeepsTheConnection) {
  LiveServer server;
  RawClient client(server.port());
  for (int i = 0; i < 3; ++i) {
    client.send("GET /hello HTTP/1.1\r\nHost: x\r\n\r\n");
    const RawAnswer answer = client.answer();
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(answer.body, "hello");
    EXPECT_EQ(answer.field("content-type"), "text/plain");
    EXPECT_EQ(answer.field("connection"), "keep-alive");
    EXPECT_FALSE(answer.field("date").empty());
    EXPECT_FALSE(answer.field("x-request-id").empty());
  }
  EXPECT_EQ(server.server().connections(), 1);
  ASSERT_TRUE(LiveServer::eventually([&] { return server.done().size() == 3; }));
  EXPECT_TRUE(LiveServer::eventually([&] { return server.in_flight() == 0; }));
  EXPECT_EQ(server.done()[0].path, "/hello");
  EXPECT_EQ(server.done()[0].status, 200);
  client.close();
  EXPECT_TRUE(LiveServer::eventually([&] { return server.server().connections() == 0; }));
}

TEST(HttpServer, AnswersPipelinedRequestsInOrder) {
  LiveServer server;
  RawClient client(server.port());
  std::string many;
  for (int i = 0; i < 50; ++i) {
    many += "GET /rest/" + std::to_string(i) + " HTTP/1.1\r\nHost: x\r\n\r\n";
    many += post("/bytes", "body" + std::to_string(i));
  }
  client.send(many);
  for (int i = 0; i < 50; ++i) {
    EXPECT_EQ(client.answer().body, std::to_string(i));
    EXPECT_EQ(client.answer().body, "body" + std::to_string(i));
  }
}

TEST(HttpServer, TakesARequestByteByByte) {
  LiveServer server;
  RawClient client(server.port());
  const std::string request =
      "\r\nPOST /bytes HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
      "3\r\nabc\r\n2;ext=\"q\"\r\nde\r\n0\r\nTrailer: x\r\n\r\n";
  for (const char byte : request) ASSERT_TRUE(client.send({&byte, 1}));
  EXPECT_EQ(client.answer().body, "abcde");
  client.send("GET /hello HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_EQ(client.answer().body, "hello");
}

TEST(HttpServer, ShowsTheRequestToHandlers) {
  LiveServer server;
  EXPECT_EQ(get(server, "/query?a=1&b=x%20y").body, "a=1;b=x y;");
  EXPECT_EQ(get(server, "http://host/rest/a/b%2Fc").body, "a/b/c");
  EXPECT_EQ(get(server, "/about", "X-Request-Id: mine\r\n").body, "127.0.0.1|mine|tester");
  const RawAnswer answer = get(server, "/hello", "X-Request-Id: mine\r\n");
  EXPECT_EQ(answer.field("x-request-id"), "mine");
}

TEST(HttpServer, AnswersHeadWithoutABody) {
  LiveServer server;
  RawClient client(server.port());
  client.send("HEAD /hello HTTP/1.1\r\nHost: x\r\n\r\nGET /hello HTTP/1.1\r\nHost: x\r\n\r\n");
  const RawAnswer head = client.answer(true);
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(head.field("content-length"), "5");
  EXPECT_EQ(client.answer().body, "hello");
  client.send("HEAD /count HTTP/1.1\r\nHost: x\r\n\r\nGET /empty HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_EQ(client.answer(true).status, 200);
  const RawAnswer empty = client.answer();
  EXPECT_EQ(empty.status, 204);
  EXPECT_EQ(empty.field("content-length"), "");
  EXPECT_EQ(client.received(), "");
}

TEST(HttpServer, ServesClientsOfHttp10) {
  LiveServer server;
  RawClient client(server.port());
  client.send("GET /hello HTTP/1.0\r\n\r\n");
  EXPECT_EQ(client.answer().field("connection"), "close");
  EXPECT_TRUE(client.ended());

  RawClient kept(server.port());
  kept.send("GET /hello HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  EXPECT_EQ(kept.answer().field("connection"), "keep-alive");
  kept.send("GET /count HTTP/1.0\r\n\r\n");
  const RawAnswer stream = kept.answer();  // ends with the connection
  EXPECT_EQ(stream.field("transfer-encoding"), "");
  EXPECT_EQ(stream.body, "0,1,2,3,4,5,6,7,8,9,");
  EXPECT_TRUE(stream.whole);
}

TEST(HttpServer, ClosesWhenAsked) {
  LiveServer server;
  RawClient client(server.port());
  client.send("GET /hello HTTP/1.1\r\nHost: x\r\nConnection: foo, Close\r\n\r\n");
  EXPECT_EQ(client.answer().field("connection"), "close");
  EXPECT_TRUE(client.ended());
}

TEST(HttpServer, StreamsInChunks) {
  LiveServer server;
  RawClient client(server.port());
  client.send("GET /count HTTP/1.1\r\nHost: x\r\n\r\nGET /hello HTTP/1.1\r\nHost: x\r\n\r\n");
  const RawAnswer answer = client.answer();
  EXPECT_EQ(answer.field("transfer-encoding"), "chunked");
  EXPECT_EQ(answer.body, "0,1,2,3,4,5,6,7,8,9,");
  EXPECT_TRUE(answer.whole);
  EXPECT_EQ(client.answer().body, "hello");
}

TEST(HttpServer, DoesNotPassATornStreamOffAsWhole) {
  LiveServer server;
  RawClient client(server.port());
  client.send("GET /torn HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_FALSE(client.answer().whole);
  EXPECT_TRUE(client.ended());
}

TEST(HttpServer, SendsStreamsWhileTheyAreWritten) {
  LiveServer server;
  RawClient client(server.port());
  client.send("GET /events HTTP/1.1\r\nHost: x\r\n\r\n");
  ASSERT_TRUE(client.read_until("\r\n\r\n"));
  ASSERT_TRUE(LiveServer::eventually([&] { return server.streams().size() == 1; }));
  const auto stream = server.streams()[0];
  EXPECT_TRUE(stream->write("data: 1\n\n"));
  EXPECT_TRUE(client.read_until("data: 1\n\n"));
  EXPECT_TRUE(stream->write("data: 2\n\n"));
  EXPECT_TRUE(client.read_until("data: 2\n\n"));
  client.close();
  EXPECT_TRUE(LiveServer::eventually([&] { return server.gone() == 1; }));
  EXPECT_TRUE(LiveServer::eventually([&] { return !stream->write("x"); }));
  EXPECT_TRUE(LiveServer::eventually([&] { return server.in_flight() == 0; }));
  EXPECT_EQ(server.done().back().status, 499);
}

TEST(HttpServer, AnswersLaterFromAnotherThread) {
  LiveServer server;
  RawClient client(server.port());
  client.send("GET /wait HTTP/1.1\r\nHost: x\r\n\r\n");
  ASSERT_TRUE(LiveServer::eventually([&] { return server.parked().size() == 1; }));
  std::thread([reply = server.parked()[0]] { reply->send({.body = "late"}); }).join();
  EXPECT_EQ(client.answer().body, "late");
  EXPECT_EQ(server.gone(), 0);
}

TEST(HttpServer, TellsHandlersThatTheClientLeft) {
  LiveServer server;
  RawClient closes(server.port()), resets(server.port());
  for (RawClient* client : {&closes, &resets}) {
    client->send("GET /wait HTTP/1.1\r\nHost: x\r\n\r\n");
  }
  ASSERT_TRUE(LiveServer::eventually([&] { return server.parked().size() == 2; }));
  closes.close();
  EXPECT_TRUE(LiveServer::eventually([&] { return server.gone() == 1; }, 2));
  resets.reset();
  EXPECT_TRUE(LiveServer::eventually([&] { return server.gone() == 2; }, 2));
  std::atomic<int> at_once{0};
  server.parked()[0]->on_disconnect([&] { ++at_once; });
  EXPECT_EQ(at_once, 1);
  server.forget_parked();
  EXPECT_TRUE(LiveServer::eventually([&] { return server.server().connections() == 0; }));
  EXPECT_EQ(server.done().at(0).status, 499);
  EXPECT_EQ(server.done().at(1).status, 499);
}

TEST(HttpServer, AnswersAClientThatOnlyClosedItsDirection) {
  LiveServer server;
  RawClient client(server.port());
  client.send("GET /hello HTTP/1.1\r\nHost: x\r\n\r\n");
  client.finish_sending();
  EXPECT_EQ(client.answer().body, "hello");
  EXPECT_TRUE(client.ended());
}

TEST(HttpServer, AnswersWhenAHandlerThrowsOrForgets) {
  LiveServer server;
  for (const char* target : {"/throw", "/drop"}) {
    const RawAnswer answer = get(server, target);
    EXPECT_EQ(answer.status, 500) << target;
    EXPECT_TRUE(answer.body.starts_with("internal: ")) << answer.body;
    EXPECT_EQ(answer.body.find("secret"), std::string::npos);
  }
}

TEST(HttpServer, LetsNoHeaderValueBeginAnotherField) {
  LiveServer server;
  const RawAnswer answer = get(server, "/split");
  EXPECT_EQ(answer.field("x-injected"), "");
  EXPECT_EQ(answer.field("x-bad"), "a  X-Injected: b");
  EXPECT_EQ(answer.head.find("X Bad"), std::string::npos);
}

TEST(HttpServer, NamesMethodsOfAPath) {
  LiveServer server;
  const RawAnswer wrong = ask(server, "DELETE /hello HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_EQ(wrong.status, 405);
  EXPECT_EQ(wrong.field("allow"), "GET, HEAD");
  EXPECT_TRUE(wrong.body.starts_with("method: "));
  EXPECT_EQ(ask(server, "BREW /hello HTTP/1.1\r\nHost: x\r\n\r\n").status, 405);
  EXPECT_EQ(get(server, "/unknown").status, 404);
}

TEST(HttpServer, TakesForms) {
  LiveServer server;
  const std::string body = file("file", "../../etc/passwd", "RIFF\r\n--C\r\n") + field("a", "1") +
                           field("ti\xE1\xBA\xBFng", "vi\xE1\xBB\x87t") + "--B--\r\n";
  const RawAnswer answer = ask(server, post("/form", body, kFormType));
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body,
            "fields:a=1;ti\xE1\xBA\xBFng=vi\xE1\xBB\x87t; "
            "file:file,../../etc/passwd,audio/wav,11,535b540f");
  EXPECT_TRUE(LiveServer::eventually([&] { return server.files_in_spool() == 0; }));
}

}  // namespace
}  // namespace maie::http
