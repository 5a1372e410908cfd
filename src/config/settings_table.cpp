#include "config/settings_table.h"

#include <algorithm>

#include "config/forms.h"

// The table itself is long because it is the only place where a setting is described; everything
// else goes through it.
namespace maie::config {
namespace {

using S = Settings;

template <auto Member>
Field top(Settings& settings) {
  return &(settings.*Member);
}
template <auto Section, auto Member>
Field in(Settings& settings) {
  return &(settings.*Section.*Member);
}

constexpr double kDay = 86400;
constexpr std::string_view kUrl = "a URL (http or https) without name and password";
constexpr std::string_view kKeyForm = "32 to 1024 visible ASCII characters";

std::vector<Setting> general() {
  return {
      {.key = "profile",
       .field = top<&S::profile>,
       .what = "Which set of defaults: for a desk, for a server, for a small device",
       .choices = {"development", "production", "edge"},
       .flag = "--profile",
       .also = {{"MAIE_ENVIRONMENT"}},
       .older = {{"APP_ENVIRONMENT"}, {"ENVIRONMENT"}}},
      {.key = "pipeline_version",
       .field = top<&S::pipeline_version>,
       .what = "Version shown in results and by /health",
       .unset = "the program's"},
      {.key = "offline",
       .field = top<&S::offline>,
       .what = "Open no connection to anywhere",
       .also = {{"HF_HUB_OFFLINE", hub_switch}}},
  };
}

std::vector<Setting> api() {
  constexpr auto A = &S::api;
  using T = ApiSettings;
  return {
      {.key = "api.host",
       .field = in<A, &T::host>,
       .what = "Address to listen on",
       .flag = "--host"},
      {.key = "api.port",
       .field = in<A, &T::port>,
       .what = "Port to listen on; 0: a free one",
       .least = 0,
       .most = 65535,
       .flag = "--port"},
      {.key = "api.unix_socket",
       .field = in<A, &T::unix_socket>,
       .what = "Listen on this socket file instead of host and port",
       .fits = is_socket_path,
       .form = "an absolute path of fewer than 108 bytes",
       .unset = "host and port"},
      {.key = "api.secret_key",
       .field = in<A, &T::secret_key>,
       .what = "Key that clients show as X-API-Key or Authorization: Bearer",
       .fits = is_key,
       .form = kKeyForm,
       .secret = true,
       .unset = "one is made in <data_dir>/api.key; production does not start"},
      {.key = "api.fallback_keys",
       .field = in<A, &T::fallback_keys>,
       .what = "More keys that are accepted, for rotation and for several clients",
       .fits = is_key,
       .form = kKeyForm,
       .secret = true},
      {.key = "api.max_file_size_mb",
       .field = in<A, &T::max_file_size_mb>,
       .what = "Largest recording that is taken, in MB",
       .least = 0.001,
       .most = 1e6,
       .by_profile = {"100", "500", "100"}},
      {.key = "api.default_asr_backend",
       .field = in<A, &T::default_asr_backend>,
       .what = "Recogniser of requests that name none",
       .choices = {"whisper"}},
      {.key = "api.result_keys",
       .field = in<A, &T::result_keys>,
       .what = "Names in results: English, the older Vietnamese ones, or both",
       .choices = {"en", "vi", "both"}},
      {.key = "api.cors_origins",
       .field = in<A, &T::cors_origins>,
       .what = "Origins of web pages that may call the API; *: all",
       .fits = is_origin,
       .form = "* or scheme://host[:port]"},
      {.key = "api.metrics_need_key",
       .field = in<A, &T::metrics_need_key>,
       .what = "Answer /metrics only to who shows a key"},
      {.key = "api.process_sync",
       .field = in<A, &T::process_sync>,
       .what = "Offer POST /v1/process-sync, which answers with the result itself",
       .by_profile = {"", "", "true"}},
  };
}

std::vector<Setting> server() {
  constexpr auto A = &S::server;
  using T = ServerSettings;
  return {
      {.key = "server.io_threads",
       .field = in<A, &T::io_threads>,
       .what = "Threads that read and write connections",
       .least = 1,
       .most = 64},
      {.key = "server.handler_threads",
       .field = in<A, &T::handler_threads>,
       .what = "Threads that answer requests",
       .least = 1,
       .most = 256},
      {.key = "server.max_connections",
       .field = in<A, &T::max_connections>,
       .what = "Connections at once",
       .least = 1,
       .most = 1e6},
      {.key = "server.header_timeout_s",
       .field = in<A, &T::header_timeout_s>,
       .what = "Seconds from the first byte of a request to the end of its headers",
       .least = 0.1,
       .most = 3600},
      {.key = "server.body_idle_timeout_s",
       .field = in<A, &T::body_idle_timeout_s>,
       .what = "Seconds without a byte of the body",
       .least = 0.1,
       .most = 3600},
      {.key = "server.keep_alive_s",
       .field = in<A, &T::keep_alive_s>,
       .what = "Seconds a connection may rest between requests",
       .least = 0.1,
       .most = kDay},
      {.key = "server.write_timeout_s",
       .field = in<A, &T::write_timeout_s>,
       .what = "Seconds a client may take nothing of its answer",
       .least = 0.1,
       .most = 3600},
      {.key = "server.drain_s",
       .field = in<A, &T::drain_s>,
       .what = "Seconds that open requests have after SIGTERM",
       .least = 0,
       .most = 3600},
      {.key = "server.event_keep_alive_s",
       .field = in<A, &T::event_keep_alive_s>,
       .what = "Seconds between comments on silent event streams",
       .least = 0.1,
       .most = 3600},
      {.key = "server.max_uploads",
       .field = in<A, &T::max_uploads>,
       .what = "Uploads at once; more are answered 503",
       .least = 1,
       .most = 1e5},
  };
}

std::vector<Setting> limits() {
  constexpr auto A = &S::rate_limit;
  using T = RateLimitSettings;
  constexpr auto Q = &S::queue;
  using U = QueueSettings;
  return {
      {.key = "rate_limit.enabled",
       .field = in<A, &T::enabled>,
       .what = "Limit how often a client may submit"},
      {.key = "rate_limit.unit",
       .field = in<A, &T::unit>,
       .what = "Length of the window in which requests are counted",
       .choices = {"second", "minute", "hour", "day"},
       .older = {{"APP_RATE_LIMIT__LIMIT", unit_of_older}}},
      {.key = "rate_limit.count",
       .field = in<A, &T::count>,
       .what = "Requests of a client in one window",
       .least = 1,
       .most = 1e9,
       .older = {{"APP_RATE_LIMIT__LIMIT", count_of_older}}},
      {.key = "queue.max_depth",
       .field = in<Q, &U::max_depth>,
       .what = "Jobs that may wait; more are answered 429",
       .least = 1,
       .most = 1e6,
       .by_profile = {"10", "100", "5"},
       .older = {{"APP_REDIS__MAX_QUEUE_DEPTH"}, {"MAX_QUEUE_DEPTH"}}},
      {.key = "queue.max_attempts",
       .field = in<Q, &U::max_attempts>,
       .what = "Times a job is offered when its worker dies or it may work later",
       .least = 1,
       .most = 100},
      {.key = "queue.lease_s",
       .field = in<Q, &U::lease_s>,
       .what = "Seconds after which a job of a silent worker is offered again",
       .least = 1,
       .most = 3600},
      {.key = "queue.heartbeat_s",
       .field = in<Q, &U::heartbeat_s>,
       .what = "Seconds between signs of life; under half of lease_s",
       .least = 0.1,
       .most = 600},
      {.key = "queue.retry_delay_s",
       .field = in<Q, &U::retry_delay_s>,
       .what = "Seconds before a second attempt; doubles with every one",
       .least = 0,
       .most = 3600},
  };
}

std::vector<Setting> worker() {
  constexpr auto A = &S::worker;
  using T = WorkerSettings;
  return {
      {.key = "worker.processes",
       .field = in<A, &T::processes>,
       .what = "Worker processes of `maie serve`; 0: the API alone",
       .least = 0,
       .most = 64,
       .flag = "--workers"},
      {.key = "worker.concurrency",
       .field = in<A, &T::concurrency>,
       .what = "Jobs at once in each",
       .least = 1,
       .most = 64,
       .by_profile = {"1", "2", "1"},
       .older = {{"APP_WORKER__WORKER_CONCURRENCY"}}},
      {.key = "worker.interactive",
       .field = in<A, &T::interactive>,
       .what = "Requests with an open connection at once in each",
       .least = 1,
       .most = 256},
      {.key = "worker.job_timeout_s",
       .field = in<A, &T::job_timeout_s>,
       .what = "Seconds a job may take",
       .least = 1,
       .most = 30 * kDay,
       .by_profile = {"360", "600", ""},
       .older = {{"APP_WORKER__JOB_TIMEOUT"}}},
      {.key = "worker.job_timeout_per_audio_s",
       .field = in<A, &T::job_timeout_per_audio_s>,
       .what = "And seconds more for every second of the recording",
       .least = 0,
       .most = 1000},
      {.key = "worker.stall_s",
       .field = in<A, &T::stall_s>,
       .what = "Seconds without progress after which a job is given up",
       .least = 1,
       .most = kDay},
      {.key = "worker.result_ttl_s",
       .field = in<A, &T::result_ttl_s>,
       .what = "Seconds that results are kept",
       .least = 1,
       .most = 3650 * kDay,
       .by_profile = {"3600", "86400", ""},
       .older = {{"APP_WORKER__RESULT_TTL"}}},
      {.key = "worker.idle_unload_s",
       .field = in<A, &T::idle_unload_s>,
       .what = "Seconds after which a model that nobody used is dropped; 0: never",
       .least = 0,
       .most = 30 * kDay},
      {.key = "worker.grace_s",
       .field = in<A, &T::grace_s>,
       .what = "Seconds that running jobs have after SIGTERM",
       .least = 0,
       .most = kDay},
      {.key = "worker.nice",
       .field = in<A, &T::nice>,
       .what = "Niceness of workers, so that the API answers while models compute",
       .least = 0,
       .most = 19},
      {.key = "memory.budget",
       .field = in<&S::memory, &MemorySettings::budget>,
       .what = "Memory of all models together; auto: what is free",
       .fits = is_size_or_auto,
       .form = "auto, bytes, or a size such as 6GiB"},
  };
}

std::vector<Setting> recognition() {
  constexpr auto A = &S::asr;
  using T = RecognitionSettings;
  constexpr auto V = &S::vad;
  using U = VadSettings;
  const std::vector<std::string_view> compute_types = {"auto", "float32", "bfloat16", "int8"};
  return {
      {.key = "asr.model",
       .field = in<A, &T::model>,
       .what = "Speech model: folder, file, or name in the store",
       .unset = "the first found",
       .also = {{"MAIE_MODEL"}},
       .older = {{"APP_ASR__WHISPER_MODEL_PATH"}, {"WHISPER_MODEL_PATH"}}},
      {.key = "asr.vad_model",
       .field = in<A, &T::vad_model>,
       .what = "Silero weights, or energy for the gate without a network",
       .unset = "beside the model, else energy",
       .also = {{"MAIE_VAD_MODEL"}},
       .older = {{"APP_VAD__SILERO_MODEL_PATH"}}},
      {.key = "asr.compute_type",
       .field = in<A, &T::compute_type>,
       .what = "Type the speech model computes in",
       .choices = compute_types,
       .older = {{"APP_ASR__WHISPER_COMPUTE_TYPE", compute_type_of_older},
                 {"WHISPER_COMPUTE_TYPE", compute_type_of_older}}},
      {.key = "asr.threads",
       .field = in<A, &T::threads>,
       .what = "Threads of the speech model; 0: one per core",
       .least = 0,
       .most = 1024,
       .also = {{"OMP_NUM_THREADS", first_number}},
       .older = {{"APP_ASR__WHISPER_CPU_THREADS"}, {"WHISPER_CPU_THREADS"}}},
      {.key = "asr.beam_size",
       .field = in<A, &T::beam_size>,
       .what = "Hypotheses kept while decoding; 1: greedy",
       .least = 1,
       .most = 64,
       .by_profile = {"", "", "3"},
       .older = {{"APP_ASR__WHISPER_BEAM_SIZE"}, {"WHISPER_BEAM_SIZE"}}},
      {.key = "asr.batch_size",
       .field = in<A, &T::batch_size>,
       .what = "Windows decoded together",
       .least = 1,
       .most = 256},
      {.key = "asr.language",
       .field = in<A, &T::language>,
       .what = "Language spoken, as a code (en, vi)",
       .fits = is_language,
       .form = "a code of a language",
       .unset = "detected",
       .older = {{"APP_ASR__WHISPER_LANGUAGE"}, {"WHISPER_LANGUAGE"}}},
      {.key = "asr.aliases",
       .field = in<A, &T::aliases>,
       .what = "Names under which clients of the OpenAI routes may ask for the speech model"},
      {.key = "vad.enabled",
       .field = in<V, &U::enabled>,
       .what = "Recognise only where there is a voice"},
      {.key = "vad.threshold",
       .field = in<V, &U::threshold>,
       .what = "Probability from which a moment counts as voice",
       .least = 0,
       .most = 1,
       .older = {{"APP_VAD__SILERO_THRESHOLD"}}},
  };
}

std::vector<Setting> language_model() {
  constexpr auto A = &S::llm;
  using T = LlmSettings;
  return {
      {.key = "llm.model",
       .field = in<A, &T::model>,
       .what = "Language model: folder, file, name in the store, or URL of a server",
       .fits = is_model_name,
       .form = "a name or a path, or a URL without name and password",
       .unset = "the first found",
       .also = {{"MAIE_LLM"}},
       .older = {{"APP_LLM_SERVER__SUMMARY_BASE_URL"}, {"APP_LLM_ENHANCE__MODEL"}}},
      {.key = "llm.enhance_model",
       .field = in<A, &T::enhance_model>,
       .what = "Another one that cleans transcripts",
       .fits = is_model_name,
       .form = "a name or a path, or a URL without name and password",
       .unset = "llm.model",
       .older = {{"APP_LLM_SERVER__ENHANCE_BASE_URL"}}},
      {.key = "llm.served_name",
       .field = in<A, &T::served_name>,
       .what = "What the server calls the model",
       .unset = "its only one",
       .older = {{"APP_LLM_SERVER__SUMMARY_MODEL_NAME"}}},
      {.key = "llm.enhance_served_name",
       .field = in<A, &T::enhance_served_name>,
       .what = "What the server of llm.enhance_model calls it",
       .unset = "its only one",
       .older = {{"APP_LLM_SERVER__ENHANCE_MODEL_NAME"}}},
      {.key = "llm.api_key",
       .field = in<A, &T::api_key>,
       .what = "Key that the server wants",
       .secret = true,
       .also = {{"MAIE_LLM_KEY"}},
       .older = {{"APP_LLM_SERVER__SUMMARY_API_KEY"}}},
      {.key = "llm.enhance_api_key",
       .field = in<A, &T::enhance_api_key>,
       .what = "Key that the server of llm.enhance_model wants",
       .secret = true,
       .older = {{"APP_LLM_SERVER__ENHANCE_API_KEY"}}},
      {.key = "llm.compute_type",
       .field = in<A, &T::compute_type>,
       .what = "Type a local language model computes in",
       .choices = {"auto", "float32", "bfloat16", "int8"}},
      {.key = "llm.threads",
       .field = in<A, &T::threads>,
       .what = "Threads of a local language model; 0: one per core",
       .least = 0,
       .most = 1024,
       .also = {{"OMP_NUM_THREADS", first_number}}},
      {.key = "llm.context",
       .field = in<A, &T::context>,
       .what = "Tokens of prompt and answer together; 0: the model's own, at most 16384",
       .least = 0,
       .most = 1 << 24,
       .by_profile = {"", "", "8192"},
       .older = {{"APP_LLM_ENHANCE__MAX_MODEL_LEN"}, {"LLM_MAX_MODEL_LEN"}}},
      {.key = "llm.temperature",
       .field = in<A, &T::temperature>,
       .what = "Chance in choosing words; 0: always the likeliest",
       .least = 0,
       .most = 2,
       .unset = "the model's own",
       .older = {{"APP_LLM_SUM__TEMPERATURE"}, {"APP_LLM_ENHANCE__TEMPERATURE"}}},
      {.key = "llm.top_p",
       .field = in<A, &T::top_p>,
       .what = "Choose among the likeliest words of this probability together",
       .least = 0,
       .most = 1,
       .unset = "the model's own",
       .older = {{"APP_LLM_SUM__TOP_P"}, {"APP_LLM_ENHANCE__TOP_P"}}},
      {.key = "llm.top_k",
       .field = in<A, &T::top_k>,
       .what = "Choose among so many words",
       .least = 1,
       .most = 1e6,
       .unset = "the model's own",
       .older = {{"APP_LLM_SUM__TOP_K"}, {"APP_LLM_ENHANCE__TOP_K"}}},
      {.key = "llm.max_tokens",
       .field = in<A, &T::max_tokens>,
       .what = "Tokens an answer may have",
       .least = 1,
       .most = 1e6,
       .unset = "by the length of the transcript",
       .older = {{"APP_LLM_SUM__MAX_TOKENS"}, {"APP_LLM_ENHANCE__MAX_TOKENS"}}},
      {.key = "llm.stall_s",
       .field = in<A, &T::stall_s>,
       .what = "Seconds without any sign of the model after which it is given up",
       .least = 1,
       .most = kDay,
       .older = {{"APP_LLM_SERVER__REQUEST_TIMEOUT_SECONDS"}}},
      {.key = "llm.enhancement",
       .field = in<A, &T::enhancement>,
       .what = "Let the language model clean transcripts that lack case and punctuation",
       .by_profile = {"", "true", "false"},
       .older = {{"APP_FEATURES__ENABLE_ENHANCEMENT"}}},
      {.key = "llm.aliases",
       .field = in<A, &T::aliases>,
       .what = "Names under which clients of the OpenAI routes may ask for the language model"},
  };
}

std::vector<Setting> folders() {
  constexpr auto A = &S::paths;
  using T = PathSettings;
  return {
      {.key = "paths.data_dir",
       .field = in<A, &T::data_dir>,
       .what = "Folder of queue, keys and uploads",
       .unset = "$STATE_DIRECTORY, $XDG_STATE_HOME/maie or ~/.local/state/maie",
       .flag = "--data-dir"},
      {.key = "paths.audio_dir",
       .field = in<A, &T::audio_dir>,
       .what = "Folder of uploaded recordings",
       .unset = "<data_dir>/audio"},
      {.key = "paths.templates_dir",
       .field = in<A, &T::templates_dir>,
       .what = "Folder of your own templates",
       .unset = "<data_dir>/templates",
       .also = {{"MAIE_TEMPLATES"}}},
  };
}

std::vector<Setting> cleanup() {
  constexpr auto A = &S::cleanup;
  using T = CleanupSettings;
  return {
      {.key = "cleanup.audio_interval_s",
       .field = in<A, &T::audio_interval_s>,
       .what = "Seconds between looks for recordings to remove",
       .least = 10,
       .most = kDay,
       .by_profile = {"60", "3600", "600"},
       .older = {{"APP_CLEANUP__AUDIO_CLEANUP_INTERVAL"}}},
      {.key = "cleanup.log_interval_s",
       .field = in<A, &T::log_interval_s>,
       .what = "Seconds between looks for old logs",
       .least = 10,
       .most = kDay,
       .by_profile = {"3600", "86400", ""},
       .older = {{"APP_CLEANUP__LOG_CLEANUP_INTERVAL"}}},
      {.key = "cleanup.cache_interval_s",
       .field = in<A, &T::cache_interval_s>,
       .what = "Seconds between looks for expired results",
       .least = 10,
       .most = kDay,
       .by_profile = {"300", "1800", ""},
       .older = {{"APP_CLEANUP__CACHE_CLEANUP_INTERVAL"}}},
      {.key = "cleanup.disk_interval_s",
       .field = in<A, &T::disk_interval_s>,
       .what = "Seconds between looks at the disk",
       .least = 10,
       .most = kDay,
       .by_profile = {"30", "300", ""},
       .older = {{"APP_CLEANUP__DISK_MONITOR_INTERVAL"}}},
      {.key = "cleanup.audio_retention_days",
       .field = in<A, &T::audio_retention_days>,
       .what = "Days that recordings of finished jobs are kept",
       .least = 0,
       .most = 365,
       .by_profile = {"1", "7", "1"}},
      {.key = "cleanup.failed_retention_days",
       .field = in<A, &T::failed_retention_days>,
       .what = "Days that recordings of failed jobs are kept",
       .least = 0,
       .most = 365,
       .by_profile = {"", "", "1"}},
      {.key = "cleanup.logs_retention_days",
       .field = in<A, &T::logs_retention_days>,
       .what = "Days that logs are kept",
       .least = 0,
       .most = 365,
       .by_profile = {"1", "7", "1"}},
      {.key = "cleanup.disk_threshold_pct",
       .field = in<A, &T::disk_threshold_pct>,
       .what = "Percent of the disk from which the operator is warned",
       .least = 0,
       .most = 100,
       .by_profile = {"90", "85", ""}},
      {.key = "cleanup.emergency_cleanup",
       .field = in<A, &T::emergency_cleanup>,
       .what = "Clean up at once when the disk is that full",
       .by_profile = {"false", "true", "true"}},
      {.key = "cleanup.min_free_mb",
       .field = in<A, &T::min_free_mb>,
       .what = "Free MB below which uploads are answered 507",
       .least = 0,
       .most = 1e9},
      {.key = "cleanup.check_dir",
       .field = in<A, &T::check_dir>,
       .what = "Folder on the disk that is watched",
       .unset = "<data_dir>"},
  };
}

std::vector<Setting> observation() {
  constexpr auto A = &S::logging;
  using T = LoggingSettings;
  constexpr auto V = &S::tracing;
  using U = TracingSettings;
  return {
      {.key = "logging.level",
       .field = in<A, &T::level>,
       .what = "Least important messages that are logged",
       .choices = {"debug", "info", "warning", "error"},
       .by_profile = {"debug", "info", "info"},
       .older = {{"APP_LOGGING__LOG_LEVEL", level_of_older}, {"LOG_LEVEL", level_of_older}}},
      {.key = "logging.format",
       .field = in<A, &T::format>,
       .what = "Lines for people or JSON for programs",
       .choices = {"text", "json"}},
      {.key = "logging.dir",
       .field = in<A, &T::dir>,
       .what = "Folder of app.log and errors.log",
       .unset = "$LOGS_DIRECTORY, else stderr alone",
       .older = {{"APP_LOGGING__LOG_DIR"}}},
      {.key = "logging.rotation_mb",
       .field = in<A, &T::rotation_mb>,
       .what = "MB after which a log file is rotated",
       .least = 0.01,
       .most = 1e5,
       .by_profile = {"50", "1000", "50"},
       .older = {{"APP_LOGGING__LOG_ROTATION", megabytes_of_older}}},
      {.key = "logging.retention_days",
       .field = in<A, &T::retention_days>,
       .what = "Days that rotated files are kept",
       .least = 0,
       .most = 3650,
       .by_profile = {"3", "30", "7"},
       .older = {{"APP_LOGGING__LOG_RETENTION", days_of_older}}},
      {.key = "tracing.endpoint",
       .field = in<V, &U::endpoint>,
       .what = "Base URL of an OTLP collector (HTTP)",
       .fits = is_http_url,
       .form = kUrl,
       .unset = "off",
       .also = {{"OTEL_EXPORTER_OTLP_ENDPOINT"}}},
      {.key = "tracing.headers",
       .field = in<V, &U::headers>,
       .what = "Headers that it wants",
       .fits = is_header_list,
       .form = "name=value,name=value",
       .secret = true,
       .also = {{"OTEL_EXPORTER_OTLP_HEADERS"}}},
      {.key = "tracing.service_name",
       .field = in<V, &U::service_name>,
       .what = "Name of this service in traces",
       .also = {{"OTEL_SERVICE_NAME"}}},
  };
}

std::vector<Setting> all_settings() {
  std::vector<Setting> all;
  for (auto part : {general, api, server, limits, worker, recognition, language_model, folders,
                    cleanup, observation}) {
    std::vector<Setting> rows = part();
    std::move(rows.begin(), rows.end(), std::back_inserter(all));
  }
  return all;
}

}  // namespace

const std::vector<Setting>& settings_table() {
  static const std::vector<Setting> table = all_settings();
  return table;
}

const Setting* find_setting(std::string_view key) {
  for (const Setting& setting : settings_table())
    if (setting.key == key) return &setting;
  return nullptr;
}

std::string variable_of(std::string_view key) {
  std::string name = "MAIE_";
  for (const char c : key) name += c == '.' ? "__" : std::string(1, c);
  return upper(name);
}

const std::vector<IgnoredName>& ignored_names() {
  constexpr std::string_view kQueue = "the queue is a file in paths.data_dir, no Redis is needed";
  constexpr std::string_view kDevice = "the device is chosen by the program";
  static const std::vector<IgnoredName> names = {
      {"REDIS_URL", kQueue},
      {"APP_REDIS__URL", kQueue},
      {"APP_REDIS__RESULTS_DB", kQueue},
      {"APP_LLM_BACKEND", "llm.model says it: a URL is a server, anything else a local model"},
      {"LLM_BACKEND", "llm.model says it: a URL is a server, anything else a local model"},
      {"APP_PATHS__MODELS_DIR", "name models in asr.model and llm.model"},
      {"WHISPER_DEVICE", kDevice},
      {"APP_ASR__WHISPER_DEVICE", kDevice},
      {"MAIE_DEVICE", kDevice},
      {"WHISPER_VAD_FILTER", "vad.enabled says it"},
      {"WHISPER_VAD_MIN_SILENCE_MS", "there is no such setting"},
      {"WHISPER_VAD_SPEECH_PAD_MS", "there is no such setting"},
      {"WHISPER_CONDITION_ON_PREVIOUS_TEXT", "there is no such setting"},
      {"WHISPER_WORD_TIMESTAMPS", "a request asks for words"},
  };
  return names;
}

}  // namespace maie::config
