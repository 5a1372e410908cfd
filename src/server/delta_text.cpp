#include "server/delta_text.h"

#include "llm/text_stream.h"
#include "text/utf8.h"

namespace maie::server {

std::optional<std::string> DeltaText::add(std::string_view piece) {
  held_ += piece;
  const size_t whole_bytes = held_.size() - llm::incomplete_utf8(held_);
  const std::string tail = held_.substr(whole_bytes);
  std::string certain = text::repair_utf8(std::string_view(held_).substr(0, whole_bytes));
  std::string space;
  if (ends_ == Ends::kStripped) {
    const std::string_view inner = text::strip(certain);
    const size_t first = inner.empty() ? 0 : size_t(inner.data() - certain.data());
    const size_t end = inner.empty() ? 0 : first + inner.size();
    space = text_.empty() && inner.empty() ? "" : certain.substr(end);
    certain = certain.substr(text_.empty() ? first : 0, end - (text_.empty() ? first : 0));
  }
  held_ = space + tail;
  text_ += certain;
  if (text_.size() <= sent_.size()) {  // said before
    if (std::string_view(sent_).starts_with(text_)) return "";
    return std::nullopt;
  }
  if (!std::string_view(text_).starts_with(sent_)) return std::nullopt;
  const std::string delta = text_.substr(sent_.size());
  sent_ = text_;
  return delta;
}

void DeltaText::restart() {
  text_.clear();
  held_.clear();
}

std::optional<std::string> DeltaText::finish(std::string_view whole) {
  if (!whole.starts_with(sent_)) return std::nullopt;
  std::string rest(whole.substr(sent_.size()));
  sent_ = whole;
  return rest;
}

}  // namespace maie::server
