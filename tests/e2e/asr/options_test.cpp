// Every option does what it says, also on a model that lacks the tokens it needs.
#include <gtest/gtest.h>

#include "tests/e2e/asr/model_writers.h"
#include "tests/e2e/asr/support.h"
#include "tests/support/temporary_folder.h"
#include "text/normalize.h"

namespace maie::e2e {
namespace {

const char* const kFirstSentences =
    "To create a new user, open the file in the system directory. Add one line that contains the "
    "name, the group, "
    "and the home directory. The fields are separated by a single character.";

// The first three sentences of dictation.mp3, and their length.
constexpr double kThreeSentences_s = 13.7;

class Options : public ::testing::Test {
 protected:
  Options()
      : transcriber_(load({.model_path = kMiniModel,
                           .vad_model_path = {},
                           .compute_type = ComputeType::kFloat32,
                           .threads = 2,
                           .batch_size = 8,
                           .max_rows = 16})) {
    options_.clip = pipeline::ClipRange{0, kThreeSentences_s};
  }

  pipeline::Transcript run() {
    return transcribe(*transcriber_, sample("dictation.mp3"), options_);
  }
  // The text is that of the sentences but for some words.
  void expect_understood(double worst_rate = 0.07) {
    const std::string text = text_of(run());
    EXPECT_LE(text::word_error_rate(kFirstSentences, text).rate(), worst_rate) << text;
  }
  void expect_refused(Code code, const std::string& words) {
    const Status status = transcriber_->validate(options_);
    EXPECT_EQ(status.code(), code) << status.message();
    EXPECT_NE(status.message().find(words), std::string::npos) << status.message();
    // The same answer from the run itself, before it begins.
    const auto ran = transcriber_->transcribe(audio::Clip(), options_, {}, CancelToken());
    ASSERT_FALSE(ran.has_value());
    EXPECT_EQ(ran.error().message(), status.message());
  }

  std::unique_ptr<pipeline::Transcriber> transcriber_;
  pipeline::TranscribeOptions options_;
};

TEST_F(Options, LanguageIsOneThatTheModelKnows) {
  for (const std::string language : {"en", "vi"}) {
    options_.language = language;
    EXPECT_TRUE(transcriber_->validate(options_).ok()) << language;
  }
  options_.language = "de";
  expect_refused(Code::kInvalidInput, "de");
  options_.language.clear();
  EXPECT_EQ(run().language, "en");
}

TEST_F(Options, TaskIsOneOfTwo) {
  options_.task = "summarise";
  expect_refused(Code::kInvalidInput, "transcribe or translate");
}

// The same weights without the tokens for languages, tasks, previous text and no speech.
class PlainModel : public Options {
 protected:
  PlainModel() {
    write_plain(folder_.path("plain"));
    transcriber_ = load({.model_path = folder_.path("plain"),
                         .vad_model_path = kMiniVad,
                         .compute_type = ComputeType::kFloat32,
                         .threads = 2,
                         .batch_size = 8,
                         .max_rows = 16});
  }
  const TemporaryFolder folder_;
};

TEST_F(PlainModel, HasOneLanguageOnly) {
  options_.language = "vi";
  expect_refused(Code::kInvalidInput, "one language only");
  options_.language = "en";
  EXPECT_TRUE(transcriber_->validate(options_).ok());
}

TEST_F(PlainModel, CannotTranslate) {
  options_.task = "translate";
  expect_refused(Code::kUnsupported, "cannot translate");
}

TEST_F(PlainModel, LivesWithoutPromptsAndHotwords) {
  const std::string expected = text_of(run());
  options_.initial_prompt = "A page about files and users.";
  options_.hotwords = "administrator, directory";
  EXPECT_EQ(text_of(run()), expected);
}

TEST_F(Options, SearchHasItsLimits) {
  options_.beam_size = 17;
  expect_refused(Code::kInvalidInput, "from 1 to 16");
  options_.beam_size = 0;
  expect_refused(Code::kInvalidInput, "from 1 to 16");
  options_.beam_size = 1;
  options_.temperatures = {};
  expect_refused(Code::kInvalidInput, "temperature");
  options_.temperatures = {-0.5};
  expect_refused(Code::kInvalidInput, "temperature");
}

TEST_F(Options, ClipGivesItsTextInTheTimeOfTheRecording) {
  expect_understood();
  for (const bool batched : {true, false}) {
    for (const bool vad : {true, false}) {
      options_.batched = batched;
      options_.vad = vad;
      options_.word_timestamps = true;
      options_.clip = pipeline::ClipRange{13.7, 24.95};
      const pipeline::Transcript transcript = run();
      const std::string text = text_of(transcript);
      EXPECT_LE(text::word_error_rate(
                    "Do not change the first line, because it is used by the system. When you "
                    "have finished, save the file and run the command again. The new user can "
                    "then set a password.",
                    text)
                    .rate(),
                0.1)
          << batched << vad << text;
      ASSERT_FALSE(transcript.segments.empty());
      for (const pipeline::Segment& segment : transcript.segments) {
        EXPECT_GE(segment.start_s, 13.7) << batched << vad << segment.text;
        EXPECT_LE(segment.end_s, 24.95 + 1e-6) << batched << vad << segment.text;
        for (const pipeline::Word& word : segment.words) {
          EXPECT_GE(word.start_s, 13.7) << batched << vad << word.text;
          EXPECT_LE(word.end_s, 24.95 + 1e-6) << batched << vad << word.text;
        }
      }
      if (kSanitized) return;
    }
  }
}

TEST_F(Options, ClipOutsideTheRecordingIsEmpty) {
  options_.clip = pipeline::ClipRange{5000, 6000};
  const pipeline::Transcript transcript = run();
  EXPECT_TRUE(transcript.segments.empty());
  EXPECT_TRUE(transcript.speech.empty());
}

TEST_F(Options, PromptsAndHotwordsLeaveTheSpeechAsItIs) {
  options_.initial_prompt = "A page about files and users.";
  expect_understood();
  options_.hotwords = "administrator, directory";
  expect_understood();
  options_.batched = false;
  options_.condition_on_previous_text = true;
  expect_understood();
}

TEST_F(Options, SearchOptionsRun) {
  options_.beam_size = 3;
  options_.patience = 2;
  expect_understood();
  options_.patience = 1;
  options_.length_penalty = 0;
  expect_understood();
  options_.length_penalty = 1;
  options_.no_repeat_ngram_size = 12;
  expect_understood();
  options_.no_repeat_ngram_size = 0;
  options_.repetition_penalty = 1.05;
  expect_understood(0.2);
}

// Pairs of tokens that may not come twice ruin a text, which shows that the option reaches the
// search.
TEST_F(Options, NoRepeatedPairsMeansNone) {
  options_.no_repeat_ngram_size = 2;
  options_.temperatures = {0};
  options_.log_prob_threshold = -100;
  const pipeline::Transcript transcript = run();
  std::vector<int> tokens;
  for (const pipeline::Segment& segment : transcript.segments) {
    tokens.insert(tokens.end(), segment.tokens.begin(), segment.tokens.end());
  }
  ASSERT_GT(tokens.size(), 10u);
  for (size_t i = 0; i + 1 < tokens.size(); ++i) {
    for (size_t j = i + 1; j + 1 < tokens.size(); ++j) {
      EXPECT_FALSE(tokens[i] == tokens[j] && tokens[i + 1] == tokens[j + 1])
          << "at " << i << " and " << j;
    }
  }
}

// A gate nothing passes sends the window up the whole ladder; the least bad attempt is kept, and
// the last temperature is named.
TEST_F(Options, LadderIsClimbedToItsEnd) {
  options_.best_of = 2;
  options_.temperatures = {0, 0.2, 0.4};
  options_.compression_ratio_threshold = 0.1;
  const pipeline::Transcript transcript = run();
  ASSERT_FALSE(transcript.segments.empty());
  for (const pipeline::Segment& segment : transcript.segments) EXPECT_EQ(segment.temperature, 0.4);
}

TEST_F(Options, WithoutTimestampsAWindowIsOneSegmentOfTheLoop) {
  options_.batched = false;
  options_.without_timestamps = true;
  const pipeline::Transcript transcript = run();
  EXPECT_EQ(transcript.segments.size(), 1u);
  expect_understood();
}

TEST_F(Options, TimestampTokensTimeTheBatchedMode) {
  options_.timestamp_tokens = true;
  const pipeline::Transcript transcript = run();
  EXPECT_EQ(transcript.segments.size(), 3u);
  expect_understood();
}

TEST_F(Options, HallucinationSilenceKeepsWhatIsSpoken) {
  options_.batched = false;
  options_.vad = false;
  options_.word_timestamps = true;
  options_.hallucination_silence_s = 2;
  // Without voice activity the loop says three words over the silence at the start, as
  // faster-whisper's does (7 % on the whole recording); they are too short a stretch for this rule
  // to take out.
  expect_understood(0.1);
}

TEST_F(Options, RepetitionStopOffStillUnderstands) {
  options_.stop_repetition = false;
  expect_understood();
}

TEST_F(Options, SuppressedTokensAreNeverWritten) {
  const pipeline::Transcript before = run();
  ASSERT_FALSE(before.segments.empty());
  const int banned = before.segments.front().tokens.at(1);
  options_.suppress_tokens = {-1, banned};
  options_.log_prob_threshold = -100;
  for (const pipeline::Segment& segment : run().segments) {
    for (const int token : segment.tokens) EXPECT_NE(token, banned);
  }
}

TEST_F(Options, CancelledRunsSaySo) {
  CancelToken cancel;
  cancel.cancel();
  const auto ran = transcriber_->transcribe(sample("dictation.mp3"), options_, {}, cancel);
  ASSERT_FALSE(ran.has_value());
  EXPECT_EQ(ran.error().code(), Code::kCancelled);
}

}  // namespace
}  // namespace maie::e2e
