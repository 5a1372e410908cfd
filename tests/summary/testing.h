// What the tests of the stages share: folders that vanish, and a language model that answers from a
// script.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <functional>
#include <mutex>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "llm/language_model.h"
#include "summary/template_store.h"

namespace maie::summary {

inline std::string source_folder(const std::string& name) {
  return std::string(MAIE_SOURCE_DIR) + "/" + name;
}

/// An empty folder below gtest's temporary one, removed with what is in it.
class ScratchFolder {
 public:
  ScratchFolder() {
    static std::atomic<int> count{0};
    path_ = testing::TempDir() + "maie_summary_" + std::to_string(::getpid()) + "_" +
            std::to_string(count++);
    std::filesystem::create_directories(path_);
  }
  ~ScratchFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  ScratchFolder(const ScratchFolder&) = delete;
  const std::string& path() const { return path_; }
  void write(const std::string& name, const std::string& content) const {
    const std::filesystem::path file = std::filesystem::path(path_) / name;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file, std::ios::binary) << content;
  }
  std::string read(const std::string& name) const {
    std::ostringstream content;
    content << std::ifstream(std::filesystem::path(path_) / name, std::ios::binary).rdbuf();
    return content.str();
  }

 private:
  std::string path_;
};

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

}  // namespace maie::summary
