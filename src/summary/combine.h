#pragma once

#include <vector>

#include "summary/attempts.h"
#include "summary/merge.h"
#include "summary/summarise.h"

namespace maie::summary {

/// What the stages of one summary share. The references outlive it.
struct SummaryJob {
  const SummaryOptions& options;
  const Control& control;
  llm::LanguageModel& model;
  std::shared_ptr<const SummaryTemplate> form;
  std::shared_ptr<const HallucinationList> phrases;

  /// The request for a document, with its budget. kInvalidInput when the prompt is too long.
  Result<DocumentRequest> request(Prompt prompt, const Json& schema) const;
  /// Tokens of a text.
  Result<int64_t> count(std::string_view text) const { return model.count_tokens(text); }
};

/// Hears of every answer: (request, what it took).
using Used = std::function<void(const llm::Request&, const llm::Usage&)>;

struct Combined {
  Merged merged;
  bool by_model = false;
  int attempts = 0;
  std::string warning;  ///< why the model's texts are not in it, where it was asked
  Status state;         ///< kCancelled, or why the whole does not keep the schema
};

/// One summary of several: by rule, and texts in which they differ by the model, which reads those
/// of all parts (in groups where they do not fit at once). What fails there is left to the rule.
Combined combine(const SummaryJob& job, const std::vector<Json>& parts, const llm::Control& control,
                 const Used& used);

}  // namespace maie::summary
