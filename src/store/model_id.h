#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/status.h"

namespace maie::store {

/// A model of the hub as people write it.
struct ModelId {
  std::string repo;      ///< "org/name", or "name" alone
  std::string revision;  ///< branch, tag or commit; empty: main
  std::string file;      ///< path of one file in it; empty: the whole model

  std::string revision_or_main() const { return revision.empty() ? "main" : revision; }
};

/// "org/name", "org/name/folder/file.gguf", each with "@revision" at its end. kInvalidInput says
/// what a name looks like. Accepts only what can be a path on disk and in a URL without surprises.
Result<ModelId> parse_model_id(std::string_view text);

/// Whether a path that came from outside may be put below a folder: relative, segments joined by
/// one '/', none of them "." or "..", no control characters or backslashes, lengths that file
/// systems take.
bool is_safe_path(std::string_view path);

/// Lower-case hexadecimal of exactly that many digits: 40 of a commit or a git blob, 64 of SHA-256.
bool is_hex(std::string_view text, size_t digits);

/// A content tag names the hash of what it stands for (docs/spec/interfaces.md 8.2).
inline bool is_content_tag(std::string_view text) { return is_hex(text, 40) || is_hex(text, 64); }

/// "models--org--name", the folder of a model in a cache.
std::string folder_of_repo(std::string_view repo);
/// The reverse; empty for any other folder.
std::string repo_of_folder(std::string_view folder);

/// As it stands in a URL: everything but letters, digits and "-._~" as %XX; '/' stays as it is
/// when `keep_slash`.
std::string percent_encoded(std::string_view text, bool keep_slash);

}  // namespace maie::store
