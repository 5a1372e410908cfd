#include "cli/transcript_text.h"

#include <cmath>
#include <cstdio>
#include <vector>

#include "base/check.h"
#include "cli/printable.h"
#include "jobs/render.h"

namespace maie::cli {
namespace {

using pipeline::Segment;

std::string clock(double seconds) {
  const long long total = llround((seconds >= 0 ? seconds : 0.0) * 1000);
  char text[40];
  std::snprintf(text, sizeof text, "%02lld:%02lld:%02lld.%03lld", total / 3'600'000,
                total / 60'000 % 60, total / 1000 % 60, total % 1000);
  return text;
}

}  // namespace

std::string render_transcript(Format format, const pipeline::Transcript& transcript,
                              const text::SubtitleOptions& options) {
  const std::vector<text::Cue> cues = jobs::cues_of(transcript);
  switch (format) {
    case Format::kTxt: return text::to_txt(cues, options);
    case Format::kSrt: return text::to_srt(cues, options);
    case Format::kVtt: return text::to_vtt(cues, options);
    case Format::kTsv: return text::to_tsv(cues, options);
    case Format::kJson:
    case Format::kMd: break;
  }
  check(false, "a format that takes more than the transcript");
  return "";
}

std::string plain_line(const Segment& segment) {
  const text::Cue cue = jobs::cue_of(segment);
  return text::to_txt({&cue, 1});
}

std::string timed_line(const Segment& segment) {
  std::string line = plain_line(segment);
  if (line.empty()) return line;
  line.pop_back();
  std::string out = "[";
  out += clock(segment.start_s) + " --> " + clock(segment.end_s) + "] ";
  return out + printable(line) + "\n";
}

}  // namespace maie::cli
