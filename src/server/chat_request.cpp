#include "server/chat_request.h"

#include <random>

#include "server/form_values.h"
#include "server/json_members.h"
#include "server/response_format.h"

namespace maie::server {
namespace {

constexpr JsonLimits kLimits = {.depth = 64, .values = 200'000, .members = 2000};
constexpr int64_t kMostTokens = int64_t{1} << 31;
constexpr size_t kMostStops = 4;
constexpr size_t kMostMessages = 10'000;

std::string at(size_t index) { return "messages[" + std::to_string(index) + "]"; }

// A string, or a list of text parts, which become lines.
std::optional<std::string> content_of(const Json& content, const std::string& where,
                                      JsonMembers& members) {
  if (content.is_string()) return content.get<std::string>();
  if (!content.is_array() || content.empty()) {
    members.refuse(invalid_value(where, where + " must be a string or a list of text parts"));
    return std::nullopt;
  }
  std::string text;
  for (size_t i = 0; i < content.size(); ++i) {
    const Json& part = content[i];
    const std::string name = where + "[" + std::to_string(i) + "]";
    const std::string type = part.is_object() ? json_string(part, "type", "") : "";
    if (!type.empty() && type != "text") {
      members.refuse(
          unsupported_value(name, "parts of type \"" + type + "\" are not taken here, only text"));
      return std::nullopt;
    }
    if (type != "text" || !part.contains("text") || !part["text"].is_string()) {
      members.refuse(invalid_value(name, name + " must be {\"type\": \"text\", \"text\": ...}"));
      return std::nullopt;
    }
    text += (i > 0 ? "\n" : "") + part["text"].get<std::string>();
  }
  return text;
}

std::optional<llm::Message> message_of(const Json& json, size_t index, JsonMembers& members) {
  if (!json.is_object()) {
    members.refuse(invalid_value(at(index), at(index) + " must be an object"));
    return std::nullopt;
  }
  std::string role = json_string(json, "role", "");
  if (role == "developer") role = "system";
  if (role == "tool" || role == "function") {
    members.refuse(unsupported_value(at(index) + ".role",
                                     "this server calls no tools, so that "
                                     "there are no messages of theirs"));
    return std::nullopt;
  }
  if (role != "system" && role != "user" && role != "assistant") {
    members.refuse(
        invalid_value(at(index) + ".role", "a role is system, developer, user or assistant"));
    return std::nullopt;
  }
  const Json* calls = JsonMembers(json).find("tool_calls");
  if (calls != nullptr && !(calls->is_array() && calls->empty())) {
    members.refuse(unsupported_value(at(index) + ".tool_calls", "this server calls no tools"));
    return std::nullopt;
  }
  const Json* content = JsonMembers(json).find("content");
  std::optional<std::string> text =
      content_of(content == nullptr ? Json() : *content, at(index) + ".content", members);
  if (!text) return std::nullopt;
  return llm::Message{std::move(role), std::move(*text)};
}

void read_messages(JsonMembers& members, llm::Request& request) {
  const Json* messages = members.find("messages");
  if (messages == nullptr) return members.refuse(missing_field("messages"));
  if (!messages->is_array() || messages->empty() || messages->size() > kMostMessages) {
    return members.refuse_value("messages", "a list of at least one message");
  }
  for (size_t i = 0; i < messages->size(); ++i) {
    std::optional<llm::Message> message = message_of((*messages)[i], i, members);
    if (!message) return;
    request.messages.push_back(std::move(*message));
  }
}

void read_sampling(JsonMembers& members, llm::Sampling& sampling) {
  sampling.temperature = members.number("temperature", 0, 2);
  sampling.top_p = members.number("top_p", 0, 1);
  if (sampling.top_p && *sampling.top_p == 0) members.refuse_value("top_p", "above 0");
  if (const auto top_k = members.integer("top_k", -1, 1'000'000)) sampling.top_k = int(*top_k);
  sampling.min_p = members.number("min_p", 0, 1);
  sampling.repetition_penalty = members.number("repetition_penalty", 0, 100);
  if (sampling.repetition_penalty && *sampling.repetition_penalty == 0) {
    members.refuse_value("repetition_penalty", "above 0");
  }
  sampling.presence_penalty = members.number("presence_penalty", -2, 2);
  sampling.frequency_penalty = members.number("frequency_penalty", -2, 2);
  if (const auto seed = members.integer("seed", INT64_MIN, INT64_MAX)) {
    sampling.seed = uint64_t(*seed) & uint64_t(INT64_MAX);
  } else {
    // Chosen here, so that a second attempt on another worker says the same.
    sampling.seed = std::random_device{}();
  }
}

void read_stops(JsonMembers& members, llm::Request& request) {
  const Json* stop = members.find("stop");
  if (stop == nullptr) return;
  const Json list = stop->is_array() ? *stop : Json::array({*stop});
  bool fits = list.size() <= kMostStops;
  for (const Json& item : list) {
    if (!item.is_string() || item.get_ref<const std::string&>().empty()) {
      fits = false;
      break;
    }
    request.stops.push_back(item.get<std::string>());
  }
  if (!fits) members.refuse_value("stop", "a string or a list of at most four, none empty");
}

void read_length(JsonMembers& members, llm::Request& request) {
  const auto newer = members.integer("max_completion_tokens", 1, kMostTokens);
  const auto older = members.integer("max_tokens", 1, kMostTokens);
  request.max_tokens = newer ? *newer : older.value_or(0);
}

void read_thinking(JsonMembers& members, llm::Request& request) {
  request.enable_thinking = false;
  if (const auto effort = members.text("reasoning_effort")) {
    const bool on = *effort == "low" || *effort == "medium" || *effort == "high" ||
                    *effort == "xhigh" || *effort == "max";
    if (!on && *effort != "none" && *effort != "minimal") {
      members.refuse(unsupported_value(
          "reasoning_effort", "reasoning_effort is none, minimal, low, medium, high or xhigh"));
    }
    request.enable_thinking = on;
  }
  const Json* arguments = members.find("chat_template_kwargs");
  if (arguments == nullptr) return;
  if (!arguments->is_object()) return members.refuse_value("chat_template_kwargs", "an object");
  JsonMembers inner(*arguments, "chat_template_kwargs.");
  if (const auto on = inner.flag("enable_thinking")) request.enable_thinking = *on;
  if (inner.error()) members.refuse(*inner.error());
}

// Members that mean something which is not done here.
void refuse_what_is_not_there(JsonMembers& members) {
  if (const auto n = members.integer("n", 1, 1'000'000); n && *n != 1) {
    members.refuse(unsupported_value("n", "one answer a request; ask again for another"));
  }
  for (const char* name : {"tools", "functions"}) {
    const Json* value = members.find(name);
    if (value == nullptr || (value->is_array() && value->empty()) || *value == "none") continue;
    members.refuse(unsupported_value(name, "this server calls no tools"));
  }
  for (const char* name : {"tool_choice", "function_call"}) {
    const Json* value = members.find(name);
    if (value == nullptr || *value == "none") continue;
    members.refuse(unsupported_value(name, "this server calls no tools; \"none\" is accepted"));
  }
  constexpr char kNoProbabilities[] = "log-probabilities of tokens are not told; leave it out";
  const auto wanted = members.integer("top_logprobs", 0, 20);
  if (members.flag("logprobs").value_or(false)) {
    members.refuse(unsupported_value("logprobs", kNoProbabilities));
  }
  if (wanted.value_or(0) > 0) {
    members.refuse(unsupported_value("top_logprobs", kNoProbabilities));
  }
}

void read_stream(JsonMembers& members, ChatRequest& request) {
  request.stream = members.flag("stream").value_or(false);
  const Json* options = members.find("stream_options");
  if (options == nullptr) return;
  if (!options->is_object()) return members.refuse_value("stream_options", "an object");
  JsonMembers inner(*options, "stream_options.");
  request.include_usage = inner.flag("include_usage").value_or(false);
  inner.flag("include_obfuscation");
  if (inner.error()) members.refuse(*inner.error());
}

}  // namespace

std::variant<ChatRequest, ApiError> chat_request_of(std::string_view body) {
  const Result<Json> json = parse_json(body, kLimits);
  if (!json.has_value()) {
    return invalid_value("", "the body is no JSON: " + json.error().message());
  }
  if (!json->is_object()) return invalid_value("", "the body must be a JSON object");
  JsonMembers members(*json);
  ChatRequest request;
  llm::Request& asked = request.job.request;
  request.job.model = members.text("model").value_or("");
  if (members.find("model") == nullptr) members.refuse(missing_field("model"));
  read_messages(members, asked);
  read_length(members, asked);
  read_sampling(members, asked.sampling);
  read_stops(members, asked);
  read_thinking(members, asked);
  refuse_what_is_not_there(members);
  read_stream(members, request);
  const ResponseFormat format = read_response_format(members, asked.max_tokens);
  asked.schema = format.schema;
  asked.schema_name = format.name;
  if (!asked.schema.empty() && !asked.stops.empty()) {
    members.refuse(unsupported_value(
        "stop", "stop strings would cut the document that response_format asks for"));
  }
  if (members.error()) return *members.error();
  return request;
}

}  // namespace maie::server
