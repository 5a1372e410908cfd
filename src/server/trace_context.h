#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace maie::server {

/// A W3C trace context (https://www.w3.org/TR/trace-context/): which trace, and which span in it.
struct TraceContext {
  std::string trace_id;  ///< 32 hex digits in lower case, not all 0
  std::string span_id;   ///< 16
  bool sampled = true;
};

/// Of a header `traceparent`; nullopt for what the recommendation tells to ignore.
std::optional<TraceContext> parse_traceparent(std::string_view header);
/// "00-<trace>-<span>-01"
std::string to_traceparent(const TraceContext& context);

/// A new trace, with its first span.
TraceContext new_trace(bool sampled);
/// A new span in the same trace.
TraceContext child_of(const TraceContext& parent);

}  // namespace maie::server
