#include "server/speech_request.h"

#include <gtest/gtest.h>

#include <cmath>

namespace maie::server {
namespace {

using Fields = std::vector<std::pair<std::string, std::string>>;

http::Form form_of(Fields fields) {
  http::Form form;
  form.fields = std::move(fields);
  form.files.push_back({.name = "file", .file_name = "a.wav", .bytes = 1000, .sha256 = "abc"});
  return form;
}

SpeechRequest read(Fields fields, bool translate = false, const config::Settings& settings = {}) {
  const auto result = speech_request_of(form_of(std::move(fields)), translate, settings);
  if (const auto* error = std::get_if<ApiError>(&result)) {
    ADD_FAILURE() << error->param << ": " << error->message;
    return {};
  }
  return std::get<SpeechRequest>(result);
}

// "param code" of the refusal.
std::string refused(Fields fields, bool translate = false) {
  const auto result = speech_request_of(form_of(std::move(fields)), translate, {});
  const auto* error = std::get_if<ApiError>(&result);
  if (error == nullptr) return "accepted";
  EXPECT_EQ(error->status, 400);
  EXPECT_FALSE(error->message.empty());
  return error->param + " " + error->code;
}

TEST(SpeechRequest, WithoutFieldsHasTheDefaultsOfTheSettings) {
  config::Settings settings;
  settings.asr.beam_size = 3;
  settings.asr.language = "vi";
  settings.vad.enabled = false;
  settings.vad.threshold = 0.3;
  const SpeechRequest request = read({}, false, settings);
  EXPECT_EQ(request.form.format, SpeechFormat::kJson);
  EXPECT_FALSE(request.stream);
  EXPECT_EQ(request.job.options.task, "transcribe");
  EXPECT_EQ(request.job.options.beam_size, 3);
  EXPECT_EQ(request.job.options.language, "vi");
  EXPECT_FALSE(request.job.options.vad);
  EXPECT_EQ(request.job.options.vad_options.threshold, 0.3);
  EXPECT_EQ(request.job.options.temperatures.size(), 6u);
  EXPECT_FALSE(request.job.options.word_timestamps);
  EXPECT_FALSE(request.job.strict);
  EXPECT_EQ(request.job.file_name, "a.wav");
}

TEST(SpeechRequest, NeedsAFileWithBytes) {
  http::Form form;
  auto result = speech_request_of(form, false, {});
  EXPECT_EQ(std::get<ApiError>(result).code, "MISSING_FIELD");
  EXPECT_EQ(std::get<ApiError>(result).param, "file");
  form.fields = {{"file", "text"}};
  result = speech_request_of(form, false, {});
  EXPECT_EQ(std::get<ApiError>(result).code, "MISSING_FIELD");
  form.files.push_back({.name = "file", .file_name = "a.wav"});
  result = speech_request_of(form, false, {});
  EXPECT_EQ(std::get<ApiError>(result).code, "AUDIO_UNREADABLE");
  EXPECT_EQ(std::get<ApiError>(result).param, "file");
}

TEST(SpeechRequest, LanguagesAreCodesTagsOrNames) {
  for (const char* written : {"vi", "VI", "vi-VN", "Vietnamese", " vi "}) {
    EXPECT_EQ(read({{"language", written}}).job.options.language, "vi") << written;
  }
  EXPECT_EQ(read({{"language", "yue"}}).job.options.language, "yue");
  EXPECT_EQ(read({{"language", "haw"}}).job.options.language, "haw");
  EXPECT_EQ(refused({{"language", "xx"}}), "language INVALID_VALUE");
  EXPECT_EQ(refused({{"languages", "[\"en\", \"nowhere\"]"}}), "languages INVALID_VALUE");

  const SpeechRequest several = read({{"languages", "en"}, {"languages[]", "de"}});
  EXPECT_EQ(several.job.languages, (std::vector<std::string>{"en", "de"}));
  EXPECT_EQ(several.job.options.language, "");
  EXPECT_EQ(read({{"languages", "en"}}).job.options.language, "en");
  const SpeechRequest both = read({{"languages", "[\"en\",\"de\"]"}, {"language", "fr"}});
  EXPECT_EQ(both.job.options.language, "fr");
  EXPECT_TRUE(both.job.languages.empty());
}

TEST(SpeechRequest, HintsReachTheRecogniser) {
  const SpeechRequest request = read({{"prompt", "Kính gửi"},
                                      {"keywords", "[\"MAIE\", \"ngân sách\"]"},
                                      {"hotwords", "Qwen, Whisper"}});
  EXPECT_EQ(request.job.options.initial_prompt, "Kính gửi");
  EXPECT_EQ(request.job.options.hotwords, "MAIE, ngân sách, Qwen, Whisper");
  EXPECT_EQ(refused({{"prompt", "\xFF"}}), "prompt INVALID_VALUE");
  EXPECT_EQ(read({{"keywords", "[laughs]"}}).job.options.hotwords, "[laughs]");
}

TEST(SpeechRequest, FormatsAreTheFiveThatAreBuilt) {
  EXPECT_EQ(read({{"response_format", "text"}}).form.format, SpeechFormat::kText);
  EXPECT_EQ(read({{"response_format", "srt"}}).form.format, SpeechFormat::kSrt);
  EXPECT_EQ(read({{"response_format", "vtt"}}).form.format, SpeechFormat::kVtt);
  EXPECT_EQ(read({{"response_format", "verbose_json"}}).form.format, SpeechFormat::kVerboseJson);
  EXPECT_EQ(read({{"response_format", ""}}).form.format, SpeechFormat::kJson);
  EXPECT_EQ(refused({{"response_format", "yaml"}}), "response_format UNSUPPORTED_VALUE");
  EXPECT_EQ(refused({{"response_format", "JSON"}}), "response_format UNSUPPORTED_VALUE");
  EXPECT_EQ(refused({{"response_format", "diarized_json"}}), "response_format UNSUPPORTED_VALUE");
  EXPECT_EQ(refused({{"response_format", "diarized_json"}}, true),
            "response_format UNSUPPORTED_VALUE");
}

TEST(SpeechRequest, ATemperatureAboveZeroHasNoLadder) {
  EXPECT_EQ(read({{"temperature", "0"}}).job.options.temperatures.size(), 6u);
  EXPECT_EQ(read({{"temperature", "0.4"}}).job.options.temperatures, std::vector<double>{0.4});
  for (const char* wrong : {"-0.1", "1.5", "hot", "nan", "inf", "0,5", "0.5x"}) {
    EXPECT_EQ(refused({{"temperature", wrong}}), "temperature INVALID_VALUE") << wrong;
  }
}

TEST(SpeechRequest, GranularitiesInThreeDialects) {
  const std::vector<Fields> dialects = {
      {{"timestamp_granularities[]", "word"}, {"timestamp_granularities[]", "segment"}},
      {{"timestamp_granularities", "word"}, {"timestamp_granularities", "segment"}},
      {{"timestamp_granularities", "[\"word\", \"segment\"]"}},
      {{"timestamp_granularities[]", "[\"word\"]"}, {"timestamp_granularities", "segment"}}};
  for (Fields fields : dialects) {
    fields.emplace_back("response_format", "verbose_json");
    const SpeechRequest request = read(fields);
    EXPECT_TRUE(request.form.words && request.form.segments);
    EXPECT_TRUE(request.job.options.word_timestamps);
  }
  const SpeechRequest words =
      read({{"timestamp_granularities", "word"}, {"response_format", "verbose_json"}});
  EXPECT_TRUE(words.form.words);
  EXPECT_FALSE(words.form.segments);
  const SpeechRequest ignored = read({{"timestamp_granularities", "word"}});
  EXPECT_FALSE(ignored.job.options.word_timestamps);
  EXPECT_EQ(ignored.form.warnings.size(), 1u);
  EXPECT_EQ(refused({{"timestamp_granularities", "letter"}}),
            "timestamp_granularities UNSUPPORTED_VALUE");
}

TEST(SpeechRequest, StreamsJsonAlone) {
  EXPECT_TRUE(read({{"stream", "true"}}).stream);
  EXPECT_TRUE(read({{"stream", "1"}, {"response_format", "json"}}).stream);
  for (const char* format : {"srt", "vtt", "text", "verbose_json"}) {
    EXPECT_EQ(refused({{"stream", "true"}, {"response_format", format}}),
              "stream UNSUPPORTED_VALUE");
    EXPECT_FALSE(read({{"stream", "false"}, {"response_format", format}}).stream);
  }
}

TEST(SpeechRequest, BooleansInAllTheirForms) {
  for (const char* yes : {"true", "True", "1", "yes", "ON"}) {
    EXPECT_TRUE(read({{"strict", yes}}).job.strict) << yes;
  }
  for (const char* no : {"false", "FALSE", "0", "no", "off", ""}) {
    EXPECT_FALSE(read({{"strict", no}}).job.strict) << no;
  }
  EXPECT_EQ(refused({{"strict", "maybe"}}), "strict INVALID_VALUE");
  EXPECT_EQ(refused({{"vad_filter", "2"}}), "vad_filter INVALID_VALUE");
}

TEST(SpeechRequest, ChunkingStrategyTunesTheVoiceActivity) {
  for (const Fields& fields : std::vector<Fields>{
           {{"chunking_strategy",
             R"({"type": "server_vad", "prefix_padding_ms": 250, "silence_duration_ms": 400,
                 "threshold": 0.7})"}},
           {{"chunking_strategy[type]", "server_vad"},
            {"chunking_strategy[prefix_padding_ms]", "250"},
            {"chunking_strategy[silence_duration_ms]", "400"},
            {"chunking_strategy[threshold]", "0.7"}}}) {
    const pipeline::VadOptions vad = read(fields).job.options.vad_options;
    EXPECT_EQ(vad.speech_pad_ms, 250);
    EXPECT_EQ(vad.min_silence_ms, 400);
    EXPECT_EQ(vad.threshold, 0.7);
  }
  EXPECT_EQ(read({{"chunking_strategy", "auto"}}).job.options.vad_options.threshold, 0.5);
  EXPECT_EQ(refused({{"chunking_strategy", "manual"}}), "chunking_strategy UNSUPPORTED_VALUE");
  EXPECT_EQ(refused({{"chunking_strategy", R"({"type": "client"})"}}),
            "chunking_strategy[type] UNSUPPORTED_VALUE");
  EXPECT_EQ(refused({{"chunking_strategy", R"({"type": "server_vad", "threshold": 2})"}}),
            "chunking_strategy[threshold] INVALID_VALUE");
  EXPECT_EQ(refused({{"chunking_strategy[type]", "server_vad"},
                     {"chunking_strategy[prefix_padding_ms]", "1.5"}}),
            "chunking_strategy[prefix_padding_ms] INVALID_VALUE");
}

TEST(SpeechRequest, SpeakersAreRefusedUntilTheyAreBuilt) {
  EXPECT_EQ(refused({{"diarize", "true"}}), "diarize UNSUPPORTED_VALUE");
  EXPECT_EQ(refused({{"diarize", "false"}}), "accepted");
  EXPECT_EQ(refused({{"known_speaker_names[]", "Anna"}}), "known_speaker_names UNSUPPORTED_VALUE");
  EXPECT_EQ(refused({{"known_speaker_references", "data:audio/wav;base64,AAAA"}}),
            "known_speaker_references UNSUPPORTED_VALUE");
  EXPECT_EQ(refused({{"min_speakers", "many"}}), "min_speakers INVALID_VALUE");
  EXPECT_EQ(read({{"num_speakers", "2"}}).form.warnings.size(), 1u);
}

TEST(SpeechRequest, LogProbabilitiesAreRefused) {
  EXPECT_EQ(refused({{"include[]", "logprobs"}}), "include UNSUPPORTED_VALUE");
  EXPECT_EQ(refused({{"include", "everything"}}), "include UNSUPPORTED_VALUE");
}

TEST(SpeechRequest, APartOfTheRecording) {
  const auto clip = read({{"offset_ms", "1500"}, {"duration_ms", "2000"}}).job.options.clip;
  ASSERT_TRUE(clip.has_value());
  EXPECT_EQ(clip->start_s, 1.5);
  EXPECT_EQ(clip->end_s, 3.5);
  EXPECT_EQ(read({{"offset_ms", "10"}}).job.options.clip->end_s, 0);
  EXPECT_FALSE(read({}).job.options.clip.has_value());
  EXPECT_EQ(refused({{"offset_ms", "-1"}}), "offset_ms INVALID_VALUE");
  EXPECT_EQ(refused({{"duration_ms", "0"}}), "duration_ms INVALID_VALUE");
}

TEST(SpeechRequest, WithoutTheFilterNothingIsTakenOut) {
  const pipeline::TranscribeOptions options = read({{"hallucination_filter", "off"}}).job.options;
  EXPECT_EQ(options.no_speech_threshold, 1);
  EXPECT_LT(options.log_prob_threshold, -100);
  EXPECT_FALSE(options.stop_repetition);
}

TEST(SpeechRequest, ATranslationKnowsTheLanguageOfItsSource) {
  const SpeechRequest request = read({{"language", "vi"}, {"stream", "true"}}, true);
  EXPECT_EQ(request.job.options.task, "translate");
  EXPECT_TRUE(request.form.translate);
  EXPECT_FALSE(request.stream);
  EXPECT_EQ(jobs::kind_of(request.job), "translation");
}

TEST(SpeechRequest, TheFirstWrongFieldIsNamed) {
  EXPECT_EQ(refused({{"response_format", "yaml"}, {"temperature", "9"}}),
            "response_format UNSUPPORTED_VALUE");
}

TEST(SpeechRequest, UnknownFieldsAreIgnored) { EXPECT_EQ(refused({{"color", "red"}}), "accepted"); }

TEST(SpeechRequest, TheDigestIsOfUploadAndParameters) {
  const SpeechRequest plain = read({});
  EXPECT_EQ(digest_of(plain, "a"), digest_of(read({{"temperature", ""}}), "a"));
  EXPECT_NE(digest_of(plain, "a"), digest_of(plain, "b"));
  for (const Fields& fields : std::vector<Fields>{{{"language", "vi"}},
                                                  {{"response_format", "text"}},
                                                  {{"stream", "true"}},
                                                  {{"temperature", "0.2"}},
                                                  {{"prompt", "x"}}}) {
    EXPECT_NE(digest_of(plain, "a"), digest_of(read(fields), "a")) << fields[0].first;
  }
}

}  // namespace
}  // namespace maie::server
