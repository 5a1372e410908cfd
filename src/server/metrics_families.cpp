#include "server/metrics_families.h"

#include <algorithm>

#include "base/check.h"

namespace maie::server {
namespace {

constexpr double kRequestSeconds[] = {0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25,
                                      0.5,   0.75, 1,     2.5,  5,     7.5, 10};
constexpr double kJobSeconds[] = {0.5, 1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 7200};
constexpr double kTokenSeconds[] = {0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.2, 0.5};
constexpr double kRealtime[] = {0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5};

constexpr auto kCounter = MetricSpec::Type::kCounter;
constexpr auto kGauge = MetricSpec::Type::kGauge;
constexpr auto kHistogram = MetricSpec::Type::kHistogram;

const MetricSpec kSpecs[] = {
    {"maie_admission_rejections_total",
     kCounter,
     "Requests that were refused to protect the rest.",
     "reason",
     {}},
    {"maie_audio_seconds_total",
     kCounter,
     "Seconds of recordings that a stage has worked through.",
     "stage",
     {}},
    {"maie_build_info", kGauge, "What this program is; always 1.", "version,commit,backend", {}},
    {"maie_disk_free_bytes", kGauge, "Room on the file system of the data folder.", "", {}},
    {"maie_disk_size_bytes", kGauge, "Size of the file system of the data folder.", "", {}},
    {"maie_filtered_segments_total",
     kCounter,
     "Stretches of audio whose text was taken out.",
     "reason",
     {}},
    {"maie_http_request_duration_seconds", kHistogram,
     "From the headers of a request to the end of its answer.", "method,route", kRequestSeconds},
    {"maie_http_requests_in_flight", kGauge, "Requests being answered.", "", {}},
    {"maie_http_requests_total",
     kCounter,
     "Requests answered; 499: the client left first.",
     "method,route,status",
     {}},
    {"maie_job_duration_seconds", kHistogram, "From the start of a task's last attempt to its end.",
     "kind", kJobSeconds},
    {"maie_job_leases_expired_total", kCounter, "Leases whose worker did not renew them.", "", {}},
    {"maie_job_retries_total",
     kCounter,
     "Tasks offered again after an attempt failed.",
     "kind,reason",
     {}},
    {"maie_job_wait_seconds", kHistogram, "From the arrival of a task to its last start.", "kind",
     kJobSeconds},
    {"maie_jobs", kGauge, "Tasks by state; dead: failed with all attempts used up.", "state", {}},
    {"maie_jobs_total", kCounter, "Tasks that ended.", "kind,outcome", {}},
    {"maie_llm_generated_tokens_total",
     kCounter,
     "Tokens that language models wrote.",
     "model",
     {}},
    {"maie_llm_prompt_tokens_total",
     kCounter,
     "Tokens that language models were given.",
     "model",
     {}},
    {"maie_llm_time_to_first_token_seconds", kHistogram,
     "From a request to a language model to its first token.", "model", kTokenSeconds},
    {"maie_llm_token_interval_seconds", kHistogram,
     "Mean time between the tokens of an answer, a value for each answer.", "model", kTokenSeconds},
    {"maie_memory_budget_bytes", kGauge, "Memory that models may use.", "device", {}},
    {"maie_memory_reserved_bytes", kGauge, "Memory that loaded models hold.", "device", {}},
    {"maie_model_bytes", kGauge, "Memory of a loaded model, over all workers.", "model,device", {}},
    {"maie_model_load_duration_seconds", kHistogram, "Time to load a model.", "model", kJobSeconds},
    {"maie_model_loaded", kGauge, "Whether a worker holds the model.", "model,device", {}},
    {"maie_queue_backend_up", kGauge, "Whether the store of tasks answers.", "backend", {}},
    {"maie_realtime_factor", kHistogram, "Seconds of work for a second of audio.", "stage",
     kRealtime},
    {"maie_stage_duration_seconds", kHistogram, "Time a stage of a task took.", "stage",
     kJobSeconds},
    {"maie_stage_failures_total", kCounter, "Tasks that failed, by stage.", "stage,code", {}},
    {"maie_upload_bytes_total", kCounter, "Bytes of uploaded forms.", "", {}},
    {"maie_workers", kGauge, "Worker processes that have lately been heard of.", "", {}},
    {"process_cpu_seconds_total", kCounter, "Processor time of this process.", "", {}},
    {"process_max_fds", kGauge, "Files this process may have open.", "", {}},
    {"process_open_fds", kGauge, "Files this process has open.", "", {}},
    {"process_resident_memory_bytes", kGauge, "Memory this process holds.", "", {}},
    {"process_start_time_seconds", kGauge, "When this process began, Unix time.", "", {}},
    {"process_virtual_memory_bytes", kGauge, "Address space of this process.", "", {}},
};

}  // namespace

std::span<const MetricSpec> metric_specs() { return kSpecs; }

const MetricSpec& metric_spec(std::string_view name) {
  const auto found = std::find_if(std::begin(kSpecs), std::end(kSpecs),
                                  [&](const MetricSpec& spec) { return spec.name == name; });
  check(found != std::end(kSpecs), "a metric is in the table");
  return *found;
}

std::string_view known_or_other(std::string_view word, std::span<const std::string_view> words) {
  return std::find(words.begin(), words.end(), word) != words.end() ? word : "other";
}

}  // namespace maie::server
