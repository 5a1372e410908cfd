#include "summary/transcript.h"

#include <algorithm>

#include "text/fold.h"
#include "text/utf8.h"

namespace maie::summary {
namespace {

bool is_blank(const Turn& turn) { return text::strip(turn.text).empty(); }

// A file ends in a line end, which is no line of its text; a small model goes astray after it.
void drop_blank_ends(std::vector<Turn>& turns) {
  const auto is_said = [](const Turn& turn) { return !is_blank(turn); };
  turns.erase(turns.begin(), std::find_if(turns.begin(), turns.end(), is_said));
  turns.erase(std::find_if(turns.rbegin(), turns.rend(), is_said).base(), turns.end());
}

}  // namespace

Transcript from_text(std::string_view text) {
  Transcript out;
  out.lines = true;
  while (true) {
    const size_t end = text.find('\n');
    out.turns.push_back({"", 0, 0, std::string(text.substr(0, end))});
    if (end == std::string_view::npos) return out;
    text.remove_prefix(end + 1);
  }
}

char between_turns(const Transcript& transcript) {
  const bool lines =
      transcript.lines || std::any_of(transcript.turns.begin(), transcript.turns.end(),
                                      [](const Turn& turn) { return !turn.speaker.empty(); });
  return lines ? '\n' : ' ';
}

std::string line_of(const Turn& turn) {
  return turn.speaker.empty() ? turn.text : turn.speaker + ": " + turn.text;
}

std::string to_text(const Transcript& transcript) {
  const char between = between_turns(transcript);
  std::string out;
  bool first = true;
  for (const Turn& turn : transcript.turns) {
    if (!first) out += between;
    first = false;
    out += line_of(turn);
  }
  return out;
}

std::string clean_characters(std::string_view text) {
  std::string out;
  char32_t previous = 0;
  for (const char32_t c : text::decode_utf8(text)) {
    const bool after_return = previous == '\r';
    previous = c;
    if (c == '\r' || (c == '\n' && !after_return)) {
      out += '\n';
    } else if (c == '\n') {
      continue;  // the second half of a CRLF
    } else if ((c < 0x20 && c != '\t') || (c >= 0x7F && c < 0xA0)) {
      out += ' ';
    } else {
      text::append_utf8(out, c);
    }
  }
  return text::nfc(out);
}

Result<Transcript> prepared(const Transcript& transcript) {
  size_t bytes = 0;
  for (const Turn& turn : transcript.turns) bytes += turn.speaker.size() + turn.text.size();
  if (bytes > 4 * kMostCharacters) {
    return resource_exhausted("the text has " + std::to_string(bytes) + " bytes; at most " +
                              std::to_string(4 * kMostCharacters) +
                              " can be worked on, split it and hand in the parts");
  }
  Transcript out;
  out.lines = transcript.lines;
  for (const Turn& turn : transcript.turns) {
    Turn clean{clean_characters(turn.speaker), turn.start_s, turn.end_s,
               clean_characters(turn.text)};
    // A label is one word of a line; a text without lines of its own may not bring any.
    std::replace(clean.speaker.begin(), clean.speaker.end(), '\n', ' ');
    if (out.lines) {  // what CRLF left behind is a line end as well by now
      clean.text.erase(clean.text.find_last_not_of(" \t\n") + 1);
    } else {
      std::replace(clean.text.begin(), clean.text.end(), '\n', ' ');
      clean.text = text::strip(clean.text);
    }
    out.turns.push_back(std::move(clean));
  }
  if (out.lines) drop_blank_ends(out.turns);
  if (std::all_of(out.turns.begin(), out.turns.end(), is_blank)) {
    return invalid_input("Input text is empty or invalid: there is nothing but white space in it");
  }
  return out;
}

}  // namespace maie::summary
