#include "worker/models.h"

#include <algorithm>
#include <filesystem>
#include <utility>

#include "base/memory.h"
#include "config/forms.h"
#include "llm/remote_model.h"
#include "store/default_model.h"
#include "store/find_model.h"
#include "store/memory_need.h"
#include "worker/open_model.h"

namespace maie::worker {
namespace {

namespace fs = std::filesystem;

// Where the settings are silent a local model takes at most so long a context, and keeps the keys
// and values of two of them (llm/local_model.h).
constexpr int64_t kUsualContext = 16384;

// A second recogniser is kept where it takes at most so small a part of the budget.
constexpr uint64_t kShareOfSecond = 4;

class EngineRecogniser : public PooledRecogniser {
 public:
  explicit EngineRecogniser(std::unique_ptr<pipeline::Transcriber> transcriber)
      : transcriber_(std::move(transcriber)) {}

  uint64_t memory_bytes() const override { return transcriber_->info().weight_bytes + kWorkBytes; }
  Status validate(const pipeline::TranscribeOptions& options) const override {
    return transcriber_->validate(options);
  }
  Result<pipeline::Transcript> transcribe(const audio::Clip& clip,
                                          const pipeline::TranscribeOptions& options,
                                          const pipeline::TranscribeCallbacks& callbacks,
                                          const CancelToken& cancel) override {
    return transcriber_->transcribe(clip, options, callbacks, cancel);
  }
  const pipeline::ModelInfo& info() const override { return transcriber_->info(); }
  std::string model_hash() override { return transcriber_->model_hash(); }

 private:
  static constexpr uint64_t kWorkBytes = 256 << 20;  // windows and caches, as store/memory_need.h
  std::unique_ptr<pipeline::Transcriber> transcriber_;
};

class OpenedLanguageModel : public PooledLanguageModel {
 public:
  explicit OpenedLanguageModel(std::unique_ptr<llm::LanguageModel> model)
      : model_(std::move(model)) {}
  uint64_t memory_bytes() const override { return model_->info().memory_bytes; }
  llm::LanguageModel& model() override { return *model_; }

 private:
  std::unique_ptr<llm::LanguageModel> model_;
};

ComputeType compute_type_of(const std::string& name) {
  return parse_compute_type(name).value_or(ComputeType::kAuto);  // the settings were checked
}

Result<std::string> recogniser_path(const config::Settings& settings) {
  if (!settings.asr.model.empty()) return store::find_model(settings.asr.model);
  return store::default_model(store::model_folders_of_process());
}

// Of a local model; a server's address stays as it is.
Result<std::string> language_model_path(const std::string& named) {
  if (llm::is_remote(named)) return named;
  if (!named.empty()) return store::find_model(named);
  return store::default_language_model(store::model_folders_of_process());
}

Result<store::ModelFacts> facts_of(const std::string& path) {
  std::error_code error;
  if (!fs::is_directory(path, error)) return store::model_of_file(path);
  const std::vector<store::ModelFacts> found = store::models_in(path);
  if (found.empty()) return corrupt(path + ": holds no model; maie models list shows what is here");
  return found.front();
}

// Without folders: what clients may see, and say.
std::string short_name(const std::string& named) {
  std::error_code error;
  if (!named.starts_with('/') && !fs::exists(named, error)) return named;
  const fs::path path(named.ends_with('/') ? named.substr(0, named.size() - 1) : named);
  return path.extension() == ".gguf" ? path.stem().string() : path.filename().string();
}

std::string name_of_language_model(const std::string& model, const std::string& served_name) {
  if (llm::is_remote(model)) return served_name.empty() ? "remote" : served_name;
  const Result<std::string> path = model.empty() ? language_model_path(model) : model;
  return path.has_value() ? short_name(*path) : "llm";
}

ModelSource recogniser_source(const config::Settings& settings) {
  ModelSource source;
  source.name = kRecogniserName;
  source.task = "transcription";
  source.need_bytes = [settings]() -> Result<uint64_t> {
    MAIE_ASSIGN(const std::string path, recogniser_path(settings));
    MAIE_ASSIGN(const store::ModelFacts facts, facts_of(path));
    const store::MemoryNeed need = store::memory_need(facts, 0);  // in int8
    switch (compute_type_of(settings.asr.compute_type)) {
      case ComputeType::kFloat32: return need.total() + 3 * need.weights;
      case ComputeType::kBFloat16: return need.total() + need.weights;
      default: return need.total();
    }
  };
  source.load = [settings]() -> Result<std::unique_ptr<PooledModel>> {
    pipeline::TranscriberOptions options;
    MAIE_ASSIGN(options.model_path, recogniser_path(settings));
    options.vad_model_path = settings.asr.vad_model;
    options.compute_type = compute_type_of(settings.asr.compute_type);
    options.threads = settings.asr.threads;
    options.batch_size = settings.asr.batch_size;
    options.max_rows = std::max(options.max_rows, settings.asr.beam_size);
    MAIE_ASSIGN(auto transcriber, open_recogniser(options));
    return std::unique_ptr<PooledModel>(std::make_unique<EngineRecogniser>(std::move(transcriber)));
  };
  return source;
}

// What a local language model gets: enough for the context it is made for where that leaves room
// for the other models, so that all stay warm; never less than it needs for a usual one.
Result<uint64_t> language_model_need(const std::string& named, int64_t context, uint64_t budget,
                                     uint64_t others) {
  MAIE_ASSIGN(const std::string path, language_model_path(named));
  if (llm::is_remote(path)) return uint64_t{0};
  MAIE_ASSIGN(const store::ModelFacts facts, facts_of(path));
  const store::MemoryNeed least = store::memory_need(facts, context);
  if (least.context == 0) return least.total();
  int64_t most = context > 0 ? context : kUsualContext;
  if (facts.context > 0) most = std::min(most, facts.context);
  const uint64_t wanted =
      least.total() - least.cache + least.cache / uint64_t(least.context) * uint64_t(2 * most);
  const uint64_t room = budget > others ? budget - others : 0;
  return std::clamp(wanted, least.total(), std::max(least.total(), room));
}

ModelSource language_model_source(const config::Settings& settings, bool enhancer, std::string name,
                                  uint64_t budget, uint64_t others) {
  const config::LlmSettings& llm = settings.llm;
  LanguageModelChoice choice;
  choice.model = enhancer ? llm.enhance_model : llm.model;
  choice.served_name = enhancer ? llm.enhance_served_name : llm.served_name;
  choice.api_key = enhancer ? llm.enhance_api_key : llm.api_key;
  choice.compute_type = compute_type_of(llm.compute_type);
  choice.threads = llm.threads;
  choice.context = llm.context;
  choice.offline = settings.offline;
  ModelSource source;
  source.name = std::move(name);
  source.task = "chat";
  source.shared = true;
  source.need_bytes = [choice, budget, others]() {
    return language_model_need(choice.model, choice.context, budget, others);
  };
  source.load = [choice, need = source.need_bytes]() -> Result<std::unique_ptr<PooledModel>> {
    LanguageModelChoice opened = choice;
    MAIE_ASSIGN(opened.model, language_model_path(choice.model));
    MAIE_ASSIGN(opened.memory_budget, need());
    MAIE_ASSIGN(auto model, open_language_model(opened));
    return std::unique_ptr<PooledModel>(std::make_unique<OpenedLanguageModel>(std::move(model)));
  };
  return source;
}

}  // namespace

uint64_t model_budget(const config::Settings& settings) {
  const uint64_t all = config::parse_size(settings.memory.budget).value_or(free_for_models());
  return all / uint64_t(std::max(settings.worker.processes, 1));
}

Models models_of(const config::Settings& settings) {
  Models models;
  const uint64_t budget = model_budget(settings);
  models.pool = std::make_unique<ModelPool>(budget);
  ModelSource recogniser = recogniser_source(settings);
  models.pool->add(recogniser);
  const uint64_t need = recogniser.need_bytes().has_value() ? *recogniser.need_bytes() : 0;
  const bool has_second = settings.worker.interactive > 0 && need <= budget / kShareOfSecond;
  const uint64_t others = has_second ? 2 * need : need;
  if (has_second) {
    models.interactive_recogniser = recogniser.name += "-interactive";
    recogniser.listed = false;
    models.pool->add(recogniser);
  }
  const config::LlmSettings& llm = settings.llm;
  models.language_model = name_of_language_model(llm.model, llm.served_name);
  models.pool->add(language_model_source(settings, false, models.language_model, budget, others));
  models.enhancer = models.language_model;
  if (llm.enhance_model.empty() ||
      (llm.enhance_model == llm.model && llm.enhance_served_name == llm.served_name)) {
    return models;
  }
  models.enhancer = name_of_language_model(llm.enhance_model, llm.enhance_served_name);
  if (models.enhancer == models.language_model) models.enhancer += "-enhance";
  models.pool->add(language_model_source(settings, true, models.enhancer, budget, others));
  return models;
}

}  // namespace maie::worker
