#pragma once

#include <optional>
#include <string>

#include "server/errors.h"
#include "server/http/message.h"
#include "server/http/router.h"

namespace maie::server {

/// A client that lost the answer sends the same request again under the same key, and gets the
/// first task (docs/api.md).
constexpr char kIdempotencyKey[] = "Idempotency-Key";

/// The refusal of a header that is no key (1 to 255 visible ASCII characters): 422, or 400 as the
/// OpenAI routes refuse values. Nullopt for a good one and for none.
std::optional<ApiError> bad_idempotency_key(const http::Request& request, http::ErrorStyle style);

/// 409: the key stands for another request.
ApiError idempotency_conflict();

/// The digest that a key is bound to: of everything that makes the work.
std::string digest_of(const http::Request& request);

/// How the OpenAPI document tells of header and conflict, one text for all routes that know them.
http::RouteDoc::Parameter idempotency_key_doc();
http::RouteDoc::Answer idempotency_conflict_doc();

}  // namespace maie::server
