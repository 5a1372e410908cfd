#include "cli/doctor.h"

#include <algorithm>

#include "base/human_size.h"
#include "base/threads.h"
#include "base/version.h"
#include "cli/printable.h"
#include "kernels/cpu/isa.h"

namespace maie::cli {
namespace {

// Below this even the smallest model and its decoder do not fit beside the system.
constexpr uint64_t kLeastMemory = uint64_t{300} << 20;

bool recognises_speech(const FoundModel& model) {
  return model.kind != "silero" && !model.kind.empty();
}

std::string row(const std::string& name, const std::string& value) {
  std::string line = "  " + name;
  line.resize(std::max<size_t>(line.size() + 2, 20), ' ');
  return line + printable(value) + "\n";
}

std::string joined(const std::vector<std::string>& words) {
  std::string out;
  for (const std::string& word : words) out += (out.empty() ? "" : " ") + word;
  return out.empty() ? "none" : out;
}

std::string machine_part(const Findings& found) {
  std::string out = "Processor\n";
  out += row("model", found.cpu.model.empty() ? "unknown" : found.cpu.model);
  out += row("cores", std::to_string(found.cores) + " usable");
  out += row("features", joined(found.cpu.features));
  out += "Memory\n";
  out += row("total", human_size(found.memory.total));
  if (found.memory.limit)
    out += row("limit", human_size(*found.memory.limit) + " for this container");
  out += row("available", human_size(found.memory.available));
  out += row("swap", human_size(found.memory.swap_free) + " free of " +
                         human_size(found.memory.swap_total));
  out += "System\n";
  out += row("seccomp", found.seccomp ? "yes" : "no");
  return out;
}

std::string models_part(const Findings& found) {
  std::string out = "Models\n";
  if (found.models.empty()) out += row("none", "looked in " + joined(found.searched));
  for (const FoundModel& model : found.models) {
    out += row(model.kind.empty() ? "missing" : model.kind,
               model.path + (model.size_bytes > 0 ? "  " + human_size(model.size_bytes) : ""));
    if (!model.problem.empty()) out += row("", "unusable: " + model.problem);
  }
  return out;
}

Json memory_object(const MemoryInfo& memory) {
  return {{"total", memory.total},
          {"available", memory.available},
          {"limit", memory.limit ? Json(*memory.limit) : Json()},
          {"swap_total", memory.swap_total},
          {"swap_free", memory.swap_free}};
}

}  // namespace

Findings examine() {
  const ModelFolders where = model_folders_of_process();
  Findings found;
  found.cpu = this_cpu();
  found.cores = ThreadPool::default_size();
  found.memory = this_memory();
  found.seccomp = has_seccomp();
  found.libraries = loaded_libraries();
  // What the kernels themselves were told by their libraries is more exact than a file name.
  for (const auto& [name, version] : cpu::library_versions())
    found.libraries.push_back({name, version});
  if (!where.chosen.empty()) found.searched.push_back(where.chosen);
  found.searched.insert(found.searched.end(), where.folders.begin(), where.folders.end());
  found.models = find_models(where);
  return found;
}

std::vector<std::string> reasons_against(const Findings& found) {
  std::vector<std::string> reasons;
  const auto usable = [](const FoundModel& model) {
    return recognises_speech(model) && model.problem.empty();
  };
  if (std::none_of(found.models.begin(), found.models.end(), recognises_speech)) {
    reasons.push_back("no speech model was found; put one into models/ or set $MAIE_MODEL");
  } else if (std::none_of(found.models.begin(), found.models.end(), usable)) {
    reasons.push_back("no speech model found is usable; see above what is wrong with each");
  }
  const uint64_t memory = found.memory.limit.value_or(found.memory.total);
  if (memory > 0 && memory < kLeastMemory) {
    reasons.push_back("there is too little memory: " + human_size(memory) + ", at least " +
                      human_size(kLeastMemory) + " are needed");
  }
  return reasons;
}

std::vector<std::string> remarks_on(const Findings& found) {
  std::vector<std::string> remarks;
  const auto has = [&found](const char* feature) {
    return std::count(found.cpu.features.begin(), found.cpu.features.end(), feature) > 0;
  };
  if (!has("avx2") && !has("asimd")) {
    remarks.push_back("the processor has neither AVX2 nor NEON: everything works, slowly");
  }
  if (!found.seccomp) {
    remarks.push_back(
        "the kernel has no seccomp filters: media files are decoded in a less confined process");
  }
  const auto is_silero = [](const FoundModel& model) {
    return model.kind == "silero" && model.problem.empty();
  };
  if (std::none_of(found.models.begin(), found.models.end(), is_silero)) {
    remarks.push_back("no Silero weights were found: a plain energy gate finds the voice");
  }
  return remarks;
}

std::string to_report(const Findings& found) {
  std::string out = "maie " + std::string(kVersion) + "\n" + machine_part(found) + "Libraries\n";
  for (const Library& library : found.libraries) {
    out += row(library.name, library.version.empty() ? "unknown version" : library.version);
  }
  out += models_part(found);
  for (const std::string& remark : remarks_on(found)) out += "Note: " + printable(remark) + ".\n";
  const std::vector<std::string> reasons = reasons_against(found);
  for (const std::string& reason : reasons) out += "Problem: " + printable(reason) + ".\n";
  return out + (reasons.empty() ? "This machine is ready.\n" : "This machine is not ready.\n");
}

Json to_json(const Findings& found) {
  Json libraries = Json::array();
  for (const Library& library : found.libraries) {
    libraries.push_back({{"name", library.name},
                         {"version", library.version.empty() ? Json() : Json(library.version)}});
  }
  Json models = Json::array();
  for (const FoundModel& model : found.models) {
    models.push_back({{"path", model.path},
                      {"kind", model.kind.empty() ? Json() : Json(model.kind)},
                      {"bytes", model.size_bytes},
                      {"problem", model.problem.empty() ? Json() : Json(model.problem)}});
  }
  const std::vector<std::string> reasons = reasons_against(found);
  Json out;
  out["version"] = kVersion;
  out["usable"] = reasons.empty();
  out["reasons"] = reasons;
  out["remarks"] = remarks_on(found);
  out["cpu"] = {
      {"model", found.cpu.model}, {"cores", found.cores}, {"features", found.cpu.features}};
  out["memory"] = memory_object(found.memory);
  out["seccomp"] = found.seccomp;
  out["libraries"] = std::move(libraries);
  out["models"] = std::move(models);
  out["searched"] = found.searched;
  return out;
}

}  // namespace maie::cli
