#pragma once

#include <string>

#include "base/json.h"
#include "llm/language_model.h"

namespace maie::summary {

inline llm::Sampling sampling_at(double temperature) {
  llm::Sampling sampling;
  sampling.temperature = temperature;
  return sampling;
}

/// What the requests of a stage took, and which model answered them.
struct ModelUse {
  std::string name, source, quantization, compute_type;  ///< of llm::LanguageModelInfo
  int requests = 0;
  llm::Usage usage;  ///< sums; first_token_s is the longest wait
  llm::Sampling sampling;
  int64_t max_tokens = 0;  ///< largest that was asked for

  void add(const llm::Request& request, const llm::Usage& used);
};

ModelUse model_use(const llm::LanguageModel& model);

/// The members of a result's `llm` block that a stage knows (docs/spec/service.md, 5), but for
/// checkpoint_hash, which takes time.
Json to_json(const ModelUse& use);

}  // namespace maie::summary
