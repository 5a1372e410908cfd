#include "net/sse_reader.h"

namespace maie::net {

Status SseReader::feed(std::string_view piece) {
  while (!piece.empty()) {
    if (after_cr_ && piece.front() == '\n') piece.remove_prefix(1);
    after_cr_ = false;
    const size_t end = piece.find_first_of("\r\n");
    const std::string_view part = piece.substr(0, end);
    if (line_.size() + event_.data.size() + part.size() > max_event_bytes_) {
      return resource_exhausted("an event of more than " + std::to_string(max_event_bytes_) +
                                " bytes is refused");
    }
    line_ += part;
    if (end == std::string_view::npos) return {};
    after_cr_ = piece[end] == '\r';
    piece.remove_prefix(end + 1);
    if (!end_line()) return {};
  }
  return {};
}

// false when the handler wants no more.
bool SseReader::end_line() {
  std::string_view line = line_;
  if (first_line_ && line.starts_with("\xEF\xBB\xBF")) line.remove_prefix(3);
  first_line_ = false;
  bool go_on = true;
  if (!line.empty()) {
    const size_t colon = line.find(':');
    std::string_view value =
        colon == std::string_view::npos ? std::string_view() : line.substr(colon + 1);
    if (value.starts_with(' ')) value.remove_prefix(1);
    if (colon != 0) take_field(line.substr(0, colon), value);
  } else {
    // An event without data is none, whatever else it named.
    if (has_data_) go_on = handler_(event_);
    event_.data.clear();
    event_.type.clear();
    has_data_ = false;
  }
  line_.clear();
  return go_on;
}

void SseReader::take_field(std::string_view name, std::string_view value) {
  if (name == "data") {
    if (has_data_) event_.data += '\n';
    has_data_ = true;
    event_.data += value;
  } else if (name == "event") {
    event_.type = value;
  } else if (name == "id" && value.find('\0') == std::string_view::npos) {
    event_.id = value;
  }
}

}  // namespace maie::net
