#include "worker/failure.h"

#include <algorithm>

#include "jobs/job.h"
#include "net/url.h"

namespace maie::worker {
namespace {

constexpr std::string_view kServer = "the server";

struct Words {
  std::string_view code;
  std::string_view prefix;
};

Words words_of(Step step, Code code, std::string_view kind) {
  const bool memory = code == Code::kResourceExhausted;
  const bool network = code == Code::kUnavailable;
  switch (step) {
    case Step::kPayload: return {"PROCESSING_ERROR", ""};
    case Step::kDecode:
      if (code == Code::kInvalidInput || code == Code::kNotFound || code == Code::kUnsupported ||
          code == Code::kCorrupt) {
        return {"AUDIO_VALIDATION_ERROR", "Audio validation failed: "};
      }
      return {"AUDIO_PREPROCESSING_ERROR", "Audio preprocessing failed: "};
    case Step::kFitRecogniser:
    case Step::kFitLanguageModel:
    case Step::kLoadRecogniser:
    case Step::kLoadLanguageModel:
      if (memory) return {"MODEL_MEMORY_ERROR", ""};
      if (network) return {"NETWORK_ERROR", "Model loading failed: "};
      return {"MODEL_LOAD_ERROR", "Model loading failed: "};
    case Step::kOptions:
      if (kind != "audio") return {"VALIDATION_ERROR", ""};
      return {"ASR_PROCESSING_ERROR", "ASR transcription failed: "};
    case Step::kRecognise:
      if (memory) return {"MODEL_MEMORY_ERROR", "ASR transcription failed: "};
      return {"ASR_PROCESSING_ERROR", "ASR transcription failed: "};
    case Step::kEmpty: return {"LLM_PROCESSING_ERROR", ""};
    case Step::kTemplate:
    case Step::kEnhance:
    case Step::kSummarise:
      if (memory) return {"MODEL_MEMORY_ERROR", "Summary generation failed: "};
      if (network) return {"NETWORK_ERROR", "Summary generation failed: "};
      return {"LLM_PROCESSING_ERROR", "Summary generation failed: "};
    case Step::kAnswer:
      if (code == Code::kInvalidInput || code == Code::kUnsupported || code == Code::kNotFound) {
        return {"VALIDATION_ERROR", ""};
      }
      if (memory) return {"MODEL_MEMORY_ERROR", ""};
      return {network ? "NETWORK_ERROR" : "LLM_PROCESSING_ERROR", ""};
    case Step::kStore: return {"FILE_SYSTEM_ERROR", ""};
  }
  return {"PROCESSING_ERROR", ""};
}

// Both attempts of a request gave a document that breaks the schema: the next task would see the
// same two.
bool is_invalid_answer(const Status& status) {
  return status.message().find("Schema validation failed") != std::string::npos;
}

bool is_separator(char c) {
  return c == ' ' || c == '\n' || c == '\t' || c == '"' || c == '\'' || c == '(' || c == ')' ||
         c == ',' || c == ';';
}

void replace_all(std::string& text, const std::string& part, std::string_view by) {
  if (part.size() < 2) return;
  for (size_t at = text.find(part); at != text.npos; at = text.find(part, at + by.size()))
    text.replace(at, part.size(), by);
}

// The address of a language model's server, as it stands in messages.
void hide_server(std::string& text, const std::string& model) {
  const Result<net::Url> url = net::parse_url(model);
  if (!url.has_value()) return;
  replace_all(text, model, kServer);
  replace_all(text, url->place(), kServer);
  replace_all(text, url->host, kServer);
}

// One word of a message.
std::string without_place(std::string_view word) {
  if (word.find("://") != word.npos) {
    const bool colon = word.ends_with(':');
    return std::string(kServer) + (colon ? ":" : "");
  }
  if (!word.starts_with('/') && !word.starts_with("~/")) return std::string(word);
  const size_t slash = word.find_last_not_of('/');
  if (slash == word.npos) return std::string(word);
  const size_t cut = word.rfind('/', slash);
  return std::string(word.substr(cut + 1));
}

}  // namespace

std::string for_clients(std::string message, const config::Settings& settings) {
  const config::PathSettings& paths = settings.paths;
  for (const std::string& folder : {paths.audio_dir, paths.templates_dir, paths.data_dir})
    replace_all(message, folder + "/", "");
  for (const std::string& model : {settings.llm.model, settings.llm.enhance_model})
    hide_server(message, model);
  std::string out;
  for (size_t at = 0; at < message.size();) {
    size_t end = at;
    while (end < message.size() && !is_separator(message[end])) ++end;
    out += without_place(std::string_view(message).substr(at, end - at));
    if (end < message.size()) out += message[end++];
    at = end;
  }
  return out;
}

Step step_of_stage(std::string_view stage) {
  if (stage.empty() || stage == jobs::kStageDecode) return Step::kDecode;
  return stage == jobs::kStageRecognise ? Step::kRecognise : Step::kSummarise;
}

std::string stage_of(std::string_view kind, Step step) {
  if (kind == "text") return "text_processing";
  switch (step) {
    case Step::kPayload:
    case Step::kDecode: return kind == "chat" ? "llm" : "preprocessing";
    case Step::kFitRecogniser:
    case Step::kLoadRecogniser:
    case Step::kOptions:
    case Step::kRecognise: return "asr";
    default: return "llm";
  }
}

JobFailure failure_of(std::string_view kind, Step step, const Status& status,
                      const config::Settings& settings) {
  // What the model says of a document under a schema is no word about the network.
  const bool invalid_answer = is_invalid_answer(status);
  const Code code = invalid_answer ? Code::kInternal : status.code();
  const Words words = words_of(step, code, kind);
  JobFailure failure;
  failure.error.code = words.code;
  if (kind == "text" && step != Step::kPayload && step != Step::kStore) {
    failure.error.code = "LLM_PROCESSING_ERROR";
  }
  failure.error.stage = stage_of(kind, step);
  failure.error.message = std::string(words.prefix) + for_clients(status.message(), settings);
  const bool never = step == Step::kFitRecogniser || step == Step::kFitLanguageModel;
  failure.try_again = !never && (code == Code::kUnavailable || code == Code::kResourceExhausted);
  return failure;
}

}  // namespace maie::worker
