// Schemas of the OpenAI routes: docs/spec/interfaces.md 2 to 6.
#include "server/openapi_schemas.h"

namespace maie::server::doc {
namespace {

Json open_object(std::string_view description = "") {
  return with(object({}, description), "additionalProperties", true);
}

void add_models(Json& schemas) {
  schemas["Model"] = object({{"id", text(), true},
                             {"object", one_of({"model"}), true},
                             {"created", integer("Unix seconds"), true},
                             {"owned_by", text(), true},
                             {"maie", open_object("What this server says beyond the OpenAI API")}});
  schemas["ModelList"] =
      object({{"object", one_of({"list"})},
              {"data", list_of(ref("Model"))},
              {"models", list_of(open_object(), "Recognisers, as the job API lists them")}});
}

void add_transcription_forms(Json& schemas) {
  const Json temperature =
      with(with(number("0: greedy or beam search"), "minimum", 0), "maximum", 1);
  const Json formats = one_of({"json", "text", "srt", "verbose_json", "vtt", "diarized_json"});
  schemas["TranscriptionForm"] =
      object({{"file", bytes("flac, mp3, mp4, mpeg, mpga, m4a, ogg, wav, webm and more"), true},
              {"model", text("Name or alias; absent: the default recogniser")},
              {"language", text("ISO 639-1, BCP-47 or the English name; absent: detected")},
              {"languages", list_of(text(), "Candidates of the detection")},
              {"prompt", text("A hint of style or of words")},
              {"keywords", list_of(text(), "Terms to favour")},
              {"response_format", with(formats, "default", "json")},
              {"temperature", with(temperature, "default", 0)},
              {"timestamp_granularities", list_of(one_of({"word", "segment"}))},
              {"include", list_of(one_of({"logprobs"}))},
              {"stream", with(boolean("Answer with server-sent events"), "default", false)},
              {"chunking_strategy", any("auto, or an object with type = server_vad")}});
  schemas["TranslationForm"] =
      object({{"file", bytes("The recording"), true},
              {"model", text()},
              {"language", text("Of the recording")},
              {"prompt", text()},
              {"response_format",
               with(one_of({"json", "text", "srt", "verbose_json", "vtt"}), "default", "json")},
              {"temperature", temperature}});
}

void add_transcripts(Json& schemas) {
  schemas["Usage"] = object({{"type", one_of({"duration", "tokens"}), true},
                             {"seconds", number()},
                             {"input_tokens", integer()},
                             {"output_tokens", integer()},
                             {"total_tokens", integer()}});
  schemas["Transcription"] = object({{"text", text(), true},
                                     {"languages", list_of(open_object())},
                                     {"logprobs", list_of(open_object())},
                                     {"usage", ref("Usage")},
                                     {"maie", open_object()}});
  schemas["VerboseTranscription"] =
      object({{"task", one_of({"transcribe", "translate"}), true},
              {"language", text("English name in lower case"), true},
              {"duration", number("Seconds"), true},
              {"text", text(), true},
              {"segments", list_of(open_object("id, seek, start, end, text, tokens, temperature, "
                                               "avg_logprob, compression_ratio, no_speech_prob"))},
              {"words",
               list_of(object(
                   {{"word", text(), true}, {"start", number(), true}, {"end", number(), true}}))},
              {"usage", ref("Usage")},
              {"maie", open_object()}});
  schemas["DiarizedTranscription"] = object({{"task", one_of({"transcribe"}), true},
                                             {"duration", number("Seconds"), true},
                                             {"text", text(), true},
                                             {"segments",
                                              list_of(object({{"type", text(), true},
                                                              {"id", text(), true},
                                                              {"start", number(), true},
                                                              {"end", number(), true},
                                                              {"text", text(), true},
                                                              {"speaker", text(), true}})),
                                              true},
                                             {"usage", ref("Usage")}});
  schemas["TranscriptEvent"] = object(
      {{"type",
        one_of({"transcript.text.delta", "transcript.text.segment", "transcript.text.done"}), true},
       {"delta", text()},
       {"text", text()},
       {"usage", ref("Usage")}},
      "One data: line of the stream");
}

void add_chat_request(Json& schemas) {
  schemas["ChatMessage"] = object(
      {{"role", one_of({"system", "developer", "user", "assistant"}), true},
       {"content", any("A string, or a list of {\"type\": \"text\", \"text\": ...}"), true}});
  schemas["ChatRequest"] = object(
      {{"model", text(), true},
       {"messages", with(list_of(ref("ChatMessage")), "minItems", 1), true},
       {"max_completion_tokens", integer()},
       {"max_tokens", integer("The older name")},
       {"temperature", with(with(number(), "minimum", 0), "maximum", 2)},
       {"top_p", number()},
       {"top_k", integer()},
       {"min_p", number()},
       {"repetition_penalty", number()},
       {"presence_penalty", number()},
       {"frequency_penalty", number()},
       {"seed", integer()},
       {"stop", any("A string or up to four")},
       {"logprobs", boolean()},
       {"top_logprobs", with(with(integer(), "minimum", 0), "maximum", 20)},
       {"n", with(integer("Only 1"), "default", 1)},
       {"stream", with(boolean(), "default", false)},
       {"stream_options", object({{"include_usage", boolean()}})},
       {"response_format", open_object("text, json_object, or json_schema with a schema that the "
                                       "answer is made to fit")},
       {"reasoning_effort", text()}});
}

void add_chat_answers(Json& schemas) {
  const Json usage = object({{"prompt_tokens", integer(), true},
                             {"completion_tokens", integer(), true},
                             {"total_tokens", integer(), true},
                             {"prompt_tokens_details", open_object()}});
  const Json reason = or_null(one_of({"stop", "length", "content_filter"}));
  const auto answer_with = [&](const char* kind, const char* member, Json part) {
    return object({{"id", text(), true},
                   {"object", one_of({kind}), true},
                   {"created", integer("Unix seconds"), true},
                   {"model", text(), true},
                   {"choices",
                    list_of(object({{"index", integer(), true},
                                    {member, std::move(part), true},
                                    {"logprobs", any()},
                                    {"finish_reason", reason}})),
                    true},
                   {"usage", or_null(usage)},
                   {"maie", open_object()}});
  };
  schemas["ChatCompletion"] = answer_with("chat.completion", "message",
                                          object({{"role", one_of({"assistant"}), true},
                                                  {"content", or_null(text()), true},
                                                  {"refusal", or_null(text())},
                                                  {"reasoning_content", text()}}));
  schemas["ChatChunk"] = answer_with("chat.completion.chunk", "delta", open_object());
}

}  // namespace

void add_openai_schemas(Json& schemas) {
  add_models(schemas);
  add_transcription_forms(schemas);
  add_transcripts(schemas);
  add_chat_request(schemas);
  add_chat_answers(schemas);
}

}  // namespace maie::server::doc
