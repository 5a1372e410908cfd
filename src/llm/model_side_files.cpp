#include "llm/model_side_files.h"

#include <algorithm>
#include <cmath>

namespace maie::llm {
namespace {

// The layout most chat models without a template of their own were trained with.
constexpr const char* kChatMl =
    "{%- for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content "
    "}}<|im_end|>\n"
    "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}";

constexpr std::string_view kUsualEnds[] = {"<|im_end|>", "<|endoftext|>", "<|eot_id|>",
                                           "<|eom_id|>", "<|end_of_text|>"};

std::optional<double> number_in(const Json& json, const char* key, double least, double most) {
  const double value = json_number(json, key, NAN);
  if (!(value >= least && value <= most)) return std::nullopt;
  return value;
}

std::optional<int64_t> count_of(const Json& json, const char* key) {
  const int64_t value = json_int(json, key, 0);
  return value > 0 ? std::optional(value) : std::nullopt;
}

}  // namespace

GenerationDefaults read_generation_defaults(std::string_view text) {
  GenerationDefaults defaults;
  const Result<Json> json = parse_json(text);
  if (!json.has_value() || !json->is_object()) return defaults;
  Sampling& sampling = defaults.sampling;
  sampling.temperature = number_in(*json, "temperature", 0, 100);
  if (!json_bool(*json, "do_sample", true)) sampling.temperature = 0;
  sampling.top_p = number_in(*json, "top_p", 0, 1);
  sampling.min_p = number_in(*json, "min_p", 0, 1);
  sampling.repetition_penalty = number_in(*json, "repetition_penalty", 1e-3, 1e3);
  sampling.presence_penalty = number_in(*json, "presence_penalty", -100, 100);
  sampling.frequency_penalty = number_in(*json, "frequency_penalty", -100, 100);
  if (const auto top_k = json_int(*json, "top_k", 0); top_k > 0) {
    sampling.top_k = int(std::min<int64_t>(top_k, text::BpeTokenizer::kMaxTokens));
  }
  if (const int64_t seed = json_int(*json, "seed", -1); seed >= 0) sampling.seed = uint64_t(seed);
  defaults.max_tokens = count_of(*json, "max_new_tokens");
  if (!defaults.max_tokens) defaults.max_tokens = count_of(*json, "max_length");
  const auto stop = json->find("stop");
  if (stop != json->end()) {
    for (const Json& entry : stop->is_array() ? *stop : Json::array({*stop})) {
      if (entry.is_string() && !entry.get<std::string>().empty()) defaults.stops.push_back(entry);
    }
  }
  return defaults;
}

Result<std::vector<std::pair<std::string, std::string>>> read_prompts(std::string_view text,
                                                                      const std::string& file) {
  std::vector<std::pair<std::string, std::string>> prompts;
  if (text.empty()) return prompts;
  const Result<Json> json = parse_json(text, {.unique_keys = true});
  if (!json.has_value()) return json.error().within(file);
  if (!json->is_object()) return corrupt(file + ": it must hold an object of texts");
  for (const auto& [id, message] : json->items()) {
    if (!message.is_string()) return corrupt(file + ": the message of \"" + id + "\" is no text");
    prompts.emplace_back(id, message.get<std::string>());
  }
  return prompts;
}

Result<std::string> chat_source(std::string source, const text::BpeTokenizer& tokenizer,
                                const std::string& where) {
  if (!source.empty()) return source;
  const auto has = [&](std::string_view token) {
    const auto id = tokenizer.token_to_id(token);
    return id && tokenizer.is_special(*id);
  };
  if (has("<|im_start|>") && has("<|im_end|>")) return std::string(kChatMl);
  return not_found(where +
                   ": the model has no chat template, and its vocabulary lacks <|im_start|> and"
                   " <|im_end|> to write one with; use a model that was tuned for chats");
}

void add_usual_end_tokens(const text::BpeTokenizer& tokenizer, std::vector<int32_t>& ends) {
  for (const std::string_view token : kUsualEnds) {
    const auto id = tokenizer.token_to_id(token);
    if (!id || !tokenizer.is_special(*id)) continue;
    if (std::find(ends.begin(), ends.end(), *id) == ends.end()) ends.push_back(*id);
  }
}

}  // namespace maie::llm
