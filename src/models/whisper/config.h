#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "formats/ctranslate2.h"
#include "formats/ggml.h"

namespace maie::whisper {

/// One attention head of the decoder whose cross-attention follows the audio.
struct AlignmentHead {
  int layer = 0;
  int head = 0;
  friend bool operator==(const AlignmentHead&, const AlignmentHead&) = default;
};

/// Sizes and token rules of a Whisper model, whatever file they came from. A Config that one of the
/// functions below returned is sane: sizes within bounds, widths divisible by their heads, ids
/// within the vocabulary.
struct Config {
  int mel_bins = 80;  ///< F
  int width = 0;      ///< C, of encoder and decoder
  int encoder_layers = 0;
  int decoder_layers = 0;
  int encoder_heads = 0;
  int decoder_heads = 0;
  int encoder_ffn = 0;
  int decoder_ffn = 0;
  int vocabulary = 0;        ///< V
  int audio_context = 1500;  ///< encoder frames of 20 ms in one window
  int text_context = 448;    ///< decoder positions

  /// The file's, or else those of the published model of the same sizes, or else every head of the
  /// upper half of the decoder. Never empty.
  std::vector<AlignmentHead> alignment_heads;
  std::vector<int> suppress_ids;        ///< never sampled, as the file says; may be empty
  std::vector<int> begin_suppress_ids;  ///< nor these as the first token
  int max_initial_timestamp_index = 50;

  /// Hints; the tokenizer's names decide. -1 and empty: the file does not say.
  bool is_multilingual = false;
  int end_of_text_id = -1;
  int start_of_transcript_id = -1;
  int no_timestamps_id = -1;
  std::map<std::string, int> language_ids;  ///< "en" to id
};

/// From the text of config.json, generation_config.json and preprocessor_config.json (the last two
/// empty when absent). kUnsupported for another architecture, activation or sampling, kCorrupt for
/// sizes that cannot be. `where` is put in front of messages.
Result<Config> config_from_huggingface(std::string_view config_json,
                                       std::string_view generation_json,
                                       std::string_view preprocessor_json,
                                       const std::string& where);

/// From the shapes of the variables and the text of CTranslate2's config.json (empty when absent).
Result<Config> config_from_ctranslate2(const formats::Ctranslate2& file,
                                       std::string_view config_json);

/// From the header of a whisper.cpp file.
Result<Config> config_from_ggml(const formats::GgmlFile& file);

/// The heads for a model whose file names none (see Config::alignment_heads).
std::vector<AlignmentHead> default_alignment_heads(const Config& config);

}  // namespace maie::whisper
