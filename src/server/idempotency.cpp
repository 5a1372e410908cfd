#include "server/idempotency.h"

#include <algorithm>
#include <span>

#include "base/file.h"
#include "server/form_values.h"
#include "server/openapi_schemas.h"

namespace maie::server {
namespace {

constexpr size_t kMostKey = 255;
constexpr char kWhatItIs[] = "Idempotency-Key is 1 to 255 visible ASCII characters";

bool is_idempotency_key(std::string_view text) {
  return !text.empty() && text.size() <= kMostKey &&
         std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 127; });
}

}  // namespace

std::optional<ApiError> bad_idempotency_key(const http::Request& request, http::ErrorStyle style) {
  if (!request.headers.has(kIdempotencyKey)) return std::nullopt;
  if (is_idempotency_key(request.headers.get(kIdempotencyKey))) return std::nullopt;
  if (style == http::ErrorStyle::kOpenAi) return invalid_value(kIdempotencyKey, kWhatItIs);
  return ApiError{
      .status = 422, .code = "VALIDATION_ERROR", .message = kWhatItIs, .param = kIdempotencyKey};
}

ApiError idempotency_conflict() {
  return {.status = 409,
          .code = "IDEMPOTENCY_CONFLICT",
          .message = "This Idempotency-Key was used for another request",
          .should_retry = false};
}

std::string digest_of(const http::Request& request) {
  std::string all = request.method + "\n" + request.path + "\n" + request.body + "\n";
  for (const auto& [name, value] : request.form.fields) all += name + "=" + value + "\n";
  for (const http::FormFile& file : request.form.files) all += file.name + ":" + file.sha256 + "\n";
  return sha256_hex(std::as_bytes(std::span(all)));
}

http::RouteDoc::Parameter idempotency_key_doc() {
  return doc::in_header(kIdempotencyKey, "The same key and request within a day is one task");
}

http::RouteDoc::Answer idempotency_conflict_doc() {
  return doc::error(409, "The Idempotency-Key was used for another request");
}

}  // namespace maie::server
