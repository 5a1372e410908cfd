#pragma once

#include "base/json.h"
#include "base/status.h"
#include "pipeline/transcribe.h"

namespace maie::jobs {

/// A transcript as JSON, whole and without rounding: for checkpoints and stored results. What is
/// served is rendered from the transcript, never from this.
Json to_json(const pipeline::Transcript& transcript);
Result<pipeline::Transcript> transcript_of(const Json& json);

Json to_json(const pipeline::Segment& segment);
Result<pipeline::Segment> segment_of(const Json& json);

}  // namespace maie::jobs
