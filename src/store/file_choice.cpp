#include "store/file_choice.h"

#include <fnmatch.h>

#include <algorithm>
#include <iterator>

namespace maie::store {
namespace {

using Files = std::vector<HubFile>;

bool matches(const char* pattern, const std::string& path) {
  return ::fnmatch(pattern, path.c_str(), 0) == 0;
}

bool matches_any(const std::vector<std::string>& patterns, const std::string& path) {
  return std::any_of(patterns.begin(), patterns.end(), [&path](const std::string& pattern) {
    return matches(pattern.c_str(), path);
  });
}

bool is_at_top(const HubFile& file) { return file.path.find('/') == std::string::npos; }

template <class Wanted>
Files only(const Files& files, Wanted wanted) {
  Files out;
  std::copy_if(files.begin(), files.end(), std::back_inserter(out), wanted);
  return out;
}

// "a.gguf (1.2 GB), ...": at most eight, for messages.
std::string names_of(const Files& files) {
  std::string out;
  for (size_t i = 0; i < files.size() && i < 8; ++i) {
    // Paths came from outside; parse_tree_page let no control characters through.
    out += (i > 0 ? ", " : "") + files[i].path;
  }
  if (files.size() > 8) out += " and " + std::to_string(files.size() - 8) + " more";
  return out;
}

bool is_side_file(const HubFile& file) {
  if (file.path.ends_with(".jinja")) return true;
  if (!is_at_top(file)) return false;
  for (const char* pattern :
       {"*.json", "vocab*.txt", "merges.txt", "tokenizer.model", "*.tiktoken"})
    if (matches(pattern, file.path)) return !file.path.ends_with(".bin.index.json");
  return false;
}

// Shards under the name every program looks for, else whatever safetensors lie at the top.
Files safetensors_of(const Files& files) {
  Files named = only(files, [](const HubFile& file) {
    return file.path == "model.safetensors" ||
           (is_at_top(file) && matches("model-[0-9]*-of-[0-9]*.safetensors", file.path));
  });
  if (!named.empty()) return named;
  return only(files, [](const HubFile& file) {
    return is_at_top(file) && file.path.ends_with(".safetensors");
  });
}

// The one file of its kind there is. Parts of a split file belong together.
Result<Files> single(const Files& files, const char* what) {
  if (files.size() <= 1) return files;
  const auto is_part = [](const HubFile& file) {
    return matches("*-[0-9]*-of-[0-9]*.gguf", file.path);
  };
  const auto stem = [](const std::string& path) { return path.substr(0, path.rfind("-of-")); };
  const auto same_stem = [&](const HubFile& file) {
    const std::string a = stem(file.path), b = stem(files.front().path);
    return a.substr(0, a.rfind('-')) == b.substr(0, b.rfind('-'));
  };
  if (std::all_of(files.begin(), files.end(), is_part) &&
      std::all_of(files.begin(), files.end(), same_stem))
    return files;
  return not_found("this model has several " + std::string(what) +
                   " files; name one: org/name/FILE with FILE one of " + names_of(files) +
                   " (or --include PATTERN)");
}

Result<Files> default_weights(const Files& files) {
  if (Files found = safetensors_of(files); !found.empty()) return found;
  if (Files found = only(files, [](const HubFile& f) { return f.path == "model.bin"; });
      !found.empty())
    return found;
  if (Files found = only(files, [](const HubFile& f) { return f.path.ends_with(".gguf"); });
      !found.empty())
    return single(found, "GGUF");
  if (Files found = only(files, [](const HubFile& f) { return matches("ggml-*.bin", f.path); });
      !found.empty())
    return single(found, "ggml");
  const Files others = only(files, [](const HubFile& f) { return is_weight_file(f.path); });
  return not_found(
      "there are no weights in a form MAIE reads (safetensors, CTranslate2, GGUF, ggml)" +
      (others.empty()
           ? std::string()
           : "; there is " + names_of(others) + ", which --include PATTERN fetches all the same"));
}

}  // namespace

bool is_weight_file(std::string_view path) {
  for (const std::string_view ending : {".safetensors", ".gguf", ".bin", ".pt", ".pth", ".ckpt",
                                        ".pkl", ".h5", ".msgpack", ".onnx", ".npz"})
    if (path.ends_with(ending)) return true;
  return false;
}

Result<Files> choose_files(const Files& files, const FileChoice& choice) {
  Files chosen;
  if (!choice.file.empty()) {
    chosen = only(files, [&](const HubFile& file) { return file.path == choice.file; });
    if (chosen.empty())
      return not_found("there is no file " + choice.file + "; there are " + names_of(files));
    return chosen;
  }
  if (!choice.include.empty()) {
    chosen = only(files, [&](const HubFile& f) { return matches_any(choice.include, f.path); });
  } else {
    MAIE_ASSIGN(chosen, default_weights(files));
    for (const HubFile& file : files)
      if (is_side_file(file)) chosen.push_back(file);
    std::sort(chosen.begin(), chosen.end(),
              [](const HubFile& a, const HubFile& b) { return a.path < b.path; });
  }
  chosen =
      only(chosen, [&](const HubFile& file) { return !matches_any(choice.exclude, file.path); });
  if (chosen.empty()) return not_found("no file fits the patterns; there are " + names_of(files));
  return chosen;
}

}  // namespace maie::store
