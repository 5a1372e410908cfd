#include "server/tracing.h"

#include <algorithm>
#include <chrono>
#include <cstdlib>

#include "jobs/job.h"
#include "jobs/stored_result.h"
#include "server/ended_tasks.h"
#include "server/span_exporter.h"
#include "server/trace_context.h"

namespace maie::server {
namespace {

// Between begin and request_done the span's parent travels in the request itself; what a client
// sends under this name is overwritten.
constexpr char kParentHeader[] = "maie-parent-span";
constexpr int kServer = 2, kConsumer = 5, kInternal = 1;  // kinds of spans in OTLP
constexpr int64_t kNsPerMs = 1'000'000;

int64_t now_ns() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

std::string method_of(const std::string& method) {
  for (const char* known : {"GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"}) {
    if (method == known) return method;
  }
  return "_OTHER";
}

// A span as it grows.
struct Span {
  Span(std::string name, int kind, const TraceContext& context, const std::string& parent,
       int64_t begin_ns, int64_t end_ns) {
    json = {{"traceId", context.trace_id},
            {"spanId", context.span_id},
            {"name", std::move(name)},
            {"kind", kind},
            {"startTimeUnixNano", std::to_string(begin_ns)},
            {"endTimeUnixNano", std::to_string(std::max(begin_ns, end_ns))},
            {"attributes", Json::array()}};
    if (!parent.empty()) json["parentSpanId"] = parent;
  }

  void set(const char* key, const std::string& value) { add(key, {{"stringValue", value}}); }
  void set(const char* key, int64_t value) { add(key, {{"intValue", std::to_string(value)}}); }
  void set(const char* key, double value) { add(key, {{"doubleValue", value}}); }
  void failed(const std::string& type) {
    set("error.type", type);
    json["status"] = {{"code", 2}};
  }

  Json json;

 private:
  void add(const char* key, Json value) {
    json["attributes"].push_back({{"key", key}, {"value", std::move(value)}});
  }
};

struct Use {
  std::string model;
  int64_t input_tokens = 0, output_tokens = 0;
};

// What the language model was asked in all stages together.
std::optional<Use> use_of(const jobs::StoredResult& result) {
  if (result.completion.has_value()) {
    const llm::Usage& usage = result.completion->usage;
    return Use{result.model, usage.prompt_tokens, usage.answer_tokens};
  }
  const auto llm = result.versions.find("llm");
  if (llm == result.versions.end() || !llm->is_object()) return std::nullopt;
  const Json usage = llm->value("usage", Json::object());
  return Use{json_string(*llm, "name", ""), json_int(usage, "prompt_tokens", 0),
             json_int(usage, "answer_tokens", 0)};
}

void describe_use(Span& span, const Use& use) {
  span.set("gen_ai.operation.name", std::string("chat"));
  span.set("gen_ai.request.model", use.model);
  span.set("gen_ai.usage.input_tokens", use.input_tokens);
  span.set("gen_ai.usage.output_tokens", use.output_tokens);
}

std::string outcome_of(queue::TaskState state) {
  if (state == queue::TaskState::kSucceeded) return "succeeded";
  return state == queue::TaskState::kFailed ? "failed" : "cancelled";
}

}  // namespace

struct Tracer::State {
  explicit State(TracingOptions from) : options(std::move(from)) {
    if (!options.url.empty()) exporter = std::make_unique<SpanExporter>(options);
  }

  // Whether a trace that begins here is kept: the same for all who see its id.
  bool chosen(const TraceContext& context) const {
    if (options.share >= 1) return true;
    const uint64_t low = std::strtoull(context.trace_id.substr(16).c_str(), nullptr, 16);
    return double(low) / 18446744073709551616.0 < options.share;
  }

  // The context a caller handed over, or a new one.
  TraceContext context_of(std::string_view traceparent, bool& has_parent) const {
    std::optional<TraceContext> given = parse_traceparent(traceparent);
    has_parent = given.has_value();
    TraceContext context = has_parent ? *given : new_trace(true);
    if (!has_parent || !options.follow_parent) context.sampled = chosen(context);
    return context;
  }

  void add_stages(const jobs::StoredResult& result, const TraceContext& task, int64_t begin_ns);

  const TracingOptions options;
  std::unique_ptr<SpanExporter> exporter;
  EndedTasks ended;
};

// How long each stage took is stored, not when it began: they are laid end to end from the start of
// the attempt.
void Tracer::State::add_stages(const jobs::StoredResult& result, const TraceContext& task,
                               int64_t begin_ns) {
  const std::optional<Use> use = use_of(result);
  const jobs::StageTimes& times = result.times;
  struct Stage {
    std::string_view name;
    std::optional<double> seconds;
    bool asks_model;
  };
  const Stage stages[] = {{jobs::kStageDecode, times.decode_s, false},
                          {jobs::kStageRecognise, times.recognise_s, false},
                          {jobs::kStageEnhance, times.enhance_s, true},
                          {jobs::kStageSummarise, times.summarise_s, true}};
  const auto add = [&](const std::string& name, double seconds, bool asks_model) {
    const int64_t end_ns = begin_ns + int64_t(std::max(seconds, 0.0) * 1e9);
    Span span(name, kInternal, child_of(task), task.span_id, begin_ns, end_ns);
    if (times.audio_s > 0) span.set("maie.audio.seconds", times.audio_s);
    if (asks_model && use.has_value()) describe_use(span, *use);
    exporter->add(std::move(span.json));
    begin_ns = end_ns;
  };
  if (result.completion.has_value()) {
    add("chat " + result.model, result.completion->usage.total_s, true);
    return;
  }
  // Tokens are known of all stages together: they stand at the last one that asked the model.
  const Stage* last = nullptr;
  for (const Stage& stage : stages) {
    if (stage.seconds.has_value() && stage.asks_model) last = &stage;
  }
  for (const Stage& stage : stages) {
    if (stage.seconds.has_value())
      add("maie.stage." + std::string(stage.name), *stage.seconds, &stage == last);
  }
}

Tracer::Tracer(TracingOptions options) : state_(std::make_unique<State>(std::move(options))) {}
Tracer::~Tracer() = default;

bool Tracer::enabled() const { return state_->exporter != nullptr; }
int64_t Tracer::sent() const { return enabled() ? state_->exporter->sent() : 0; }
int64_t Tracer::dropped() const { return enabled() ? state_->exporter->dropped() : 0; }

void Tracer::begin(http::Request& request) const {
  if (!enabled()) return;
  bool has_parent = false;
  const TraceContext parent = state_->context_of(request.headers.get("traceparent"), has_parent);
  request.headers.set("traceparent", to_traceparent(has_parent ? child_of(parent) : parent));
  request.headers.set(kParentHeader, has_parent ? parent.span_id : "");
}

void Tracer::request_done(const http::Hooks::Done& done) {
  if (!enabled()) return;
  bool has_parent = false;
  TraceContext context = state_->context_of(done.request.headers.get("traceparent"), has_parent);
  std::string parent(done.request.headers.get(kParentHeader));
  if (has_parent && !done.request.headers.has(kParentHeader)) {  // refused before `begin`
    parent = context.span_id;
    context = child_of(context);
  }
  if (!context.sampled) return;
  const int64_t end_ns = now_ns();
  const std::string method = method_of(done.request.method);
  const std::string route = done.route == nullptr ? "" : done.route->path;
  Span span(route.empty() ? method : method + " " + route, kServer, context, parent,
            end_ns - int64_t(done.seconds * 1e9), end_ns);
  span.set("http.request.method", method);
  if (!route.empty()) span.set("http.route", route);
  span.set("http.response.status_code", int64_t{done.status});
  if (!done.request.id.empty()) span.set("maie.request_id", done.request.id);
  if (done.status >= 500) span.failed(std::to_string(done.status));
  state_->exporter->add(std::move(span.json));
}

void Tracer::task_ended(const queue::Task& task, const jobs::StoredResult* result) {
  if (!enabled() || !queue::is_final(task.state)) return;
  bool has_parent = false;
  const TraceContext parent = state_->context_of(task.traceparent, has_parent);
  if (!parent.sampled || !state_->ended.first_time(task)) return;
  const TraceContext context = has_parent ? child_of(parent) : parent;
  const int64_t begin_ns = task.started.value_or(task.created) * kNsPerMs;
  Span span("maie.task " + task.kind, kConsumer, context, has_parent ? parent.span_id : "",
            begin_ns, task.finished.value_or(task.updated) * kNsPerMs);
  span.set("maie.task.id", task.id);
  span.set("maie.task.kind", task.kind);
  span.set("maie.task.attempts", int64_t{task.attempts});
  span.set("maie.task.outcome", outcome_of(task.state));
  // The code alone: a message may quote what was said.
  if (task.state == queue::TaskState::kFailed) span.failed(task.error.code);
  state_->exporter->add(std::move(span.json));
  if (result != nullptr) state_->add_stages(*result, context, begin_ns);
}

}  // namespace maie::server
