#pragma once

#include <functional>
#include <string>
#include <utility>

#include "base/json.h"
#include "llm/language_model.h"
#include "summary/control.h"
#include "summary/hallucinations.h"
#include "summary/messages.h"

namespace maie::summary {

/// A document to ask for.
struct DocumentRequest {
  DocumentRequest(Prompt asked, const Json& kept) : prompt(std::move(asked)), schema(kept) {}

  Prompt prompt;
  const Json& schema;  ///< outlives the request
  std::string schema_name;
  llm::Sampling sampling;
  int64_t max_tokens = 0;
  int64_t spare_tokens = 0;  ///< of the context, beyond prompt and max_tokens
  bool constrained = true;
  bool feedback = true;  ///< a second attempt is told what was wrong with the first
  int attempts = 2;
};

/// What came of it.
struct DocumentAnswer {
  Status state;  ///< ok: `value` keeps the schema, with the known made-up phrases taken out
  Json value;
  int attempts = 0;
  std::string raw;  ///< last answer
};

/// Asks up to `attempts` times: an answer that does not parse or does not keep the schema is asked
/// for again, cooler; so is one that failed on the way. What the model refuses (kInvalidInput) and
/// a stop on request end it at once. `used` hears of every answer.
DocumentAnswer ask_document(
    const DocumentRequest& wanted, const HallucinationList& phrases, llm::LanguageModel& model,
    const llm::Control& control,
    const std::function<void(const llm::Request&, const llm::Usage&)>& used);

/// The temperature of attempt `number` (0: the first): max(T / 2^number, 0.1) from the second on.
double temperature_of(double first, int number);

}  // namespace maie::summary
