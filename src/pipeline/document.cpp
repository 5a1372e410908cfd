#include "pipeline/document.h"

#include <chrono>

#include "base/check.h"
#include "text/utf8.h"

namespace maie::pipeline {
namespace {

summary::Control control_of(const DocumentOptions& options, const CancelToken& cancel,
                            const DocumentProgress& progress, DocumentStage stage) {
  summary::Control control;
  control.cancel = &cancel;
  control.stall_limit_s = options.stall_limit_s;
  if (progress) {
    progress(stage, 0);
    control.on_progress = [&progress, stage](double fraction) { progress(stage, fraction); };
  }
  return control;
}

}  // namespace

std::string_view to_string(DocumentStage stage) {
  return stage == DocumentStage::kEnhance ? "enhance" : "summarise";
}

bool needs_enhancement(const DocumentOptions& options, std::string_view recogniser) {
  if (options.clean == CleanText::kAuto) return summary::needs_enhancement(true, recogniser);
  return options.clean == CleanText::kAlways;
}

summary::Transcript turns_of(const Transcript& transcript) {
  summary::Transcript turns;
  for (const Segment& segment : transcript.segments) {
    const std::string_view text = text::strip(segment.text);
    if (!text.empty()) {
      turns.turns.push_back({"", segment.start_s, segment.end_s, std::string(text)});
    }
  }
  return turns;
}

Document make_document(const summary::Transcript& transcript, std::string_view recogniser,
                       const DocumentOptions& options, const DocumentModels& models,
                       summary::TemplateStore& templates, const DocumentProgress& progress,
                       const CancelToken& cancel) {
  const auto start = std::chrono::steady_clock::now();
  Document document;
  document.raw_text = summary::to_text(transcript);
  document.clean_text = document.raw_text;
  const summary::Transcript* best = &transcript;
  if (needs_enhancement(options, recogniser)) {
    check(models.enhance != nullptr, "a model for the text to be cleaned");
    document.enhancement =
        summary::enhance(transcript, options.enhance, templates, *models.enhance,
                         control_of(options, cancel, progress, DocumentStage::kEnhance));
    if (document.enhancement->applied) {
      document.clean_text = document.enhancement->text;
      best = &document.enhancement->transcript;
    }
  }
  if (needs_summary(options)) {
    check(models.summary != nullptr, "a model for the summary");
    document.summary =
        summary::summarise(*best, options.summary, templates, *models.summary,
                           control_of(options, cancel, progress, DocumentStage::kSummarise));
  }
  document.wall_s = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return document;
}

}  // namespace maie::pipeline
