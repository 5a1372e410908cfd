#pragma once

#include <set>
#include <string>
#include <string_view>

#include "base/json.h"
#include "llm/language_model.h"

namespace maie::llm {

/// How a server is told the schema of an answer.
enum class SchemaWay {
  kAuto,               ///< those below without kBoth, in this order: the first that is not refused;
                       ///< from the second on the schema stands in the prompt as well
  kResponseFormat,     ///< response_format json_schema: OpenAI, vLLM, llama.cpp, Ollama
  kJsonObject,         ///< response_format json_object with a schema: llama-cpp-python, DeepSeek
  kStructuredOutputs,  ///< structured_outputs: vLLM's own
  kBoth,               ///< response_format json_schema and structured_outputs
  kPrompt,             ///< as text after the last message of the user
};

/// The next to try after a refusal of `way`.
SchemaWay next_way(SchemaWay way);

/// What a request to a certain server looks like.
struct RemoteShape {
  SchemaWay way = SchemaWay::kResponseFormat;  ///< never kAuto
  bool schema_in_prompt = false;               ///< besides; kPrompt does so anyway
  std::set<std::string> left_out = {};         ///< fields it does not take
};

/// The body of POST /chat/completions (docs/spec/service.md, 4.10; interfaces.md, 6.1).
/// @param schema  of the answer; null for free text.
Json chat_body(const Request& request, const Json& schema, const std::string& model,
               const RemoteShape& shape);

/// The optional field of `body` that the server's words refuse, or empty. Words about the length of
/// the context refuse none.
std::string refused_field(std::string_view message, const Json& body);

/// Whether they refuse the schema, or the way it was told.
bool refuses_schema(std::string_view message, SchemaWay way);

/// An upper estimate of the tokens of a text for a vocabulary of 100,000 and more entries that
/// knows its language: a letter out of three in ASCII words, digits and signs each, and of other
/// characters one token fewer than UTF-8 has bytes. 1.5 to 1.8 times what our samples take in
/// Whisper's vocabulary of 50,000, whose pieces are shorter still.
int64_t tokens_at_most(std::string_view text);

}  // namespace maie::llm
