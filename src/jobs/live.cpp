#include "jobs/live.h"

#include "jobs/member.h"
#include "jobs/transcript_json.h"

namespace maie::jobs {

std::string to_data(const Event& event) {
  Json json;
  if (const auto* ready = std::get_if<ReadyEvent>(&event)) {
    json = {{"type", "ready"}, {"duration", ready->duration_s}};
  } else if (const auto* segment = std::get_if<SegmentEvent>(&event)) {
    json = {{"type", "segment"}, {"segment", to_json(segment->segment)}};
  } else {
    json = {{"type", "text"}, {"text", std::get<TextEvent>(event).text}};
  }
  return to_line(json);
}

Result<Event> event_of(std::string_view data) {
  MAIE_ASSIGN(const Json json, parse_json(data));
  const std::string type = json_string(json, "type", "");
  if (type == "ready") return Event(ReadyEvent{json_number(json, "duration", 0)});
  if (type == "text") return Event(TextEvent{json_string(json, "text", "")});
  if (type != "segment") return unsupported("an event of type \"" + type + "\"");
  MAIE_ASSIGN(pipeline::Segment segment, segment_of(object_member(json, "segment")));
  return Event(SegmentEvent{std::move(segment)});
}

}  // namespace maie::jobs
