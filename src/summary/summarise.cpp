#include "summary/summarise.h"

#include <algorithm>
#include <mutex>

#include "summary/budget.h"
#include "summary/combine.h"
#include "summary/parallel.h"
#include "summary/pieces.h"
#include "summary/provenance.h"

namespace maie::summary {
namespace {

constexpr int64_t kLeastPart = 64;  // tokens; below that the context is too short for the job
constexpr int64_t kFragmentsOfAPart =
    8;  // longer turns are cut, so that parts can overlap by little
constexpr double kWeightOfMerge = 0.15;  // of the whole, in the progress

class Summariser {
 public:
  Summariser(const Transcript& transcript, SummaryJob job, Summary& out)
      : transcript_(transcript), job_(std::move(job)), out_(out) {}

  Status run() {
    MAIE_TRY(cut());
    MAIE_TRY(sum_up_parts());
    MAIE_TRY(bring_together());
    if (job_.options.only_named_participants)
      drop_unnamed_participants(transcript_, out_, origins_);
    find_sources(transcript_, origins_, out_);
    return {};
  }

 private:
  Result<int64_t> room_for_text() const;
  Status cut();
  Status sum_up_parts();
  SummaryPart described(Range range) const;
  SummaryPart sum_up(size_t index);
  Status bring_together();
  void report_parts();
  llm::Control control_of(std::function<void(double)> progress, double expected) const;
  Used used();

  const Transcript& transcript_;
  SummaryJob job_;
  Summary& out_;
  std::vector<Fragment> fragments_;
  std::vector<Range> ranges_;
  std::vector<Origin> origins_;
  std::unique_ptr<Meter> meter_;
  std::mutex mutex_;  // guards out_.model, out_.attempts, out_.raw_output
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
  if (room < kLeastPart) {
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
  if (whole <= room) {
    for (size_t i = 0; i < transcript_.turns.size(); ++i) {
      const Turn& turn = transcript_.turns[i];
      fragments_.push_back({i, true, "", turn.text, turn.start_s, turn.end_s, 1});
    }
    ranges_ = {{0, fragments_.size()}};
    return {};
  }
  const int64_t fragment = std::max<int64_t>(room / kFragmentsOfAPart, 16);
  const auto overlap = int64_t(double(room) * std::clamp(job_.options.overlap, 0.0, 0.3));
  MAIE_ASSIGN(fragments_, fragments(transcript_, fragment, count));
  ranges_ = overlapping(fragments_, packed(fragments_, room - overlap - fragment), overlap);
  check(!ranges_.empty() && ranges_.front().first == 0 && ranges_.back().last == fragments_.size(),
        "the parts hold the whole transcript");
  return {};
}

llm::Control Summariser::control_of(std::function<void(double)> progress, double expected) const {
  llm::Control control;
  control.cancel = job_.control.cancel;
  control.stall_limit_s = job_.control.stall_limit_s;
  // Reading is most of the work of a long prompt, writing that of a short one.
  control.on_progress = [progress = std::move(progress), expected](const llm::Progress& now) {
    const double read =
        now.prompt_tokens > 0 ? double(now.prompt_read) / double(now.prompt_tokens) : 0;
    progress(0.5 * read + 0.45 * std::min(1.0, double(now.answer_tokens) / expected));
  };
  return control;
}

Used Summariser::used() {
  return [this](const llm::Request& request, const llm::Usage& usage) {
    const std::lock_guard lock(mutex_);
    out_.model.add(request, usage);
  };
}

// What is known of a part before it is asked for.
SummaryPart Summariser::described(Range range) const {
  SummaryPart part;
  const Fragment &first = fragments_[range.first], &last = fragments_[range.last - 1];
  part.first_turn = first.turn;
  part.last_turn = last.turn;
  part.start_s = first.start_s;
  for (size_t i = range.first; i < range.last; ++i) {
    part.end_s = std::max(part.end_s, fragments_[i].end_s);
  }
  part.state = unavailable("not asked for");
  return part;
}

SummaryPart Summariser::sum_up(size_t index) {
  const Range range = ranges_[index];
  SummaryPart part = described(range);
  auto prompt =
      summary_prompt(*job_.form, job_.model.info(), text_of(transcript_, fragments_, range));
  if (!prompt) {
    part.state = prompt.error();
    return part;
  }
  const auto request = job_.request(std::move(*prompt), job_.form->schema);
  if (!request) {
    part.state = request.error();
    return part;
  }
  const llm::Control control =
      control_of([this, index](double fraction) { meter_->set(index, fraction); },
                 double(request->max_tokens) / 2);
  DocumentAnswer answer = ask_document(*request, *job_.phrases, job_.model, control, used());
  part.state = std::move(answer.state);
  part.summary = std::move(answer.value);
  part.attempts = answer.attempts;
  const std::lock_guard lock(mutex_);
  out_.attempts = std::max(out_.attempts, answer.attempts);
  out_.raw_output = std::move(answer.raw);
  return part;
}

std::string span_of(const SummaryPart& part) {
  const auto time = [](double seconds) {
    const auto whole = int64_t(seconds);
    const std::string rest = std::to_string(whole % 60);
    return std::to_string(whole / 60) + ":" + (rest.size() < 2 ? "0" : "") + rest;
  };
  if (part.end_s <= part.start_s) {
    return "lines " + std::to_string(part.first_turn + 1) + " to " +
           std::to_string(part.last_turn + 1);
  }
  return time(part.start_s) + " to " + time(part.end_s);
}

Status Summariser::sum_up_parts() {
  const size_t count = ranges_.size();
  std::vector<double> weights(count, count > 1 ? (1 - kWeightOfMerge) / double(count) : 1.0);
  if (count > 1) weights.push_back(kWeightOfMerge);
  meter_ = std::make_unique<Meter>(job_.control.on_progress, weights);
  for (const Range range : ranges_) out_.parts.push_back(described(range));
  in_parallel(count, job_.options.parallel, [&](size_t i) {
    if (job_.control.cancel && job_.control.cancel->is_cancelled()) return false;
    out_.parts[i] = sum_up(i);
    meter_->set(i, 1);
    return out_.parts[i].state.ok();
  });
  if (job_.control.cancel) MAIE_TRY(job_.control.cancel->status());
  for (size_t i = 0; i < count; ++i) {
    const SummaryPart& part = out_.parts[i];
    if (part.state.ok()) continue;
    if (count == 1) return part.state;
    return part.state.within("part " + std::to_string(i + 1) + " of " + std::to_string(count) +
                             " (" + span_of(part) + ")");
  }
  return {};
}

Status Summariser::bring_together() {
  std::vector<Json> parts;
  for (const SummaryPart& part : out_.parts) parts.push_back(part.summary);
  if (parts.size() == 1) {
    // As it came: merging would take out what the model chose to say twice.
    out_.value = parts[0];
    origins_ = list_items(parts[0]);
    out_.parts[0].items = int(origins_.size());
    return {};
  }
  const size_t index = parts.size();
  const llm::Control control =
      control_of([this, index](double fraction) { meter_->set(index, fraction); }, 400);
  Combined combined = combine(job_, parts, control, used());
  MAIE_TRY(combined.state);
  meter_->set(index, 1);
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
