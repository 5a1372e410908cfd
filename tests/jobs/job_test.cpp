// What the queue carries is bytes: whatever a task is must come back as it was.
#include <gtest/gtest.h>

#include <random>

#include "jobs/job.h"
#include "jobs/live.h"
#include "jobs/options_json.h"
#include "jobs/transcript_json.h"

namespace maie::jobs {
namespace {

Job again(const Job& job) {
  Result<Job> read = from_payload(kind_of(job), to_payload(job));
  EXPECT_TRUE(read.has_value()) << read.status().message();
  return read.has_value() ? *read : Job();
}

TEST(Job, ARecordingComesBack) {
  const AudioJob job{.audio = "id/raw.m4a",
                     .file_name = "họp \"giao ban\".m4a",
                     .features = {.raw_transcript = true, .summary = true},
                     .template_id = "meeting_notes_v2",
                     .asr_backend = "whisper",
                     .vad = false,
                     .vad_threshold = 0.25,
                     .language = "vi"};
  const auto read = std::get<AudioJob>(again(job));
  EXPECT_EQ(read.audio, job.audio);
  EXPECT_EQ(read.file_name, job.file_name);
  EXPECT_TRUE(read.features.raw_transcript && read.features.summary);
  EXPECT_FALSE(read.features.clean_transcript || read.features.enhancement_metrics);
  EXPECT_EQ(read.template_id, job.template_id);
  EXPECT_EQ(read.vad, job.vad);
  EXPECT_EQ(read.vad_threshold, job.vad_threshold);
  EXPECT_EQ(read.language, "vi");
  EXPECT_EQ(std::get<AudioJob>(again(AudioJob{})).vad, std::nullopt);
}

TEST(Job, ATextComesBack) {
  const TextJob job{"dòng một\n\"dòng hai\"\t\x01", {.clean_transcript = true}, "x"};
  const auto read = std::get<TextJob>(again(job));
  EXPECT_EQ(read.text, job.text);
  EXPECT_TRUE(read.features.clean_transcript);
  EXPECT_EQ(read.template_id, "x");
}

TEST(Job, EveryOptionOfARecognitionComesBack) {
  SpeechJob job;
  pipeline::TranscribeOptions& o = job.options;
  o = {.language = "en",
       .task = "translate",
       .beam_size = 3,
       .best_of = 2,
       .patience = 1.5,
       .length_penalty = 0.5,
       .repetition_penalty = 1.25,
       .no_repeat_ngram_size = 4,
       .temperatures = {0.5},
       .compression_ratio_threshold = 3,
       .log_prob_threshold = -2,
       .no_speech_threshold = 0.75,
       .batched = false,
       .condition_on_previous_text = true,
       .without_timestamps = true,
       .timestamp_tokens = true,
       .word_timestamps = true,
       .vad = false,
       .vad_options = {0.25, 1, 2.5, 3, 4},
       .initial_prompt = "Xin chào",
       .hotwords = "MAIE",
       .suppress_tokens = {1, 2},
       .suppress_blank = false,
       .hallucination_silence_s = 2.5,
       .stop_repetition = false,
       .clip = pipeline::ClipRange{1.5, 2.5},
       .seed = 7};
  job.languages = {"en", "vi"};
  job.strict = true;
  EXPECT_EQ(kind_of(job), "translation");
  const auto read = std::get<SpeechJob>(again(job));
  // Compared as JSON, in which no option is left at its default.
  EXPECT_EQ(to_json(read.options), to_json(o));
  const Json changed = to_json(o), defaults = to_json(pipeline::TranscribeOptions());
  for (const auto& [name, value] : changed.items()) {
    EXPECT_TRUE(!defaults.contains(name) || defaults[name] != value) << name;
  }
  EXPECT_EQ(read.languages, job.languages);
  EXPECT_TRUE(read.strict);
}

TEST(Job, AConversationComesBack) {
  ChatJob job;
  job.model = "mini";
  job.request.messages = {{"system", "s"}, {"user", "u\n"}};
  job.request.recurring_messages = 1;
  job.request.enable_thinking = false;
  job.request.max_tokens = 9;
  job.request.sampling = {.temperature = 0.5,
                          .top_k = 3,
                          .top_p = 0.75,
                          .min_p = 0.25,
                          .repetition_penalty = 1.5,
                          .presence_penalty = -0.5,
                          .frequency_penalty = 2,
                          .seed = 1234567890123};
  job.request.schema = "{}";
  job.request.schema_name = "n";
  job.request.stops = {"a", "b"};
  const auto read = std::get<ChatJob>(again(job));
  EXPECT_EQ(to_json(read.request), to_json(job.request));
  EXPECT_EQ(read.request.sampling.seed, job.request.sampling.seed);
  EXPECT_EQ(std::get<ChatJob>(again(ChatJob{})).request.sampling.temperature, std::nullopt);
}

TEST(Job, WhatAnotherVersionWroteIsRefused) {
  EXPECT_EQ(from_payload("audio", R"({"format": 2})").status().code(), Code::kUnsupported);
  EXPECT_EQ(from_payload("audio", "{}").status().code(), Code::kUnsupported);
  EXPECT_EQ(from_payload("video", R"({"format": 1})").status().code(), Code::kUnsupported);
  EXPECT_EQ(from_payload("audio", "nothing").status().code(), Code::kCorrupt);
}

TEST(Job, DamagedPayloadsDoNoHarm) {
  const std::string good = to_payload(SpeechJob{});
  std::mt19937 random(3);
  for (int round = 0; round < 2000; ++round) {
    std::string bad = good;
    for (int i = 0; i < 3; ++i) bad[random() % bad.size()] = char(random() % 256);
    (void)from_payload("transcription", bad);
  }
}

TEST(Events, ComeBack) {
  pipeline::Segment segment;
  segment.start_s = 0.1;
  segment.text = " Chào";
  segment.words = {{0.1, 0.2, " Chào", 0.5}};
  segment.tokens = {1, 2};
  const auto read = event_of(to_data(SegmentEvent{segment}));
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(to_json(std::get<SegmentEvent>(*read).segment), to_json(segment));
  EXPECT_EQ(std::get<ReadyEvent>(*event_of(to_data(ReadyEvent{2.5}))).duration_s, 2.5);
  EXPECT_EQ(std::get<TextEvent>(*event_of(to_data(TextEvent{"ă\n"}))).text, "ă\n");
  EXPECT_EQ(event_of(R"({"type": "x"})").status().code(), Code::kUnsupported);
}

}  // namespace
}  // namespace maie::jobs
