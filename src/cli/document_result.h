#pragma once

#include <string>

#include "base/json.h"
#include "cli/json_result.h"
#include "pipeline/document.h"
#include "pipeline/result_blocks.h"

namespace maie::cli {

/// One input of `maie process`, `maie summarize` or `maie enhance`, and all that became of it.
struct DocumentRun {
  std::string input;                       ///< as named on the command line
  const RunInfo* recognition = nullptr;    ///< absent for a text
  const Recognised* recognised = nullptr;  ///< likewise
  pipeline::Document document;
  pipeline::RecordingFacts facts;
  Json schema;           ///< of the template; null without a summary
  std::string llm_hash;  ///< empty where no model was asked
};

/// The JSON result: docs/process-result.md explains it, docs/process.schema.json is its schema.
Json document_json(const DocumentRun& run);

/// The summary as a page to read; behind each item the time it was said, where that is known.
std::string document_markdown(const DocumentRun& run);

}  // namespace maie::cli
