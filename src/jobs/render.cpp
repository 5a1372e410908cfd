#include "jobs/render.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <vector>

#include "jobs/member.h"
#include "jobs/stored_result.h"
#include "summary/markdown.h"

namespace maie::jobs {
namespace {

// "1:05", "1:02:05"
std::string clock(double seconds) {
  const long long total = std::llround(std::max(seconds, 0.0));
  char text[40];
  if (total >= 3600) {
    std::snprintf(text, sizeof text, "%lld:%02lld:%02lld", total / 3600, total / 60 % 60,
                  total % 60);
  } else {
    std::snprintf(text, sizeof text, "%lld:%02lld", total / 60, total % 60);
  }
  return text;
}

// The time behind an item of the summary, from `summary_sources` of the results.
std::string note_of(const Json& sources, const std::string& pointer) {
  for (const Json& source : sources) {
    if (json_string(source, "pointer", "") != pointer) continue;
    const double start = json_number(source, "start_s", 0), end = json_number(source, "end_s", 0);
    if (end > start && json_number(source, "score", 0) > 0) return "(" + clock(start) + ")";
  }
  return "";
}

Result<std::string> page(const StoredResult& result, std::string_view file_name) {
  const Json& summary = object_member(result.results, "summary");
  if (summary.empty()) {
    return invalid_input("this task made no summary, which the form md shows");
  }
  const Json& sources = list_member(result.results, "summary_sources");
  const std::string text = summary::to_markdown(
      summary, result.schema,
      [&sources](const std::string& pointer) { return note_of(sources, pointer); });
  if (text.starts_with("# ") || file_name.empty()) return text;
  return "# " + summary::markdown_text(file_name) + "\n\n" + text;
}

}  // namespace

text::Cue cue_of(const pipeline::Segment& segment) {
  text::Cue cue{segment.start_s, segment.end_s, segment.text, "", {}};
  for (const pipeline::Word& word : segment.words) {
    cue.words.push_back({word.start_s, word.end_s, word.text});
  }
  return cue;
}

std::vector<text::Cue> cues_of(const pipeline::Transcript& transcript) {
  std::vector<text::Cue> cues;
  for (const pipeline::Segment& segment : transcript.segments) cues.push_back(cue_of(segment));
  return cues;
}

Result<std::string> render(const StoredResult& result, ResultFormat format,
                           const text::SubtitleOptions& options, std::string_view file_name) {
  if (format == ResultFormat::kJson) {
    return to_indented(result_blocks(result, ResultKeys::kEnglish)) + "\n";
  }
  if (format == ResultFormat::kMarkdown) return page(result, file_name);
  const std::string clean = json_string(result.results, "clean_transcript", "");
  if (!result.transcript) {
    if (format == ResultFormat::kTxt) {
      return (clean.empty() ? json_string(result.results, "raw_transcript", "") : clean) + "\n";
    }
    return invalid_input("this task was no recording, so that it has no times for subtitles");
  }
  const std::vector<text::Cue> cues = cues_of(*result.transcript);
  switch (format) {
    case ResultFormat::kSrt: return text::to_srt(cues, options);
    case ResultFormat::kVtt: return text::to_vtt(cues, options);
    case ResultFormat::kTsv: return text::to_tsv(cues, options);
    default: break;
  }
  // Text that was cleaned is what people want to read; else a line a segment.
  const std::optional<double> edited = number_member(result.metrics, "edit_rate_cleaning");
  if (!clean.empty() && edited && *edited > 0) return clean + "\n";
  return text::to_txt(cues, options);
}

}  // namespace maie::jobs
