#include "summary/combine.h"

#include <set>

#include "summary/answer.h"
#include "summary/budget.h"
#include "summary/pieces.h"
#include "summary/schema_rules.h"
#include "text/fold.h"

namespace maie::summary {
namespace {

// The texts of the parts as the model reads them.
std::string partial_text(const std::vector<Json>& texts) {
  std::string out;
  for (size_t i = 0; i < texts.size(); ++i) {
    if (i > 0) out += '\n';
    out += "Part " + std::to_string(i + 1) + ": " + to_line(texts[i]);
  }
  return out;
}

// A model that has lost its way says the same again and again.
Status check_repetition(const Json& texts) {
  constexpr size_t kFew = 5;  // sentences; fewer may be anything
  const std::string text = all_text(texts);
  std::set<std::string> different;
  size_t count = 0;
  for (const Span span : sentences(text, text.size())) {
    different.insert(text::fold(std::string_view(text).substr(span.start, span.end - span.start)));
    ++count;
  }
  if (count < kFew || different.size() * 4 >= count * 3) return {};
  return invalid_input("the model repeats itself: " + std::to_string(count) + " sentences, " +
                       std::to_string(different.size()) + " different ones");
}

// Makes one of the texts of several parts, in as many rounds as it takes to fit the context.
class TextMerger {
 public:
  TextMerger(const SummaryJob& job, const Json& schema, const llm::Control& control,
             const Used& used)
      : job_(job), schema_(schema), control_(control), used_(used) {}

  Result<Json> merge(std::vector<Json> texts) {
    while (texts.size() > 1) {
      std::vector<Json> merged;
      for (size_t at = 0; at < texts.size();) {
        MAIE_ASSIGN(const size_t size, group_size(texts, at));
        if (size == 1 && texts.size() - at > 1) {
          return invalid_input("two parts' texts together are longer than the model's context");
        }
        if (size == 1) {  // the last one has no partner in this round
          merged.push_back(std::move(texts[at++]));
          continue;
        }
        const std::vector<Json> group(texts.begin() + int64_t(at),
                                      texts.begin() + int64_t(at + size));
        MAIE_ASSIGN(Json one, ask(group));
        merged.push_back(std::move(one));
        at += size;
      }
      texts = std::move(merged);
    }
    return texts.front();
  }
  int attempts() const { return attempts_; }

 private:
  Result<bool> fits(const std::vector<Json>& texts) const {
    MAIE_ASSIGN(const Prompt prompt, merge_prompt(*job_.form, schema_, partial_text(texts)));
    MAIE_ASSIGN(const int64_t tokens, job_.count(prompt.whole()));
    return leaves_room(Task::kSummary, tokens, context_of(job_.model.info()));
  }

  // How many texts from `at` on fit the context together: all, or half as many, and so on.
  Result<size_t> group_size(const std::vector<Json>& texts, size_t at) const {
    for (size_t size = texts.size() - at; size > 1; size = (size + 1) / 2) {
      MAIE_ASSIGN(const bool fit,
                  fits({texts.begin() + int64_t(at), texts.begin() + int64_t(at + size)}));
      if (fit) return size;
      if (size == 2) break;
    }
    return size_t{1};
  }

  Result<Json> ask(const std::vector<Json>& texts) {
    MAIE_ASSIGN(Prompt prompt, merge_prompt(*job_.form, schema_, partial_text(texts)));
    MAIE_ASSIGN(const DocumentRequest request, job_.request(std::move(prompt), schema_));
    const DocumentAnswer answer = ask_document(request, *job_.phrases, job_.model, control_, used_);
    attempts_ = std::max(attempts_, answer.attempts);
    if (!answer.state.ok()) return answer.state;
    MAIE_TRY(check_repetition(answer.value));
    return answer.value;
  }

  const SummaryJob& job_;
  const Json& schema_;
  const llm::Control& control_;
  const Used& used_;
  int attempts_ = 0;
};

}  // namespace

Result<DocumentRequest> SummaryJob::request(Prompt prompt, const Json& schema) const {
  MAIE_ASSIGN(const int64_t tokens, count(prompt.whole()));
  MAIE_ASSIGN(const int64_t most,
              tokens_to_ask(Task::kSummary, tokens, context_of(model.info()), options.max_tokens));
  DocumentRequest out(std::move(prompt), schema);
  out.schema_name = form->id;
  const bool trained = trained_prompt(model.info(), form->id) != nullptr;
  out.sampling = options.sampling;
  if (!out.sampling.temperature) {
    out.sampling.temperature = trained ? 0.0 : model.info().sampling.temperature.value_or(0.5);
  }
  out.max_tokens = most;
  out.spare_tokens = available_tokens(tokens, context_of(model.info())) - most;
  out.constrained = options.constrained;
  out.attempts = options.attempts;
  // A model trained on one short line would only be confused by more.
  out.feedback = !trained;
  return out;
}

Combined combine(const SummaryJob& job, const std::vector<Json>& parts, const llm::Control& control,
                 const Used& used) {
  Combined out;
  const Json& schema = job.form->schema;
  out.merged = merge_by_rule(schema, parts);
  const Json differing = differing_texts(schema, parts);
  // A small model trained for the template has seen transcripts only, no partial results.
  const bool trained = trained_prompt(job.model.info(), job.form->id) != nullptr;
  if (!differing.is_null() && !trained) {
    std::vector<Json> texts;
    for (const Json& part : parts) texts.push_back(only_members(part, differing));
    TextMerger merger(job, differing, control, used);
    const auto merged = merger.merge(std::move(texts));
    out.attempts = merger.attempts();
    Json with = out.merged.value;
    if (merged) overlay(with, *merged);
    const Status status = merged ? check_schema(schema, with) : merged.error();
    if (status.code() == Code::kCancelled) {
      out.state = status;
      return out;
    }
    out.by_model = status.ok();
    if (out.by_model) {
      out.merged.value = std::move(with);
    } else {
      out.warning = "the texts of the parts were put together by rule: " + status.message();
    }
  }
  out.state = check_schema(schema, out.merged.value).within("the merged summary");
  return out;
}

}  // namespace maie::summary
