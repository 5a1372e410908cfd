#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "server/http/router.h"

namespace maie::server {

/// Title and version of the API (docs/spec/service.md, 1.1), not those of the program.
inline constexpr char kApiTitle[] = "Modular Audio Intelligence Engine (MAIE) API";
inline constexpr char kApiVersion[] = "1.0.0";

/// The OpenAPI 3.1 document of a table of routes, the same that the router serves. To what a route
/// says of itself come its parameters of the path, the keys it takes and the errors that every
/// route of its kind can give. Undocumented routes are left out.
Json openapi_document(const std::vector<http::Route>& routes);

/// JSON as YAML 1.2 in block style.
std::string to_yaml(const Json& value);

/// A page that shows the document at /schema/openapi.json and can send requests. Everything is in
/// it: no other host is asked for anything.
std::string_view openapi_page();
/// Content-Security-Policy of that page: its own style and script by their hashes, requests to this
/// server, nothing else.
std::string openapi_page_policy();

/// /schema and what is below it, for all routes that are in the table so far and these.
void add_schema_routes(http::Router& router);

}  // namespace maie::server
