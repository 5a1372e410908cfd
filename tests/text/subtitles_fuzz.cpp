// Splits the input into cues (times, speaker, text, words) and writes all four formats.
#include <cstdlib>
#include <cstring>

#include "text/subtitles.h"
#include "text/utf8.h"

namespace {

struct Reader {
  const uint8_t* data;
  size_t size;

  uint8_t byte() {
    if (size == 0) return 0;
    --size;
    return *data++;
  }
  double time() {
    double value = 0;
    if (byte() % 8 == 0) {  // any double at all, also infinite ones
      const size_t n = size < sizeof value ? size : sizeof value;
      std::memcpy(&value, data, n);
      data += n;
      size -= n;
      return value;
    }
    return byte() * 0.1 + byte() * 0.0001;
  }
  std::string text() {
    size_t n = byte();
    if (n > size) n = size;
    std::string out(reinterpret_cast<const char*>(data), n);
    data += n;
    size -= n;
    return out;
  }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Reader in{data, size};
  const maie::text::SubtitleOptions options{.max_line_width = in.byte(),
                                            .max_line_count = in.byte() % 4,
                                            .max_cue_s = in.time(),
                                            .min_cue_s = in.time(),
                                            .max_words = in.byte() % 5,
                                            .highlight_words = in.byte() % 2 == 0};
  std::vector<maie::text::Cue> cues;
  while (in.size > 0 && cues.size() < 64) {
    maie::text::Cue cue{in.time(), in.time(), "", in.text(), {}};
    for (int n = in.byte() % 8; n > 0; --n) {
      cue.words.push_back({in.time(), in.time(), in.text()});
      cue.text += cue.words.back().text;
    }
    if (cue.words.empty()) cue.text = in.text();
    cues.push_back(std::move(cue));
  }
  for (const std::string& out : {to_srt(cues, options), to_vtt(cues, options),
                                 to_tsv(cues, options), to_txt(cues, options)}) {
    if (maie::text::repair_utf8(out) != out) std::abort();
  }
  return 0;
}
