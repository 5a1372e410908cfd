#pragma once

#include <filesystem>
#include <string>

#include "base/json.h"
#include "tests/support/temporary_folder.h"

namespace maie::llm::testing {

/// A folder of a chat model: a tiny network of tests/golden/qwen3 (101 tokens), with a vocabulary
/// of letters, a chat template and side files to change.
class ModelFolder {
 public:
  explicit ModelFolder(const std::string& network = "tied") {
    const std::string from = std::string(MAIE_SOURCE_DIR) + "/tests/golden/qwen3/" + network;
    for (const auto& entry : std::filesystem::directory_iterator(from)) {
      std::filesystem::copy_file(entry.path(), folder_.path(entry.path().filename().string()));
    }
    write("tokenizer.json", tokenizer());
    write("tokenizer_config.json",
          {{"bos_token", nullptr},
           {"eos_token", {{"content", "<|im_end|>"}, {"lstrip", false}}},
           {"chat_template", "{{ messages[0].content }}|{{ eos_token }}"}});
  }

  /// "a" to "z" are 4 to 29; special tokens 0 to 2 are <|im_start|>, <|im_end|>, <|endoftext|>.
  static Json tokenizer() {
    Json vocab = Json::object(), added = Json::array();
    int id = 0;
    for (const char* name : {"<|im_start|>", "<|im_end|>", "<|endoftext|>"}) {
      added.push_back({{"id", id++}, {"content", name}, {"special", true}, {"normalized", false}});
    }
    vocab["\u0120"] = id++;  // a space
    for (char letter = 'a'; letter <= 'z'; ++letter) vocab[std::string(1, letter)] = id++;
    return {{"added_tokens", added},
            {"normalizer", nullptr},
            {"pre_tokenizer",
             {{"type", "ByteLevel"}, {"add_prefix_space", false}, {"use_regex", true}}},
            {"decoder", {{"type", "ByteLevel"}}},
            {"model", {{"type", "BPE"}, {"vocab", vocab}, {"merges", Json::array()}}}};
  }

  void write(const std::string& name, const Json& json) const { folder_.write(name, json.dump()); }
  void write_text(const std::string& name, const std::string& text) const {
    folder_.write(name, text);
  }
  void remove(const std::string& name) const { std::filesystem::remove(folder_.path(name)); }
  Json read(const std::string& name) const { return *parse_json(folder_.read(name)); }
  std::string path() const { return folder_.path(); }

 private:
  TemporaryFolder folder_;
};

}  // namespace maie::llm::testing
