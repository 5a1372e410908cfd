#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json.h"
#include "server/http/message.h"
#include "server/http/reply.h"

namespace maie::http {

enum class BodyKind {
  kNone,   ///< a body is refused
  kBytes,  ///< kept in memory
  kForm,   ///< multipart/form-data; files go to the disk as they come
};

/// How errors look on a route (docs/design.md, 6).
enum class ErrorStyle { kJobApi, kOpenAi, kPlain };

/// What OpenAPI says of a route. Schemas are JSON Schema 2020-12 in JSON; "#/components/schemas/X"
/// refers to the shared ones (server/openapi.h).
struct RouteDoc {
  struct Parameter {
    std::string name = {}, in = {};  ///< in: "path", "query", "header"
    std::string description = {};
    Json schema = {};
    bool required = false;
  };
  struct Answer {
    int status = 200;
    std::string description = {};
    std::string content_type = "application/json";
    Json schema = {};  ///< null: no body
  };
  std::string id = {}, summary = {}, description = {}, tag = {};
  std::vector<Parameter> parameters = {};
  std::string body_type = {};  ///< "application/json", "multipart/form-data"; empty: no body
  Json body_schema = {};
  std::vector<Answer> answers =
      {};  ///< errors that every route can give are added by the generator
};

/// Runs on a thread that may block for milliseconds (disk, queue), not for longer: what takes time
/// keeps the reply and answers later.
using Handler = std::function<void(Request& request, const ReplyPtr& reply)>;

struct Route {
  std::string method;
  /// "/v1/status/{task_id}"; a last "{name...}" takes the rest, slashes included.
  std::string path;
  Handler handler = {};
  BodyKind body = BodyKind::kNone;
  size_t max_body_bytes = 1 << 20;  ///< the whole body; of a form, files included
  bool needs_key = false;
  bool counted = false;  ///< by the rate limit
  ErrorStyle errors = ErrorStyle::kJobApi;
  RouteDoc doc = {};
  bool documented = true;
};

/// The table of routes. Filled before the server starts, then immutable.
class Router {
 public:
  void add(Route route);

  struct Match {
    const Route* route = nullptr;  ///< null: no such path or no such method on it
    std::vector<std::pair<std::string, std::string>> params;
    std::vector<std::string> allowed;  ///< methods of a path that is known; empty: unknown path
  };
  /// HEAD is served by GET. A fixed path wins over one with parameters.
  Match match(std::string_view method, std::string_view path) const;
  const std::vector<Route>& routes() const { return routes_; }

 private:
  std::vector<Route> routes_;
};

}  // namespace maie::http
