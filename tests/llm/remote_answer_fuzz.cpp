// Any bytes as the answer to a chat completion, whole and cut up: the same text, or the same
// failure.
#include <cstdint>
#include <cstdlib>

#include "llm/remote_answer.h"

namespace {

std::string outcome(std::string_view body, const maie::net::HttpResponse& head, size_t piece) {
  std::string streamed;
  maie::llm::RemoteAnswer answer({.place = "host:1",
                                  .stops = {"STOP"},
                                  .max_text_bytes = 2000,
                                  .on_text = [&](std::string_view text) { streamed += text; }});
  for (size_t at = 0; at < body.size(); at += piece) {
    if (!answer.take(head, body.substr(at, piece))) break;
  }
  const auto completion = answer.finish();
  if (!completion) return "! " + completion.error().message();
  const bool late = streamed.find("</think>") != std::string::npos;
  if (!late && streamed != completion->text) std::abort();
  return completion->text + '\x1f' + completion->thinking;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  static const char* const types[] = {"", "text/event-stream", "application/json", "text/html"};
  maie::net::HttpResponse head;
  head.status = 200;
  head.headers = {{"content-type", types[data[0] % 4]}};
  const std::string_view body(reinterpret_cast<const char*>(data + 1), size - 1);
  if (outcome(body, head, 1 + data[0] / 4) != outcome(body, head, 1)) std::abort();
  return 0;
}
