#include "cli/document_result.h"

#include <algorithm>
#include <filesystem>

#include "base/version.h"
#include "cli/batch.h"
#include "cli/progress.h"
#include "summary/markdown.h"

namespace maie::cli {
namespace {

constexpr int kSchemaVersion = 1;

Json error_object(const pipeline::Document& document) {
  const Status status = document.status();
  if (status.ok()) return nullptr;
  return {{"stage", to_string(pipeline::DocumentStage::kSummarise)},
          {"code", to_string(status.code())},
          {"message", status.message()}};
}

Json warnings_of(const DocumentRun& run) {
  Json warnings = Json::array();
  if (run.recognised != nullptr) {
    for (const std::string& warning : run.recognised->input_warnings) warnings.push_back(warning);
    for (const std::string& warning : run.recognised->transcript.warnings)
      warnings.push_back(warning);
  }
  const auto& enhancement = run.document.enhancement;
  if (enhancement && !enhancement->state.ok()) {
    warnings.push_back("not all of the text was cleaned: " + enhancement->state.message());
  }
  return warnings;
}

std::string source_note(const std::vector<summary::Source>& sources, const std::string& pointer) {
  const auto found = std::find_if(sources.begin(), sources.end(), [&](const summary::Source& one) {
    return one.pointer == pointer && one.end_s > one.start_s && one.score > 0;
  });
  return found == sources.end() ? "" : "(" + format_duration(found->start_s) + ")";
}

}  // namespace

Json document_json(const DocumentRun& run) {
  const pipeline::Document& document = run.document;
  const pipeline::Transcript* transcript =
      run.recognised != nullptr ? &run.recognised->transcript : nullptr;
  Json json;
  json["schema_version"] = kSchemaVersion;
  json["program"] = {{"name", "maie"}, {"version", kVersion}};
  json["input"] = run.recognised != nullptr
                      ? input_object(*run.recognition, *run.recognised)
                      : Json{{"name", std::filesystem::path(run.input).filename().string()}};
  json["status"] = document.status().ok() ? "COMPLETE" : "FAILED";
  json["error"] = error_object(document);
  json["language"] =
      transcript != nullptr && !transcript->language.empty() ? Json(transcript->language) : Json();
  json["versions"] =
      run.recognised != nullptr
          ? pipeline::versions_block(std::string(kVersion), run.recognition->model,
                                     run.recognition->options, document, run.llm_hash)
          : pipeline::versions_block(std::string(kVersion), document, run.llm_hash);
  json["metrics"] = pipeline::metrics_block(run.facts, transcript, document);
  json["results"] = pipeline::results_block(transcript, document);
  json["warnings"] = warnings_of(run);
  return json;
}

std::string document_markdown(const DocumentRun& run) {
  const auto& summary = run.document.summary;
  if (!summary || !summary->state.ok()) {
    return "# " + summary::markdown_text(display_name(run.input)) + "\n\n" +
           (summary ? "There is no summary: " + summary::markdown_text(summary->state.message())
                    : std::string("No summary was asked for.")) +
           "\n\n" + summary::markdown_text(run.document.clean_text) + "\n";
  }
  return summary::to_markdown(summary->value, run.schema, [&](const std::string& pointer) {
    return source_note(summary->sources, pointer);
  });
}

}  // namespace maie::cli
