#include "store/survey.h"

#include <algorithm>
#include <filesystem>
#include <map>

#include "store/find_model.h"
#include "store/hub_cache.h"

namespace maie::store {
namespace {

namespace fs = std::filesystem;

constexpr int kDeepest = 4;

void walk(const fs::path& folder, int depth, std::map<std::string, ModelFacts>& found) {
  for (ModelFacts& facts : models_in(folder.string())) found.emplace(facts.path, facts);
  if (depth == kDeepest) return;
  std::error_code error;
  for (fs::directory_iterator it(folder, error); !error && it != fs::directory_iterator();
       it.increment(error)) {
    std::error_code ignored;
    if (it->is_directory(ignored)) walk(it->path(), depth + 1, found);
  }
}

// What a program would be given for the snapshot, or why it would not.
std::string problem_of(const HubCache& cache, const std::string& commit,
                       const std::vector<std::string>& caches) {
  const Result<std::string> path = find_in_caches({cache.repo(), commit, ""}, caches);
  return path.has_value() ? "" : path.error().message();
}

void add_snapshot(const HubCache& cache, const Snapshot& snapshot,
                  const std::vector<std::string>& caches, std::vector<SurveyedModel>& out) {
  std::vector<ModelFacts> models = models_in(snapshot.path);
  if (models.empty()) {
    ModelFacts none;
    none.path = snapshot.path;
    for (const CachedFile& file : cache.files_of(snapshot.commit))
      none.size_bytes += file.size_bytes;
    models.push_back(std::move(none));
  }
  for (ModelFacts& facts : models) {
    SurveyedModel model{cache.repo(), cache.repo(), snapshot.commit, snapshot.refs, {}};
    // A file that is a model of its own beside others is named by its file.
    if (facts.layout == "gguf" || facts.layout == "ggml" || facts.layout == "silero")
      model.name += "/" + fs::path(facts.path).filename().string();
    if (facts.problem.empty()) facts.problem = problem_of(cache, snapshot.commit, caches);
    const auto& refs = snapshot.refs;
    if (std::find(refs.begin(), refs.end(), "main") == refs.end()) {
      model.name += "@" + (refs.empty() ? snapshot.commit : refs.front());
    }
    model.facts = std::move(facts);
    out.push_back(std::move(model));
  }
}

}  // namespace

std::vector<ModelFacts> local_models(const std::vector<std::string>& folders) {
  std::map<std::string, ModelFacts> found;
  for (const std::string& folder : folders) walk(folder, 0, found);
  std::vector<ModelFacts> list;
  for (auto& [path, facts] : found) list.push_back(std::move(facts));
  return list;
}

std::vector<SurveyedModel> survey(const Settings& settings) {
  std::vector<SurveyedModel> all;
  for (const std::string& folder : settings.folders) {
    for (ModelFacts& facts : local_models({folder})) {
      std::string name = facts.path;
      if (name.starts_with(folder + "/")) name.erase(0, folder.size() + 1);
      all.push_back({name, "", "", {}, std::move(facts)});
    }
  }
  for (const std::string& folder : settings.caches) {
    for (const std::string& repo : repos_in(folder)) {
      const HubCache cache(folder, repo);
      for (const Snapshot& snapshot : cache.snapshots())
        add_snapshot(cache, snapshot, {folder}, all);
    }
  }
  return all;
}

}  // namespace maie::store
