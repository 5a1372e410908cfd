// Payloads, events and stored results come from a database file that anything may have damaged.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "jobs/job.h"
#include "jobs/live.h"
#include "jobs/stored_result.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  for (const char* kind : {"audio", "text", "transcription", "chat"}) {
    if (const auto job = maie::jobs::from_payload(kind, bytes); job.has_value()) {
      (void)maie::jobs::to_payload(*job);
    }
  }
  (void)maie::jobs::event_of(bytes);
  if (const auto result = maie::jobs::result_from_bytes(bytes); result.has_value()) {
    using maie::jobs::ResultFormat;
    for (const ResultFormat format : {ResultFormat::kTxt, ResultFormat::kSrt, ResultFormat::kVtt,
                                      ResultFormat::kTsv, ResultFormat::kMarkdown}) {
      (void)maie::jobs::render(*result, format, {}, "x");
    }
    (void)maie::jobs::result_blocks(*result, maie::jobs::ResultKeys::kBoth);
  }
  return 0;
}
