#include "cli/model_search.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>

#include "formats/ctranslate2.h"
#include "formats/ggml.h"
#include "formats/safetensors.h"

namespace maie::cli {
namespace {

namespace fs = std::filesystem;

constexpr int kDeepest = 4;

bool is_there(const fs::path& path) {
  std::error_code error;
  return fs::exists(path, error);
}

std::string message_of(const Status& status) { return status.ok() ? "" : status.message(); }

// Adds a weight file to what was found: its size, and what its header says.
template <class File>
void look_at(const fs::path& path, FoundModel& model) {
  std::error_code error;
  const uintmax_t size = fs::file_size(path, error);
  if (!error) model.size_bytes += size;
  if (model.problem.empty()) model.problem = message_of(File::open(path.string()).status());
}

void require(const fs::path& folder, std::initializer_list<const char*> any_of, FoundModel& model) {
  if (!model.problem.empty()) return;
  std::string names;
  for (const char* name : any_of) {
    if (is_there(folder / name)) return;
    names += (names.empty() ? "" : " or ") + std::string(name);
  }
  model.problem =
      folder.string() + ": " + names + " is missing; copy the whole model directory again";
}

std::vector<fs::path> files_ending(const fs::path& folder, std::string_view ending) {
  std::vector<fs::path> files;
  std::error_code error;
  for (fs::directory_iterator it(folder, error); !error && it != fs::directory_iterator();
       it.increment(error)) {
    const std::string name = it->path().filename().string();
    if (name.size() > ending.size() &&
        name.compare(name.size() - ending.size(), ending.size(), ending) == 0) {
      files.push_back(it->path());
    }
  }
  std::sort(files.begin(), files.end());
  return files;
}

bool is_silero(const fs::path& file) {
  return file.filename().string().find("silero") != std::string::npos;
}

FoundModel hugging_face(const fs::path& folder, const std::vector<fs::path>& shards) {
  FoundModel model{folder.string(), "huggingface", 0, ""};
  require(folder, {"config.json"}, model);
  require(folder, {"tokenizer.json", "vocab.json"}, model);
  for (const fs::path& shard : shards) look_at<formats::Safetensors>(shard, model);
  return model;
}

FoundModel ctranslate2(const fs::path& folder) {
  FoundModel model{folder.string(), "ctranslate2", 0, ""};
  look_at<formats::Ctranslate2>(folder / "model.bin", model);
  require(folder, {"config.json"}, model);
  require(folder, {"tokenizer.json", "vocabulary.json", "vocabulary.txt"}, model);
  return model;
}

void add(FoundModel model, std::map<std::string, FoundModel>& found) {
  const std::string path = model.path;
  found.emplace(path, std::move(model));
}

// What a folder itself is or holds as files.
void look_into(const fs::path& folder, std::map<std::string, FoundModel>& found) {
  std::vector<fs::path> shards;
  for (const fs::path& file : files_ending(folder, ".safetensors")) {
    if (!is_silero(file)) {
      shards.push_back(file);
      continue;
    }
    FoundModel model{file.string(), "silero", 0, ""};
    look_at<formats::Safetensors>(file, model);
    add(std::move(model), found);
  }
  if (!shards.empty()) add(hugging_face(folder, shards), found);
  if (is_there(folder / "model.bin")) add(ctranslate2(folder), found);
  for (const fs::path& file : files_ending(folder, ".bin")) {
    if (file.filename().string().rfind("ggml-", 0) != 0) continue;
    FoundModel model{file.string(), "ggml", 0, ""};
    look_at<formats::GgmlFile>(file, model);
    add(std::move(model), found);
  }
}

void walk(const fs::path& folder, int depth, std::map<std::string, FoundModel>& found) {
  look_into(folder, found);
  if (depth == kDeepest) return;
  std::error_code error;
  for (fs::directory_iterator it(folder, error); !error && it != fs::directory_iterator();
       it.increment(error)) {
    std::error_code ignored;
    if (it->is_directory(ignored)) walk(it->path(), depth + 1, found);
  }
}

}  // namespace

std::vector<FoundModel> find_models(const ModelFolders& where) {
  std::map<std::string, FoundModel> found;
  if (!where.chosen.empty()) {
    std::error_code error;
    const fs::path chosen(where.chosen);
    if (fs::is_directory(chosen, error)) {
      look_into(chosen, found);
    } else if (is_there(chosen)) {
      FoundModel model{where.chosen, "ggml", 0, ""};
      look_at<formats::GgmlFile>(chosen, model);
      add(std::move(model), found);
    } else {
      add({where.chosen, "", 0, where.chosen + ": no such model; correct $MAIE_MODEL"}, found);
    }
  }
  for (const std::string& folder : where.folders) {
    if (is_there(folder)) walk(folder, 0, found);
  }
  std::vector<FoundModel> list;
  for (auto& [path, model] : found) list.push_back(std::move(model));
  return list;
}

}  // namespace maie::cli
