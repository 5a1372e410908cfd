#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/status.h"
#include "store/model_id.h"
#include "store/settings.h"

namespace maie::store {

/// The path of a model that other commands open: `name_or_path` itself when it exists; else a
/// folder or file of that name below one of settings.folders ("mini/asr" in models/); else the
/// snapshot of "org/name[@revision]" in a cache, or its file for "org/name/file.gguf".
/// kNotFound says "maie models pull org/name". Opens no connection. Any thread.
Result<std::string> find_model(const std::string& name_or_path, const Settings& settings);

/// The same with the settings of this process.
Result<std::string> find_model(const std::string& name_or_path);

/// The file or folder of that name in the first of the folders that has it.
std::optional<std::string> find_in_folders(const std::string& name,
                                           const std::vector<std::string>& folders);

/// The snapshot of a model in the first cache that has it, complete as far as that is known: where
/// the snapshot holds nothing but one GGUF file, that file. kNotFound names what is missing.
Result<std::string> find_in_caches(const ModelId& id, const std::vector<std::string>& caches);

}  // namespace maie::store
