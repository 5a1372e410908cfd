#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <string>

#include "config/load.h"
#include "tests/support/temporary_folder.h"

namespace maie::config {

/// A command line, an environment and a file of one test; nothing of this machine is seen.
class Surroundings {
 public:
  Surroundings() {
    set("HOME", path("home"));
    set("MAIE_CONFIG", file("empty.toml", ""));
  }
  Surroundings(const Surroundings&) = delete;
  Surroundings& operator=(const Surroundings&) = delete;

  std::string path(const std::string& name) const { return folder_.path(name); }
  std::string file(const std::string& name, const std::string& content) const {
    return folder_.write(name, content);
  }
  Surroundings& set(const std::string& name, const std::string& value) {
    (*variables_)[name] = value;
    return *this;
  }
  /// The settings file that is read.
  Surroundings& toml(const std::string& content) {
    return set("MAIE_CONFIG", file("maie.toml", content));
  }
  Surroundings& flag(std::string key, std::string value, std::string name = "") {
    flags_.push_back({std::move(key), std::move(value), std::move(name)});
    return *this;
  }

  Result<Loaded> load() const {
    SettingsSource source;
    source.environment = [variables = variables_](const char* name) -> const char* {
      const auto found = variables->find(name);
      return found == variables->end() ? nullptr : found->second.c_str();
    };
    for (const auto& [name, value] : *variables_) source.variables.push_back(name);
    source.flags = flags_;
    source.dotenv_folder = folder_.path();
    return load_settings(source);
  }
  /// Fails the test unless they load.
  Loaded loaded() const {
    Result<Loaded> result = load();
    if (!result.has_value()) {
      ADD_FAILURE() << result.error().message();
      return {};
    }
    return std::move(*result);
  }
  /// The message they are refused with; fails the test when they are not.
  std::string refused() const {
    const Result<Loaded> result = load();
    if (result.has_value()) ADD_FAILURE() << "was accepted";
    return result.has_value() ? "" : result.error().message();
  }

 private:
  TemporaryFolder folder_;
  std::shared_ptr<std::map<std::string, std::string>> variables_ =
      std::make_shared<std::map<std::string, std::string>>();
  std::vector<Flag> flags_;
};

inline const std::string kGoodKey = "0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c";

inline bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != text.npos;
}
/// All sentences in one.
inline std::string joined(const std::vector<std::string>& sentences) {
  std::string all;
  for (const std::string& sentence : sentences) all += sentence + "\n";
  return all;
}

}  // namespace maie::config
