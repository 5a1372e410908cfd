#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/status.h"
#include "llm/language_model.h"
#include "summary/control.h"
#include "summary/model_use.h"
#include "summary/template_store.h"
#include "summary/transcript.h"

namespace maie::summary {

struct SummaryOptions {
  std::string template_id;
  /// Temperature absent: 0 with a model that was trained with a prompt of its own for the template,
  /// else what the model's generation_config.json asks for, else 0.5.
  llm::Sampling sampling;
  int64_t max_tokens = 0;   ///< of an answer, at most; 0: as the budget says
  int attempts = 2;         ///< per request, at least 1
  bool constrained = true;  ///< ask for structured output; the answer is validated in any case
  int parallel = 2;         ///< parts of a long transcript asked for at the same time
  double overlap = 0.05;    ///< of a part, repeated at the start of the next one
  int halvings = 3;         ///< a part that fails is cut in two, its halves again, so often at most
  /// Takes out of meeting_notes_v2 the participants whose name is not in the transcript.
  bool only_named_participants = false;
};

/// A part of the transcript that was summed up on its own.
struct SummaryPart {
  size_t first_turn = 0, last_turn = 0;  ///< turns of the transcript, both inclusive
  double start_s = 0, end_s = 0;         ///< both 0 without times
  Status state;
  Json summary;  ///< under the template's schema; null when it failed
  int attempts = 0;
  int repeated = 0;  ///< entries of its lists that said the same again and were taken out
  int items = 0;     ///< list items of the whole summary that came from it, alone or with others
};

/// Where a value of the summary was said.
struct Source {
  std::string pointer;            ///< JSON pointer into the summary
  double start_s = 0, end_s = 0;  ///< both 0 without times
  size_t first_turn = 0, last_turn = 0;
  std::vector<size_t> parts;  ///< indices of the parts it came from
  double score = 0;  ///< share of its words found there, rare words count more; 0: only the
                     ///< part is known, and the times are the part's
};

struct Summary {
  Status state;  ///< ok: `value` is valid against the template's schema
  Json value;    ///< null when failed
  std::string template_id;
  std::string schema_hash;         ///< "sha256:..."
  int attempts = 0;                ///< most that one request needed
  std::vector<SummaryPart> parts;  ///< one when the transcript fits; together they hold all turns
  bool merged_by_model = false;  ///< texts of several parts were made one by the model, not by rule
  std::vector<Source> sources;   ///< in the order of the summary
  std::vector<std::string> warnings;  ///< e.g. of a part that added nothing of its own
  std::string raw_output;             ///< last answer of the model, as it came
  ModelUse model;

  int retry_count() const { return attempts > 1 ? attempts - 1 : 0; }
};

/// Sums a transcript up under a template (docs/spec/service.md, 4.7 and docs/summaries.md). One
/// longer than the context is summed up in overlapping parts, and those are merged. What fails
/// is tried again in halves (SummaryOptions::halvings), down to 128 tokens of text; halves of a
/// part to which no answer came at all are asked for once each. What an item of a list repeats word
/// for word goes (drop_repeated_items). A summary is valid against the schema or `state` says why
/// there is none: kInvalidInput for what another template, transcript or model would change,
/// kNotFound for the template, kCancelled, kUnavailable for what may work later.
Summary summarise(const Transcript& transcript, const SummaryOptions& options,
                  TemplateStore& templates, llm::LanguageModel& model, const Control& control = {});

/// [{"pointer", "start_s", "end_s", "first_turn", "last_turn", "parts", "score"}, ...]
Json to_json(const std::vector<Source>& sources);
/// [{"first_turn", "last_turn", "start_s", "end_s", "state", "attempts", "items"}, ...]
Json to_json(const std::vector<SummaryPart>& parts);

}  // namespace maie::summary
