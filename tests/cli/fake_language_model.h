#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "cli/language_model.h"

namespace maie::cli {

/// A language model that answers what a test tells it to, and keeps what it was asked.
class FakeLanguageModel : public llm::LanguageModel {
 public:
  /// Outlives the model. One request at a time.
  struct Script {
    std::function<Result<std::string>(const llm::Request&)> answer;
    std::vector<llm::Request> asked;
    std::vector<std::string> checked, opened;  ///< names given to the loader
    Status check_failure, load_failure;
    llm::Sampling sampling;  ///< the model's own
  };

  FakeLanguageModel(Script& script, std::string name) : script_(script) {
    info_.name = std::move(name);
    info_.source = "huggingface";
    info_.context = 4096;
    info_.quantization = "bfloat16";
    info_.sampling = script.sampling;
  }

  const llm::LanguageModelInfo& info() const override { return info_; }
  std::string checkpoint_hash() override { return "sha256:fake"; }
  Result<int64_t> count_tokens(std::string_view text) override { return int64_t(text.size() / 3); }
  Result<llm::Completion> complete(const llm::Request& request,
                                   const llm::Control& control) override {
    script_.asked.push_back(request);
    if (control.cancel != nullptr) MAIE_TRY(control.cancel->status());
    MAIE_ASSIGN(const std::string text, script_.answer(request));
    llm::Completion completion;
    completion.text = text;
    completion.usage.prompt_tokens = 10;
    completion.usage.answer_tokens = 5;
    return completion;
  }

  static LanguageModelLoader loader(Script& script) {
    return {.check =
                [&script](const std::string& model) {
                  script.checked.push_back(model);
                  return script.check_failure;
                },
            .load = [&script](const std::string& model,
                              const LlmArguments&) -> Result<std::unique_ptr<llm::LanguageModel>> {
              script.opened.push_back(model);
              if (!script.load_failure.ok()) return script.load_failure;
              return std::unique_ptr<llm::LanguageModel>(
                  std::make_unique<FakeLanguageModel>(script, model));
            }};
  }

 private:
  Script& script_;
  llm::LanguageModelInfo info_;
};

}  // namespace maie::cli
