// From a transcript to clean text and a summary, a model at a time: a stage gives its model back
// before the next one asks for its own, so that two stages never hold what they wait for.
#include "base/log.h"
#include "worker/job_context.h"

namespace maie::worker {
namespace {

using SteadyClock = std::chrono::steady_clock;

pipeline::DocumentOptions options_of(const config::LlmSettings& llm) {
  pipeline::DocumentOptions options;
  options.stall_limit_s = llm.stall_s;
  options.summary.sampling.temperature = llm.temperature;
  options.summary.sampling.top_p = llm.top_p;
  options.summary.sampling.top_k = llm.top_k;
  options.summary.max_tokens = llm.max_tokens.value_or(0);
  options.enhance.max_tokens = llm.max_tokens.value_or(0);
  return options;
}

pipeline::DocumentProgress progress_of(TaskRun& run) {
  return [&run](pipeline::DocumentStage, double fraction) { run.progress(fraction); };
}

Result<CleanText> clean(JobContext& job, const summary::Transcript& transcript,
                        std::string& llm_hash) {
  job.step = Step::kEnhance;
  MAIE_TRY(job.run.begin(jobs::kStageEnhance));
  MAIE_ASSIGN(
      const ModelPool::Loan loan,
      job.borrow(job.tools.models.enhancer, Step::kFitLanguageModel, Step::kLoadLanguageModel));
  llm::LanguageModel& model = loan.as<PooledLanguageModel>().model();
  job.step = Step::kEnhance;
  const SteadyClock::time_point start = SteadyClock::now();
  pipeline::DocumentOptions options = options_of(job.settings().llm);
  options.clean = pipeline::CleanText::kAlways;
  pipeline::Document document =
      pipeline::make_document(transcript, "", options, {&model, nullptr}, job.tools.templates,
                              progress_of(job.run), job.run.cancel());
  MAIE_TRY(job.run.cancel().status());
  if (!document.enhancement->state.ok()) {
    // The text is whole in any case: what could not be cleaned stays raw.
    log_warning("not all of the text was cleaned: " + document.enhancement->state.message());
  }
  llm_hash = model.checkpoint_hash();
  return CleanText{std::move(*document.enhancement),
                   std::chrono::duration<double>(SteadyClock::now() - start).count()};
}

Result<summary::Summary> sum_up(JobContext& job, const summary::Transcript& transcript,
                                const std::string& template_id, std::string& llm_hash) {
  job.step = Step::kSummarise;
  MAIE_TRY(job.run.begin(jobs::kStageSummarise));
  MAIE_ASSIGN(const ModelPool::Loan loan,
              job.borrow(job.tools.models.language_model, Step::kFitLanguageModel,
                         Step::kLoadLanguageModel));
  llm::LanguageModel& model = loan.as<PooledLanguageModel>().model();
  job.step = Step::kSummarise;
  pipeline::DocumentOptions options = options_of(job.settings().llm);
  options.clean = pipeline::CleanText::kNever;
  options.summary.template_id = template_id;
  pipeline::Document document =
      pipeline::make_document(transcript, "", options, {nullptr, &model}, job.tools.templates,
                              progress_of(job.run), job.run.cancel());
  MAIE_TRY(job.run.cancel().status());
  MAIE_TRY(document.status());
  llm_hash = model.checkpoint_hash();
  return std::move(*document.summary);
}

}  // namespace

Result<Json> check_template(JobContext& job, const std::string& template_id) {
  if (template_id.empty()) return Json();
  job.step = Step::kTemplate;
  MAIE_ASSIGN(const auto shape, job.tools.templates.for_summary(template_id));
  return shape->schema;
}

Result<WrittenDocument> write_document(JobContext& job, const summary::Transcript& transcript,
                                       const DocumentWants& wants, jobs::StageTimes& times) {
  WrittenDocument out;
  pipeline::Document& document = out.document;
  document.raw_text = summary::to_text(transcript);
  document.clean_text = document.raw_text;
  const bool sums_up = !wants.template_id.empty();
  if (wants.clean) {
    if (std::optional<CleanText> kept = restored_clean_text(job.run)) {
      document.enhancement = std::move(kept->enhancement);
      document.wall_s += kept->took_s;
    } else {
      MAIE_ASSIGN(CleanText cleaned, clean(job, transcript, out.llm_hash));
      times.enhance_s = cleaned.took_s;
      document.wall_s += cleaned.took_s;
      if (sums_up) {
        if (const Status status = save(job.run, cleaned); !status.ok())
          log_warning("no checkpoint after the text was cleaned: " + status.message());
      }
      document.enhancement = std::move(cleaned.enhancement);
    }
    if (document.enhancement->applied) document.clean_text = document.enhancement->text;
  }
  if (sums_up) {
    const bool use_clean = document.enhancement && document.enhancement->applied;
    const SteadyClock::time_point start = SteadyClock::now();
    MAIE_ASSIGN(document.summary,
                sum_up(job, use_clean ? document.enhancement->transcript : transcript,
                       wants.template_id, out.llm_hash));
    times.summarise_s = std::chrono::duration<double>(SteadyClock::now() - start).count();
    document.wall_s += *times.summarise_s;
  }
  return out;
}

}  // namespace maie::worker
