#pragma once

#include <string>
#include <vector>

#include "base/json.h"
#include "cli/machine.h"
#include "cli/model_search.h"

namespace maie::cli {

/// What `maie doctor` found out; a value so that its report can be tested.
struct Findings {
  CpuInfo cpu;
  int cores = 0;  ///< that this process may use
  MemoryInfo memory;
  bool seccomp = false;
  std::vector<Library> libraries;
  std::vector<std::string> searched;  ///< where models were looked for
  std::vector<FoundModel> models;
};

Findings examine();

/// Why this machine cannot transcribe; empty when it can.
std::vector<std::string> reasons_against(const Findings& findings);

/// What is worth knowing but does not stop anything.
std::vector<std::string> remarks_on(const Findings& findings);

std::string to_report(const Findings& findings);
Json to_json(const Findings& findings);

}  // namespace maie::cli
