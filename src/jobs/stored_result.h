#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/json.h"
#include "base/status.h"
#include "llm/language_model.h"
#include "pipeline/transcribe.h"
#include "text/subtitles.h"

namespace maie::jobs {

/// Seconds that the stages of one attempt took; absent ones did not run (or were taken from a
/// checkpoint).
struct StageTimes {
  std::optional<double> decode_s, recognise_s, enhance_s, summarise_s;
  double audio_s = 0;  ///< length of the recording
};

/// The result of a task of any kind, as the queue keeps it. Everything that is served is rendered
/// from this.
struct StoredResult {
  Json versions, metrics, results;  ///< blocks of docs/process-result.md; null for "chat"
  Json schema;                      ///< of the summary's template, for the page; null without
  std::optional<pipeline::Transcript> transcript;  ///< with words where they were asked for
  std::optional<llm::Completion> completion;       ///< of "chat"
  std::string model;                               ///< that answered
  StageTimes times;
};

std::string to_bytes(const StoredResult& result);
Result<StoredResult> result_from_bytes(std::string_view bytes);

enum class ResultFormat { kJson, kTxt, kSrt, kVtt, kTsv, kMarkdown };

/// A result as a file. kInvalidInput where it has no such view: subtitles of a text, the page of a
/// task without summary.
/// @param file_name  what the client called the recording; title of the page
Result<std::string> render(const StoredResult& result, ResultFormat format,
                           const text::SubtitleOptions& options, std::string_view file_name);

/// A block with its members renamed to the Vietnamese contract (docs/spec/service.md, 1.7), or
/// both.
enum class ResultKeys { kEnglish, kVietnamese, kBoth };
/// {"versions", "metrics", "results"} and / or {"phiên_bản", "chỉ_số", "kết_quả"}; members without
/// a value stay, as null.
Json result_blocks(const StoredResult& result, ResultKeys keys);

}  // namespace maie::jobs
