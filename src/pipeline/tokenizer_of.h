#pragma once

#include "models/whisper/weights.h"
#include "text/whisper_tokenizer.h"

namespace maie::pipeline {

/// The tokenizer that belongs to weights: tokenizer.json where there is one, else the vocabulary of
/// the CTranslate2 or ggml file.
Result<text::WhisperTokenizer> tokenizer_of(const whisper::Weights& weights);

}  // namespace maie::pipeline
