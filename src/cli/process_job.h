#pragma once

#include "cli/arguments.h"
#include "cli/language_model.h"
#include "cli/recogniser.h"
#include "pipeline/document.h"
#include "summary/template_store.h"

namespace maie::cli {

/// The command line of `maie process`.
struct ProcessArguments {
  TranscribeArguments recognition;  ///< formats empty: json, txt, srt, vtt, and md with a summary
  pipeline::DocumentOptions document;
  LlmArguments llm;
};

/// What the commands that ask a language model work with.
struct DocumentTools {
  const RecogniserLoader& load_recogniser;
  const LanguageModelLoader& load_language_model;
  summary::TemplateStore& templates;
};

/// Runs `maie process`: first every recording is recognised, then the recogniser makes room for the
/// language model, and every transcript is cleaned and summed up: at no time are both in memory.
/// The files with the transcript are written as soon as it is there, so that whatever happens later
/// does not take it. @returns the exit code.
int run_process(const ProcessArguments& arguments, const DocumentTools& tools, Console& console,
                CancelToken& cancel);

}  // namespace maie::cli
