// A text of the job API: cleaned and summed up (docs/spec/service.md, 4.11).
#include "pipeline/result_blocks.h"
#include "text/utf8.h"
#include "worker/job_context.h"

namespace maie::worker {

Result<jobs::StoredResult> run_text_job(JobContext& job, const jobs::TextJob& text) {
  job.step = Step::kEmpty;
  if (text::strip(text.text).empty()) return invalid_input("Input text is empty or invalid");
  DocumentWants wants;
  wants.clean = text.features.clean_transcript && job.settings().llm.enhancement;
  if (text.features.summary) {
    job.step = Step::kTemplate;
    if (text.template_id.empty())
      return invalid_input("template_id required when summary feature requested");
    wants.template_id = text.template_id;
  }
  std::vector<TaskRun::PlannedStage> stages;
  if (wants.clean) stages.push_back({jobs::kStageEnhance, 8});
  stages.push_back({jobs::kStageSummarise, 6});
  job.run.plan(std::move(stages));
  MAIE_ASSIGN(Json schema, check_template(job, wants.template_id));

  jobs::StoredResult result;
  MAIE_ASSIGN(const WrittenDocument written,
              write_document(job, summary::from_text(text.text), wants, result.times));
  result.versions =
      pipeline::versions_block(job.program_version(), written.document, written.llm_hash);
  result.metrics = pipeline::metrics_block({0, 0, job.elapsed_s()}, nullptr, written.document);
  if (result.metrics["edit_rate_cleaning"].is_null()) result.metrics["edit_rate_cleaning"] = 0.0;
  result.results = pipeline::results_block(nullptr, written.document);
  result.schema = std::move(schema);
  result.model = job.tools.models.language_model;
  return result;
}

}  // namespace maie::worker
