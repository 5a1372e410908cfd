// What the tests of the stages share: a language model that answers from a script, and documents
// that a model might have written.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <mutex>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "llm/language_model.h"
#include "summary/template_store.h"
#include "tests/support/temporary_folder.h"

namespace maie::summary {

inline std::string source_folder(const std::string& name) {
  return std::string(MAIE_SOURCE_DIR) + "/" + name;
}

/// Answers by a function of the request, keeps what it was asked. A token is a run of at most four
/// bytes of a word, so that tests can count.
class ScriptedModel : public llm::LanguageModel {
 public:
  using Answer = std::function<Result<std::string>(const llm::Request&, int number)>;

  explicit ScriptedModel(Answer answer, int64_t context = 32768) : answer_(std::move(answer)) {
    info_.name = "scripted";
    info_.source = "test";
    info_.context = context;
  }

  llm::LanguageModelInfo& change_info() { return info_; }
  const llm::LanguageModelInfo& info() const override { return info_; }
  std::string checkpoint_hash() override { return "sha256:00"; }
  Result<int64_t> count_tokens(std::string_view text) override {
    int64_t tokens = 0;
    size_t word = 0;
    for (const char c : text) {
      const bool space = c == ' ' || c == '\n';
      if (!space && word % 4 == 0) ++tokens;
      word = space ? 0 : word + 1;
    }
    return tokens;
  }
  Result<llm::Completion> complete(const llm::Request& request,
                                   const llm::Control& control) override {
    int number = 0;
    {
      const std::lock_guard lock(mutex_);
      number = int(requests_.size());
      requests_.push_back(request);
    }
    if (control.cancel && control.cancel->is_cancelled()) return control.cancel->status();
    std::string prompt;
    for (const llm::Message& message : request.messages) prompt += message.content + "\n";
    const int64_t prompt_tokens = *count_tokens(prompt);
    if (prompt_tokens + request.max_tokens > info_.context) {
      return invalid_input("the prompt has " + std::to_string(prompt_tokens) + " tokens and " +
                           std::to_string(request.max_tokens) + " are asked for");
    }
    auto text = answer_(request, number);
    if (!text) return text.error();
    llm::Completion completion;
    completion.text = *text;
    completion.usage.prompt_tokens = prompt_tokens;
    completion.usage.answer_tokens = *count_tokens(*text);
    if (control.on_progress) control.on_progress({prompt_tokens, prompt_tokens, 1});
    return completion;
  }

  std::vector<llm::Request> requests() {
    const std::lock_guard lock(mutex_);
    return requests_;
  }

 private:
  Answer answer_;
  llm::LanguageModelInfo info_;
  std::mutex mutex_;
  std::vector<llm::Request> requests_;
};

/// The part of a user message behind its first line.
inline std::string body_of(const llm::Request& request) {
  const std::string& user = request.messages.back().content;
  return user.substr(user.find('\n') + 1);
}

inline TemplateRoots shipped_only() { return {"", {source_folder("templates")}}; }

/// A document under a schema of the kind that the shipped templates have.
/// @param longest  list
/// @param leaf     numbers and texts, by their schema
inline Json random_document(const Json& schema, std::mt19937& random, int64_t longest,
                            const std::function<Json(const Json& schema)>& leaf) {
  if (schema.contains("enum")) return schema["enum"][random() % schema["enum"].size()];
  const Json& type = schema["type"];
  if (type == "object") {
    Json out = Json::object();
    for (const auto& [name, member] : schema["properties"].items()) {
      out[name] = random_document(member, random, longest, leaf);
    }
    return out;
  }
  if (type != "array") return leaf(schema);
  Json out = Json::array();
  const int64_t least = json_int(schema, "minItems", 0);
  const int64_t most = std::min(json_int(schema, "maxItems", 10), longest);
  for (int64_t i = least + int64_t(random()) % (most - least + 1); i > 0; --i) {
    out.push_back(random_document(schema["items"], random, longest, leaf));
  }
  return out;
}

}  // namespace maie::summary
