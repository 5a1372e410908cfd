// A recording of the OpenAI routes: a transcript or a translation, nothing else.
#include "pipeline/result_blocks.h"
#include "worker/job_context.h"

namespace maie::worker {

Result<jobs::StoredResult> run_speech_job(JobContext& job, const jobs::SpeechJob& speech) {
  job.run.plan({{jobs::kStageDecode, 1}, {jobs::kStageRecognise, 12}});
  pipeline::TranscribeOptions options = speech.options;
  if (options.language.empty()) options.languages = speech.languages;
  MAIE_ASSIGN(Recognition heard, recognise(job, {speech.audio, options, 0, speech.strict}));

  jobs::StoredResult result;
  if (!heard.restored) result.times = heard.times;
  result.times.audio_s = heard.transcript.duration_s;
  pipeline::Document document;
  document.raw_text = summary::to_text(pipeline::turns_of(heard.transcript));
  document.clean_text = document.raw_text;
  result.versions = pipeline::versions_block(job.program_version(), document, "");
  result.versions["asr_backend"] = heard.asr_block;
  result.metrics = pipeline::metrics_block(
      {heard.transcript.duration_s, heard.times.recognise_s.value_or(heard.transcript.wall_s),
       job.elapsed_s()},
      &heard.transcript, document);
  result.results = pipeline::results_block(&heard.transcript, document);
  result.model = job.tools.models.recogniser;
  result.transcript = std::move(heard.transcript);
  return result;
}

}  // namespace maie::worker
