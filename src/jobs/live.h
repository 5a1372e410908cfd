#pragma once

#include <string>
#include <string_view>
#include <variant>

#include "base/status.h"
#include "pipeline/transcribe.h"

namespace maie::jobs {

/// A segment of a transcript that is final.
struct SegmentEvent {
  pipeline::Segment segment;
};

/// Characters of an answer (kind "chat"): whole ones, in order.
struct TextEvent {
  std::string text;
};

/// Said once, when the audio is decoded and the model is ready: from here on a client may be
/// answered with a stream.
struct ReadyEvent {
  double duration_s = 0;
};

using Event = std::variant<ReadyEvent, SegmentEvent, TextEvent>;

/// Events as the queue carries them (queue::LiveEvent::data): JSON.
std::string to_data(const Event& event);
Result<Event> event_of(std::string_view data);

}  // namespace maie::jobs
