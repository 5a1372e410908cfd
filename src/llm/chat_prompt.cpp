#include "llm/chat_prompt.h"

#include <algorithm>

#include "text/utf8.h"

namespace maie::llm {
namespace {

std::string without_special_tokens(std::string content, const text::BpeTokenizer& tokenizer) {
  for (const text::AddedToken& token : tokenizer.added_tokens()) {
    if (!token.special || token.content.empty()) continue;
    size_t at = 0;
    while ((at = content.find(token.content, at)) != std::string::npos) {
      content.insert(at + 1, 1, ' ');
      at += token.content.size() + 1;
    }
  }
  return content;
}

Result<std::vector<int32_t>> encode(const ModelFiles& model, const std::string& text) {
  MAIE_ASSIGN(std::vector<int32_t> tokens, model.tokenizer.encode(text));
  if (model.begin_token && (tokens.empty() || tokens.front() != *model.begin_token)) {
    tokens.insert(tokens.begin(), *model.begin_token);
  }
  return tokens;
}

}  // namespace

Result<ChatPrompt> make_chat_prompt(const ModelFiles& model, const Request& request) {
  if (request.messages.empty()) return invalid_input("a request without messages");
  prompt::Chat chat;
  chat.messages = Json::array();
  for (const Message& message : request.messages) {
    chat.messages.push_back(
        {{"role", message.role},
         {"content", without_special_tokens(text::repair_utf8(message.content), model.tokenizer)}});
  }
  chat.enable_thinking = request.enable_thinking;
  MAIE_ASSIGN(const std::string text, model.chat.render(chat));
  ChatPrompt prompt;
  MAIE_ASSIGN(prompt.tokens, encode(model, text));
  prompt.opens_thinking = text::strip(text).ends_with("<think>");

  const size_t recurring = std::min(request.recurring_messages, request.messages.size());
  if (recurring == 0) return prompt;
  chat.messages.erase(chat.messages.begin() + std::ptrdiff_t(recurring), chat.messages.end());
  chat.add_generation_prompt = false;
  // Some templates refuse a conversation that ends so; then nothing recurs.
  const auto beginning = model.chat.render(chat);
  if (!beginning) return prompt;
  MAIE_ASSIGN(const std::vector<int32_t> first, encode(model, *beginning));
  const auto differs =
      std::mismatch(first.begin(), first.end(), prompt.tokens.begin(), prompt.tokens.end());
  prompt.recurring_tokens = differs.first - first.begin();
  return prompt;
}

}  // namespace maie::llm
