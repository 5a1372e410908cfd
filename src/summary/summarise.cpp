#include "summary/summarise.h"

#include <algorithm>
#include <optional>

#include "summary/budget.h"
#include "summary/combine.h"
#include "summary/part_maker.h"
#include "summary/pieces.h"
#include "summary/provenance.h"

namespace maie::summary {
namespace {

constexpr int64_t kFragmentsOfAPart = 8;  // longer turns are cut: parts can overlap by little

class Summariser {
 public:
  Summariser(const Transcript& transcript, SummaryJob job, Summary& out)
      : transcript_(transcript), job_(std::move(job)), out_(out) {}

  Status run() {
    MAIE_TRY(cut());
    MAIE_TRY(maker_->sum_up());
    MAIE_TRY(bring_together());
    if (job_.options.only_named_participants)
      drop_unnamed_participants(transcript_, out_, origins_);
    find_sources(transcript_, origins_, out_);
    return {};
  }

 private:
  Result<int64_t> room_for_text() const;
  Status cut();
  Status bring_together();
  void report_parts();

  const Transcript& transcript_;
  SummaryJob job_;
  Summary& out_;
  std::optional<PartMaker> maker_;  // after cut()
  std::vector<Origin> origins_;
};

// Tokens of text that a prompt can hold and still leave its answer room.
Result<int64_t> Summariser::room_for_text() const {
  const int64_t context = context_of(job_.model.info());
  MAIE_ASSIGN(const Prompt empty, summary_prompt(*job_.form, job_.model.info(), ""));
  MAIE_ASSIGN(const int64_t fixed, job_.count(empty.whole()));
  int64_t low = 0, high = context;  // leaves_room holds up to `low`
  while (low < high) {
    const int64_t middle = low + (high - low + 1) / 2;
    if (leaves_room(Task::kSummary, middle, context)) {
      low = middle;
    } else {
      high = middle - 1;
    }
  }
  // Less one part in twenty: tokens of fragments do not quite add up to those of the whole.
  const int64_t room = (low - fixed) * 19 / 20;
  if (room < PartMaker::kLeastPart) {
    return invalid_input("Input exceeds model context: the prompt of " + job_.form->id + " has " +
                         std::to_string(fixed) + " tokens and the model holds " +
                         std::to_string(context) +
                         ", which leaves no room for a transcript; take a model with a longer "
                         "context, or a shorter template");
  }
  return room;
}

Status Summariser::cut() {
  MAIE_ASSIGN(const int64_t room, room_for_text());
  const auto count = [&](std::string_view text) { return job_.count(text); };
  MAIE_ASSIGN(const int64_t whole, count(to_text(transcript_)));
  const int64_t most = std::max<int64_t>(std::min(whole, room) / kFragmentsOfAPart, 16);
  MAIE_ASSIGN(std::vector<Fragment> cuts, fragments(transcript_, most, count));
  std::vector<Range> ranges{{0, cuts.size()}};
  if (whole > room) {
    const auto overlap = int64_t(double(room) * PartMaker::overlap_share(job_.options));
    ranges = overlapping(cuts, packed(cuts, room - overlap - most), overlap);
  }
  maker_.emplace(transcript_, job_, std::move(cuts), std::move(ranges), out_);
  return {};
}

Status Summariser::bring_together() {
  std::vector<Json> parts;
  for (const SummaryPart& part : out_.parts) parts.push_back(part.summary);
  if (parts.size() == 1) {
    // Not merged, which would take out what the model chose to say in two ways.
    out_.value = parts[0];
    origins_ = list_items(parts[0]);
    out_.parts[0].items = int(origins_.size());
    return {};
  }
  Combined combined = combine(job_, parts, maker_->merging(), maker_->used());
  MAIE_TRY(combined.state);
  maker_->merged();
  out_.value = std::move(combined.merged.value);
  origins_ = std::move(combined.merged.origins);
  out_.merged_by_model = combined.by_model;
  out_.attempts = std::max(out_.attempts, combined.attempts);
  if (!combined.warning.empty()) out_.warnings.push_back(combined.warning);
  report_parts();
  return {};
}

// Every part of the timeline should have left something.
void Summariser::report_parts() {
  for (const Origin& origin : origins_) {
    for (const size_t part : origin.parts) ++out_.parts[part].items;
  }
  if (origins_.empty()) return;
  for (size_t i = 0; i < out_.parts.size(); ++i) {
    if (out_.parts[i].items > 0) continue;
    out_.warnings.push_back("part " + std::to_string(i + 1) + " (" + span_of(out_.parts[i]) +
                            ") added nothing to the lists of the summary");
  }
}

}  // namespace

Summary summarise(const Transcript& transcript, const SummaryOptions& options,
                  TemplateStore& templates, llm::LanguageModel& model, const Control& control) {
  Summary out;
  out.model = model_use(model);
  out.template_id = options.template_id;
  if (options.template_id.empty()) {
    out.state = invalid_input("template_id required when summary feature requested");
    return out;
  }
  const auto clean = prepared(transcript);
  const auto form = templates.for_summary(options.template_id);
  out.state = !clean ? clean.error() : form.status().within("Template schema error");
  if (!out.state.ok()) return out;
  out.template_id = (*form)->id;
  out.schema_hash = (*form)->schema_hash;
  Summariser summariser(*clean, {options, control, model, *form, templates.hallucinations()}, out);
  out.state = summariser.run();
  if (!out.state.ok()) {
    out.value = nullptr;
    out.sources.clear();
  }
  return out;
}

}  // namespace maie::summary
