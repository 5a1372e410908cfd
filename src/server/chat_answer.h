#pragma once

#include <cstdint>
#include <string>

#include "base/json.h"
#include "jobs/stored_result.h"

namespace maie::server {

/// What all objects of one answer have in common.
struct ChatIdentity {
  std::string id;       ///< "chatcmpl-..."
  int64_t created = 0;  ///< Unix seconds
  std::string model;    ///< as the client named it
};
ChatIdentity chat_identity_of(const std::string& task_id, std::string model);

/// Whether a text is a document of the schema, judged by code that did not make it.
bool is_valid_under(const std::string& schema, const std::string& text);

/// The answer as one object (docs/spec/interfaces.md, 6.2).
/// @param schema  that the text was made under; empty: none
Json chat_completion(const ChatIdentity& identity, const llm::Completion& completion,
                     const std::string& schema);

/// Objects of a stream (6.4). `usage` is null in all but the last where usage was asked for.
Json role_chunk(const ChatIdentity& identity, bool include_usage);
Json text_chunk(const ChatIdentity& identity, const std::string& text, bool include_usage);
Json finish_chunk(const ChatIdentity& identity, const llm::Completion& completion,
                  const std::string& schema, bool include_usage);
Json usage_chunk(const ChatIdentity& identity, const llm::Completion& completion);

}  // namespace maie::server
