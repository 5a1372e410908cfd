#include "server/model_catalog.h"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <map>

#include "base/file.h"
#include "llm/remote_model.h"
#include "server/form_values.h"
#include "store/default_model.h"
#include "store/find_model.h"
#include "store/model_facts.h"
#include "text/languages.h"
#include "text/utf8.h"
#include "worker/models.h"
#include "worker/worker_status.h"

namespace maie::server {
namespace {

namespace fs = std::filesystem;

constexpr char kTranscription[] = "transcription", kChat[] = "chat";
constexpr char kDiarizing[] = "gpt-4o-transcribe-diarize";
constexpr size_t kLongestConfig = 1 << 20;
constexpr int64_t kEnglishVocabulary = 51864;  // Whisper's models of English alone

// Unix seconds of the newest file of a model; 0 when there is none.
int64_t file_time(const std::string& path) {
  std::error_code error;
  fs::file_time_type newest = fs::last_write_time(path, error);
  if (error) return 0;
  for (fs::directory_iterator it(path, error), end; !error && it != end; it.increment(error)) {
    const fs::file_time_type time = fs::last_write_time(it->path(), error);
    if (!error) newest = std::max(newest, time);
  }
  const auto ago = fs::file_time_type::clock::now() - newest;
  const auto then = std::chrono::system_clock::now() - ago;
  return std::chrono::duration_cast<std::chrono::seconds>(then.time_since_epoch()).count();
}

store::ModelFacts facts_of(const std::string& path) {
  std::error_code error;
  if (!fs::is_directory(path, error)) return store::model_of_file(path);
  const std::vector<store::ModelFacts> found = store::models_in(path);
  return found.empty() ? store::ModelFacts{} : found.front();
}

std::vector<std::string> languages_in(const std::string& path) {
  std::vector<std::string> codes;
  const Result<std::string> text = read_file(path + "/config.json", kLongestConfig);
  if (!text.has_value()) return codes;
  const Result<Json> config = parse_json(*text);
  if (!config.has_value() || !config->is_object()) return codes;
  if (json_int(*config, "vocab_size", 0) == kEnglishVocabulary) return {"en"};
  for (const text::Language& language : text::whisper_languages()) {
    codes.emplace_back(language.code);
  }
  return codes;
}

std::string last_part(const std::string& path) {
  const fs::path parts(path.ends_with('/') ? path.substr(0, path.size() - 1) : path);
  return parts.filename().string();
}

void add_alias(CatalogModel& model, const std::string& name) {
  // A path of this machine is no name for clients.
  const bool known = name == model.id || std::find(model.aliases.begin(), model.aliases.end(),
                                                   name) != model.aliases.end();
  if (!name.empty() && !name.starts_with('/') && name.find("://") == name.npos && !known) {
    model.aliases.push_back(name);
  }
}

void describe(CatalogModel& model, const Result<std::string>& path, const std::string& named) {
  if (!path.has_value()) return;
  model.usable = true;
  const store::ModelFacts facts = facts_of(*path);
  model.quantization = facts.quantization;
  model.bytes = facts.size_bytes;
  model.created = file_time(*path);
  add_alias(model, last_part(named.empty() ? *path : named));
}

CatalogModel recogniser(const config::Settings& settings, const std::string& id) {
  CatalogModel model{.id = id, .task = kTranscription};
  const std::string& named = settings.asr.model;
  const Result<std::string> path = named.empty()
                                       ? store::default_model(store::model_folders_of_process())
                                       : store::find_model(named);
  describe(model, path, named);
  if (path.has_value()) model.languages = languages_in(*path);
  add_alias(model, named);
  for (const std::string& alias : settings.asr.aliases) add_alias(model, alias);
  return model;
}

CatalogModel language_model(const std::string& named, const std::string& id) {
  CatalogModel model{.id = id, .task = kChat};
  if (llm::is_remote(named)) {
    model.usable = true;  // its server is asked when it is needed
    model.created = file_time("/proc/self");
  } else {
    describe(model,
             named.empty() ? store::default_language_model(store::model_folders_of_process())
                           : store::find_model(named),
             named);
  }
  add_alias(model, named);
  return model;
}

// What living workers say: it decides, as they may be on another machine.
void ask_workers(queue::TaskQueue& queue, std::vector<CatalogModel>& models) {
  const auto workers = worker::living_workers(queue);
  if (!workers.has_value()) return;
  std::map<std::string, std::string, std::less<>> offered;  // name to problem
  for (const worker::WorkerStatus& status : workers->statuses) {
    for (const worker::OfferedModel& offer : status.offers) {
      const auto [known, is_new] = offered.emplace(offer.name, offer.problem);
      if (!is_new && offer.problem.empty()) known->second.clear();
    }
    for (CatalogModel& model : models) {
      for (const worker::ResidentModel& resident : status.models) {
        model.loaded |= resident.name == model.id;
      }
    }
  }
  for (CatalogModel& model : models) {
    if (const auto found = offered.find(model.id); found != offered.end()) {
      model.problem = found->second;
      model.usable = model.problem.empty();
    }
  }
}

bool answers_to(const CatalogModel& model, std::string_view name) {
  return model.id == name ||
         std::find(model.aliases.begin(), model.aliases.end(), name) != model.aliases.end();
}

ApiError does_not_fit(const CatalogModel& model) {
  return {.status = 503,
          .code = "MODEL_MEMORY_ERROR",
          .message = "the model " + model.id + " can never be loaded here: " + model.problem,
          .param = "model",
          .openai_code = "insufficient_memory",
          .retry_after_s = 3600,
          .should_retry = false};
}

Json or_null(const std::string& text) { return text.empty() ? Json() : Json(text); }

}  // namespace

ModelCatalog::ModelCatalog(const config::Settings& settings, queue::TaskQueue& queue)
    : settings_(settings), queue_(queue) {}

std::vector<CatalogModel> ModelCatalog::models() const {
  const worker::Models names = worker::models_of(settings_);
  std::vector<CatalogModel> models;
  models.push_back(recogniser(settings_, names.recogniser));
  models.push_back(language_model(settings_.llm.model, names.language_model));
  for (const std::string& alias : settings_.llm.aliases) add_alias(models.back(), alias);
  if (names.enhancer != names.language_model) {
    models.push_back(language_model(settings_.llm.enhance_model, names.enhancer));
  }
  ask_workers(queue_, models);
  return models;
}

std::variant<CatalogModel, ApiError> ModelCatalog::find(std::string_view task,
                                                        std::string_view name) const {
  if (name == kDiarizing && task == kTranscription) {
    return unsupported_value("model", "this server does not tell speakers apart yet");
  }
  for (const CatalogModel& model : models()) {
    if (model.task != task || !(name.empty() || answers_to(model, name))) continue;
    if (model.usable) return model;
    if (!model.problem.empty()) return does_not_fit(model);
  }
  return model_not_found(name);
}

ApiError model_not_found(std::string_view name) {
  constexpr size_t kLongestShown = 100;
  const std::string shown = text::repair_utf8(name.substr(0, kLongestShown));
  return {.status = 404,
          .code = "MODEL_NOT_FOUND",
          .message = name.empty()
                         ? "there is no model for this on this server"
                         : "there is no model \"" + shown + "\" for this; see GET /v1/models",
          .param = "model"};
}

Json model_object(const CatalogModel& model) {
  Json json = {
      {"id", model.id}, {"object", "model"}, {"created", model.created}, {"owned_by", "local"}};
  json["maie"] = {{"task", model.task},
                  {"languages", model.languages},
                  {"quantization", or_null(model.quantization)},
                  {"bytes", model.bytes > 0 ? Json(model.bytes) : Json()},
                  {"loaded", model.loaded},
                  {"aliases", model.aliases},
                  {"sha256", nullptr}};
  return json;
}

Json backend_object(const CatalogModel& model) {
  std::string title = model.id;
  if (!title.empty() && title[0] >= 'a' && title[0] <= 'z') title[0] = char(title[0] - 32);
  return {{"id", model.id},
          {"name", title + " Backend"},
          {"description", "ASR backend using " + model.id},
          {"type", "ASR"},
          {"version", "1.0"},
          {"supported_languages", model.languages}};
}

}  // namespace maie::server
