#include "summary/budget.h"

#include <algorithm>
#include <cmath>
#include <string>

namespace maie::summary {
namespace {

constexpr int64_t kChatFormat = 128;      // tokens for roles and the like
constexpr int64_t kLeastOfSummary = 512;  // a part of a transcript leaves as much, see leaves_room
// Asked for where there is room: a document under a schema is closed when its tokens end, and what
// it had still to say is lost. Short talk in few words can fill many lists.
constexpr int64_t kAmpleSummary = 1024;
int64_t least(Task task) { return task == Task::kEnhancement ? 256 : 128; }

}  // namespace

int64_t available_tokens(int64_t prompt, int64_t context) {
  return std::max<int64_t>(0, context - prompt - kChatFormat);
}

int64_t answer_budget(Task task, int64_t prompt, int64_t context) {
  const auto available = double(available_tokens(prompt, context));
  const auto n = double(prompt);
  const bool enhancement = task == Task::kEnhancement;
  double out = enhancement ? std::floor(n * 1.1) + 64 : std::floor(n * 0.3);
  const double low = double(least(task));
  const double cap = enhancement ? available : std::floor(available * 0.5);
  out = std::max(low, std::min(out, cap));
  out = std::min(out, available);
  return int64_t(std::max(out, low));
}

Result<int64_t> tokens_to_ask(Task task, int64_t prompt, int64_t context, int64_t cap) {
  const int64_t available = available_tokens(prompt, context);
  if (available < least(task)) {
    return invalid_input("Input exceeds model context: the prompt has " + std::to_string(prompt) +
                         " tokens and the model holds " + std::to_string(context) +
                         ", which leaves " + std::to_string(available) + " for the answer where " +
                         std::to_string(least(task)) +
                         " are needed; take a model with a longer context, or a shorter template");
  }
  int64_t out = answer_budget(task, prompt, context);
  if (task == Task::kSummary) out = std::max(out, std::min(kAmpleSummary, available));
  return cap > 0 ? std::min(out, cap) : out;
}

bool leaves_room(Task task, int64_t prompt, int64_t context) {
  const auto n = double(prompt);
  double wanted = std::max(std::floor(n * 1.1) + 64, 256.0);
  if (task == Task::kSummary) {
    wanted = std::min(std::max(std::floor(n * 0.3), double(kLeastOfSummary)), double(context) / 4);
    wanted = std::max(wanted, double(least(task)));
  }
  return double(available_tokens(prompt, context)) >= wanted;
}

}  // namespace maie::summary
