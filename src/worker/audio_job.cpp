// A recording of the job API: transcript, clean text, summary (docs/spec/service.md, 4).
#include "pipeline/result_blocks.h"
#include "text/utf8.h"
#include "worker/job_context.h"

namespace maie::worker {
namespace {

constexpr double kShortestS = 1.0;

pipeline::TranscribeOptions options_of(const jobs::AudioJob& audio,
                                       const config::Settings& settings) {
  pipeline::TranscribeOptions options;
  options.language = audio.language.empty() ? settings.asr.language : audio.language;
  options.beam_size = settings.asr.beam_size;
  options.vad = audio.vad.value_or(settings.vad.enabled);
  options.vad_options.threshold = audio.vad_threshold.value_or(settings.vad.threshold);
  options.word_timestamps = true;
  return options;
}

// How much longer one stage takes than another on one recording, roughly: what the share of
// progress is made of.
std::vector<TaskRun::PlannedStage> stages_of(const DocumentWants& wants) {
  std::vector<TaskRun::PlannedStage> stages = {{jobs::kStageDecode, 1},
                                               {jobs::kStageRecognise, 12}};
  if (wants.clean) stages.push_back({jobs::kStageEnhance, 8});
  if (!wants.template_id.empty()) stages.push_back({jobs::kStageSummarise, 6});
  return stages;
}

Result<DocumentWants> wants_of(JobContext& job, const jobs::AudioJob& audio) {
  const std::string backend = audio.asr_backend.empty() ? "whisper" : audio.asr_backend;
  job.step = Step::kOptions;
  if (backend != "whisper") {
    return invalid_input("Unknown ASR backend type: " + backend + ". Available backends: whisper");
  }
  DocumentWants wants;
  wants.clean = audio.features.clean_transcript && job.settings().llm.enhancement &&
                summary::needs_enhancement(true, backend);
  if (audio.features.summary) {
    job.step = Step::kTemplate;
    if (audio.template_id.empty())
      return invalid_input("template_id required when summary feature requested");
    wants.template_id = audio.template_id;
  }
  return wants;
}

}  // namespace

Result<jobs::StoredResult> run_audio_job(JobContext& job, const jobs::AudioJob& audio) {
  MAIE_ASSIGN(const DocumentWants wants, wants_of(job, audio));
  job.run.plan(stages_of(wants));
  // Before the recording is heard: what would be a pity to find out an hour later.
  MAIE_ASSIGN(Json schema, check_template(job, wants.template_id));
  MAIE_ASSIGN(Recognition heard,
              recognise(job, {audio.audio, options_of(audio, job.settings()), kShortestS, false}));
  const summary::Transcript turns = pipeline::turns_of(heard.transcript);
  if (turns.turns.empty()) {
    job.step = Step::kEmpty;
    return invalid_input("Empty transcript after ASR; no content to process");
  }
  jobs::StoredResult result;
  if (!heard.restored) result.times = heard.times;
  result.times.audio_s = heard.transcript.duration_s;
  MAIE_ASSIGN(const WrittenDocument written, write_document(job, turns, wants, result.times));

  const double before_s =
      heard.restored ? heard.times.decode_s.value_or(0) + heard.times.recognise_s.value_or(0) : 0;
  const pipeline::RecordingFacts facts{heard.transcript.duration_s,
                                       heard.times.recognise_s.value_or(heard.transcript.wall_s),
                                       job.elapsed_s() + before_s};
  result.versions =
      pipeline::versions_block(job.program_version(), written.document, written.llm_hash);
  result.versions["asr_backend"] = heard.asr_block;
  result.metrics = pipeline::metrics_block(facts, &heard.transcript, written.document);
  if (result.metrics["edit_rate_cleaning"].is_null()) result.metrics["edit_rate_cleaning"] = 0.0;
  result.results = pipeline::results_block(&heard.transcript, written.document);
  if (!audio.features.clean_transcript) result.results["clean_transcript"] = nullptr;
  if (!audio.features.raw_transcript) result.results["raw_transcript"] = nullptr;
  result.schema = std::move(schema);
  result.model = job.tools.models.recogniser;
  result.transcript = std::move(heard.transcript);
  return result;
}

}  // namespace maie::worker
