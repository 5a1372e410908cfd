#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "cli/progress.h"
#include "pipeline/document.h"

namespace maie::cli {

/// A progress line for each stage of a document, one after the other: "summarise talk.mp3". Its
/// callback may be called from any thread, one at a time.
class StageProgress {
 public:
  StageProgress(Console& console, std::string name, int index, int count)
      : console_(console), name_(std::move(name)), index_(index), count_(count) {}

  pipeline::DocumentProgress callback() {
    return [this](pipeline::DocumentStage stage, double fraction) { update(stage, fraction); };
  }

 private:
  void update(pipeline::DocumentStage stage, double fraction);

  Console& console_;
  std::string name_;
  int index_, count_;
  std::optional<pipeline::DocumentStage> stage_;
  std::unique_ptr<ProgressLine> line_;
};

}  // namespace maie::cli
