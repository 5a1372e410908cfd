#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "summary/combine.h"
#include "summary/parallel.h"
#include "summary/pieces.h"
#include "summary/summarise.h"

namespace maie::summary {

/// When or where a part is: "0:00 to 5:10", or "lines 1 to 12" where no times are known.
std::string span_of(const SummaryPart& part);

/// Sums a transcript up part by part, those that fail in halves, and reports the progress of that
/// and of the merging after it. The references outlive it; sum_up is called once.
class PartMaker {
 public:
  /// @param ranges  runs of `fragments`, together all of them
  PartMaker(const Transcript& transcript, const SummaryJob& job, std::vector<Fragment> fragments,
            std::vector<Range> ranges, Summary& out);

  /// Part of a part, repeated at the start of the next one.
  static double overlap_share(const SummaryOptions& options);
  /// Tokens; a context that holds less is too short for the job, and halves do not get smaller.
  static constexpr int64_t kLeastPart = 64;

  /// Fills parts, attempts, raw_output, model and warnings of the summary. The first part that
  /// failed for good names the failure, kCancelled comes before it; parts after it may not have
  /// been asked for.
  Status sum_up();

  /// For the requests that merge the parts, and what hears of their answers.
  llm::Control merging();
  Used used();
  /// The merging is over.
  void merged() { meter_->set(ranges_.size(), 1); }

 private:
  struct Piece;
  struct Made;
  SummaryPart described(Range range) const;
  SummaryPart ask(const Piece& piece, bool& answered);
  void make(const Piece& piece, Made& made);
  Status collect(std::vector<Made> made);
  llm::Control control_of(std::function<void(double)> progress, double expected) const;

  const Transcript& transcript_;
  const SummaryJob& job_;
  const std::vector<Fragment> fragments_;
  const std::vector<Range> ranges_;
  std::unique_ptr<Meter> meter_;
  std::atomic<bool> failed_ = false;  // the summary is lost: what goes on need not be saved
  std::mutex mutex_;                  // guards out_.model, out_.attempts, out_.raw_output
  Summary& out_;
};

}  // namespace maie::summary
