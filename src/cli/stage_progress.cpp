#include "cli/stage_progress.h"

namespace maie::cli {

void StageProgress::update(pipeline::DocumentStage stage, double fraction) {
  if (stage_ != stage) {
    stage_ = stage;
    line_ = std::make_unique<ProgressLine>(console_, std::string(to_string(stage)) + " " + name_,
                                           index_, count_);
    line_->opened(0);
  }
  line_->update(fraction);
}

}  // namespace maie::cli
