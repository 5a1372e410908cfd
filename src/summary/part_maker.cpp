#include "summary/part_maker.h"

#include <algorithm>
#include <iterator>

#include "base/check.h"
#include "summary/repetitions.h"

namespace maie::summary {
namespace {

constexpr double kWeightOfMerge = 0.15;  // of the whole, in the progress
constexpr double kAnswerOfMerge = 400;   // tokens, roughly
constexpr char kNotAskedFor[] = "not asked for";

}  // namespace

// What is asked for at once, and what may be done when it fails.
struct PartMaker::Piece {
  Range range;
  size_t index = 0;         // the part it is in, for the progress
  double from = 0, to = 1;  // its share of that part
  int halvings = 0, attempts = 1;
};

// What came of a part: one summary, or those of its pieces, in order.
struct PartMaker::Made {
  std::vector<SummaryPart> parts;
  std::vector<std::string> warnings;
};

PartMaker::PartMaker(const Transcript& transcript, const SummaryJob& job,
                     std::vector<Fragment> fragments, std::vector<Range> ranges, Summary& out)
    : transcript_(transcript),
      job_(job),
      fragments_(std::move(fragments)),
      ranges_(std::move(ranges)),
      out_(out) {
  check(!ranges_.empty() && ranges_.front().first == 0 && ranges_.back().last == fragments_.size(),
        "the parts hold the whole transcript");
  const size_t count = ranges_.size();
  std::vector<double> weights(count, count > 1 ? (1 - kWeightOfMerge) / double(count) : 1.0);
  weights.push_back(count > 1 ? kWeightOfMerge : 0);
  meter_ = std::make_unique<Meter>(job_.control.on_progress, weights);
}

double PartMaker::overlap_share(const SummaryOptions& options) {
  return std::clamp(options.overlap, 0.0, 0.3);
}

llm::Control PartMaker::control_of(std::function<void(double)> progress, double expected) const {
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

Used PartMaker::used() {
  return [this](const llm::Request& request, const llm::Usage& usage) {
    const std::lock_guard lock(mutex_);
    out_.model.add(request, usage);
  };
}

llm::Control PartMaker::merging() {
  return control_of([this](double fraction) { meter_->set(ranges_.size(), fraction); },
                    kAnswerOfMerge);
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

// What is known of a part before it is asked for.
SummaryPart PartMaker::described(Range range) const {
  SummaryPart part;
  const Fragment &first = fragments_[range.first], &last = fragments_[range.last - 1];
  part.first_turn = first.turn;
  part.last_turn = last.turn;
  part.start_s = first.start_s;
  for (size_t i = range.first; i < range.last; ++i) {
    part.end_s = std::max(part.end_s, fragments_[i].end_s);
  }
  part.state = unavailable(kNotAskedFor);
  return part;
}

// Asks for the summary of a piece. `answered`: the model said something, be it of use or not.
SummaryPart PartMaker::ask(const Piece& piece, bool& answered) {
  SummaryPart part = described(piece.range);
  auto prompt =
      summary_prompt(*job_.form, job_.model.info(), text_of(transcript_, fragments_, piece.range));
  if (!prompt) {
    part.state = prompt.error();
    return part;
  }
  auto request = job_.request(std::move(*prompt), job_.form->schema);
  if (!request) {
    part.state = request.error();
    return part;
  }
  request->attempts = std::min(request->attempts, piece.attempts);
  const llm::Control control = control_of(
      [this, &piece](double fraction) {
        meter_->set(piece.index, piece.from + (piece.to - piece.from) * fraction);
      },
      double(request->max_tokens) / 2);
  DocumentAnswer answer = ask_document(*request, *job_.phrases, job_.model, control, used());
  part.state = std::move(answer.state);
  part.summary = std::move(answer.value);
  part.attempts = answer.attempts;
  answered = !answer.raw.empty();
  if (part.state.ok()) {
    part.repeated = int(drop_repeated_items(job_.form->schema, part.summary));
  }
  const std::lock_guard lock(mutex_);
  out_.attempts = std::max(out_.attempts, answer.attempts);
  out_.raw_output = std::move(answer.raw);
  return part;
}

// Sums a piece up, in halves where it fails as a whole. One hard passage, or one that sends the
// model in circles, is small then, and reads differently.
void PartMaker::make(const Piece& piece, Made& made) {
  bool answered = false;
  SummaryPart whole = ask(piece, answered);
  std::vector<Range> two;
  if (!whole.state.ok() && whole.state.code() != Code::kCancelled && piece.halvings > 0 &&
      !failed_) {
    two = halves(fragments_, piece.range, 2 * kLeastPart, overlap_share(job_.options));
  }
  if (two.empty()) {
    if (!whole.state.ok()) failed_ = true;
    made.parts.push_back(std::move(whole));
    return;
  }
  made.warnings.push_back(span_of(whole) + " was summed up in halves: " + whole.state.message());
  const double middle = (piece.from + piece.to) / 2;
  for (size_t i = 0; i < two.size(); ++i) {
    if (i > 0 && !made.parts.back().state.ok()) {
      made.parts.push_back(described(two[i]));
      continue;
    }
    make({.range = two[i],
          .index = piece.index,
          .from = i == 0 ? piece.from : middle,
          .to = i == 0 ? middle : piece.to,
          .halvings = piece.halvings - 1,
          .attempts = answered ? piece.attempts : 1},
         made);
  }
}

Status PartMaker::sum_up() {
  std::vector<Made> made(ranges_.size());
  in_parallel(ranges_.size(), job_.options.parallel, [&](size_t i) {
    if (job_.control.cancel && job_.control.cancel->is_cancelled()) return false;
    make({.range = ranges_[i],
          .index = i,
          .halvings = job_.options.halvings,
          .attempts = std::max(job_.options.attempts, 1)},
         made[i]);
    meter_->set(i, 1);
    return made[i].parts.back().state.ok();
  });
  return collect(std::move(made));
}

// The parts of all, in order; the first that failed names the failure.
Status PartMaker::collect(std::vector<Made> made) {
  for (size_t i = 0; i < made.size(); ++i) {
    if (made[i].parts.empty()) made[i].parts.push_back(described(ranges_[i]));
    std::move(made[i].parts.begin(), made[i].parts.end(), std::back_inserter(out_.parts));
    std::move(made[i].warnings.begin(), made[i].warnings.end(), std::back_inserter(out_.warnings));
  }
  if (job_.control.cancel) MAIE_TRY(job_.control.cancel->status());
  int repeated = 0;
  const SummaryPart* failed = nullptr;
  for (const SummaryPart& part : out_.parts) {
    repeated += part.repeated;
    if (part.state.ok()) continue;
    // Parts beside one that failed may not have been asked for.
    if (failed == nullptr || failed->state.message() == kNotAskedFor) failed = &part;
  }
  if (repeated > 0) {
    out_.warnings.push_back(std::to_string(repeated) + (repeated == 1 ? " entry" : " entries") +
                            " of lists that repeated others went");
  }
  if (failed == nullptr) return {};
  if (out_.parts.size() == 1) return failed->state;
  return failed->state.within("part " + std::to_string(failed - out_.parts.data() + 1) + " of " +
                              std::to_string(out_.parts.size()) + " (" + span_of(*failed) + ")");
}

}  // namespace maie::summary
