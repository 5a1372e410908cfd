#include "server/http/part_head.h"

#include <algorithm>

#include "server/http/characters.h"
#include "server/http/field_value.h"

namespace maie::http {
namespace {

bool is_plain_text(std::string_view text) {
  return valid_utf8(text) && std::none_of(text.begin(), text.end(), is_control);
}

Status read_disposition(std::string_view value, PartHead& head) {
  const auto disposition = parse_field_value(value);
  if (!disposition || disposition->value != "form-data") {
    return invalid_input("a part of the form has a malformed Content-Disposition");
  }
  const auto name = disposition->parameter("name");
  if (!name) return invalid_input("a part of the form has no name");
  head.name = *name;
  if (const auto file_name = disposition->parameter("filename")) head.file_name = *file_name;
  if (const auto extended = disposition->parameter("filename*")) {
    head.file_name = decode_extended(*extended);
    if (!head.file_name) return invalid_input("a file of the form has a malformed filename*");
  }
  if (!is_plain_text(head.name) || (head.file_name && !is_plain_text(*head.file_name))) {
    return invalid_input("a name in the form is not UTF-8 or has control characters");
  }
  return {};
}

Status check_transfer_encoding(std::string_view value) {
  for (const char* known : {"7bit", "8bit", "binary"}) {
    if (equal_fold(value, known)) return {};
  }
  return invalid_input(
      "a part of the form has a Content-Transfer-Encoding; send bytes as they are");
}

}  // namespace

Result<PartHead> parse_part_head(std::string_view lines) {
  PartHead head;
  bool named = false;
  while (!lines.empty()) {
    const size_t end = std::min(lines.find("\r\n"), lines.size());
    const std::string_view line = lines.substr(0, end);
    lines.remove_prefix(std::min(end + 2, lines.size()));
    const size_t colon = line.find(':');
    if (colon == std::string_view::npos || !is_token(line.substr(0, colon))) {
      return invalid_input("a part of the form has a malformed header line");
    }
    const std::string_view value = trim(line.substr(colon + 1));
    const auto forbidden = [](char c) { return is_control(c) && c != '\t'; };
    if (std::any_of(value.begin(), value.end(), forbidden)) {
      return invalid_input("a header of a part has a control character");
    }
    const std::string name = lower(line.substr(0, colon));
    if (name == "content-disposition") {
      if (named) return invalid_input("a part of the form has two Content-Disposition headers");
      MAIE_TRY(read_disposition(value, head));
      named = true;
    } else if (name == "content-type") {
      head.content_type = value;
    } else if (name == "content-transfer-encoding") {
      MAIE_TRY(check_transfer_encoding(value));
    }
  }
  if (!named) return invalid_input("a part of the form has no Content-Disposition");
  return head;
}

}  // namespace maie::http
