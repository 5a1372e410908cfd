#pragma once

#include <string>

#include "cli/outputs.h"
#include "pipeline/transcribe.h"
#include "text/subtitles.h"

namespace maie::cli {

/// The transcript as a txt, srt, vtt or tsv file. Not for kJson and kMd, which need more
/// than a transcript.
std::string render_transcript(Format format, const pipeline::Transcript& transcript,
                              const text::SubtitleOptions& options);

/// One finished segment as a line of the txt result; empty when it holds no text. The lines of all
/// segments are exactly the txt file.
std::string plain_line(const pipeline::Segment& segment);

/// The same for people watching: "[00:00:01.000 --> 00:00:03.500] text", without control
/// characters.
std::string timed_line(const pipeline::Segment& segment);

}  // namespace maie::cli
