#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace maie::http {

/// Header fields in the order they came. Names compare without case.
class Headers {
 public:
  void add(std::string name, std::string value);
  void set(std::string_view name, std::string value);  ///< replaces all of that name
  /// The first value, or empty.
  std::string_view get(std::string_view name) const;
  bool has(std::string_view name) const;
  const std::vector<std::pair<std::string, std::string>>& all() const { return fields_; }

 private:
  std::vector<std::pair<std::string, std::string>> fields_;
};

/// One file of a form, on the disk. The receiver renames it to keep it; else it is removed with the
/// request.
struct FormFile {
  std::string name = {};          ///< of the field
  std::string file_name = {};     ///< as the client named it; never a path of ours
  std::string content_type = {};  ///< of the part; empty without
  std::string path = {};          ///< where the bytes are
  uint64_t bytes = 0;
  std::string sha256 = {};  ///< of the bytes, lower-case hex
};

/// multipart/form-data. `fields` hold parts without a file name, in the order they came.
struct Form {
  std::vector<std::pair<std::string, std::string>> fields = {};
  std::vector<FormFile> files = {};

  /// All values of `name` and of `name[]`.
  std::vector<std::string_view> all(std::string_view name) const;
  /// The last value; nullopt when absent.
  std::optional<std::string_view> get(std::string_view name) const;
  const FormFile* file(std::string_view name) const;
};

/// A request whose body has arrived (in the handler), or whose headers have (in a guard).
struct Request {
  std::string method;  ///< "GET"
  std::string path;    ///< percent-decoded, without a trailing slash; always begins with "/"
  std::string target;  ///< as it came, for logs
  std::vector<std::pair<std::string, std::string>> query;   ///< decoded
  std::vector<std::pair<std::string, std::string>> params;  ///< of the route's path, decoded
  Headers headers;
  std::string peer;       ///< address of the client, without port; "unix" for a socket file
  std::string id;         ///< of the request: from the client, or made
  std::string body;       ///< BodyKind::kBytes
  Form form;              ///< BodyKind::kForm
  std::string principal;  ///< name of the key that was shown; empty without (set by a guard)
  Headers for_answer;     ///< what a guard wants the answer to have (the hook `decorate` adds it)
  std::chrono::steady_clock::time_point arrived;

  std::optional<std::string_view> query_value(std::string_view name) const;
  std::string_view param(std::string_view name) const;  ///< empty when the route has none
};

struct Response {
  int status = 200;
  Headers headers = {};
  std::string content_type = "application/json";
  std::string body = {};
};

}  // namespace maie::http
