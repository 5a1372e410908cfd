#pragma once

#include <string>
#include <vector>

#include "store/model_facts.h"
#include "store/settings.h"

namespace maie::store {

/// A model on this machine.
struct SurveyedModel {
  std::string name;               ///< what find_model takes for it
  std::string repo;               ///< "org/name"; empty for a local folder
  std::string commit;             ///< of a snapshot
  std::vector<std::string> refs;  ///< branches and tags that stand for it
  ModelFacts facts;
};

/// The models below those folders, at most four levels deep, sorted by path. Looks at file lists
/// and heads of weight files, not at the weights.
std::vector<ModelFacts> local_models(const std::vector<std::string>& folders);

/// Those of the folders, then those of the caches. A snapshot in which nothing is known to be a
/// model is listed too, with its problem.
std::vector<SurveyedModel> survey(const Settings& settings);

}  // namespace maie::store
