#pragma once

#include <cstdint>
#include <string>

#include "store/model_facts.h"

namespace maie::store {

/// Memory a model takes while it works, in bytes, estimated from above:
///
///   weights  as loaded. Language models keep what the file has, so its size; Whisper runs in int8
///            where nothing else is asked for, so one byte a parameter.
///   cache    keys and values in bfloat16: 2 * layers * kv_heads * head_width * context * 2 bytes.
///   margin   activations, tokenizer and the program itself: 15 % of the weights and 64 MiB, for
///            Whisper, which takes 8 windows at a time, 256 MiB.
///
/// docs/models-store.md says the same to users.
struct MemoryNeed {
  uint64_t weights = 0;
  uint64_t cache = 0;
  uint64_t margin = 0;
  int64_t context = 0;  ///< tokens the cache is for; 0: no cache, or its sizes are not known

  uint64_t total() const { return weights + cache + margin; }
};

/// Tokens an estimate is made for where nothing is said: more than most prompts, less than what
/// models are made for.
inline constexpr int64_t kUsualContext = 8192;

/// @param context  tokens of prompt and answer; 0: kUsualContext. More than the model can is cut.
MemoryNeed memory_need(const ModelFacts& facts, int64_t context);

/// "needs 5.1 GiB (weights 4.2 GiB, 8192 tokens of context 320.0 MiB, working room 600.0 MiB)".
std::string to_text(const MemoryNeed& need);

}  // namespace maie::store
