#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/cancel.h"
#include "base/status.h"
#include "llm/language_model.h"
#include "pipeline/transcribe.h"
#include "summary/enhance.h"
#include "summary/summarise.h"

namespace maie::pipeline {

/// Whether a transcript is given case and punctuation by the language model.
enum class CleanText {
  kAuto,  ///< only where the recogniser does not punctuate by itself
  kAlways,
  kNever,
};

/// What is made of a transcript.
struct DocumentOptions {
  CleanText clean = CleanText::kAuto;
  summary::EnhanceOptions enhance;
  summary::SummaryOptions summary;  ///< template_id empty: no summary
  double stall_limit_s = 300;       ///< of each request to a model
};

/// The models of both stages; they may be the same. Not owned.
struct DocumentModels {
  llm::LanguageModel* enhance = nullptr;
  llm::LanguageModel* summary = nullptr;
};

enum class DocumentStage { kEnhance, kSummarise };
/// "enhance", "summarise"
std::string_view to_string(DocumentStage stage);

using DocumentProgress = std::function<void(DocumentStage stage, double fraction)>;

/// A transcript, cleaned and summed up. The text is there whatever failed.
struct Document {
  std::string raw_text;
  std::string clean_text;                           ///< raw where it was not cleaned
  std::optional<summary::Enhancement> enhancement;  ///< when the stage ran
  std::optional<summary::Summary> summary;          ///< when one was asked for
  double wall_s = 0;                                ///< of both stages

  /// The failure of what was asked for: of the summary. A text that could not be cleaned is no
  /// failure, `enhancement->state` says so.
  Status status() const { return summary ? summary->state : Status(); }
};

/// Whether these options ask a language model anything.
bool needs_enhancement(const DocumentOptions& options, std::string_view recogniser);
inline bool needs_summary(const DocumentOptions& options) {
  return !options.summary.template_id.empty();
}

/// The turns of a transcript: a segment each.
summary::Transcript turns_of(const Transcript& transcript);

/// Cleans and sums up, as the options ask.
/// @param recogniser  who wrote the transcript ("whisper"); empty: nobody that punctuates
/// @param models      those of the stages that the options ask for
/// @param progress    called from threads of the stages, one at a time
Document make_document(const summary::Transcript& transcript, std::string_view recogniser,
                       const DocumentOptions& options, const DocumentModels& models,
                       summary::TemplateStore& templates, const DocumentProgress& progress,
                       const CancelToken& cancel);

}  // namespace maie::pipeline
