#include "server/tracing.h"

#include <gtest/gtest.h>

#include <chrono>
#include <thread>

#include "base/json.h"
#include "jobs/stored_result.h"
#include "server/trace_context.h"
#include "tests/support/loopback_server.h"

namespace maie::server {
namespace {

using support::LoopbackReply;
using support::LoopbackRequest;
using support::LoopbackServer;

constexpr char kParent[] = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
constexpr char kTrace[] = "0af7651916cd43dd8448eb211c80319c";

template <class Condition>
bool soon(Condition&& condition) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (!condition() && std::chrono::steady_clock::now() < end)
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  return condition();
}

std::vector<Json> spans_of(const LoopbackServer& receiver) {
  std::vector<Json> spans;
  for (const LoopbackRequest& request : receiver.requests()) {
    const Result<Json> body = parse_json(request.body);
    if (!body.has_value()) continue;
    for (const Json& resource : (*body)["resourceSpans"]) {
      for (const Json& scope : resource["scopeSpans"]) {
        for (const Json& span : scope["spans"]) spans.push_back(span);
      }
    }
  }
  return spans;
}

Json attribute(const Json& span, const std::string& key) {
  for (const Json& one : span["attributes"]) {
    if (one["key"] == key) return one["value"].begin().value();
  }
  return nullptr;
}

TracingOptions to(const LoopbackServer& receiver) {
  TracingOptions options;
  options.url = receiver.url("/v1/traces");
  options.version = "1.2.3";
  return options;
}

void answer_ok(const LoopbackRequest&, LoopbackReply& reply) { reply.json("{}"); }

void serve_request(Tracer& tracer, http::Request& request, int status) {
  const http::Route route{
      .method = "GET", .path = "/v1/status/{task_id}", .handler = {}, .doc = {}};
  tracer.begin(request);
  tracer.request_done({.request = request,
                       .route = &route,
                       .status = status,
                       .seconds = 0.25,
                       .body_bytes_in = 0,
                       .bytes_out = 0});
}

queue::Task ended_task(const std::string& traceparent) {
  queue::Task task;
  task.id = "11111111-2222-4333-8444-555555555555";
  task.kind = "audio";
  task.state = queue::TaskState::kSucceeded;
  task.traceparent = traceparent;
  task.created = 1'000'000;
  task.started = 1'001'000;
  task.finished = 1'009'000;
  task.attempts = 1;
  return task;
}

TEST(TraceContext, ReadsWhatTheRecommendationAllows) {
  const auto context = parse_traceparent(kParent);
  ASSERT_TRUE(context.has_value());
  EXPECT_EQ(context->trace_id, kTrace);
  EXPECT_EQ(context->span_id, "b7ad6b7169203331");
  EXPECT_TRUE(context->sampled);
  EXPECT_EQ(to_traceparent(*context), kParent);
  const std::string trace = kTrace, span = "b7ad6b7169203331";
  EXPECT_FALSE(parse_traceparent("00-" + trace + "-" + span + "-00")->sampled);
  EXPECT_TRUE(parse_traceparent("cc-" + trace + "-" + span + "-03-more")->sampled);
  const std::string zeros(32, '0');
  for (const std::string& wrong :
       {std::string(), std::string("00"), "00-" + trace + "-" + span,
        "ff-" + trace + "-" + span + "-01", "00-" + trace + "-" + span + "-01-more",
        "00-" + zeros + "-" + span + "-01", "00-" + trace + "-" + zeros.substr(16) + "-01",
        "00-" + trace + "-" + span + "-0g", "00-0AF7651916CD43DD8448EB211C80319C-" + span + "-01",
        "cc-" + trace + "-" + span + "-01more", "00_" + trace + "-" + span + "-01"}) {
    EXPECT_FALSE(parse_traceparent(wrong).has_value()) << wrong;
  }
}

TEST(TraceContext, MakesNewIdsEveryTime) {
  const TraceContext one = new_trace(true), other = new_trace(true);
  EXPECT_NE(one.trace_id, other.trace_id);
  EXPECT_TRUE(parse_traceparent(to_traceparent(one)).has_value());
  const TraceContext child = child_of(one);
  EXPECT_EQ(child.trace_id, one.trace_id);
  EXPECT_NE(child.span_id, one.span_id);
}

TEST(Tracer, WithoutReceiverItDoesNothing) {
  Tracer tracer{TracingOptions{}};
  EXPECT_FALSE(tracer.enabled());
  http::Request request;
  request.headers.set("traceparent", kParent);
  serve_request(tracer, request, 200);
  EXPECT_EQ(request.headers.get("traceparent"), kParent);  // carried on as it came
  tracer.task_ended(ended_task(kParent), nullptr);
  EXPECT_EQ(tracer.dropped(), 0);
}

TEST(Tracer, SendsASpanForEachRequest) {
  LoopbackServer receiver(answer_ok);
  TracingOptions options = to(receiver);
  options.headers = {{"Authorization", "Basic abc"}};
  options.service_name = "here";
  options.resource = {{"deployment.environment", "lab"}};
  {
    Tracer tracer(options);
    http::Request request;
    request.method = "GET";
    request.id = "r-1";
    request.headers.set("traceparent", kParent);
    serve_request(tracer, request, 200);
    http::Request fresh;
    fresh.method = "BREW";
    serve_request(tracer, fresh, 503);
  }
  const std::vector<Json> spans = spans_of(receiver);
  ASSERT_EQ(spans.size(), 2u);
  EXPECT_EQ(spans[0]["name"], "GET /v1/status/{task_id}");
  EXPECT_EQ(spans[0]["traceId"], kTrace);
  EXPECT_EQ(spans[0]["parentSpanId"], "b7ad6b7169203331");
  EXPECT_NE(spans[0]["spanId"], "b7ad6b7169203331");
  EXPECT_EQ(spans[0]["kind"], 2);
  EXPECT_EQ(attribute(spans[0], "http.request.method"), "GET");
  EXPECT_EQ(attribute(spans[0], "http.route"), "/v1/status/{task_id}");
  EXPECT_EQ(attribute(spans[0], "http.response.status_code"), "200");
  EXPECT_EQ(attribute(spans[0], "maie.request_id"), "r-1");
  const int64_t length = std::stoll(spans[0]["endTimeUnixNano"].get<std::string>()) -
                         std::stoll(spans[0]["startTimeUnixNano"].get<std::string>());
  EXPECT_EQ(length, 250'000'000);
  EXPECT_EQ(attribute(spans[1], "http.request.method"), "_OTHER");
  EXPECT_FALSE(spans[1].contains("parentSpanId"));
  EXPECT_EQ(spans[1]["status"]["code"], 2);
  const LoopbackRequest sent = receiver.requests().front();
  EXPECT_EQ(sent.target, "/v1/traces");
  EXPECT_EQ(sent.header("content-type"), "application/json");
  EXPECT_EQ(sent.header("authorization"), "Basic abc");
  const Json resource = parse_json(sent.body)->at("resourceSpans")[0]["resource"];
  EXPECT_EQ(attribute(resource, "service.name"), "here");
  EXPECT_EQ(attribute(resource, "service.version"), "1.2.3");
  EXPECT_EQ(attribute(resource, "deployment.environment"), "lab");
}

TEST(Tracer, ATaskGoesOnInTheTraceOfItsRequest) {
  LoopbackServer receiver(answer_ok);
  jobs::StoredResult result;
  result.times = {
      .decode_s = 0.5, .recognise_s = 4, .enhance_s = 1, .summarise_s = 2, .audio_s = 30};
  result.versions = {
      {"llm", {{"name", "qwen3-4b"}, {"usage", {{"prompt_tokens", 900}, {"answer_tokens", 80}}}}}};
  result.results = {{"summary", {{"title", "Nobody else may read this"}}}};
  result.transcript.emplace();
  result.transcript->segments.push_back({});
  result.transcript->segments[0].text = "Nobody else may read this";
  std::string submitted;
  {
    Tracer tracer(to(receiver));
    http::Request request;
    request.method = "POST";
    request.headers.set("traceparent", kParent);
    tracer.begin(request);
    submitted = std::string(request.headers.get("traceparent"));
    const queue::Task task = ended_task(submitted);
    tracer.task_ended(task, &result);
    tracer.task_ended(task, &result);  // told twice
  }
  const std::vector<Json> spans = spans_of(receiver);
  ASSERT_EQ(spans.size(), 5u);
  const Json& whole = spans[0];
  EXPECT_EQ(whole["name"], "maie.task audio");
  EXPECT_EQ(whole["parentSpanId"], parse_traceparent(submitted)->span_id);
  EXPECT_EQ(whole["startTimeUnixNano"], "1001000000000");
  EXPECT_EQ(whole["endTimeUnixNano"], "1009000000000");
  EXPECT_EQ(attribute(whole, "maie.task.outcome"), "succeeded");
  const char* names[] = {"maie.stage.decode", "maie.stage.asr", "maie.stage.enhance",
                         "maie.stage.summarize"};
  std::string begin = "1001000000000";
  for (size_t i = 0; i < 4; ++i) {
    const Json& stage = spans[i + 1];
    EXPECT_EQ(stage["name"], names[i]);
    EXPECT_EQ(stage["traceId"], kTrace);
    EXPECT_EQ(stage["parentSpanId"], whole["spanId"]);
    EXPECT_EQ(stage["startTimeUnixNano"], begin);
    begin = stage["endTimeUnixNano"];
  }
  EXPECT_EQ(begin, "1008500000000");
  EXPECT_TRUE(attribute(spans[3], "gen_ai.usage.input_tokens").is_null());
  EXPECT_EQ(attribute(spans[4], "gen_ai.request.model"), "qwen3-4b");
  EXPECT_EQ(attribute(spans[4], "gen_ai.usage.output_tokens"), "80");
  for (const LoopbackRequest& sent : receiver.requests())
    EXPECT_EQ(sent.body.find("Nobody else"), std::string::npos);
}

TEST(Tracer, AFailedTaskTellsItsCodeAlone) {
  LoopbackServer receiver(answer_ok);
  {
    Tracer tracer(to(receiver));
    queue::Task task = ended_task("");
    task.state = queue::TaskState::kFailed;
    task.error = {"ASR_PROCESSING_ERROR", "my private recording.wav is broken", "asr"};
    tracer.task_ended(task, nullptr);
  }
  const std::vector<Json> spans = spans_of(receiver);
  ASSERT_EQ(spans.size(), 1u);
  EXPECT_EQ(attribute(spans[0], "error.type"), "ASR_PROCESSING_ERROR");
  EXPECT_EQ(receiver.requests()[0].body.find("private"), std::string::npos);
}

TEST(Tracer, FollowsWhoDecidedNotToTrace) {
  LoopbackServer receiver(answer_ok);
  const std::string unsampled = std::string(kParent).substr(0, 53) + "00";
  {
    Tracer tracer(to(receiver));
    http::Request request;
    request.headers.set("traceparent", unsampled);
    serve_request(tracer, request, 200);
    tracer.task_ended(ended_task(unsampled), nullptr);
    EXPECT_EQ(parse_traceparent(request.headers.get("traceparent"))->sampled, false);
  }
  {
    TracingOptions none = to(receiver);
    none.share = 0;
    Tracer tracer(none);
    http::Request request;
    serve_request(tracer, request, 200);
  }
  EXPECT_TRUE(spans_of(receiver).empty());
}

TEST(Tracer, TriesAgainWhileTheReceiverIsBusy) {
  std::atomic<int> calls{0};
  LoopbackServer receiver([&](const LoopbackRequest&, LoopbackReply& reply) {
    if (++calls == 1) {
      reply.answer(503, "");
    } else {
      reply.json("{}");
    }
  });
  Tracer tracer(to(receiver));
  http::Request request;
  serve_request(tracer, request, 200);
  EXPECT_TRUE(soon([&] { return tracer.sent() == 1; }));
  EXPECT_EQ(tracer.dropped(), 0);
}

TEST(Tracer, AReceiverThatHangsCostsSpansNotTime) {
  LoopbackServer receiver([](const LoopbackRequest&, LoopbackReply& reply) { reply.hang(); });
  const auto begin = std::chrono::steady_clock::now();
  {
    Tracer tracer(to(receiver));
    for (size_t i = 0; i < Tracer::kMostWaiting + 2000; ++i) {
      http::Request request;
      serve_request(tracer, request, 200);
    }
    EXPECT_GT(tracer.dropped(), 1000);
    EXPECT_EQ(tracer.sent(), 0);
  }
  // Two seconds of farewell, and the exchange that is cut off.
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(5));
}

TEST(Tracer, ARefusalIsNotRepeated) {
  LoopbackServer receiver(
      [](const LoopbackRequest&, LoopbackReply& reply) { reply.answer(400, "no"); });
  Tracer tracer(to(receiver));
  http::Request request;
  serve_request(tracer, request, 200);
  EXPECT_TRUE(soon([&] { return tracer.dropped() == 1; }));
  EXPECT_EQ(receiver.requests().size(), 1u);
}

TEST(TracingOptions, TakesSettingsThenTheUsualVariables) {
  std::map<std::string, std::string> variables;
  const auto options_with = [&](const config::Settings& settings) {
    return tracing_options(settings, "1", [&](const char* name) -> const char* {
      const auto found = variables.find(name);
      return found == variables.end() ? nullptr : found->second.c_str();
    });
  };
  config::Settings settings;
  EXPECT_EQ(options_with(settings).url, "");
  variables = {{"OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318/"},
               {"OTEL_EXPORTER_OTLP_HEADERS", "api-key=a%20b, x = y"},
               {"OTEL_SERVICE_NAME", "speech"},
               {"OTEL_RESOURCE_ATTRIBUTES", "team=asr"},
               {"OTEL_TRACES_SAMPLER", "traceidratio"},
               {"OTEL_TRACES_SAMPLER_ARG", "0.25"}};
  TracingOptions options = options_with(settings);
  EXPECT_EQ(options.url, "http://collector:4318/v1/traces");
  ASSERT_EQ(options.headers.size(), 2u);
  EXPECT_EQ(options.headers[0].second, "a b");
  EXPECT_EQ(options.headers[1], std::make_pair(std::string("x"), std::string("y")));
  EXPECT_EQ(options.service_name, "speech");
  EXPECT_EQ(options.resource[0].second, "asr");
  EXPECT_EQ(options.share, 0.25);
  EXPECT_FALSE(options.follow_parent);

  settings.tracing.endpoint = "https://traces.example/base";
  settings.tracing.headers = "k=v";
  settings.tracing.service_name = "mine";
  variables["OTEL_TRACES_SAMPLER"] = "parentbased_always_off";
  options = options_with(settings);
  EXPECT_EQ(options.url, "https://traces.example/base/v1/traces");
  EXPECT_EQ(options.headers[0].first, "k");
  EXPECT_EQ(options.service_name, "mine");
  EXPECT_EQ(options.share, 0);
  EXPECT_TRUE(options.follow_parent);

  settings.offline = true;
  EXPECT_EQ(options_with(settings).url, "");
  settings.offline = false;
  variables["OTEL_SDK_DISABLED"] = "TRUE";
  EXPECT_EQ(options_with(settings).url, "");
  variables.erase("OTEL_SDK_DISABLED");
  settings.tracing.endpoint = "ftp://elsewhere";
  EXPECT_EQ(options_with(settings).url, "");
  settings.tracing.endpoint = "";
  variables["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"] = "http://collector/own/path";
  EXPECT_EQ(options_with(settings).url, "http://collector/own/path");
}

}  // namespace
}  // namespace maie::server
