#include "server/chat_answer.h"

#include <algorithm>
#include <chrono>

#include "grammar/validate.h"

namespace maie::server {
namespace {

Json usage_of(const llm::Usage& usage) {
  return {{"prompt_tokens", usage.prompt_tokens},
          {"completion_tokens", usage.answer_tokens},
          {"total_tokens", usage.prompt_tokens + usage.answer_tokens},
          {"prompt_tokens_details", {{"cached_tokens", usage.cached_tokens}}}};
}

// "stop" is a promise under a schema: the document is complete and valid.
const char* finish_reason(const llm::Completion& completion, bool valid) {
  return completion.finish == llm::Finish::kStop && valid ? "stop" : "length";
}

Json object_of(const ChatIdentity& identity, const char* kind) {
  return {{"id", identity.id},
          {"object", kind},
          {"created", identity.created},
          {"model", identity.model}};
}

Json chunk(const ChatIdentity& identity, Json delta, Json finish, bool include_usage) {
  Json json = object_of(identity, "chat.completion.chunk");
  Json choice = {{"index", 0},
                 {"delta", std::move(delta)},
                 {"logprobs", nullptr},
                 {"finish_reason", std::move(finish)}};
  json["choices"] = Json::array({std::move(choice)});
  if (include_usage) json["usage"] = nullptr;
  return json;
}

}  // namespace

ChatIdentity chat_identity_of(const std::string& task_id, std::string model) {
  std::string id = task_id;
  id.erase(std::remove(id.begin(), id.end(), '-'), id.end());
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return {"chatcmpl-" + id, std::chrono::duration_cast<std::chrono::seconds>(now).count(),
          std::move(model)};
}

bool is_valid_under(const std::string& schema, const std::string& text) {
  if (schema.empty()) return true;
  const Result<Json> rules = parse_json(schema), document = parse_json(text);
  if (!rules.has_value() || !document.has_value()) return false;
  const auto violations = grammar::validate(*rules, *document, 1);
  return violations.has_value() && violations->empty();
}

Json chat_completion(const ChatIdentity& identity, const llm::Completion& completion,
                     const std::string& schema) {
  const bool valid = is_valid_under(schema, completion.text);
  Json message = {{"role", "assistant"}, {"content", completion.text}, {"refusal", nullptr}};
  if (!completion.thinking.empty()) message["reasoning_content"] = completion.thinking;
  Json json = object_of(identity, "chat.completion");
  Json choice = {{"index", 0},
                 {"message", std::move(message)},
                 {"logprobs", nullptr},
                 {"finish_reason", finish_reason(completion, valid)}};
  json["choices"] = Json::array({std::move(choice)});
  json["usage"] = usage_of(completion.usage);
  if (!schema.empty()) {
    json["maie"]["valid"] = valid && completion.finish == llm::Finish::kStop;
  }
  return json;
}

Json role_chunk(const ChatIdentity& identity, bool include_usage) {
  return chunk(identity, {{"role", "assistant"}, {"content", ""}}, nullptr, include_usage);
}

Json text_chunk(const ChatIdentity& identity, const std::string& text, bool include_usage) {
  return chunk(identity, {{"content", text}}, nullptr, include_usage);
}

Json finish_chunk(const ChatIdentity& identity, const llm::Completion& completion,
                  const std::string& schema, bool include_usage) {
  const bool valid = is_valid_under(schema, completion.text);
  Json delta = Json::object();
  Json json = chunk(identity, std::move(delta), finish_reason(completion, valid), include_usage);
  if (!schema.empty()) {
    json["maie"]["valid"] = valid && completion.finish == llm::Finish::kStop;
  }
  return json;
}

Json usage_chunk(const ChatIdentity& identity, const llm::Completion& completion) {
  Json json = object_of(identity, "chat.completion.chunk");
  json["choices"] = Json::array();
  json["usage"] = usage_of(completion.usage);
  return json;
}

}  // namespace maie::server
