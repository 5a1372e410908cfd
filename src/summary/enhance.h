#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "llm/language_model.h"
#include "summary/control.h"
#include "summary/model_use.h"
#include "summary/template_store.h"
#include "summary/transcript.h"

namespace maie::summary {

inline constexpr char kEnhancementTemplate[] = "text_enhancement_v1";

struct EnhanceOptions {
  llm::Sampling sampling = sampling_at(0.0);
  int64_t max_tokens = 0;      ///< of an answer, at most; 0: as the budget says
  int64_t piece_tokens = 600;  ///< of the text given to the model at a time; fewer where the
                               ///< context is short
  int parallel = 4;            ///< pieces asked for at the same time
  double most_changed = 0.4;  ///< share of a piece's letters that an answer may change, add or drop
};

/// What became of a stretch of the text.
struct EnhancedPiece {
  size_t first_turn = 0, last_turn = 0;
  bool applied = false;
  std::string reason;  ///< why it, or with `applied` a part of it, stayed raw
};

struct Enhancement {
  /// ok when every piece was cleaned. Else why not all were: kCancelled, the model's failure, or
  /// kUnavailable with the number of pieces whose answers could not be used. The text is whole in
  /// any case.
  Status state;
  std::string text;       ///< the clean text; raw where a piece failed
  std::string original;   ///< what the model was given, in the same layout
  Transcript transcript;  ///< the clean turns: as many as came in, with their speakers and times
  bool applied = false;   ///< at least one piece was cleaned
  int64_t edit_distance = 0;  ///< code points between original and text. Past 2e10 pairs of
                              ///< characters: the sum over the pieces, which is never less
  double edit_rate = 0;
  std::vector<EnhancedPiece> pieces;  ///< in order, all turns covered
  ModelUse model;
};

/// Gives a raw transcript its case and punctuation and mends what was misheard, word for word: the
/// model of docs/spec/service.md, 4.6, asked piece by piece so that any length fits its context.
/// Lines and speaker labels stay. An answer whose words run away, or that does not end, is not
/// used: its piece is asked for again in halves, down to some 32 tokens, and what then fails stays
/// raw.
Enhancement enhance(const Transcript& transcript, const EnhanceOptions& options,
                    TemplateStore& templates, llm::LanguageModel& model,
                    const Control& control = {});

/// Whether a result asks for it: clean text is wanted, and the recogniser (by its name) does not
/// punctuate by itself.
bool needs_enhancement(bool clean_transcript_wanted, std::string_view recogniser);

}  // namespace maie::summary
