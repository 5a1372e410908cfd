#include "prompt/chat_template.h"

#include <array>

namespace maie::prompt {
namespace {

constexpr std::array kTokenNames = {"bos_token", "eos_token", "unk_token", "sep_token",
                                    "pad_token", "cls_token", "mask_token"};
// Where messages carry what the model thought: the first is the name templates read today.
constexpr std::array kReasoning = {"reasoning_content", "thinking", "reasoning"};
constexpr const char* kName = "chat template";

/// A token is written as its text, or as an object that describes it.
const Json* token_text(const Json& config, const char* name) {
  const auto token = config.find(name);
  if (token == config.end()) return nullptr;
  if (token->is_string()) return &*token;
  if (!token->is_object()) return nullptr;
  const auto content = token->find("content");
  return content != token->end() && content->is_string() ? &*content : nullptr;
}

Json special_tokens_of(const Json& config) {
  Json tokens = Json::object();
  for (const char* name : kTokenNames) {
    if (const Json* text = token_text(config, name)) tokens[name] = *text;
  }
  return tokens;
}

/// The message as templates expect it: without the members that are null (APIs write "content":
/// null, templates would print None), and with its reasoning under every name they read it by.
Json normalised(const Json& given) {
  Json message = Json::object();
  for (auto it = given.begin(); it != given.end(); ++it) {
    if (!it->is_null()) message[it.key()] = *it;
  }
  for (const char* name : kReasoning) {
    const auto found = message.find(name);
    if (found == message.end()) continue;
    const Json reasoning = *found;
    Json out = Json::object();
    out["thinking"] = reasoning;
    for (auto it = message.begin(); it != message.end(); ++it) out[it.key()] = *it;
    out["reasoning_content"] = reasoning;
    return out;
  }
  return message;
}

Status check_objects(const Json& list, const char* what) {
  if (list.is_null()) return {};
  if (!list.is_array()) return invalid_input(std::string(what) + " must be an array");
  for (size_t i = 0; i < list.size(); ++i) {
    if (!list[i].is_object()) {
      return invalid_input(std::string(what) + "[" + std::to_string(i) + "] must be an object");
    }
  }
  return {};
}

/// The template of that name in a list of them; nullptr when there is none.
const Json* named_source(const Json& list, std::string_view name) {
  for (const Json& entry : list) {
    if (!entry.is_object() || json_string(entry, "name", "") != name) continue;
    const auto source = entry.find("template");
    if (source != entry.end() && source->is_string()) return &*source;
  }
  return nullptr;
}

}  // namespace

Result<ChatTemplate> ChatTemplate::parse(std::string source, Json special_tokens,
                                         const TemplateOptions& options) {
  MAIE_ASSIGN(Template main, Template::parse(kName, std::move(source), options));
  return ChatTemplate(std::move(main), std::move(special_tokens));
}

Result<ChatTemplate> ChatTemplate::from_tokenizer_config(
    std::string_view tokenizer_config, const std::optional<std::string>& chat_template_file,
    const TemplateOptions& options) {
  auto config = parse_json(tokenizer_config);
  if (!config) return config.error().within("tokenizer_config.json");
  if (!config->is_object()) return corrupt("tokenizer_config.json: it must hold an object");
  Json tokens = special_tokens_of(*config);
  if (chat_template_file) return parse(*chat_template_file, std::move(tokens), options);
  const auto source = config->find("chat_template");
  if (source == config->end() || source->is_null()) {
    return not_found(
        "tokenizer_config.json: it has no \"chat_template\"; the model is not made for "
        "chats, or the folder lacks chat_template.jinja");
  }
  if (source->is_string()) return parse(source->get<std::string>(), std::move(tokens), options);
  if (!source->is_array()) {
    return corrupt("tokenizer_config.json: \"chat_template\" must be a string or an array");
  }
  const Json* plain = named_source(*source, "default");
  if (plain == nullptr) {
    return not_found(
        "tokenizer_config.json: none of the templates in \"chat_template\" is named "
        "\"default\"");
  }
  MAIE_ASSIGN(ChatTemplate chat, parse(plain->get<std::string>(), std::move(tokens), options));
  if (const Json* with_tools = named_source(*source, "tool_use")) {
    MAIE_ASSIGN(chat.with_tools_, Template::parse(std::string(kName) + " tool_use",
                                                  with_tools->get<std::string>(), options));
  }
  return chat;
}

Result<std::string> ChatTemplate::render(const Chat& chat) const {
  MAIE_TRY(check_objects(chat.messages, "messages"));
  MAIE_TRY(check_objects(chat.tools, "tools"));
  MAIE_TRY(check_objects(chat.documents, "documents"));
  if (!chat.messages.is_array() || chat.messages.empty()) {
    return invalid_input("messages must be an array with at least one message");
  }
  Json variables = special_tokens_.is_object() ? special_tokens_ : Json::object();
  if (chat.variables.is_object()) {
    for (auto it = chat.variables.begin(); it != chat.variables.end(); ++it) {
      variables[it.key()] = *it;
    }
  } else if (!chat.variables.is_null()) {
    return invalid_input("the further variables of a chat must be an object");
  }
  if (chat.enable_thinking) variables["enable_thinking"] = *chat.enable_thinking;
  Json messages = Json::array();
  for (const Json& message : chat.messages) messages.push_back(normalised(message));
  variables["messages"] = std::move(messages);
  variables["tools"] = chat.tools;
  variables["documents"] = chat.documents;
  variables["add_generation_prompt"] = chat.add_generation_prompt;
  const bool tools = with_tools_ && !chat.tools.is_null();
  return (tools ? *with_tools_ : main_).render(variables);
}

}  // namespace maie::prompt
