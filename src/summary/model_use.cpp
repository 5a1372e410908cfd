#include "summary/model_use.h"

#include <algorithm>

namespace maie::summary {

void ModelUse::add(const llm::Request& request, const llm::Usage& used) {
  ++requests;
  sampling = request.sampling;
  max_tokens = std::max(max_tokens, request.max_tokens);
  usage.prompt_tokens += used.prompt_tokens;
  usage.cached_tokens += used.cached_tokens;
  usage.answer_tokens += used.answer_tokens;
  usage.forced_tokens += used.forced_tokens;
  usage.proposed_tokens += used.proposed_tokens;
  usage.accepted_tokens += used.accepted_tokens;
  usage.passes += used.passes;
  usage.first_token_s = std::max(usage.first_token_s, used.first_token_s);
  usage.total_s += used.total_s;
}

ModelUse model_use(const llm::LanguageModel& model) {
  const llm::LanguageModelInfo& info = model.info();
  ModelUse use;
  use.name = info.name;
  use.source = info.source;
  use.quantization = info.quantization;
  use.compute_type = info.compute_type;
  return use;
}

Json to_json(const ModelUse& use) {
  Json decoding = Json::object();
  const auto put = [&](const char* name, const auto& value) {
    if (value) decoding[name] = *value;
  };
  put("temperature", use.sampling.temperature);
  put("top_p", use.sampling.top_p);
  put("top_k", use.sampling.top_k);
  put("min_p", use.sampling.min_p);
  put("repetition_penalty", use.sampling.repetition_penalty);
  put("presence_penalty", use.sampling.presence_penalty);
  put("frequency_penalty", use.sampling.frequency_penalty);
  put("seed", use.sampling.seed);
  decoding["max_tokens"] = use.max_tokens;
  return {{"name", use.name},
          {"source", use.source},
          {"quantization", use.quantization},
          {"compute_type", use.compute_type},
          {"decoding_params", decoding},
          {"requests", use.requests},
          {"usage",
           {{"prompt_tokens", use.usage.prompt_tokens},
            {"cached_tokens", use.usage.cached_tokens},
            {"answer_tokens", use.usage.answer_tokens},
            {"forced_tokens", use.usage.forced_tokens},
            {"proposed_tokens", use.usage.proposed_tokens},
            {"accepted_tokens", use.usage.accepted_tokens},
            {"passes", use.usage.passes},
            {"total_s", use.usage.total_s}}}};
}

}  // namespace maie::summary
