#pragma once

#include <span>
#include <string>
#include <vector>

#include "models/whisper/model.h"
#include "pipeline/decode_batch.h"
#include "search/word_times.h"
#include "text/whisper_tokenizer.h"

namespace maie::pipeline {

/// The words of one decoded window with times from the window's start: runs the text through the
/// decoder once more (teacher-forced) and reads the cross-attention of the alignment heads.
/// @param sot_sequence  the one the text was decoded with.
/// @param text          text tokens of the window, timestamps left out.
/// @param frames        frames of 10 ms in the window that hold audio.
/// @return no words for no text or less than two encoder frames.
Result<std::vector<search::TimedWord>> align_words(whisper::Model& model,
                                                   const text::WhisperTokenizer& tokenizer,
                                                   const whisper::Window& window,
                                                   std::span<const int> sot_sequence,
                                                   std::span<const int> text, int frames,
                                                   std::string_view language);

}  // namespace maie::pipeline
