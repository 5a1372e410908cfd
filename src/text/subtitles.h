#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

namespace maie::text {

/// One word with its times.
struct CueWord {
  double start_s = 0, end_s = 0;
  std::string text;  ///< with or without its leading space
};

/// A stretch of speech: one segment of a transcript.
struct Cue {
  double start_s = 0, end_s = 0;
  std::string text;
  std::string speaker;         ///< display name; empty when not known
  std::vector<CueWord> words;  ///< empty, or the words of `text` in order
};

/// How SRT and WebVTT are laid out. TSV and TXT keep segments whole.
struct SubtitleOptions {
  int max_line_width = 42;       ///< by display width: wide characters count 2; at least 2
  int max_line_count = 2;        ///< lines per cue, at least 1
  double max_cue_s = 7;          ///< longest cue; 0 = no limit
  double min_cue_s = 0.7;        ///< shorter ones stay up longer where nothing follows
  int max_words = 0;             ///< words per cue; 0 = no limit
  bool highlight_words = false;  ///< SRT: one cue per word, underlined; VTT: a time stamp per word
  bool identifiers = false;      ///< VTT: number the cues
};

/// UTF-8 with LF line ends and a final newline. What all of them promise:
///  - times are rounded once, half up, to milliseconds; a cue lasts at least 1 ms, starts no
///  earlier
///    than the one before it, and ends when the same speaker's next one starts;
///  - cues without text are dropped; control characters and line breaks inside text become spaces
///  or
///    vanish, "-->" becomes "->", invalid UTF-8 becomes U+FFFD; times that are no numbers count as
///    0;
///  - SRT and VTT split a cue that is too long for its lines or seconds between words, at the times
///  of
///    `words` where these spell `text`, else in proportion to the characters.
/// Cues may come in any order. Any thread.
std::string to_srt(std::span<const Cue> cues, const SubtitleOptions& options = {});
std::string to_vtt(std::span<const Cue> cues, const SubtitleOptions& options = {});
/// Milliseconds; a speaker column when any cue has a speaker.
std::string to_tsv(std::span<const Cue> cues, const SubtitleOptions& options = {});
/// One line per segment; with speakers, one paragraph per turn.
std::string to_txt(std::span<const Cue> cues, const SubtitleOptions& options = {});

}  // namespace maie::text
