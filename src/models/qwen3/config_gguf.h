#pragma once

#include "base/status.h"
#include "formats/gguf.h"
#include "models/qwen3/config.h"

namespace maie::qwen3 {

/// Reads the metadata of a GGUF file of architecture "qwen3" or "llama", and from its tensors the
/// size of the vocabulary, whether the output layer is the embedding, and the factors of rotary
/// frequencies (rope_freqs.weight, as Llama 3.1 has them).
/// @return kCorrupt for values that no network has, kUnsupported for another architecture, a
/// mixture of experts, rotation of a part of each head or YaRN; each names the key and its value.
Result<Config> config_from_gguf(const formats::Gguf& file);

}  // namespace maie::qwen3
