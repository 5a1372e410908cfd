#include "store/memory_need.h"

#include <algorithm>

#include "base/human_size.h"

namespace maie::store {

MemoryNeed memory_need(const ModelFacts& facts, int64_t context) {
  MemoryNeed need;
  const bool whisper = facts.architecture == "whisper";
  need.weights = whisper && facts.parameters > 0 ? facts.parameters : facts.size_bytes;
  need.margin = need.weights / 20 * 3 + (uint64_t{whisper ? 256u : 64u} << 20);
  if (!facts.is_language_model()) return need;
  need.context = context > 0 ? context : kUsualContext;
  if (facts.context > 0) need.context = std::min(need.context, facts.context);
  // Sizes came from files and are bounded by 2^24 each: in double nothing overflows, and what is
  // beyond any memory may as well be the largest number.
  const double bytes = 2.0 * double(facts.layers) * double(facts.kv_heads) *
                       double(facts.head_width) * double(need.context) * 2.0;
  need.cache = bytes < 1e18 ? uint64_t(bytes) : uint64_t{1} << 60;
  if (need.cache == 0) need.context = 0;
  return need;
}

std::string to_text(const MemoryNeed& need) {
  std::string text = "needs " + human_size(need.total()) + " (weights " + human_size(need.weights);
  if (need.context > 0)
    text += ", " + std::to_string(need.context) + " tokens of context " + human_size(need.cache);
  return text + ", working room " + human_size(need.margin) + ")";
}

}  // namespace maie::store
