#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace maie::config {

enum class Profile { kDevelopment, kProduction, kEdge };
/// "development", "production", "edge"
std::string_view to_string(Profile profile);

/// Clients and what they may do (section [api]).
struct ApiSettings {
  std::string host = "0.0.0.0";
  int port = 8000;
  std::string unix_socket;  ///< a path: listen there instead of host and port
  /// At least 32 characters. Without one the development profile makes one and keeps it in
  /// <data>/api.key; production does not start.
  std::string secret_key;
  std::vector<std::string> fallback_keys;  ///< more keys, for rotation
  double max_file_size_mb = 500;
  std::string default_asr_backend = "whisper";
  std::string result_keys = "en";  ///< en, vi or both
  std::vector<std::string> cors_origins;
  bool metrics_need_key = false;
  bool process_sync = false;  ///< POST /v1/process-sync; on in the edge profile
};

/// Limits of connections (section [server]), in seconds unless named otherwise.
struct ServerSettings {
  int io_threads = 2;
  int handler_threads = 4;
  int max_connections = 8192;
  double header_timeout_s = 10;     ///< from the first byte of a request to the end of its headers
  double body_idle_timeout_s = 30;  ///< without a byte of the body
  double keep_alive_s = 75;         ///< an idle connection between requests
  double write_timeout_s = 30;      ///< a client that takes nothing
  double drain_s = 30;              ///< after SIGTERM
  double event_keep_alive_s = 15;   ///< a comment on silent event streams
  int max_uploads = 256;            ///< at once; more are answered 503
};

struct RateLimitSettings {
  bool enabled = true;
  std::string unit = "minute";  ///< second, minute, hour, day
  int count = 60;
};

struct QueueSettings {
  int max_depth = 50;  ///< waiting jobs; more are answered 429
  int max_attempts = 3;
  double lease_s = 30;
  double heartbeat_s = 5;
  double retry_delay_s = 5;  ///< of a task that may work later; doubles with every attempt
};

struct WorkerSettings {
  int processes = 1;    ///< children of `maie serve`; 0: the API alone
  int concurrency = 1;  ///< jobs at once in each
  int interactive = 4;  ///< requests with an open connection at once in each
  double job_timeout_s = 600;
  double job_timeout_per_audio_s = 2;  ///< added for every second of the recording
  double stall_s = 300;                ///< a stage without progress
  double result_ttl_s = 86400;
  double idle_unload_s = 600;  ///< models that nobody used so long are dropped; 0: never
  double grace_s = 20;         ///< after SIGTERM, for what runs
  int nice = 5;                ///< so that the API answers while models compute
};

struct MemorySettings {
  std::string budget = "auto";  ///< of all models together: bytes, "6GiB", or what is free
};

struct RecognitionSettings {  // [asr]
  std::string model;          ///< folder, file or name in the store; empty: the first found
  std::string vad_model;      ///< as --vad-model
  std::string compute_type = "auto";
  int threads = 0;
  int beam_size = 5;
  int batch_size = 8;
  std::string language;  ///< empty: detected
  /// What clients of the OpenAI routes may call it beside its name.
  std::vector<std::string> aliases = {"whisper-1", "gpt-4o-transcribe", "gpt-4o-mini-transcribe",
                                      "gpt-transcribe"};
};

struct VadSettings {
  bool enabled = true;
  double threshold = 0.5;
};

/// The language model (section [llm]); what `maie process` has as --llm options.
struct LlmSettings {
  std::string model;          ///< folder, file, name in the store, or URL of a server
  std::string enhance_model;  ///< another one for cleaning text; empty: the same
  std::string served_name;    ///< what a server calls its model
  std::string enhance_served_name;
  std::string api_key;  ///< of a server
  std::string enhance_api_key;
  std::string compute_type = "auto";
  int threads = 0;
  int64_t context = 0;
  std::optional<double> temperature, top_p;
  std::optional<int> top_k, max_tokens;
  double stall_s = 300;
  bool enhancement = true;           ///< false: text is never cleaned
  std::vector<std::string> aliases;  ///< what clients of the OpenAI routes may call it
};

struct PathSettings {
  std::string data_dir;       ///< queue, keys, uploads; default: the state folder of the user
  std::string audio_dir;      ///< default <data_dir>/audio
  std::string templates_dir;  ///< the user's templates; default <data_dir>/templates
};

struct CleanupSettings {
  double audio_interval_s = 3600, log_interval_s = 86400, cache_interval_s = 1800,
         disk_interval_s = 300;
  double audio_retention_days = 7, failed_retention_days = 14, logs_retention_days = 7;
  double disk_threshold_pct = 80;
  bool emergency_cleanup = false;
  double min_free_mb = 200;  ///< below it uploads are answered 507
  std::string check_dir;     ///< default data_dir
};

struct LoggingSettings {
  std::string level = "info";   ///< debug, info, warning, error
  std::string format = "text";  ///< text or json
  std::string dir;              ///< empty: stderr alone
  double rotation_mb = 500;
  double retention_days = 30;
};

struct TracingSettings {
  std::string endpoint;  ///< OTLP over HTTP, base URL; empty: off
  std::string headers;   ///< "name=value,name=value"
  std::string service_name = "maie";
};

/// All that an operator can choose. Loaded by load_settings (load.h), then never changed; what a
/// reload may change is read again (keys, log level).
struct Settings {
  Profile profile = Profile::kDevelopment;
  std::string pipeline_version;  ///< shown in results; empty: the program's
  bool offline = false;
  ApiSettings api;
  ServerSettings server;
  RateLimitSettings rate_limit;
  QueueSettings queue;
  WorkerSettings worker;
  MemorySettings memory;
  RecognitionSettings asr;
  VadSettings vad;
  LlmSettings llm;
  PathSettings paths;
  CleanupSettings cleanup;
  LoggingSettings logging;
  TracingSettings tracing;
};

}  // namespace maie::config
