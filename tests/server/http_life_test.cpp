// The server as a process lives: many clients, limits, its sockets, its end.
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include "server/http/listener.h"
#include "tests/server/http_requests.h"
#include "tests/support/sanitized.h"

namespace maie::http {
namespace {

using Now = std::chrono::steady_clock;

double seconds_since(Now::time_point start) {
  return std::chrono::duration<double>(Now::now() - start).count();
}

TEST(HttpLife, ContinuesWhenTheHeadIsGood) {
  LiveServer server;
  RawClient client(server.port());
  client.send(
      "POST /bytes HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n");
  EXPECT_EQ(client.answer().status, 100);
  client.send("abc");
  EXPECT_EQ(client.answer().body, "abc");
  // The body came along: there is nothing to continue.
  client.send(post("/bytes", "def", "Expect: 100-continue\r\n"));
  EXPECT_EQ(client.answer().body, "def");
}

TEST(HttpLife, RefusesInsteadOfContinuing) {
  LiveServer server;
  const std::string expect = kFormType + "Expect: 100-continue\r\nContent-Length: ";
  for (const auto& [request, status] : std::vector<std::pair<std::string, int>>{
           {"POST /guarded HTTP/1.1\r\nHost: x\r\n" + expect + "99\r\n\r\n", 401},
           {"POST /form HTTP/1.1\r\nHost: x\r\n" + expect + "99999999\r\n\r\n", 413},
           {"POST /bytes HTTP/1.1\r\nHost: x\r\nExpect: magic\r\nContent-Length: 3\r\n\r\n",
            417}}) {
    RawClient client(server.port());
    client.send(request);
    EXPECT_EQ(client.answer().status, status);
    EXPECT_TRUE(client.ended());
  }
}

TEST(HttpLife, ClosesAnIdleConnectionSilently) {
  ServerOptions options = LiveServer::quick_options();
  options.limits.keep_alive_s = 0.2;
  LiveServer server(options);
  RawClient fresh(server.port()), used(server.port());
  used.send(kHello);
  EXPECT_EQ(used.answer().body, "hello");
  EXPECT_TRUE(used.ended(2));
  EXPECT_TRUE(fresh.ended(2));
  EXPECT_EQ(used.received() + fresh.received(), "");
}

TEST(HttpLife, TakesNoMoreConnectionsThanItMay) {
  ServerOptions options = LiveServer::quick_options();
  options.limits.max_connections = 2;
  LiveServer server(options);
  RawClient first(server.port()), second(server.port());
  for (RawClient* client : {&first, &second}) {
    client->send(kHello);
    EXPECT_EQ(client->answer().body, "hello");
  }
  RawClient third(server.port());
  third.send(kHello);
  const RawAnswer answer = third.answer();
  EXPECT_EQ(answer.status, 503);
  EXPECT_TRUE(answer.body.starts_with("overloaded: "));
  EXPECT_FALSE(answer.field("retry-after").empty());
  EXPECT_TRUE(third.ended());
  third.close();
  first.close();
  EXPECT_TRUE(LiveServer::eventually([&] { return ask(server, kHello).body == "hello"; }));
  second.send(kHello);
  EXPECT_EQ(second.answer().body, "hello");
}

TEST(HttpLife, TakesNoMoreUploadsThanItMay) {
  ServerOptions options = LiveServer::quick_options();
  options.limits.max_uploads = 1;
  options.limits.body_idle_timeout_s = 5;
  LiveServer server(options);
  const std::string upload = post("/form", file("f", "x", "12345") + "--B--", kFormType);
  RawClient slow(server.port());
  slow.send(upload.substr(0, upload.size() - 10));
  ASSERT_TRUE(LiveServer::eventually([&] { return server.files_in_spool() == 1; }));
  const RawAnswer refused = ask(server, upload);
  EXPECT_EQ(refused.status, 503);
  EXPECT_TRUE(refused.body.starts_with("overloaded: "));
  EXPECT_FALSE(refused.field("retry-after").empty());
  EXPECT_EQ(ask(server, post("/bytes", "x")).body, "x");  // no upload
  slow.send(upload.substr(upload.size() - 10));
  EXPECT_EQ(slow.answer().status, 200);
  EXPECT_TRUE(LiveServer::eventually([&] { return ask(server, upload).status == 200; }));
}

TEST(HttpLife, HoldsManyIdleStreams) {
  constexpr size_t kStreams = 500;
  LiveServer server;
  std::vector<std::unique_ptr<RawClient>> clients;
  for (size_t i = 0; i < kStreams; ++i) {
    clients.push_back(std::make_unique<RawClient>(server.port()));
    ASSERT_TRUE(clients.back()->send("GET /events HTTP/1.1\r\nHost: x\r\n\r\n"));
  }
  ASSERT_TRUE(LiveServer::eventually([&] { return server.streams().size() == kStreams; }, 10));
  EXPECT_EQ(ask(server, kHello).body, "hello");
  for (const auto& stream : server.streams()) EXPECT_TRUE(stream->write("data: x\n\n"));
  for (const auto& client : clients) ASSERT_TRUE(client->read_until("data: x\n\n"));
  for (const auto& stream : server.streams()) stream->close();
  for (const auto& client : clients) ASSERT_TRUE(client->read_until("\r\n0\r\n\r\n"));
  EXPECT_EQ(server.gone(), 0);
  clients.clear();
  EXPECT_TRUE(LiveServer::eventually([&] { return server.server().connections() == 0; }));
}

TEST(HttpLife, ServesManyClientsAtOnce) {
  LiveServer server;
  std::atomic<int> good{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&, t] {
      RawClient client(server.port());
      for (int i = 0; i < 50; ++i) {
        const std::string name = std::to_string(t) + "-" + std::to_string(i);
        const std::string body = file("f", name, std::string(size_t(i) * 1000, 'x')) + "--B--";
        client.send(post("/form", body, kFormType));
        if (client.answer().body.find("," + std::to_string(i * 1000) + ",") != std::string::npos) {
          ++good;
        }
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(good, 400);
  EXPECT_TRUE(LiveServer::eventually([&] { return server.files_in_spool() == 0; }));
}

TEST(HttpLife, DrainsWhatIsInWork) {
  LiveServer server;
  RawClient idle(server.port()), working(server.port());
  idle.send(kHello);
  EXPECT_EQ(idle.answer().body, "hello");
  working.send("GET /wait HTTP/1.1\r\nHost: x\r\n\r\n");
  ASSERT_TRUE(LiveServer::eventually([&] { return server.parked().size() == 1; }));
  const auto start = Now::now();
  std::thread drain([&] { server.server().drain(); });
  EXPECT_TRUE(idle.ended(1));
  EXPECT_TRUE(LiveServer::eventually([&] { return !RawClient(server.port()).connected(); }));
  server.parked()[0]->send({.body = "done"});
  const RawAnswer answer = working.answer();
  EXPECT_EQ(answer.body, "done");
  EXPECT_EQ(answer.field("connection"), "close");
  EXPECT_TRUE(working.ended(1));
  working.close();
  drain.join();
  EXPECT_LT(seconds_since(start), 2.5);
  EXPECT_EQ(server.server().connections(), 0);
}

TEST(HttpLife, CutsWhatDoesNotEndInTime) {
  ServerOptions options = LiveServer::quick_options();
  options.limits.drain_s = 0.2;
  LiveServer server(options);
  RawClient client(server.port());
  client.send("GET /wait HTTP/1.1\r\nHost: x\r\n\r\n");
  ASSERT_TRUE(LiveServer::eventually([&] { return server.parked().size() == 1; }));
  const auto start = Now::now();
  server.server().drain();
  EXPECT_LT(seconds_since(start), 1);
  EXPECT_TRUE(client.ended(1));
  EXPECT_TRUE(LiveServer::eventually([&] { return server.gone() == 1; }));
}

TEST(HttpLife, RepliesMayOutliveTheServer) {
  LiveServer server;
  RawClient waits(server.port()), listens(server.port());
  waits.send("GET /wait HTTP/1.1\r\nHost: x\r\n\r\n");
  listens.send("GET /events HTTP/1.1\r\nHost: x\r\n\r\n");
  ASSERT_TRUE(LiveServer::eventually(
      [&] { return server.parked().size() == 1 && server.streams().size() == 1; }));
  server.stop();
  EXPECT_EQ(server.gone(), 2);
  server.parked()[0]->send({.body = "to nobody"});
  EXPECT_FALSE(server.streams()[0]->write("to nobody"));
  server.streams()[0]->close();
}

TEST(HttpLife, ListensAtASocketFile) {
  const std::string path =
      std::filesystem::temp_directory_path() / ("http-life-" + std::to_string(::getpid()));
  ServerOptions options = LiveServer::quick_options();
  options.unix_socket = path;
  {
    LiveServer server(options);
    EXPECT_EQ(server.port(), 0);
    struct stat found {};
    ASSERT_EQ(::stat(path.c_str(), &found), 0);
    EXPECT_EQ(found.st_mode & 0777, 0660U);
    RawClient client(path);
    client.send("GET /about HTTP/1.1\r\nHost: x\r\nX-Request-Id: 1\r\n\r\n");
    EXPECT_EQ(client.answer().body, "unix|1|tester");
    EXPECT_EQ(listen_unix(path).error().code(), Code::kUnavailable);  // somebody listens there
  }
  EXPECT_FALSE(std::filesystem::exists(path));
  const auto left = listen_unix(path);  // as a process that was killed leaves it
  ASSERT_TRUE(left);
  ::close(*left);
  ASSERT_TRUE(std::filesystem::exists(path));
  {
    LiveServer server(options);
    RawClient client(path);
    client.send(kHello);
    EXPECT_EQ(client.answer().body, "hello");
  }
  std::ofstream(path) << "a file";
  EXPECT_EQ(listen_unix(path).error().code(), Code::kInvalidInput);
  std::filesystem::remove(path);
}

TEST(HttpLife, TakesTheSocketOfTheServiceManager) {
  const auto socket = listen_tcp("127.0.0.1", 0);
  ASSERT_TRUE(socket);
  ::setenv("LISTEN_PID", std::to_string(::getpid()).c_str(), 1);
  ::setenv("LISTEN_FDS", "1", 1);
  EXPECT_EQ(inherited_sockets(*socket), std::vector<int>{*socket});
  EXPECT_EQ(::getenv("LISTEN_FDS"), nullptr);
  EXPECT_TRUE(inherited_sockets(*socket).empty());
  ::setenv("LISTEN_PID", "1", 1);  // meant for another process
  ::setenv("LISTEN_FDS", "1", 1);
  EXPECT_TRUE(inherited_sockets(*socket).empty());
  ::close(*socket);
}

TEST(HttpLife, SaysWhyItCannotListen) {
  LiveServer server;
  ServerOptions options = LiveServer::quick_options();
  options.spool_folder = server.spool() + "/spool";
  options.port = server.port();
  const auto taken = Server::start(options, Router(), {});
  ASSERT_FALSE(taken);
  EXPECT_NE(taken.error().message().find("127.0.0.1:" + std::to_string(server.port())),
            std::string::npos);
  options.host = "no such host";
  EXPECT_FALSE(Server::start(options, Router(), {}));
}

/// Resident memory of this process.
double resident_mb() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmRSS:")) return std::atof(line.c_str() + 6) / 1024;
  }
  return 0;
}

TEST(HttpLife, NeedsLittleMemoryForASilentClient) {
  if (kSanitized) GTEST_SKIP() << "a sanitizer's memory would be measured";
  constexpr size_t kClients = 400;
  LiveServer server;
  EXPECT_EQ(ask(server, kHello).body, "hello");
  std::vector<std::unique_ptr<RawClient>> clients;
  const double before = resident_mb();
  for (size_t i = 0; i < kClients; ++i) {
    clients.push_back(std::make_unique<RawClient>(server.port()));
    clients.back()->send(i % 2 == 0 ? "GET /events HTTP/1.1\r\nHost: x\r\n\r\n" : kHello);
    ASSERT_TRUE(clients.back()->read_until("\r\n\r\n"));
  }
  const double each_kb = (resident_mb() - before) * 1024 / kClients;
  RecordProperty("kb_per_client", std::to_string(each_kb));
  EXPECT_LT(each_kb, 24) << "with what the client's side of this test takes";
}

}  // namespace
}  // namespace maie::http
