#include "llm/remote_request.h"

#include <algorithm>
#include <array>

namespace maie::llm {
namespace {

using std::string_view;

// Names in JSON schemas' own alphabet: 1 to 64 of letters, digits, '_' and '-'.
std::string schema_name(const std::string& name) {
  std::string out = name.substr(0, 64);
  for (char& c : out) {
    const bool fits = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
                      c == '_' || c == '-';
    if (!fits) c = '_';
  }
  return out.empty() ? "answer" : out;
}

// After the user's words rather than as a system message: not every chat template has those.
void add_to_prompt(Json& messages, const Json& schema) {
  for (auto it = messages.rbegin(); it != messages.rend(); ++it) {
    if ((*it)["role"] != "user") continue;
    (*it)["content"] = (*it)["content"].get<std::string>() +
                       "\n\nAnswer with one JSON document and nothing else. It must be valid "
                       "under this JSON Schema:\n" +
                       to_line(schema);
    return;
  }
}

void add_schema(Json& body, const Request& request, const Json& schema, const RemoteShape& shape) {
  const SchemaWay way = shape.way;
  if (way == SchemaWay::kResponseFormat || way == SchemaWay::kBoth) {
    body["response_format"] = {
        {"type", "json_schema"},
        {"json_schema",
         {{"name", schema_name(request.schema_name)}, {"strict", true}, {"schema", schema}}}};
  }
  if (way == SchemaWay::kJsonObject) {
    body["response_format"] = {{"type", "json_object"}, {"schema", schema}};
  }
  if (way == SchemaWay::kStructuredOutputs || way == SchemaWay::kBoth) {
    body["structured_outputs"] = {{"json", schema}};
  }
  if (way == SchemaWay::kPrompt || shape.schema_in_prompt) {
    add_to_prompt(body["messages"], schema);
  }
}

template <class T>
void add(Json& body, const char* key, const std::optional<T>& value) {
  if (value) body[key] = *value;
}

bool is_word(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

// Whether `word` stands in `text` by itself.
bool names(string_view text, string_view word) {
  for (size_t at = text.find(word); at != string_view::npos; at = text.find(word, at + 1)) {
    const size_t end = at + word.size();
    if ((at == 0 || !is_word(text[at - 1])) && (end == text.size() || !is_word(text[end]))) {
      return true;
    }
  }
  return false;
}

std::string lower(string_view text) {
  std::string out(text);
  for (char& c : out) c = c >= 'A' && c <= 'Z' ? char(c + 32) : c;
  return out;
}

template <size_t N>
bool has_any(string_view text, const std::array<string_view, N>& parts) {
  return std::any_of(parts.begin(), parts.end(),
                     [&](string_view part) { return text.find(part) != string_view::npos; });
}

// The request is too long, whichever field the message names beside.
bool is_about_length(string_view message) {
  // Not the bare "context": OpenAI says it of the place within a schema.
  return has_any(message,
                 std::array<string_view, 7>{"context length", "context size", "context window",
                                            "context_length", "too large", "too long", "exceed"});
}

}  // namespace

SchemaWay next_way(SchemaWay way) {
  if (way == SchemaWay::kResponseFormat) return SchemaWay::kJsonObject;
  if (way == SchemaWay::kJsonObject) return SchemaWay::kStructuredOutputs;
  return SchemaWay::kPrompt;
}

Json chat_body(const Request& request, const Json& schema, const std::string& model,
               const RemoteShape& shape) {
  Json body = {{"model", model}, {"messages", Json::array()}};
  for (const Message& message : request.messages) {
    body["messages"].push_back({{"role", message.role}, {"content", message.content}});
  }
  const Sampling& sampling = request.sampling;
  add(body, "temperature", sampling.temperature);
  add(body, "top_p", sampling.top_p);
  add(body, "top_k", sampling.top_k);
  add(body, "min_p", sampling.min_p);
  add(body, "repetition_penalty", sampling.repetition_penalty);
  add(body, "presence_penalty", sampling.presence_penalty);
  add(body, "frequency_penalty", sampling.frequency_penalty);
  add(body, "seed", sampling.seed);
  if (request.max_tokens > 0) body["max_tokens"] = request.max_tokens;
  if (!request.stops.empty()) body["stop"] = request.stops;
  if (request.enable_thinking) {
    body["chat_template_kwargs"] = {{"enable_thinking", *request.enable_thinking}};
  }
  if (!schema.is_null()) add_schema(body, request, schema, shape);
  body["stream"] = true;
  body["stream_options"] = {{"include_usage", true}};
  for (const std::string& field : shape.left_out) {
    // Newer models of OpenAI know the bound by its other name only.
    if (field == "max_tokens" && body.contains(field)) {
      body["max_completion_tokens"] = request.max_tokens;
    }
    if (field == "stream") body.erase("stream_options");
    body.erase(field);
  }
  return body;
}

std::string refused_field(string_view said, const Json& body) {
  const std::string message = lower(said);
  const std::array<string_view, 10> refusals{
      "unrecognized", "unknown",       "unsupported", "not support", "extra",
      "unexpected",   "not permitted", "not allowed", "invalid",     "not available"};
  if (is_about_length(message) || !has_any(message, refusals)) return {};
  for (const auto& [field, value] : body.items()) {
    const bool needed = field == "model" || field == "messages" || field == "response_format" ||
                        field == "structured_outputs" || field == "max_completion_tokens";
    if (!needed && names(message, field)) return field;
  }
  return {};
}

bool refuses_schema(string_view said, SchemaWay way) {
  const std::string message = lower(said);
  if (way == SchemaWay::kPrompt || is_about_length(message)) return false;
  return has_any(message, std::array<string_view, 6>{"response_format", "schema", "grammar",
                                                     "structured_outputs", "guided", "json mode"});
}

int64_t tokens_at_most(string_view text) {
  int64_t tokens = 0, letters = 0;
  const auto end_word = [&] {
    tokens += (letters + 2) / 3;
    letters = 0;
  };
  char before = 0;
  for (const char c : text) {
    const auto byte = uint8_t(c);
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) {
      ++letters;
    } else {
      end_word();
      // A single blank joins the word after it; more of them, and line ends, are tokens.
      const bool joins = c == ' ' && before != ' ';
      const bool begins = byte >= 0xC0;  // of a character of several bytes
      if (!joins && !begins) ++tokens;
    }
    before = c;
  }
  end_word();
  return tokens;
}

}  // namespace maie::llm
