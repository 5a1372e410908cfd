#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "server/http/message.h"
#include "server/http/refusal.h"

namespace maie::http {

/// One request from its bytes: the head at once, then the body in pieces of any size. Beast's
/// parser behind the checks of head_check.h. One thread at a time.
class RequestParser {
 public:
  RequestParser();
  ~RequestParser();
  RequestParser(const RequestParser&) = delete;
  RequestParser& operator=(const RequestParser&) = delete;

  /// @param head  whole, its empty line included (find_head_end)
  std::optional<Refusal> parse_head(std::string_view head);

  // After a head that was taken:
  const std::string& method() const;
  const std::string& target() const;
  Headers& headers();
  bool version_11() const;
  bool keep_alive() const;                         ///< the client lets the connection stay
  std::optional<uint64_t> content_length() const;  ///< nullopt without the field
  bool done() const;                               ///< nothing of the body is missing

  using Sink = std::function<void(std::string_view piece)>;
  /// Reads from the front of `bytes`, calls `sink` with pieces of the body and returns how many
  /// bytes were used up; the rest is to be shown again with more behind it. nullopt: the chunks are
  /// malformed. Bytes behind the body stay unused.
  std::optional<size_t> parse_body(std::string_view bytes, const Sink& sink);

 private:
  class Parser;
  std::unique_ptr<Parser> parser_;
};

}  // namespace maie::http
