#include "worker/open_model.h"

#include <cstdlib>
#include <utility>

#include "base/file.h"
#include "base/memory.h"
#include "llm/local_model.h"
#include "llm/remote_model.h"
#include "store/find_model.h"

namespace maie::worker {
namespace {

constexpr const char* kKeyVariable = "MAIE_LLM_KEY";

template <class Model>
Result<std::unique_ptr<llm::LanguageModel>> opened(Result<std::unique_ptr<Model>> model) {
  if (!model.has_value()) return model.error();
  return std::unique_ptr<llm::LanguageModel>(std::move(*model));
}

Result<std::unique_ptr<llm::LanguageModel>> open_server(const LanguageModelChoice& choice,
                                                        const CancelToken* cancel) {
  llm::RemoteOptions options;
  options.base_url = choice.model;
  options.model = choice.served_name;
  options.api_key = choice.api_key;
  options.api_key_env = choice.key_variable;
  options.api_key_file = choice.key_file;
  const bool given = !options.api_key_env.empty() || !options.api_key_file.empty();
  if (!given && std::getenv(kKeyVariable) != nullptr) options.api_key_env = kKeyVariable;
  options.context = choice.context;
  options.offline = choice.offline;
  return opened(llm::RemoteModel::open(std::move(options), cancel));
}

Result<std::unique_ptr<llm::LanguageModel>> open_here(const LanguageModelChoice& choice) {
  MAIE_ASSIGN(const std::string path, store::find_model(choice.model));
  llm::LocalModelOptions options;
  options.compute_type = choice.compute_type;
  options.threads = choice.threads;
  options.context = choice.context;
  options.memory_budget =
      size_t(choice.memory_budget > 0 ? choice.memory_budget : free_for_models());
  if (const std::string cache = cache_folder(); !cache.empty()) {
    options.prefix_dir = cache + "/prefixes";
  }
  return opened(llm::LocalModel::load(path, options));
}

}  // namespace

Result<std::unique_ptr<pipeline::Transcriber>> open_recogniser(
    const pipeline::TranscriberOptions& given) {
  pipeline::TranscriberOptions options = given;
  MAIE_ASSIGN(options.model_path, store::find_model(given.model_path));
  return pipeline::Transcriber::load(options);
}

Result<std::unique_ptr<llm::LanguageModel>> open_language_model(const LanguageModelChoice& choice,
                                                                const CancelToken* cancel) {
  return llm::is_remote(choice.model) ? open_server(choice, cancel) : open_here(choice);
}

Status check_language_model(const std::string& model) {
  return llm::is_remote(model) ? Status() : store::find_model(model).status();
}

}  // namespace maie::worker
