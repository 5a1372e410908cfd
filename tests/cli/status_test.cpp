#include <fcntl.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/json.h"
#include "cli/app.h"
#include "cli/context.h"
#include "cli/exit_code.h"
#include "cli/metrics_reader.h"
#include "queue/sqlite_queue.h"
#include "tests/support/loopback_server.h"
#include "tests/support/temporary_folder.h"
#include "worker/worker_status.h"

namespace maie::cli {
namespace {

using support::LoopbackReply;
using support::LoopbackRequest;
using support::LoopbackServer;

constexpr char kId[] = "11111111-2222-4333-8444-555555555555";
constexpr char kKey[] = "0123456789abcdef0123456789abcdef";

constexpr char kMetrics[] = R"(# HELP maie_jobs Tasks.
# TYPE maie_jobs gauge
maie_jobs{state="queued"} 4
maie_jobs{state="running"} 2
maie_jobs_total{kind="audio",outcome="succeeded"} 7
maie_jobs_total{kind="text",outcome="succeeded"} 3
maie_workers 2
maie_model_loaded{device="cpu",model="whisper"} 1
maie_model_bytes{device="cpu",model="whisper"} 1048576
maie_model_loaded{device="cpu",model="qwen \"4b\""} 0
maie_memory_budget_bytes{device="cpu"} 4194304
maie_memory_reserved_bytes{device="cpu"} 1048576
maie_disk_free_bytes 1073741824
maie_disk_size_bytes 2147483648
)";

// A service as far as this command sees one.
void serve(const LoopbackRequest& request, LoopbackReply& reply) {
  const bool with_key = request.header("x-api-key") == kKey;
  if (request.target == "/health") {
    reply.json(R"({"status": "healthy", "version": "1.2.3", "queue_depth": 4})");
  } else if (request.target == "/readyz") {
    reply.json(R"({"status": "ok", "checks": {"queue": "ok", "workers": "ok"}})");
  } else if (request.target == "/metrics") {
    reply.answer(200, kMetrics, {{"Content-Type", "text/plain; version=0.0.4"}});
  } else if (!with_key) {
    reply.json(R"({"error": {"code": "X"}, "detail": "Invalid API key"})", 401);
  } else if (request.target == std::string("/v1/tasks/") + kId) {
    reply.json(std::string(R"({"task_id": ")") + kId + R"(", "status": "PROCESSING_ASR",
      "stage": "asr", "error": null, "submitted_at": "2026-01-02T03:04:05.678Z",
      "progress": {"stage": "asr", "fraction": 0.425, "seconds_left": 12.4}})");
  } else {
    reply.json(R"({"detail": "Task x not found"})", 404);
  }
}

class StatusTest : public ::testing::Test {
 protected:
  StatusTest() {
    for (const char* name : {"MAIE_BASE_URL", "MAIE_API_KEY", "MAIE_CONFIG"}) {
      const char* value = getenv(name);
      before_.emplace_back(name, value == nullptr ? "" : value);
      unsetenv(name);
    }
    setenv("MAIE_CONFIG", folder_.write("maie.toml", "").c_str(), 1);
  }
  ~StatusTest() override {
    for (const auto& [name, value] : before_) {
      if (value.empty()) {
        unsetenv(name.c_str());
      } else {
        setenv(name.c_str(), value.c_str(), 1);
      }
    }
  }

  int run(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "status");
    const int out = ::open(folder_.path(".out").c_str(), O_CREAT | O_TRUNC | O_WRONLY, 0600);
    const int err = ::open(folder_.path(".err").c_str(), O_CREAT | O_TRUNC | O_WRONLY, 0600);
    Console console(out, err, {});
    CancelToken cancel;
    Context context{.console = console, .cancel = cancel, .load = {}};
    const int code = run_app(arguments, context);
    ::close(out);
    ::close(err);
    out_ = folder_.read(".out");
    err_ = folder_.read(".err");
    return code;
  }
  Json json() const {
    const Result<Json> parsed = parse_json(out_);
    EXPECT_TRUE(parsed.has_value()) << out_;
    return parsed.has_value() ? *parsed : Json();
  }

  TemporaryFolder folder_;
  std::vector<std::pair<std::string, std::string>> before_;
  std::string out_, err_;
};

TEST_F(StatusTest, ShowsTheWholeService) {
  LoopbackServer server(serve);
  ASSERT_EQ(run({"--url", server.url("")}), kExitOk) << err_;
  for (const char* part :
       {"version 1.2.3", "healthy", "queue ok", "4 queued", "2 running", "10 succeeded since",
        "whisper (loaded, 1.0 MiB)", "qwen \"4b\" (not loaded)", "1.0 MiB of models, of at most",
        "1.0 GiB free of 2.0 GiB"}) {
    EXPECT_NE(out_.find(part), out_.npos) << part << "\n" << out_;
  }
  ASSERT_EQ(run({"--url", server.url("/v1/"), "--json"}), kExitOk);  // the base of OpenAI clients
  const Json status = json();
  EXPECT_EQ(status["tasks"]["queued"], 4);
  EXPECT_EQ(status["workers"], 2);
  EXPECT_EQ(status["models"][0]["name"], "whisper");
  EXPECT_EQ(status["models"][0]["bytes"], 1048576);
  EXPECT_EQ(status["disk_free_bytes"], 1073741824);
  EXPECT_EQ(status["checks"]["workers"], "ok");
}

TEST_F(StatusTest, ShowsATaskWithItsProgress) {
  LoopbackServer server(serve);
  const std::string key_file = folder_.write("key", std::string(kKey) + "\nsecond line\n");
  ASSERT_EQ(run({kId, "--url", server.url(""), "--key-file", key_file}), kExitOk) << err_;
  for (const char* part : {kId, "PROCESSING_ASR", "43 %, 12 s left", "2026-01-02"})
    EXPECT_NE(out_.find(part), out_.npos) << part << "\n" << out_;
  setenv("MAIE_API_KEY", kKey, 1);
  setenv("MAIE_BASE_URL", server.url("/v1").c_str(), 1);
  ASSERT_EQ(run({kId, "--json"}), kExitOk) << err_;
  EXPECT_EQ(json()["fraction"], 0.425);
  EXPECT_EQ(json()["status"], "PROCESSING_ASR");
}

TEST_F(StatusTest, FailuresHaveTheirExitCodes) {
  LoopbackServer server(serve);
  EXPECT_EQ(run({kId, "--url", server.url("")}), kExitNoPermission);
  EXPECT_NE(err_.find("--key-file"), err_.npos) << err_;
  setenv("MAIE_API_KEY", kKey, 1);
  EXPECT_EQ(run({"99999999-2222-4333-8444-555555555555", "--url", server.url("")}), kExitNoInput);
  EXPECT_EQ(run({"../../metrics", "--url", server.url("")}), kExitNoInput);
  for (const LoopbackRequest& request : server.requests())
    EXPECT_EQ(request.target.find(".."), std::string::npos);
  EXPECT_EQ(run({"--url", "http://127.0.0.1:" + std::to_string(support::unused_port())}),
            kExitUnavailable);
  EXPECT_EQ(run({"--url", server.url(""), "--key-file", folder_.path("absent")}), kExitNoInput);
  EXPECT_EQ(run({"--no-such-option"}), kExitUsage);
  LoopbackServer busy(
      [](const LoopbackRequest&, LoopbackReply& reply) { reply.json(R"({"detail": "x"})", 429); });
  EXPECT_EQ(run({"--url", busy.url("")}), kExitTryLater);
  LoopbackServer other(
      [](const LoopbackRequest&, LoopbackReply& reply) { reply.answer(200, "<html>"); });
  EXPECT_EQ(run({"--url", other.url("")}), kExitBadData);
  EXPECT_NE(err_.find("no MAIE service"), err_.npos);
}

TEST_F(StatusTest, WithMetricsClosedItSaysWhatHealthSays) {
  LoopbackServer server([](const LoopbackRequest& request, LoopbackReply& reply) {
    if (request.target == "/metrics") {
      reply.json(R"({"detail": "API key is required"})", 401);
    } else {
      serve(request, reply);
    }
  });
  ASSERT_EQ(run({"--url", server.url(""), "--json"}), kExitOk) << err_;
  EXPECT_EQ(json()["tasks"], Json({{"queued", 4}}));
  EXPECT_TRUE(json()["workers"].is_null());
}

TEST_F(StatusTest, ADataFolderIsAskedWithoutAServer) {
  EXPECT_EQ(run({"--data-dir", folder_.path("absent")}), kExitNoInput);
  EXPECT_FALSE(std::filesystem::exists(folder_.path("absent")));  // a question makes nothing
  {
    auto queue = queue::open_sqlite_queue({.folder = folder_.path("data")});
    ASSERT_TRUE(queue.has_value()) << queue.error().message();
    queue::NewTask task;
    task.id = kId;
    task.kind = "text";
    task.payload = "{}";
    ASSERT_TRUE((*queue)->submit(task, {}).has_value());
    worker::WorkerStatus worker;
    worker.host = "here";
    worker.version = "9.9";
    worker.models = {{.name = "whisper", .task = "transcription", .bytes = 2048}};
    ASSERT_TRUE(
        (*queue)
            ->announce({.id = "w", .status = worker::to_text(worker), .started = 1, .seen = 0})
            .ok());
  }
  ASSERT_EQ(run({"--data-dir", folder_.path("data"), "--json"}), kExitOk) << err_;
  EXPECT_EQ(json()["tasks"]["queued"], 1);
  EXPECT_EQ(json()["workers"], 1);
  EXPECT_EQ(json()["version"], "9.9");
  EXPECT_EQ(json()["models"][0]["loaded"], true);
  EXPECT_GT(json()["disk_size_bytes"], 0);
  ASSERT_EQ(run({kId, "--local", "--data-dir", folder_.path("data"), "--json"}), kExitOk) << err_;
  EXPECT_EQ(json()["status"], "PENDING");
  EXPECT_EQ(
      run({"99999999-2222-4333-8444-555555555555", "--local", "--data-dir", folder_.path("data")}),
      kExitNoInput);
}

TEST_F(StatusTest, TheKeyOfThisMachineGoesToThisMachineAlone) {
  LoopbackServer server(serve);
  folder_.write("data/api.key", std::string(kKey) + "\n");
  ASSERT_EQ(run({kId, "--url", server.url(""), "--data-dir", folder_.path("data")}), kExitOk)
      << err_;
  // Another machine, which here is the same server in the part of a proxy: it gets no key.
  const size_t before = server.requests().size();
  setenv("http_proxy", server.url("").c_str(), 1);
  setenv("no_proxy", "", 1);
  EXPECT_EQ(run({kId, "--url", "http://maie.invalid", "--data-dir", folder_.path("data")}),
            kExitNoPermission);
  unsetenv("http_proxy");
  unsetenv("no_proxy");
  const std::vector<LoopbackRequest> requests = server.requests();
  ASSERT_EQ(requests.size(), before + 1);
  EXPECT_EQ(requests.front().header("x-api-key"), kKey);
  EXPECT_EQ(requests.back().header("x-api-key"), "");
}

TEST(MetricsReader, ReadsSamplesAndPassesOverTheRest) {
  const auto samples = read_metrics(
      "# TYPE a counter\na 1\n\nnonsense\nb{x=\"1\",y=\"a\\\"b\\n\"} 2.5e3 1700000000\n"
      "c{x=\"open} 3\nd{} 4\ne +Inf\n=\n");
  ASSERT_EQ(samples.size(), 4u);
  EXPECT_EQ(samples[1].labels.at("y"), "a\"b\n");
  EXPECT_EQ(samples[1].value, 2500);
  EXPECT_EQ(metric_value(samples, "a"), 1);
  EXPECT_EQ(metric_value(samples, "b", {{"x", "1"}}), 2500);
  EXPECT_FALSE(metric_value(samples, "b", {{"x", "2"}}).has_value());
}

}  // namespace
}  // namespace maie::cli
