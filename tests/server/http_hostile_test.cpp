// What the server says to clients that mean harm, and that it stays up.
#include <gtest/gtest.h>

#include <filesystem>
#include <random>
#include <thread>

#include "tests/server/http_requests.h"
#include "tests/server/http_vectors.h"

namespace maie::http {
namespace {

using Now = std::chrono::steady_clock;

double seconds_since(Now::time_point start) {
  return std::chrono::duration<double>(Now::now() - start).count();
}

bool serves(const LiveServer& server) { return ask(server, kHello).body == "hello"; }

/// Nothing of this machine is in an answer.
void expect_discreet(const RawAnswer& answer) {
  for (const char* secret : {"/tmp", "/usr", "spool", ".cpp", "boost", "terminate"}) {
    EXPECT_EQ((answer.head + answer.body).find(secret), std::string::npos) << answer.body;
  }
}

TEST(HostileClient, IsToldWhatIsWrongWithAHead) {
  LiveServer server;
  for (const BadHead& bad : bad_heads()) {
    RawClient client(server.port());
    client.send(bad.head + "GET /rest/smuggled HTTP/1.1\r\nHost: x\r\n\r\n");
    const RawAnswer answer = client.answer();
    EXPECT_EQ(answer.status, bad.status) << bad.what;
    EXPECT_GT(answer.body.size(), std::string("bad_request: ").size()) << bad.what;
    EXPECT_EQ(answer.field("connection"), "close") << bad.what;
    expect_discreet(answer);
    EXPECT_TRUE(client.ended()) << bad.what;
    EXPECT_EQ(client.received(), "") << bad.what << ": a second request was taken from the first";
  }
  EXPECT_TRUE(serves(server));
  for (const auto& seen : server.done()) EXPECT_NE(seen.path, "/rest/smuggled");
}

TEST(HostileClient, CannotEndAChunkedBodyInTwoWays) {
  LiveServer server;
  for (const std::string& chunks : bad_chunks()) {
    RawClient client(server.port());
    client.send("POST /bytes HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks);
    EXPECT_EQ(client.answer().status, 400) << chunks.substr(0, 30);
    EXPECT_TRUE(client.ended());
    EXPECT_EQ(client.received(), "");
  }
  EXPECT_TRUE(serves(server));
}

TEST(HostileClient, HasNoBodyWhereNoneIsTaken) {
  LiveServer server;
  RawClient client(server.port());
  client.send("GET /hello HTTP/1.1\r\nHost: x\r\nContent-Length: 30\r\n\r\n" + kHello);
  EXPECT_EQ(client.answer().status, 400);
  EXPECT_TRUE(client.ended());
  EXPECT_EQ(client.received(), "");
  RawClient empty(server.port());
  empty.send("GET /hello HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n" + kHello);
  EXPECT_EQ(empty.answer().body, "hello");
  EXPECT_EQ(empty.answer().body, "hello");
}

TEST(HostileClient, SendsNoMoreThanTheRouteTakes) {
  LiveServer server;
  RawClient by_length(server.port());  // refused before a byte of the body is read
  by_length.send("POST /bytes HTTP/1.1\r\nHost: x\r\nContent-Length: 1048577\r\n\r\n");
  const RawAnswer answer = by_length.answer();
  EXPECT_EQ(answer.status, 413);
  EXPECT_TRUE(answer.body.starts_with("too_large: "));

  RawClient by_chunks(server.port());
  by_chunks.send("POST /bytes HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
  const std::string chunk = "10000\r\n" + std::string(0x10000, 'x') + "\r\n";
  for (int i = 0; i < 17; ++i) by_chunks.send(chunk);
  EXPECT_EQ(by_chunks.answer().status, 413);

  const std::string most(1 << 20, 'x');
  EXPECT_EQ(ask(server, post("/bytes", most)).body.size(), most.size());
}

TEST(HostileClient, SeesTheRefusalOfAnUploadItStillSends) {
  LiveServer server;
  for (const char* target : {"/guarded", "/form", "/unknown"}) {
    RawClient client(server.port());
    const std::string body = file("f", "x.wav", std::string(20 << 20, 'x')) + "--B--";
    std::thread sender([&] { client.send(post(target, body, kFormType)); });
    sender.join();  // sends all of it, though the answer was there long before
    const int status = client.answer().status;
    EXPECT_EQ(status, target == std::string("/guarded") ? 401
                      : target == std::string("/form")  ? 413
                                                        : 404);
  }
  EXPECT_EQ(server.files_in_spool(), 0U);
}

TEST(HostileClient, GetsNoBrokenFormThrough) {
  LiveServer server;
  const std::vector<std::pair<std::string, std::string>> bodies = {
      {"Content-Type: multipart/form-data\r\n", "--B--"},
      {"Content-Type: application/x-www-form-urlencoded\r\n", "a=b"},
      {"", "a=b"},
      {"Content-Type: multipart/form-data; boundary=\r\n", "--B--"},
      {kFormType, ""},
      {kFormType, "no boundary at all"},
      {kFormType, "--B\r\n\r\nx\r\n--B--"},
      {kFormType, file("f", "x", "half")},
  };
  for (const auto& [type, body] : bodies) {
    const RawAnswer answer = ask(server, post("/form", body, type));
    EXPECT_EQ(answer.status, 400) << type << body;
    EXPECT_TRUE(answer.body.starts_with("bad_form: ")) << answer.body;
    expect_discreet(answer);
  }
  EXPECT_TRUE(LiveServer::eventually([&] { return server.files_in_spool() == 0; }));
}

TEST(HostileClient, SendsNoTenThousandParts) {
  LiveServer server;
  std::string body;
  for (int i = 0; i < 10'000; ++i) body += i % 2 == 0 ? field("a", "") : file("f", "x", "");
  const RawAnswer answer = ask(server, post("/form", body + "--B--", kFormType));
  EXPECT_EQ(answer.status, 400);
  EXPECT_TRUE(answer.body.starts_with("too_many_parts: "));
  EXPECT_TRUE(LiveServer::eventually([&] { return server.files_in_spool() == 0; }));
}

TEST(HostileClient, NamesNoFileOnTheDisk) {
  LiveServer server;
  for (const char* name : {"../../../etc/passwd", "/etc/passwd", "C:\\\\boot.ini", ".", "..", "",
                           "a/../../b", "%2e%2e%2f", "CON", "x.wav;rm -rf", "-rf", "$(id)"}) {
    EXPECT_EQ(ask(server, post("/form", file("f", name, "x") + "--B--", kFormType)).status, 200)
        << name;
  }
  EXPECT_EQ(ask(server, post("/form", file("f", std::string("a\0b", 3), "x") + "--B--", kFormType))
                .status,
            400);
  EXPECT_TRUE(LiveServer::eventually([&] { return server.files_in_spool() == 0; }));
  size_t entries = 0;
  for (const auto& entry : std::filesystem::directory_iterator(server.spool())) {
    EXPECT_EQ(entry.path().filename(), "spool");
    ++entries;
  }
  EXPECT_EQ(entries, 1U);
}

TEST(HostileClient, SendsNoCompressedBody) {
  LiveServer server;
  const RawAnswer answer = ask(server, post("/bytes", "x", "Content-Encoding: gzip\r\n"));
  EXPECT_EQ(answer.status, 415);
  EXPECT_TRUE(answer.body.starts_with("encoding: "));
  EXPECT_EQ(ask(server, post("/bytes", "x", "Content-Encoding: identity\r\n")).body, "x");
}

TEST(HostileClient, HasOneTimeForItsWholeHead) {
  LiveServer server;
  RawClient client(server.port());
  const auto start = Now::now();
  client.send("GET /hello HTTP/1.1\r\nHost: x\r\n");
  int status = 0;
  while (status == 0 && seconds_since(start) < 5) {  // a byte now and then does not prolong it
    client.send("X");
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    if (client.read_until("\r\n\r\n", 0.01)) status = client.answer().status;
  }
  EXPECT_EQ(status, 408);
  EXPECT_LT(seconds_since(start), 2);
  EXPECT_TRUE(client.ended());
}

TEST(HostileClient, IsNotWaitedForInTheMiddleOfABody) {
  LiveServer server;
  for (const std::string& request :
       {std::string("POST /bytes HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc"),
        post("/form", file("f", "x", "12345678901234567890"), kFormType).substr(0, 200)}) {
    RawClient client(server.port());
    const auto start = Now::now();
    client.send(request);
    const RawAnswer answer = client.answer();
    EXPECT_EQ(answer.status, 408);
    EXPECT_TRUE(answer.body.starts_with("timeout: ")) << answer.body;
    EXPECT_LT(seconds_since(start), 2);
    EXPECT_TRUE(client.ended());
  }
  EXPECT_TRUE(LiveServer::eventually([&] { return server.files_in_spool() == 0; }));
}

TEST(HostileClient, LeavesInEveryPhase) {
  LiveServer server;
  const std::string upload =
      post("/form", file("f", "x", std::string(300'000, 'x')) + "--B--", kFormType);
  for (const std::string& request :
       {kHello, upload, "GET /events HTTP/1.1\r\nHost: x\r\n\r\n" + kHello,
        std::string("GET /big?bytes=3000000 HTTP/1.1\r\nHost: x\r\n\r\n")}) {
    for (size_t bytes = 0; bytes <= request.size();
         bytes += request.size() < 200 ? 7 : request.size() / 20) {
      RawClient closes(server.port()), resets(server.port());
      closes.send(std::string_view(request).substr(0, bytes));
      resets.send(std::string_view(request).substr(0, bytes));
      if (bytes % 2 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));
      closes.close();
      resets.reset();
    }
  }
  EXPECT_TRUE(LiveServer::eventually([&] { return server.server().connections() == 0; }));
  EXPECT_TRUE(LiveServer::eventually([&] { return server.in_flight() == 0; }));
  EXPECT_TRUE(LiveServer::eventually([&] { return server.files_in_spool() == 0; }));
  EXPECT_TRUE(serves(server));
}

TEST(HostileClient, IsCutWhenItTakesNothing) {
  LiveServer server;
  RawClient client(server.port());
  client.small_receive_buffer();
  client.send("GET /big?bytes=50000000 HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_TRUE(LiveServer::eventually([&] { return !server.done().empty(); }));
  EXPECT_EQ(server.done().at(0).status, 499);
  EXPECT_TRUE(LiveServer::eventually([&] { return server.server().connections() == 0; }));
}

TEST(HostileClient, CannotMakeAStreamPileUp) {
  LiveServer server;
  RawClient client(server.port());
  client.small_receive_buffer();
  client.send("GET /events HTTP/1.1\r\nHost: x\r\n\r\n");
  ASSERT_TRUE(LiveServer::eventually([&] { return server.streams().size() == 1; }));
  const auto stream = server.streams()[0];
  const std::string piece(100'000, 'x');
  size_t taken = 0;
  while (stream->write(piece) && taken < (100U << 20)) taken += piece.size();
  EXPECT_LT(taken, 20U << 20);  // the backlog and what the system's buffers hold
  EXPECT_TRUE(LiveServer::eventually([&] { return server.gone() == 1; }));
  EXPECT_TRUE(LiveServer::eventually([&] { return server.server().connections() == 0; }));
}

TEST(HostileClient, SendsNoise) {
  LiveServer server;
  std::mt19937 random(3);
  const auto vectors = bad_heads();
  for (int i = 0; i < 200; ++i) {
    std::string bytes = i % 2 == 0 ? kHello : vectors[size_t(i) % vectors.size()].head;
    for (int change = 0; change < 3; ++change) {
      bytes[random() % bytes.size()] = static_cast<char>(random());
    }
    RawClient client(server.port());
    client.send(bytes);
    client.finish_sending();
    EXPECT_TRUE(client.ended()) << bytes;
    const std::string& text = client.received();
    EXPECT_TRUE(text.empty() || text.starts_with("HTTP/1.1 ")) << text;
  }
  EXPECT_TRUE(serves(server));
}

}  // namespace
}  // namespace maie::http
