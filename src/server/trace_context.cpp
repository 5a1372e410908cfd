#include "server/trace_context.h"

#include <algorithm>

#include "base/secret.h"

namespace maie::server {
namespace {

constexpr size_t kTraceDigits = 32, kSpanDigits = 16;
constexpr size_t kLength = 2 + 1 + kTraceDigits + 1 + kSpanDigits + 1 + 2;

bool is_hex(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

bool is_id(std::string_view text) {
  return is_hex(text) && text.find_first_not_of('0') != text.npos;
}

std::string random_id(size_t digits) {
  std::string id;
  while (!is_id(id)) id = random_hex(digits / 2);
  return id;
}

}  // namespace

std::optional<TraceContext> parse_traceparent(std::string_view header) {
  if (header.size() < kLength) return std::nullopt;
  const std::string_view version = header.substr(0, 2), trace = header.substr(3, kTraceDigits),
                         span = header.substr(36, kSpanDigits), flags = header.substr(53, 2);
  // A later version may say more behind a dash; this one may not.
  const bool longer = header.size() > kLength;
  if (!is_hex(version) || version == "ff" || (longer && (version == "00" || header[55] != '-')))
    return std::nullopt;
  if (header[2] != '-' || header[35] != '-' || header[52] != '-') return std::nullopt;
  if (!is_id(trace) || !is_id(span) || !is_hex(flags)) return std::nullopt;
  const int low = flags[1] <= '9' ? flags[1] - '0' : flags[1] - 'a' + 10;
  return TraceContext{std::string(trace), std::string(span), (low & 1) != 0};
}

std::string to_traceparent(const TraceContext& context) {
  return "00-" + context.trace_id + "-" + context.span_id + (context.sampled ? "-01" : "-00");
}

TraceContext new_trace(bool sampled) {
  return {random_id(kTraceDigits), random_id(kSpanDigits), sampled};
}

TraceContext child_of(const TraceContext& parent) {
  return {parent.trace_id, random_id(kSpanDigits), parent.sampled};
}

}  // namespace maie::server
