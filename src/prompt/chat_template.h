#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/json.h"
#include "base/status.h"
#include "prompt/template.h"

namespace maie::prompt {

/// One conversation to turn into a prompt.
struct Chat {
  Json messages;   ///< array of objects with role and content, as the OpenAI API has them
  Json tools;      ///< array of JSON Schemas of functions; null for none
  Json documents;  ///< array of objects with title and text; null for none
  bool add_generation_prompt = true;  ///< the prompt ends where the assistant's answer begins
  /// The thinking switch of models that have one (Qwen3); absent leaves it to the template.
  std::optional<bool> enable_thinking;
  Json variables;  ///< object of further variables for the template; null for none
};

/// A model's chat template, rendered character for character as Hugging Face's apply_chat_template
/// does. Immutable; any thread may render.
class ChatTemplate {
 public:
  /// `special_tokens` is an object of texts the template can print: bos_token, eos_token, ... For a
  /// GGUF file: tokenizer.chat_template and the texts of its bos, eos, ... tokens.
  static Result<ChatTemplate> parse(std::string source, Json special_tokens = {},
                                    const TemplateOptions& options = {});

  /// From the text of tokenizer_config.json, and that of chat_template.jinja where the folder has
  /// one (it goes first). Where the configuration has several templates, those named "default" and
  /// "tool_use" are kept. kNotFound when there is none.
  static Result<ChatTemplate> from_tokenizer_config(
      std::string_view tokenizer_config, const std::optional<std::string>& chat_template_file = {},
      const TemplateOptions& options = {});

  /// The prompt. kInvalidInput for messages that are no array of objects, and when the template
  /// refuses them (its own words are in the message).
  Result<std::string> render(const Chat& chat) const;

 private:
  ChatTemplate(Template main, Json special_tokens)
      : main_(std::move(main)), special_tokens_(std::move(special_tokens)) {}
  Template main_;
  std::optional<Template> with_tools_;  ///< used when there are tools
  Json special_tokens_;
};

}  // namespace maie::prompt
