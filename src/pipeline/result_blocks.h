#pragma once

#include <string>

#include "base/json.h"
#include "pipeline/document.h"

namespace maie::pipeline {

/// What a result says about its recording beside the words.
struct RecordingFacts {
  double duration_s = 0;
  double transcribe_s = 0;  ///< time the recognition took
  double total_s = 0;       ///< from the start of the work to the result
};

/// The blocks of a task's result under their English names (docs/spec/service.md, 1.7 and 5).

/// `versions`: which programs and models made the result.
/// @param options  how the recording was transcribed; null members for a text
/// @param llm_hash checkpoint hash of the model that cleaned and summed up; empty without one
Json versions_block(const std::string& program_version, const ModelInfo& recogniser,
                    const TranscribeOptions& options, const Document& document,
                    const std::string& llm_hash);
/// The same for a text that nobody recognised.
Json versions_block(const std::string& program_version, const Document& document,
                    const std::string& llm_hash);

/// `metrics`: the numbers. @param transcript null for a text.
Json metrics_block(const RecordingFacts& facts, const Transcript* transcript,
                   const Document& document);

/// `results`: summary and where its items come from, clean and raw text, segments.
Json results_block(const Transcript* transcript, const Document& document);

}  // namespace maie::pipeline
