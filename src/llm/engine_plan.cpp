// What goes into a pass: the next tokens of every answer, and chunks of prompts while there is
// room.

#include <algorithm>

#include "llm/engine.h"

namespace maie::llm {
namespace {

constexpr int64_t kPage = ops::kKvPage;
constexpr int64_t kExact = ops::kExactRows;

}  // namespace

Engine::Pass Engine::plan() {
  Pass pass;
  int64_t answers = 0;
  for (const auto& sequence : active_) answers += sequence->reads_prompt() ? 0 : 1;
  // Guesses share a pass: more rows than one sequence may have cost more than they save.
  const auto draft_room = size_t(answers == 0 ? 0 : std::max<int64_t>(1, (kExact - 1) / answers));
  for (const auto& sequence : active_) {
    if (!sequence->reads_prompt()) plan_answer(*sequence, draft_room, pass);
  }
  // Beside answers a chunk at a time, so that these go on.
  const int64_t left = network_.max_rows() - int64_t(pass.tokens.size());
  plan_prompts(answers > 0 ? std::min(left, options_.chunk) : left, pass);
  return pass;
}

void Engine::plan_answer(Sequence& sequence, size_t draft_room, Pass& pass) {
  const int64_t pending = int64_t(sequence.tokens.size()) - sequence.read;
  const int64_t rows = std::min(pending, kExact);
  sequence.draft.clear();
  if (rows == pending) sequence.guess(std::min(draft_room, size_t(kExact - rows)));
  const auto first = int64_t(pass.tokens.size());
  const auto begin = sequence.tokens.begin() + std::ptrdiff_t(sequence.read);
  pass.tokens.insert(pass.tokens.end(), begin, begin + std::ptrdiff_t(rows));
  pass.tokens.insert(pass.tokens.end(), sequence.draft.begin(), sequence.draft.end());
  const auto drafted = int64_t(sequence.draft.size());
  pass.entries.push_back({sequence.pages, sequence.read, rows + drafted});
  Part part{&sequence, rows, int64_t(pass.wanted.size()), rows == pending ? 1 + drafted : 0};
  for (int64_t i = 0; i < part.wanted; ++i) pass.wanted.push_back(int(first + rows - 1 + i));
  pass.parts.push_back(part);
}

// A chunk for each prompt in turn, and again while there is room.
void Engine::plan_prompts(int64_t budget, Pass& pass) {
  std::vector<Sequence*> reading;
  for (const auto& sequence : active_) {
    if (!sequence->reads_prompt()) continue;
    take_cached(*sequence);
    reading.push_back(sequence.get());
  }
  if (reading.empty()) return;
  std::rotate(reading.begin(), reading.begin() + std::ptrdiff_t(turn_++ % reading.size()),
              reading.end());
  const size_t first_part = pass.parts.size();
  for (Sequence* sequence : reading) pass.parts.push_back({sequence});
  bool added = true;
  while (added) {
    added = false;
    for (size_t i = first_part; i < pass.parts.size(); ++i) {
      const int64_t rows = plan_chunk(pass.parts[i], budget, pass);
      budget -= rows;
      added = added || rows > 0;
    }
  }
}

// The next chunk of a prompt, if it fits the budget; how many rows it has.
int64_t Engine::plan_chunk(Part& part, int64_t budget, Pass& pass) const {
  const Sequence& sequence = *part.sequence;
  const int64_t from = sequence.read + part.rows;
  const int64_t rows = std::min(options_.chunk, sequence.prompt_size() - from);
  if (rows == 0 || rows > budget || is_read_by_another(sequence, from, pass)) return 0;
  const auto begin = sequence.tokens.begin() + std::ptrdiff_t(from);
  pass.tokens.insert(pass.tokens.end(), begin, begin + std::ptrdiff_t(rows));
  pass.entries.push_back({sequence.pages, from, rows});
  part.rows += rows;
  if (from + rows == sequence.prompt_size() && !sequence.answer.is_forced()) {
    part.first_wanted = int64_t(pass.wanted.size());
    part.wanted = 1;
    pass.wanted.push_back(int(pass.tokens.size()) - 1);
  }
  return rows;
}

// Whether somebody reads the same chunk behind the same beginning in this pass: then it is in the
// cache after it.
bool Engine::is_read_by_another(const Sequence& sequence, int64_t from, const Pass& pass) const {
  const int64_t to = from + options_.chunk;
  if (!options_.prefix_cache || to >= sequence.prompt_size()) return false;
  return std::any_of(pass.parts.begin(), pass.parts.end(), [&](const Part& part) {
    const Sequence& other = *part.sequence;
    if (&other == &sequence || !other.reads_prompt()) return false;
    if (other.read > from || other.read + part.rows < to) return false;
    return std::equal(sequence.tokens.begin(), sequence.tokens.begin() + std::ptrdiff_t(to),
                      other.tokens.begin());
  });
}

// Takes chunks that others have read meanwhile in place of own pages.
void Engine::take_cached(Sequence& sequence) {
  const auto& prompt = sequence.job->request().prompt;
  const int64_t most = (sequence.prompt_size() - 1) / options_.chunk * options_.chunk;
  if (std::min(most, cache_.known(prompt)) <= sequence.read) return;
  const std::vector<int32_t> pages = cache_.find(prompt, most);
  pool_.let_go(std::span(sequence.pages).first(pages.size()));
  std::copy(pages.begin(), pages.end(), sequence.pages.begin());
  const int64_t read = int64_t(pages.size()) * kPage;
  sequence.usage.cached_tokens += read - sequence.read;
  sequence.read = read;
}

}  // namespace maie::llm
