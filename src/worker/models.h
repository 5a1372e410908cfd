#pragma once

#include <memory>
#include <string>

#include "audio/clip.h"
#include "config/settings.h"
#include "llm/language_model.h"
#include "pipeline/transcribe.h"
#include "worker/model_pool.h"

namespace maie::worker {

/// A recogniser in the pool (pipeline::Transcriber; in tests one without weights).
class PooledRecogniser : public PooledModel {
 public:
  virtual Status validate(const pipeline::TranscribeOptions& options) const = 0;
  virtual Result<pipeline::Transcript> transcribe(const audio::Clip& clip,
                                                  const pipeline::TranscribeOptions& options,
                                                  const pipeline::TranscribeCallbacks& callbacks,
                                                  const CancelToken& cancel) = 0;
  virtual const pipeline::ModelInfo& info() const = 0;
  virtual std::string model_hash() = 0;
};

/// A language model in the pool, of this machine or of a server.
class PooledLanguageModel : public PooledModel {
 public:
  virtual llm::LanguageModel& model() = 0;
};

inline constexpr char kRecogniserName[] = "whisper";

/// The models that the settings name, in a pool; their names there are those that clients see.
struct Models {
  std::unique_ptr<ModelPool> pool;
  std::string recogniser = kRecogniserName;
  /// Another one for requests whose client holds the connection, where the memory has room for it,
  /// so that they do not stand behind an hour's recording; else the same.
  std::string interactive_recogniser = kRecogniserName;
  std::string language_model;
  std::string enhancer;  ///< for cleaning text; the same where the settings name no other
};

/// Loads nothing: whether the models exist and fit, ModelPool::offers says.
Models models_of(const config::Settings& settings);

/// Bytes that the models of one worker process may take: memory.budget, or what this machine has
/// free; an equal part of it where there are several processes.
uint64_t model_budget(const config::Settings& settings);

}  // namespace maie::worker
