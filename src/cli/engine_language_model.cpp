#include <algorithm>
#include <cstdlib>
#include <utility>

#include "base/file.h"
#include "cli/language_model.h"
#include "cli/machine.h"
#include "llm/local_model.h"
#include "llm/remote_model.h"
#include "store/find_model.h"

namespace maie::cli {
namespace {

constexpr const char* kKeyVariable = "MAIE_LLM_KEY";

// What the system and everything else in this process keeps.
constexpr uint64_t kReserveBytes = 256 << 20;

size_t memory_budget() {
  const uint64_t free = free_memory(this_memory());
  return size_t(free > 2 * kReserveBytes ? free - kReserveBytes : kReserveBytes);
}

template <class Model>
Result<std::unique_ptr<llm::LanguageModel>> opened(Result<std::unique_ptr<Model>> model) {
  if (!model.has_value()) return model.error();
  return std::unique_ptr<llm::LanguageModel>(std::move(*model));
}

Result<std::unique_ptr<llm::LanguageModel>> open_server(const std::string& url,
                                                        const LlmArguments& arguments) {
  llm::RemoteOptions options;
  options.base_url = url;
  options.model = arguments.served_name;
  options.api_key_env = arguments.key_variable;
  options.api_key_file = arguments.key_file;
  const bool given = !options.api_key_env.empty() || !options.api_key_file.empty();
  if (!given && std::getenv(kKeyVariable) != nullptr) options.api_key_env = kKeyVariable;
  options.context = arguments.context;
  options.offline = arguments.offline;
  return opened(llm::RemoteModel::open(std::move(options)));
}

Result<std::unique_ptr<llm::LanguageModel>> open_here(const std::string& name,
                                                      const LlmArguments& arguments) {
  MAIE_ASSIGN(const std::string path, store::find_model(name));
  llm::LocalModelOptions options;
  options.compute_type = arguments.compute_type;
  options.threads = arguments.threads;
  options.context = arguments.context;
  options.memory_budget = memory_budget();
  if (const std::string cache = cache_folder(); !cache.empty()) {
    options.prefix_dir = cache + "/prefixes";
  }
  return opened(llm::LocalModel::load(path, options));
}

}  // namespace

LanguageModelLoader language_model_loader() {
  return {.check =
              [](const std::string& model) {
                return llm::is_remote(model) ? Status() : store::find_model(model).status();
              },
          .load =
              [](const std::string& model, const LlmArguments& arguments) {
                return llm::is_remote(model) ? open_server(model, arguments)
                                             : open_here(model, arguments);
              }};
}

}  // namespace maie::cli
