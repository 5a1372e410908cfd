#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/json.h"
#include "config/settings.h"
#include "queue/task_queue.h"
#include "server/errors.h"

namespace maie::server {

/// A model as clients see it.
struct CatalogModel {
  std::string id = {};    ///< name of the pool, too
  std::string task = {};  ///< "transcription", "chat"
  std::vector<std::string> aliases = {};
  std::vector<std::string> languages = {};  ///< codes; empty: not known
  std::string quantization = {};            ///< empty: not known
  uint64_t bytes = 0;                       ///< of its files; 0: not known
  int64_t created = 0;                      ///< Unix seconds: time of its files
  bool loaded = false;                      ///< by a worker that lives
  bool usable = false;                      ///< is here, and fits
  std::string problem = {};                 ///< why it does not fit, where workers say so
};

/// The models of the settings, with what living workers and the files say of them. Any thread.
class ModelCatalog {
 public:
  ModelCatalog(const config::Settings& settings, queue::TaskQueue& queue);

  /// The recogniser first, then the language models; also what cannot be used at the moment.
  std::vector<CatalogModel> models() const;

  /// The model for a task by id, alias, name or folder as the settings have it. Empty: the default
  /// one. 404 model_not_found for another name, 503 insufficient_memory for one that never fits.
  std::variant<CatalogModel, ApiError> find(std::string_view task, std::string_view name) const;

 private:
  const config::Settings& settings_;
  queue::TaskQueue& queue_;
};

/// {"id", "object": "model", "created", "owned_by", "maie": {...}} (docs/spec/interfaces.md, 5.1)
Json model_object(const CatalogModel& model);
/// A recogniser as the job API lists it (docs/spec/service.md, 1.8).
Json backend_object(const CatalogModel& model);
ApiError model_not_found(std::string_view name);

}  // namespace maie::server
