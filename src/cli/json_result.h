#pragma once

#include <string>

#include "base/json.h"
#include "cli/recogniser.h"

namespace maie::cli {

/// What the JSON document says about the run besides the transcript.
struct RunInfo {
  std::string input;  ///< as named on the command line; "-" for standard input
  pipeline::TranscriberOptions engine;
  pipeline::TranscribeOptions options;
  pipeline::ModelInfo model;  ///< with sha256 filled in
};

/// The JSON result document: docs/json-result.md explains it, docs/transcript.schema.json is its
/// schema. Times are seconds of the recording, rounded to milliseconds; numbers that are not finite
/// become null.
Json result_document(const RunInfo& run, const Recognised& result);

/// Its member "input": what is known of the recording.
Json input_object(const RunInfo& run, const Recognised& result);

/// The document as text: UTF-8 (what is not becomes U+FFFD), indented, one final newline.
std::string to_text(const Json& document);

}  // namespace maie::cli
