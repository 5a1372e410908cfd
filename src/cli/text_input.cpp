#include "cli/text_input.h"

#include <unistd.h>

#include <cerrno>

#include "base/file.h"
#include "base/json.h"
#include "cli/inputs.h"

namespace maie::cli {
namespace {

constexpr size_t kMostBytes = 64 << 20;

Result<std::string> read_standard_input() {
  std::string text;
  char piece[65536];
  for (;;) {
    const ssize_t count = ::read(STDIN_FILENO, piece, sizeof piece);
    if (count == 0) return text;
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return errno_status("standard input: cannot be read", errno);
    text.append(piece, size_t(count));
    if (text.size() > kMostBytes) {
      return invalid_input("standard input: more than 64 MiB of text; cut it into several");
    }
  }
}

// The segments of one of our own documents; nullptr for any other JSON.
const Json* segments_of(const Json& document) {
  if (!document.is_object() || !document.contains("schema_version")) return nullptr;
  const Json& holder = document.contains("results") ? document["results"] : document;
  if (!holder.is_object()) return nullptr;
  const auto found = holder.find("segments");
  return found != holder.end() && found->is_array() ? &*found : nullptr;
}

summary::Transcript from_segments(const Json& segments) {
  summary::Transcript transcript;
  for (const Json& segment : segments) {
    if (!segment.is_object()) continue;
    transcript.turns.push_back({json_string(segment, "speaker", ""),
                                json_number(segment, "start", 0), json_number(segment, "end", 0),
                                json_string(segment, "text", "")});
  }
  return transcript;
}

}  // namespace

Result<summary::Transcript> read_text_input(const std::string& path) {
  std::string text;
  if (path == kStandardInput) {
    MAIE_ASSIGN(text, read_standard_input());
  } else {
    MAIE_ASSIGN(text, read_file(path, kMostBytes));
  }
  if (text.starts_with("\xEF\xBB\xBF")) text.erase(0, 3);  // the byte order mark of some editors
  const size_t first = text.find_first_not_of(" \t\r\n");
  if (first != text.npos && text[first] == '{') {
    const Result<Json> document = parse_json(text);
    if (document.has_value()) {
      if (const Json* segments = segments_of(*document)) return from_segments(*segments);
    }
  }
  return summary::from_text(text);
}

}  // namespace maie::cli
