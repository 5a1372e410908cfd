// Counters live in a prometheus registry; gauges are asked for when the page is made, so that a
// model that went or a worker that died leaves no number behind.
#include "server/metrics.h"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>

#include <algorithm>
#include <mutex>
#include <set>

#include "jobs/job.h"
#include "jobs/stored_result.h"
#include "server/ended_tasks.h"
#include "server/metrics_families.h"
#include "server/metrics_gauges.h"
#include "server/metrics_text.h"

namespace maie::server {
namespace {

using prometheus::Counter;
using prometheus::Histogram;
using Labels = std::map<std::string, std::string>;

constexpr std::string_view kMethods[] = {"GET",    "HEAD",  "POST",   "PUT",
                                         "DELETE", "PATCH", "OPTIONS"};
constexpr std::string_view kKinds[] = {"audio", "text", "transcription", "translation", "chat"};
constexpr std::string_view kStages[] = {jobs::kStageDecode, jobs::kStageRecognise,
                                        jobs::kStageEnhance, jobs::kStageSummarise};
constexpr std::string_view kFilterReasons[] = {"no_speech", "repetition", "low_confidence",
                                               "hallucination", "empty"};
constexpr size_t kMostWords = 64;  // values of a label whose words are set elsewhere

std::string known(std::string_view word, std::span<const std::string_view> words) {
  return std::string(known_or_other(word, words));
}

// Words of the program or of its operator (codes, names of models): few by nature, bounded here in
// case they are not.
class OpenSet {
 public:
  std::string admit(std::string_view word) {
    if (word.empty() || word.size() > 120) return "other";
    const std::scoped_lock lock(mutex_);
    if (words_.size() >= kMostWords && words_.find(word) == words_.end()) return "other";
    return *words_.emplace(word).first;
  }

 private:
  std::mutex mutex_;
  std::set<std::string, std::less<>> words_;
};

// "succeeded", "failed", "cancelled"
std::string outcome_of(queue::TaskState state) {
  if (state == queue::TaskState::kSucceeded) return "succeeded";
  return state == queue::TaskState::kFailed ? "failed" : "cancelled";
}

// Where a task failed: the stage its worker was in, else the coarser word of its error.
std::string_view stage_of(const queue::Task& task) {
  if (known_or_other(task.stage, kStages) != "other") return task.stage;
  if (task.error.stage == "preprocessing") return jobs::kStageDecode;
  if (task.error.stage == "asr") return jobs::kStageRecognise;
  return task.error.stage == "llm" ? jobs::kStageSummarise : std::string_view("other");
}

}  // namespace

struct Metrics::State {
  State(std::string version, std::string commit)
      : build({{"version", std::move(version)}, {"commit", std::move(commit)}, {"backend", "cpu"}}),
        requests_in_flight(prometheus::BuildGauge()
                               .Name("maie_http_requests_in_flight")
                               .Help(metric_spec("maie_http_requests_in_flight").help)
                               .Register(registry)
                               .Add({})) {
    count("maie_upload_bytes_total", {}, 0);
    count("maie_job_leases_expired_total", {}, 0);
  }

  void count(const char* name, const Labels& labels, double by = 1) {
    // Building a family that is there already gives that one.
    const MetricSpec& spec = metric_spec(name);
    prometheus::BuildCounter().Name(name).Help(spec.help).Register(registry).Add(labels).Increment(
        by);
  }

  void observe(const char* name, const Labels& labels, double value) {
    const MetricSpec& spec = metric_spec(name);
    prometheus::BuildHistogram()
        .Name(name)
        .Help(spec.help)
        .Register(registry)
        .Add(labels, Histogram::BucketBoundaries(spec.buckets.begin(), spec.buckets.end()))
        .Observe(std::max(value, 0.0));
  }

  void stages_done(const jobs::StoredResult& result);
  void models_used(const jobs::StoredResult& result);
  void tokens_used(const std::string& model, double prompt, double generated);

  prometheus::Registry registry;
  const Labels build;
  prometheus::Gauge& requests_in_flight;
  OpenSet models, codes, reasons;
  EndedTasks ended;
  ModelLoads loads;  // which loads of models were seen
  std::mutex loads_mutex;
  std::string disk_folder;
};

void Metrics::State::stages_done(const jobs::StoredResult& result) {
  const jobs::StageTimes& times = result.times;
  const std::pair<std::string_view, const std::optional<double>&> stages[] = {
      {jobs::kStageDecode, times.decode_s},
      {jobs::kStageRecognise, times.recognise_s},
      {jobs::kStageEnhance, times.enhance_s},
      {jobs::kStageSummarise, times.summarise_s}};
  for (const auto& [stage, seconds] : stages) {
    if (!seconds.has_value()) continue;
    const Labels labels = {{"stage", std::string(stage)}};
    observe("maie_stage_duration_seconds", labels, *seconds);
    if (times.audio_s > 0) {
      count("maie_audio_seconds_total", labels, times.audio_s);
      observe("maie_realtime_factor", labels, *seconds / times.audio_s);
    }
  }
  if (!result.transcript.has_value()) return;
  for (const pipeline::DroppedRegion& region : result.transcript->dropped)
    count("maie_filtered_segments_total", {{"reason", known(region.reason, kFilterReasons)}});
}

void Metrics::State::tokens_used(const std::string& model, double prompt, double generated) {
  count("maie_llm_prompt_tokens_total", {{"model", model}}, std::max(prompt, 0.0));
  count("maie_llm_generated_tokens_total", {{"model", model}}, std::max(generated, 0.0));
}

void Metrics::State::models_used(const jobs::StoredResult& result) {
  if (result.completion.has_value()) {
    const llm::Usage& usage = result.completion->usage;
    const std::string model = models.admit(result.model);
    tokens_used(model, double(usage.prompt_tokens), double(usage.answer_tokens));
    if (usage.first_token_s > 0)
      observe("maie_llm_time_to_first_token_seconds", {{"model", model}}, usage.first_token_s);
    if (usage.answer_tokens > 1 && usage.total_s > usage.first_token_s) {
      observe("maie_llm_token_interval_seconds", {{"model", model}},
              (usage.total_s - usage.first_token_s) / double(usage.answer_tokens - 1));
    }
    return;
  }
  const auto llm = result.versions.find("llm");
  if (llm == result.versions.end() || !llm->is_object()) return;
  const auto usage = llm->find("usage");
  if (usage == llm->end() || !usage->is_object()) return;
  tokens_used(models.admit(json_string(*llm, "name", "")), json_number(*usage, "prompt_tokens", 0),
              json_number(*usage, "answer_tokens", 0));
}

Metrics::Metrics(std::string version, std::string commit)
    : state_(std::make_unique<State>(std::move(version), std::move(commit))) {}

Metrics::~Metrics() = default;

void Metrics::request_done(const http::Hooks::Done& done) {
  const std::string method = known(done.request.method, kMethods);
  const std::string route = done.route == nullptr ? "other" : done.route->path;
  const bool usual = done.status >= 100 && done.status <= 599;
  state_->count("maie_http_requests_total",
                {{"method", method},
                 {"route", route},
                 {"status", usual ? std::to_string(done.status) : "other"}});
  state_->observe("maie_http_request_duration_seconds", {{"method", method}, {"route", route}},
                  done.seconds);
  if (done.route != nullptr && done.route->body == http::BodyKind::kForm)
    state_->count("maie_upload_bytes_total", {}, double(done.body_bytes_in));
}

void Metrics::requests_in_flight(int change) { state_->requests_in_flight.Increment(change); }

void Metrics::rejected(std::string_view reason) {
  state_->count("maie_admission_rejections_total", {{"reason", state_->reasons.admit(reason)}});
}

void Metrics::task_ended(const queue::Task& task, const jobs::StoredResult* result) {
  if (!queue::is_final(task.state) || !state_->ended.first_time(task)) return;
  const std::string kind = known(task.kind, kKinds);
  state_->count("maie_jobs_total", {{"kind", kind}, {"outcome", outcome_of(task.state)}});
  if (task.started.has_value()) {
    state_->observe("maie_job_wait_seconds", {{"kind", kind}},
                    double(*task.started - task.created) / 1000);
    if (task.finished.has_value())
      state_->observe("maie_job_duration_seconds", {{"kind", kind}},
                      double(*task.finished - *task.started) / 1000);
  }
  if (task.state == queue::TaskState::kFailed) {
    state_->count("maie_stage_failures_total", {{"stage", std::string(stage_of(task))},
                                                {"code", state_->codes.admit(task.error.code)}});
  }
  if (result == nullptr) return;
  state_->stages_done(*result);
  state_->models_used(*result);
}

void Metrics::task_retried(std::string_view kind, std::string_view reason) {
  state_->count("maie_job_retries_total",
                {{"kind", known(kind, kKinds)}, {"reason", state_->reasons.admit(reason)}});
}

void Metrics::leases_expired(int64_t count) {
  state_->count("maie_job_leases_expired_total", {}, double(std::max<int64_t>(count, 0)));
}

void Metrics::watch_disk(std::string folder) { state_->disk_folder = std::move(folder); }

std::string Metrics::render(queue::TaskQueue& queue, bool open_metrics) {
  GaugeFamilies gauges;
  gauges.add("maie_build_info", state_->build, 1);
  add_queue_gauges(gauges, queue);
  const std::vector<worker::WorkerStatus> workers = add_worker_gauges(gauges, queue);
  add_process_gauges(gauges);
  if (!state_->disk_folder.empty()) add_disk_gauges(gauges, state_->disk_folder);
  {
    const std::scoped_lock lock(state_->loads_mutex);
    for (const auto& [model, seconds] : state_->loads.fresh(workers))
      state_->observe("maie_model_load_duration_seconds", {{"model", state_->models.admit(model)}},
                      seconds);
  }
  std::vector<prometheus::MetricFamily> families = state_->registry.Collect();
  gauges.move_to(families);
  return to_metrics_text(std::move(families), open_metrics);
}

}  // namespace maie::server
