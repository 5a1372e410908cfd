#pragma once

#include <optional>
#include <string>
#include <vector>

#include "server/http/multipart.h"

namespace maie::http {

/// Writes what a parser said into a text, so that two runs can be compared.
class PartRecorder final : public PartSink {
 public:
  std::optional<Refusal> begin(PartHead head) override {
    flush();
    text += "[" + head.name + "|" + head.file_name.value_or("-") + "|" + head.content_type + "|";
    return std::nullopt;
  }
  std::optional<Refusal> data(std::string_view bytes) override {
    data_ += bytes;
    return std::nullopt;
  }
  std::optional<Refusal> end() override {
    flush();
    text += "]";
    return std::nullopt;
  }
  std::string text;

 private:
  void flush() {
    text += data_;
    data_.clear();
  }
  std::string data_;
};

/// What comes of `body` in pieces of `piece` bytes; a refusal shows as "!code".
inline std::string parsed(std::string_view body, std::string_view boundary, size_t piece,
                          int max_parts = 1000) {
  PartRecorder parts;
  MultipartParser parser(boundary, max_parts, parts);
  for (size_t at = 0; at < body.size(); at += piece) {
    if (const auto refusal = parser.feed(body.substr(at, piece))) return "!" + refusal->code;
  }
  const auto refusal = parser.finish();
  return refusal ? "!" + refusal->code : parts.text;
}

}  // namespace maie::http
