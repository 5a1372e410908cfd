// Any text cut into pieces and put together is itself.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "summary/pieces.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace maie::summary;
  if (size == 0) return 0;
  const auto given = prepared(from_text({reinterpret_cast<const char*>(data) + 1, size - 1}));
  if (!given) return 0;
  const auto count = [](std::string_view text) -> maie::Result<int64_t> {
    return int64_t(text.size() / 3);
  };
  const auto all = fragments(*given, 1 + data[0] % 64, count);
  if (!all) std::abort();
  Transcript again = *given;
  for (Turn& turn : again.turns) turn.text.clear();
  for (const Fragment& fragment : *all) {
    again.turns[fragment.turn].text += fragment.space + fragment.text;
  }
  if (to_text(again) != to_text(*given)) std::abort();
  const auto runs = overlapping(*all, packed(*all, 1 + data[0]), data[0] / 4);
  if (runs.empty() || runs.back().last != all->size()) std::abort();
  return 0;
}
