#pragma once

#include <vector>

#include "pipeline/transcribe.h"
#include "text/subtitles.h"

namespace maie::jobs {

/// A segment as the writers of subtitles take it.
text::Cue cue_of(const pipeline::Segment& segment);
/// All segments as the writers of subtitles take them.
std::vector<text::Cue> cues_of(const pipeline::Transcript& transcript);

}  // namespace maie::jobs
