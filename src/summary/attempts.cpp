#include "summary/attempts.h"

#include <algorithm>
#include <cmath>

#include "summary/answer.h"
#include "summary/schema_rules.h"
#include "text/utf8.h"

namespace maie::summary {
namespace {

llm::Request first_request(const DocumentRequest& wanted) {
  llm::Request request;
  request.messages = {{"system", wanted.prompt.system}, {"user", wanted.prompt.user}};
  request.recurring_messages = wanted.prompt.system_recurs ? 1 : 0;
  request.enable_thinking = false;
  request.sampling = wanted.sampling;
  request.max_tokens = wanted.max_tokens;
  if (wanted.constrained) {
    request.schema = to_line(wanted.schema);
    request.schema_name = wanted.schema_name;
  }
  return request;
}

// The document of an answer, or why it is none.
Result<Json> document_of(const std::string& raw, const Json& schema,
                         const HallucinationList& phrases) {
  MAIE_ASSIGN(Json document, parse_answer(phrases.filter(raw)));
  MAIE_TRY(check_schema(schema, document));
  // Taking a phrase out may leave a required text empty-handed.
  if (phrases.sanitise(document)) MAIE_TRY(check_schema(schema, document));
  return document;
}

std::string feedback_on(std::string_view error) {
  constexpr size_t kMost = 400;  // bytes: what was wrong, not the whole of a text that was too long
  return "\n\n[RETRY FEEDBACK]\nIMPORTANT: Previous attempt failed validation with error: " +
         text::repair_utf8(error.substr(0, kMost)) +
         "\nPlease ensure the output is valid JSON that strictly matches the provided schema.";
}

std::string after_attempts(int attempts) {
  return " after " + std::to_string(attempts) + (attempts == 1 ? " attempt: " : " attempts: ");
}

// "Schema validation failed: x" and "JSON decode error: x" after the last attempt.
Status exhausted(const Status& last, int attempts) {
  constexpr std::string_view kPrefix = "Schema validation failed: ";
  std::string_view what = last.message();
  if (what.starts_with(kPrefix)) what.remove_prefix(kPrefix.size());
  return unavailable("Schema validation failed" + after_attempts(attempts) + std::string(what));
}

}  // namespace

double temperature_of(double first, int number) {
  return number == 0 ? first : std::max(std::ldexp(first, -number), 0.1);
}

DocumentAnswer ask_document(
    const DocumentRequest& wanted, const HallucinationList& phrases, llm::LanguageModel& model,
    const llm::Control& control,
    const std::function<void(const llm::Request&, const llm::Usage&)>& used) {
  DocumentAnswer out;
  llm::Request request = first_request(wanted);
  const int attempts = std::max(wanted.attempts, 1);
  int invalid = 0;  // answers that could not be used
  while (out.attempts < attempts) {
    ++out.attempts;
    const auto answer = model.complete(request, control);
    if (!answer) {
      const Status& error = answer.error();
      out.state = {error.code(), "Generation failed" +
                                     (out.attempts > 1 ? after_attempts(out.attempts) : ": ") +
                                     error.message()};
      if (error.code() == Code::kCancelled) out.state = error;
      if (error.code() == Code::kCancelled || error.code() == Code::kInvalidInput) return out;
      continue;
    }
    used(request, answer->usage);
    out.raw = answer->text;
    auto document = document_of(answer->text, wanted.schema, phrases);
    if (document) {
      out.state = {};
      out.value = std::move(*document);
      return out;
    }
    out.state = exhausted(document.error(), out.attempts);
    request.sampling.temperature =
        temperature_of(wanted.sampling.temperature.value_or(1.0), ++invalid);
    if (!wanted.feedback) continue;
    const std::string feedback = feedback_on(document.error().message());
    request.messages[0].content = wanted.prompt.system + feedback;
    request.recurring_messages = 0;
    const auto longer = model.count_tokens(feedback);
    const int64_t over = longer ? *longer - wanted.spare_tokens : 0;
    request.max_tokens =
        std::max(wanted.max_tokens - std::max<int64_t>(over, 0), (wanted.max_tokens + 1) / 2);
  }
  return out;
}

}  // namespace maie::summary
