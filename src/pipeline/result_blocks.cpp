#include "pipeline/result_blocks.h"

#include <algorithm>
#include <cmath>

#include "text/utf8.h"

namespace maie::pipeline {
namespace {

double rounded(double value, double steps) { return std::round(value * steps) / steps; }
double seconds(double value) { return rounded(value, 1e3); }
double share(double value) { return rounded(value, 1e4); }

Json or_null(const std::string& text) { return text.empty() ? Json() : Json(text); }

Json asr_block(const ModelInfo& model, const TranscribeOptions& options) {
  return {{"name", "whisper"},
          {"model_variant", or_null(model.source)},
          {"model_path", or_null(model.path)},
          {"checkpoint_hash", or_null(model.sha256)},
          {"compute_type", or_null(model.compute_type)},
          {"decoding_params",
           {{"beam_size", options.beam_size},
            {"vad_filter", options.vad},
            {"condition_on_previous_text", options.condition_on_previous_text},
            {"language", or_null(options.language)},
            {"word_timestamps", options.word_timestamps}}}};
}

Json text_block() {
  Json block = {{"name", "text_input"}};
  for (const char* name : {"model_variant", "model_path", "checkpoint_hash", "compute_type"}) {
    block[name] = "none";
  }
  block["decoding_params"] = Json::object();
  return block;
}

Json llm_block(const Document& document, const std::string& hash) {
  const summary::ModelUse* use = document.summary       ? &document.summary->model
                                 : document.enhancement ? &document.enhancement->model
                                                        : nullptr;
  if (use == nullptr) return nullptr;
  Json block = summary::to_json(*use);
  block["checkpoint_hash"] = or_null(hash);
  if (document.summary) {
    block["structured_output"] = {{"backend", "json_schema"},
                                  {"schema_id", document.summary->template_id},
                                  {"schema_hash", or_null(document.summary->schema_hash)}};
  }
  return block;
}

Json versions(const std::string& program_version, Json asr, const Document& document,
              const std::string& llm_hash) {
  return {{"pipeline_version", program_version},
          {"asr_backend", std::move(asr)},
          {"llm", llm_block(document, llm_hash)}};
}

// Mean of the segments' confidences, each as long as it is.
Json mean_confidence(const Transcript& transcript) {
  double sum = 0, weight = 0;
  for (const Segment& segment : transcript.segments) {
    const double length = std::max(segment.end_s - segment.start_s, 0.0);
    sum += segment.confidence * length;
    weight += length;
  }
  return weight > 0 && std::isfinite(sum) ? Json(share(sum / weight)) : Json();
}

Json segments_of(const Transcript& transcript) {
  Json list = Json::array();
  for (const Segment& segment : transcript.segments) {
    Json item = {{"start", seconds(segment.start_s)},
                 {"end", seconds(segment.end_s)},
                 {"text", text::strip(segment.text)},
                 {"confidence", share(segment.confidence)}};
    if (!segment.words.empty()) {
      Json words = Json::array();
      for (const Word& word : segment.words) {
        words.push_back({{"start", seconds(word.start_s)},
                         {"end", seconds(word.end_s)},
                         {"word", text::strip(word.text)},
                         {"confidence", share(word.probability)}});
      }
      item["words"] = std::move(words);
    }
    list.push_back(std::move(item));
  }
  return list;
}

}  // namespace

Json versions_block(const std::string& program_version, const ModelInfo& recogniser,
                    const TranscribeOptions& options, const Document& document,
                    const std::string& llm_hash) {
  return versions(program_version, asr_block(recogniser, options), document, llm_hash);
}

Json versions_block(const std::string& program_version, const Document& document,
                    const std::string& llm_hash) {
  return versions(program_version, text_block(), document, llm_hash);
}

Json metrics_block(const RecordingFacts& facts, const Transcript* transcript,
                   const Document& document) {
  const auto per_second = [&facts](double time_s) {
    return facts.duration_s > 0 ? rounded(time_s / facts.duration_s, 1e5) : 0.0;
  };
  double speech_s = 0;
  const bool vad_ran = transcript != nullptr && transcript->vad != "off";
  if (vad_ran) {
    for (const TimeSpan& span : transcript->speech) speech_s += span.end_s - span.start_s;
  }
  Json block;
  block["input_duration_seconds"] = seconds(facts.duration_s);
  block["processing_time_seconds"] = seconds(facts.total_s);
  block["rtf"] = per_second(facts.total_s);
  block["asr_rtf"] = per_second(facts.transcribe_s);
  block["vad_coverage"] =
      facts.duration_s > 0 ? share(std::min(1.0, speech_s / facts.duration_s)) : 0.0;
  block["vad_segments"] = vad_ran ? transcript->speech.size() : 0;
  block["asr_confidence_avg"] = transcript != nullptr ? mean_confidence(*transcript) : Json();
  block["edit_rate_cleaning"] =
      document.enhancement ? Json(share(document.enhancement->edit_rate)) : Json();
  block["transcription_length"] = text::decode_utf8(document.raw_text).size();
  return block;
}

Json results_block(const Transcript* transcript, const Document& document) {
  Json block;
  block["summary"] = document.summary ? document.summary->value : Json();
  block["clean_transcript"] = document.clean_text;
  block["raw_transcript"] = document.raw_text;
  block["segments"] = transcript != nullptr ? segments_of(*transcript) : Json::array();
  block["summary_sources"] =
      document.summary ? summary::to_json(document.summary->sources) : Json::array();
  block["summary_parts"] =
      document.summary ? summary::to_json(document.summary->parts) : Json::array();
  return block;
}

}  // namespace maie::pipeline
