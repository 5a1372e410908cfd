#pragma once

#include <memory>
#include <string>

#include "audio/clip.h"
#include "pipeline/transcribe.h"
#include "tests/support/sanitized.h"

/// What the tests from audio to text share. Whatever fails here throws std::runtime_error, which
/// ends the test with the message.
namespace maie::e2e {

inline const std::string kMiniModel = MAIE_SOURCE_DIR "/models/mini/asr";
/// What the mini model finds by itself, and a copy of it elsewhere does not.
inline const std::string kMiniVad = MAIE_SOURCE_DIR "/models/mini/vad/model.safetensors";

/// True when the environment has MAIE_LONG_TESTS=1: hours of audio instead of minutes.
bool long_tests();

/// samples/<name>, decoded.
audio::Clip sample(const std::string& name);
/// The text beside a sample, one sentence a line: samples/<name>.txt.
std::string truth(const std::string& name);

/// The mini weights in float32 on two threads, unless `options` say otherwise; no model path: mini.
std::unique_ptr<pipeline::Transcriber> load(pipeline::TranscriberOptions options);
std::unique_ptr<pipeline::Transcriber> load_mini();

pipeline::Transcript transcribe(pipeline::Transcriber& transcriber, const audio::Clip& clip,
                                const pipeline::TranscribeOptions& options);

/// Text of the segments, one after the other.
std::string text_of(const pipeline::Transcript& transcript);
/// Everything about segments and what was dropped that a result file shows, to compare two runs.
std::string fingerprint(const pipeline::Transcript& transcript);

}  // namespace maie::e2e
