#include "jobs/options_json.h"

#include "jobs/member.h"

namespace maie::jobs {
namespace {

using pipeline::TranscribeOptions;

Json to_json(const pipeline::VadOptions& vad) {
  return {{"threshold", vad.threshold},
          {"min_speech_ms", vad.min_speech_ms},
          {"max_speech_s", vad.max_speech_s},
          {"min_silence_ms", vad.min_silence_ms},
          {"speech_pad_ms", vad.speech_pad_ms}};
}

pipeline::VadOptions vad_of(const Json& json) {
  pipeline::VadOptions vad;
  vad.threshold = json_number(json, "threshold", vad.threshold);
  vad.min_speech_ms = int(json_int(json, "min_speech_ms", vad.min_speech_ms));
  vad.max_speech_s = json_number(json, "max_speech_s", vad.max_speech_s);
  vad.min_silence_ms = int(json_int(json, "min_silence_ms", vad.min_silence_ms));
  vad.speech_pad_ms = int(json_int(json, "speech_pad_ms", vad.speech_pad_ms));
  return vad;
}

Json to_json(const llm::Sampling& sampling) {
  return {{"temperature", or_null(sampling.temperature)},
          {"top_k", or_null(sampling.top_k)},
          {"top_p", or_null(sampling.top_p)},
          {"min_p", or_null(sampling.min_p)},
          {"repetition_penalty", or_null(sampling.repetition_penalty)},
          {"presence_penalty", or_null(sampling.presence_penalty)},
          {"frequency_penalty", or_null(sampling.frequency_penalty)},
          {"seed", or_null(sampling.seed)}};
}

llm::Sampling sampling_of(const Json& json) {
  llm::Sampling sampling;
  sampling.temperature = number_member(json, "temperature");
  if (const auto top_k = number_member(json, "top_k")) sampling.top_k = int(*top_k);
  sampling.top_p = number_member(json, "top_p");
  sampling.min_p = number_member(json, "min_p");
  sampling.repetition_penalty = number_member(json, "repetition_penalty");
  sampling.presence_penalty = number_member(json, "presence_penalty");
  sampling.frequency_penalty = number_member(json, "frequency_penalty");
  if (number_member(json, "seed")) sampling.seed = uint64_t(json_int(json, "seed", 0));
  return sampling;
}

}  // namespace

Json to_json(const TranscribeOptions& options) {
  Json json = {
      {"language", options.language},
      {"task", options.task},
      {"beam_size", options.beam_size},
      {"best_of", options.best_of},
      {"patience", options.patience},
      {"length_penalty", options.length_penalty},
      {"repetition_penalty", options.repetition_penalty},
      {"no_repeat_ngram_size", options.no_repeat_ngram_size},
      {"temperatures", options.temperatures},
      {"compression_ratio_threshold", options.compression_ratio_threshold},
      {"log_prob_threshold", options.log_prob_threshold},
      {"no_speech_threshold", options.no_speech_threshold},
      {"batched", options.batched},
      {"condition_on_previous_text", options.condition_on_previous_text},
      {"without_timestamps", options.without_timestamps},
      {"timestamp_tokens", options.timestamp_tokens},
      {"word_timestamps", options.word_timestamps},
      {"vad", options.vad},
      {"vad_options", to_json(options.vad_options)},
      {"initial_prompt", options.initial_prompt},
      {"hotwords", options.hotwords},
      {"suppress_tokens", options.suppress_tokens},
      {"suppress_blank", options.suppress_blank},
      {"hallucination_silence_s", or_null(options.hallucination_silence_s)},
      {"stop_repetition", options.stop_repetition},
      {"seed", options.seed},
  };
  if (options.clip) json["clip"] = {options.clip->start_s, options.clip->end_s};
  return json;
}

TranscribeOptions transcribe_options_of(const Json& json) {
  TranscribeOptions o;
  const auto number = [&json](const char* key, double& value) {
    value = json_number(json, key, value);
  };
  const auto integer = [&json](const char* key, int& value) {
    value = int(json_int(json, key, value));
  };
  const auto flag = [&json](const char* key, bool& value) { value = json_bool(json, key, value); };
  o.language = json_string(json, "language", o.language);
  o.task = json_string(json, "task", o.task);
  integer("beam_size", o.beam_size);
  integer("best_of", o.best_of);
  number("patience", o.patience);
  number("length_penalty", o.length_penalty);
  number("repetition_penalty", o.repetition_penalty);
  integer("no_repeat_ngram_size", o.no_repeat_ngram_size);
  if (json.contains("temperatures")) {
    o.temperatures.clear();
    for (const Json& value : list_member(json, "temperatures")) {
      if (value.is_number()) o.temperatures.push_back(value.get<double>());
    }
  }
  number("compression_ratio_threshold", o.compression_ratio_threshold);
  number("log_prob_threshold", o.log_prob_threshold);
  number("no_speech_threshold", o.no_speech_threshold);
  flag("batched", o.batched);
  flag("condition_on_previous_text", o.condition_on_previous_text);
  flag("without_timestamps", o.without_timestamps);
  flag("timestamp_tokens", o.timestamp_tokens);
  flag("word_timestamps", o.word_timestamps);
  flag("vad", o.vad);
  o.vad_options = vad_of(object_member(json, "vad_options"));
  o.initial_prompt = json_string(json, "initial_prompt", "");
  o.hotwords = json_string(json, "hotwords", "");
  if (json.contains("suppress_tokens")) {
    o.suppress_tokens.clear();
    for (const Json& value : list_member(json, "suppress_tokens")) {
      if (value.is_number_integer()) o.suppress_tokens.push_back(value.get<int>());
    }
  }
  flag("suppress_blank", o.suppress_blank);
  o.hallucination_silence_s = number_member(json, "hallucination_silence_s");
  flag("stop_repetition", o.stop_repetition);
  const Json& clip = list_member(json, "clip");
  if (clip.size() == 2 && clip[0].is_number() && clip[1].is_number()) {
    o.clip = pipeline::ClipRange{clip[0].get<double>(), clip[1].get<double>()};
  }
  o.seed = uint64_t(json_int(json, "seed", 0));
  return o;
}

Json to_json(const llm::Request& request) {
  Json messages = Json::array();
  for (const llm::Message& message : request.messages) {
    messages.push_back({{"role", message.role}, {"content", message.content}});
  }
  return {{"messages", std::move(messages)},
          {"recurring_messages", request.recurring_messages},
          {"enable_thinking", or_null(request.enable_thinking)},
          {"max_tokens", request.max_tokens},
          {"sampling", to_json(request.sampling)},
          {"schema", request.schema},
          {"schema_name", request.schema_name},
          {"stops", request.stops}};
}

llm::Request request_of(const Json& json) {
  llm::Request request;
  for (const Json& message : list_member(json, "messages")) {
    request.messages.push_back(
        {json_string(message, "role", "user"), json_string(message, "content", "")});
  }
  request.recurring_messages = size_t(json_int(json, "recurring_messages", 0));
  request.enable_thinking = bool_member(json, "enable_thinking");
  request.max_tokens = json_int(json, "max_tokens", 0);
  request.sampling = sampling_of(object_member(json, "sampling"));
  request.schema = json_string(json, "schema", "");
  request.schema_name = json_string(json, "schema_name", "");
  request.stops = strings_member(json, "stops");
  return request;
}

}  // namespace maie::jobs
