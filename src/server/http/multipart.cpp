#include "server/http/multipart.h"

#include <algorithm>

#include "server/http/characters.h"
#include "server/http/field_value.h"
#include "server/http/part_head.h"

namespace maie::http {
namespace {

constexpr size_t kMostPadding = 64;  // blanks behind a boundary

Refusal bad_form(std::string message) { return {400, "bad_form", std::move(message)}; }

bool is_boundary_char(char c) {
  if ((c >= '0' && c <= '9') || (lower(c) >= 'a' && lower(c) <= 'z')) return true;
  return c != '\0' && std::string_view("'()+_,-./:=? ").find(c) != std::string_view::npos;
}

/// Bytes at the end of `text` that may be the beginning of `word`.
size_t partial_match(std::string_view text, std::string_view word) {
  for (size_t n = std::min(text.size(), word.size() - 1); n > 0; --n) {
    if (text.ends_with(word.substr(0, n))) return n;
  }
  return 0;
}

}  // namespace

Result<std::string> boundary_of(std::string_view content_type) {
  const auto value = parse_field_value(content_type);
  if (!value || value->value != "multipart/form-data") {
    return invalid_input("the body must be a form of the type multipart/form-data");
  }
  const auto boundary = value->parameter("boundary");
  if (!boundary) return invalid_input("the Content-Type of the form names no boundary");
  const bool permitted = !boundary->empty() && boundary->size() <= 70 &&
                         !boundary->ends_with(' ') &&
                         std::all_of(boundary->begin(), boundary->end(), is_boundary_char);
  if (!permitted) return invalid_input("the boundary of the form is malformed");
  return std::string(*boundary);
}

MultipartParser::MultipartParser(std::string_view boundary, int max_parts, PartSink& sink)
    : delimiter_("\r\n--" + std::string(boundary)), max_parts_(max_parts), sink_(sink) {
  held_ = "\r\n";  // the first boundary may be the first line
}

std::optional<Refusal> MultipartParser::feed(std::string_view bytes) {
  if (refused_) return refused_;
  if (!held_.empty()) {
    held_ += bytes;
    bytes = held_;
  }
  while (step(bytes)) {
  }
  // `bytes` may lie in held_, so its rest is copied before held_ goes.
  held_ = refused_ ? std::string() : std::string(bytes);
  return refused_;
}

std::optional<Refusal> MultipartParser::finish() const {
  if (refused_ || state_ == State::kEpilogue) return refused_;
  if (parts_ == 0 && state_ == State::kPreamble) {
    return bad_form("the body of the form does not begin with its boundary");
  }
  return bad_form("the form ends before its last boundary");
}

bool MultipartParser::step(std::string_view& bytes) {
  switch (state_) {
    case State::kPreamble: return step_data(bytes, false);
    case State::kDelimiterEnd: return step_delimiter_end(bytes);
    case State::kPartHead: return step_part_head(bytes);
    case State::kPartStart: return step_part_start(bytes);
    case State::kPartData: return step_data(bytes, true);
    case State::kEpilogue: bytes = {}; return false;
  }
  return false;
}

/// Bytes up to the next delimiter, kept as data or not.
bool MultipartParser::step_data(std::string_view& bytes, bool keep) {
  const size_t at = bytes.find(delimiter_);
  const bool found = at != std::string_view::npos;
  const size_t length = found ? at : bytes.size() - partial_match(bytes, delimiter_);
  if (keep && length > 0 && !pass(sink_.data(bytes.substr(0, length)))) return false;
  bytes.remove_prefix(length);
  if (!found) return false;
  bytes.remove_prefix(delimiter_.size());
  state_ = State::kDelimiterEnd;
  return !keep || pass(sink_.end());
}

/// Behind a boundary: "--" at the end of the form, or the end of the line.
bool MultipartParser::step_delimiter_end(std::string_view& bytes) {
  if (bytes.size() < 2) return false;
  if (bytes.starts_with("--")) {
    state_ = State::kEpilogue;
    return true;
  }
  const size_t padding = std::min(bytes.find_first_not_of(" \t"), bytes.size());
  if (padding > kMostPadding) return refuse(bad_form("a boundary of the form is malformed"));
  if (bytes.size() - padding < 2) return false;
  if (bytes.substr(padding, 2) != "\r\n") {
    return refuse(bad_form("a boundary of the form is malformed"));
  }
  if (++parts_ > max_parts_) {
    return refuse(
        {400, "too_many_parts", "the form has more than " + std::to_string(max_parts_) + " parts"});
  }
  bytes.remove_prefix(padding);  // its CR LF stays: the head may have no line
  state_ = State::kPartHead;
  known_ = 0;
  return true;
}

bool MultipartParser::step_part_head(std::string_view& bytes) {
  const size_t end = bytes.find("\r\n\r\n", known_);
  // Not found, it may still begin with the last three bytes.
  if (end == std::string_view::npos ? bytes.size() > kMostPartHeadBytes + 3
                                    : end > kMostPartHeadBytes) {
    return refuse(bad_form("the headers of a part are longer than 8192 bytes"));
  }
  if (end == std::string_view::npos) {
    known_ = bytes.size() - std::min<size_t>(bytes.size(), 3);
    return false;
  }
  const std::string_view lines = end < 2 ? "" : bytes.substr(2, end);  // with the last line's end
  auto head = parse_part_head(lines);
  if (!head) return refuse(bad_form(head.error().message()));
  bytes.remove_prefix(end + 2);
  state_ = State::kPartStart;
  return pass(sink_.begin(std::move(*head)));
}

/// `bytes` begins with the CR LF of the empty line. It belongs to a delimiter that follows at once.
bool MultipartParser::step_part_start(std::string_view& bytes) {
  if (bytes.size() < delimiter_.size() && delimiter_.starts_with(bytes)) return false;
  if (!bytes.starts_with(delimiter_)) bytes.remove_prefix(2);
  state_ = State::kPartData;
  return true;
}

bool MultipartParser::refuse(Refusal refusal) {
  refused_ = std::move(refusal);
  return false;
}

bool MultipartParser::pass(const std::optional<Refusal>& verdict) {
  return verdict ? refuse(*verdict) : true;
}

}  // namespace maie::http
