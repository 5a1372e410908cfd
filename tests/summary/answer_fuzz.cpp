// What a model answers may be anything: the first byte says where the input ends and the answer
// begins.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "summary/answer.h"
#include "summary/hallucinations.h"
#include "summary/realign.h"
#include "summary/transcript.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace maie::summary;
  if (size == 0) return 0;
  const std::string all(reinterpret_cast<const char*>(data) + 1, size - 1);
  const size_t cut = all.empty() ? 0 : data[0] * all.size() / 256;
  const auto given = prepared(from_text(all.substr(0, cut)));
  const std::string answer = all.substr(cut);
  (void)parse_answer(answer);
  const std::string text = clean_characters(enhanced_text(answer));
  if (!given) return 0;
  std::vector<LabelledLine> lines;
  for (const Turn& turn : given->turns) lines.push_back({lines.size() % 3 ? "S0" : "", turn.text});
  const auto out = realign(lines, text, 1.0);
  if (out && out->size() != lines.size()) std::abort();
  HallucinationList list;
  if (list.add(answer, "fuzz").ok()) (void)list.contains(text);
  return 0;
}
