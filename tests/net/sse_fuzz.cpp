// Any bytes as server-sent events, whole and cut up: the events must be the same.
#include <cstdint>
#include <cstdlib>
#include <vector>

#include "net/sse_reader.h"

namespace {

std::vector<std::string> events_of(std::string_view stream, size_t piece) {
  std::vector<std::string> events;
  maie::net::SseReader reader(
      [&](const maie::net::ServerEvent& event) {
        events.push_back(event.type + '\x1f' + event.id + '\x1f' + event.data);
        return true;
      },
      1000);
  for (size_t at = 0; at < stream.size(); at += piece) {
    if (!reader.feed(stream.substr(at, piece)).ok()) break;
  }
  return events;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view stream(reinterpret_cast<const char*>(data + 1), size - 1);
  if (events_of(stream, 1) != events_of(stream, 1 + data[0])) std::abort();
  return 0;
}
