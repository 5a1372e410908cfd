#pragma once

#include <string>

namespace maie::e2e {

/// The mini weights (models/mini/asr) in the other containers people have, written from
/// docs/spec/models.md by other code than reads them.

/// A whisper.cpp file with the ordinary tokens in it.
/// @param type  "f32", "f16", "q8_0", "q5_0", "q5_1" or "q4_0": of the matrices; convolutions of a
///              quantised file are f16, vectors and positions f32.
void write_ggml(const std::string& path, const std::string& type);

/// A CTranslate2 folder: model.bin, config.json and vocabulary.json, without a tokenizer.json.
/// @param type  "float32", "float16" or "int8" (matrices and embedding by rows, 127 over the
/// largest).
void write_ctranslate2(const std::string& folder, const std::string& type);

/// A copy of the mini model that can do less: its tokens for languages, tasks, previous text and no
/// speech bear names that mean nothing, as in vocabularies that lack them.
void write_plain(const std::string& folder);

}  // namespace maie::e2e
