// `maie transcribe` from its command line to its files and exit code, with a recogniser without
// weights.
#include "cli/transcribe_job.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>

#include "base/json.h"
#include "cli/app.h"
#include "cli/exit_code.h"
#include "tests/cli/fake_recogniser.h"
#include "tests/support/temporary_folder.h"

namespace maie::cli {
namespace {

class TranscribeJob : public ::testing::Test {
 protected:
  TranscribeJob() { std::signal(SIGPIPE, SIG_IGN); }

  // Runs `maie transcribe --model m ARGUMENTS`; what it wrote is in out_ and err_ then.
  int run(std::vector<std::string> arguments, TerminalTraits traits = {}, int output = -1) {
    const int out = output >= 0
                        ? output
                        : ::open(folder_.path(".out").c_str(), O_CREAT | O_TRUNC | O_WRONLY, 0600);
    const int err = ::open(folder_.path(".err").c_str(), O_CREAT | O_TRUNC | O_WRONLY, 0600);
    Console console(out, err, traits);
    Context context{.console = console, .cancel = cancel_, .load = load_};
    arguments.insert(arguments.begin(), {"transcribe", "--model", "m"});
    const int code = run_app(arguments, context);
    ::close(out);
    ::close(err);
    out_ = folder_.read(".out");
    err_ = folder_.read(".err");
    std::filesystem::remove(folder_.path(".out"));
    std::filesystem::remove(folder_.path(".err"));
    return code;
  }

  TemporaryFolder folder_;
  FakeRecogniser::Script script_;
  RecogniserLoader load_ = [this](const pipeline::TranscriberOptions& options) {
    loaded_ = options;
    return Result<std::unique_ptr<Recogniser>>(std::make_unique<FakeRecogniser>(script_));
  };
  pipeline::TranscriberOptions loaded_;
  CancelToken cancel_;
  std::string out_, err_;
};

TEST_F(TranscribeJob, WritesPlainLinesToStandardOutput) {
  EXPECT_EQ(run({folder_.write("talk.wav"), "--quiet"}), kExitOk);
  EXPECT_EQ(out_, "first\nsecond\n");
  EXPECT_EQ(err_, "");
}

TEST_F(TranscribeJob, ShowsTimesOnATerminalAndWithVerbose) {
  const std::string talk = folder_.write("talk.wav");
  const std::string timed =
      "[00:00:01.000 --> 00:00:03.500] first\n[00:00:04.000 --> 00:00:09.000] second\n";
  EXPECT_EQ(run({talk}, {.out_is_terminal = true}), kExitOk);
  EXPECT_EQ(out_, timed);
  EXPECT_EQ(run({talk, "--verbose"}), kExitOk);
  EXPECT_EQ(out_, timed);
}

TEST_F(TranscribeJob, WritesTheFilesAskedFor) {
  const std::string talk = folder_.write("talk.wav");
  EXPECT_EQ(
      run({talk, "-f", "txt,srt", "-f", "json", "-o", folder_.path("out"), "--word-timestamps"}),
      kExitOk);
  EXPECT_EQ(out_, "");
  EXPECT_EQ(folder_.read("out/talk.txt"), "first\nsecond\n");
  EXPECT_NE(folder_.read("out/talk.srt").find("00:00:01,000 --> 00:00:03,500"), std::string::npos);
  const auto document = parse_json(folder_.read("out/talk.json"));
  ASSERT_TRUE(document.has_value());
  EXPECT_EQ((*document)["text"], "first second \x1b");
  EXPECT_EQ(script_.options[0].word_timestamps, true);
}

TEST_F(TranscribeJob, StandardInputWithOneFormatGoesToStandardOutput) {
  EXPECT_EQ(run({"-", "-f", "srt"}), kExitOk);
  EXPECT_NE(out_.find("00:00:01,000 --> 00:00:03,500"), std::string::npos);
  EXPECT_EQ(script_.heard, std::vector<std::string>({"-"}));
}

TEST_F(TranscribeJob, StandardOutputTakesOneFormat) {
  EXPECT_EQ(run({folder_.write("talk.wav"), "-f", "srt,json", "-o", "-"}), kExitUsageLater);
  EXPECT_TRUE(script_.heard.empty());
}

TEST_F(TranscribeJob, OneBadRecordingLeavesTheOthers) {
  script_.failures["bad.wav"] = corrupt("bad.wav: not an audio file; convert it");
  EXPECT_EQ(run({folder_.write("a.wav"), folder_.write("bad.wav"), folder_.path("no.wav"),
                 folder_.write("b.wav"), "-f", "txt", "-o", folder_.path("out")}),
            kExitSomeFailed);
  EXPECT_TRUE(folder_.has("out/a.txt") && folder_.has("out/b.txt"));
  EXPECT_FALSE(folder_.has("out/bad.txt"));
  EXPECT_NE(err_.find(folder_.path("bad.wav") + ": bad.wav: not an audio file; convert it\n"),
            std::string::npos)
      << err_;
  EXPECT_NE(err_.find(folder_.path("no.wav") + ": no such file; check the name and the folder\n"),
            std::string::npos)
      << err_;
}

TEST_F(TranscribeJob, AloneAFailureGivesItsOwnCode) {
  const struct {
    Status status;
    int code;
  } cases[] = {{not_found("x"), 66},   {corrupt("x"), 65},           {invalid_input("x"), 65},
               {unsupported("x"), 65}, {permission_denied("x"), 77}, {resource_exhausted("x"), 71},
               {unavailable("x"), 74}, {internal_error("x"), 70}};
  const std::string talk = folder_.write("talk.wav");
  for (const auto& [status, code] : cases) {
    script_.failures["talk.wav"] = status;
    EXPECT_EQ(run({talk}), code) << to_string(status.code());
    EXPECT_EQ(err_, "maie: " + talk + ": x\n");
  }
}

TEST_F(TranscribeJob, ExistingFilesStopBeforeTheWork) {
  const std::string talk = folder_.write("talk.wav");
  folder_.write("talk.txt", "mine");
  EXPECT_EQ(run({talk, "-f", "txt", "-o", folder_.path()}), kExitCannotCreate);
  EXPECT_NE(err_.find("--overwrite"), std::string::npos);
  EXPECT_EQ(folder_.read("talk.txt"), "mine");
  EXPECT_TRUE(script_.heard.empty());
  EXPECT_EQ(run({talk, "-f", "txt", "-o", folder_.path(), "--overwrite"}), kExitOk);
  EXPECT_EQ(folder_.read("talk.txt"), "first\nsecond\n");
}

TEST_F(TranscribeJob, NothingIsLoadedWhenNoInputIsUsable) {
  EXPECT_EQ(run({folder_.path("no.wav")}), kExitNoInput);
  EXPECT_EQ(loaded_.model_path, "");
}

TEST_F(TranscribeJob, ModelAndOptionFailuresNameThemselvesOnce) {
  const std::string talk = folder_.write("talk.wav"), other = folder_.write("other.wav");
  script_.option_failure = unsupported("this model cannot translate; leave out --task");
  EXPECT_EQ(run({talk, other}), kExitUsageLater);
  EXPECT_EQ(err_, "maie: this model cannot translate; leave out --task\n");
  load_ = [](const pipeline::TranscriberOptions&) {
    return Result<std::unique_ptr<Recogniser>>(
        corrupt("m/model.safetensors: cut short; copy it again"));
  };
  EXPECT_EQ(run({talk, other}), kExitBadData);
  EXPECT_EQ(err_, "maie: m/model.safetensors: cut short; copy it again\n");
}

TEST_F(TranscribeJob, ACancelledRunKeepsFinishedFiles) {
  const std::string a = folder_.write("a.wav"), b = folder_.write("b.wav"),
                    c = folder_.write("c.wav");
  script_.at = [&](const std::string& input) {
    if (input == b) cancel_.cancel();
  };
  EXPECT_EQ(run({a, b, c, "-f", "txt", "-o", folder_.path("out")}), kExitInterrupted);
  EXPECT_EQ(folder_.read("out/a.txt"), "first\nsecond\n");
  EXPECT_FALSE(folder_.has("out/b.txt") || folder_.has("out/c.txt"));
  EXPECT_EQ(script_.heard, std::vector<std::string>({a, b}));
  EXPECT_NE(err_.find("stopped; 1 of 3 inputs are done"), std::string::npos);
}

TEST_F(TranscribeJob, AClosedPipeEndsQuietly) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  ::close(ends[0]);
  EXPECT_EQ(run({folder_.write("a.wav"), folder_.write("b.wav")}, {}, ends[1]), kExitOk);
  EXPECT_EQ(err_, "");
  EXPECT_EQ(script_.heard.size(), 1u);
}

TEST_F(TranscribeJob, AFullDiskAtStandardOutputIsSaidOnce) {
  const int full = ::open("/dev/full", O_WRONLY);
  if (full < 0) GTEST_SKIP() << "no /dev/full here";
  EXPECT_EQ(run({folder_.write("a.wav"), folder_.write("b.wav")}, {}, full), kExitIo);
  EXPECT_EQ(err_,
            "maie: standard output: No space left on device; free some space or redirect the "
            "output elsewhere\n");
}

TEST_F(TranscribeJob, MessagesAreJsonLinesWhenAskedFor) {
  script_.failures["bad.wav"] = corrupt("not an audio file");
  EXPECT_EQ(run({folder_.write("bad.wav"), "--json"}), kExitBadData);
  const auto line = parse_json(err_);
  ASSERT_TRUE(line.has_value()) << err_;
  EXPECT_EQ((*line)["level"], "error");
  EXPECT_EQ((*line)["code"], "corrupt");
  EXPECT_EQ((*line)["message"], folder_.path("bad.wav") + ": not an audio file");
}

TEST_F(TranscribeJob, WarningsNameTheFileAndGoWithQuiet) {
  const std::string talk = folder_.write("talk.wav");
  EXPECT_EQ(run({talk}), kExitOk);
  EXPECT_EQ(err_, "maie: warning: " + talk + ": the header claims 60 s, 10 s are there\n");
}

TEST_F(TranscribeJob, TheCommandLineReachesTheEngine) {
  EXPECT_EQ(run({folder_.write("a.wav"),
                 "--language",
                 "EN",
                 "--task",
                 "translate",
                 "--beam-size",
                 "3",
                 "--best-of",
                 "2",
                 "--patience",
                 "1.5",
                 "--length-penalty",
                 "0.5",
                 "--repetition-penalty",
                 "1.1",
                 "--no-repeat-ngram-size",
                 "3",
                 "--temperature",
                 "0,0.5",
                 "--compression-ratio-threshold",
                 "2",
                 "--log-prob-threshold",
                 "-2",
                 "--no-speech-threshold",
                 "0.4",
                 "--condition-on-previous-text",
                 "--sequential",
                 "--without-timestamps",
                 "--word-timestamps",
                 "--no-vad",
                 "--vad-threshold",
                 "0.3",
                 "--vad-min-speech-ms",
                 "100",
                 "--vad-max-speech-s",
                 "20",
                 "--vad-min-silence-ms",
                 "200",
                 "--vad-pad-ms",
                 "50",
                 "--initial-prompt",
                 "Hi.",
                 "--hotwords",
                 "MAIE",
                 "--hallucination-silence",
                 "2",
                 "--suppress-tokens",
                 "-1,7",
                 "--seed",
                 "42",
                 "--clip",
                 "-1:30",
                 "--compute-type",
                 "int8",
                 "--threads",
                 "3",
                 "--batch-size",
                 "4",
                 "--vad-model",
                 "v"}),
            kExitOk)
      << err_;
  ASSERT_EQ(script_.options.size(), 1u);
  const pipeline::TranscribeOptions& options = script_.options[0];
  EXPECT_EQ(options.language, "en");
  EXPECT_EQ(options.task, "translate");
  EXPECT_EQ(options.beam_size, 3);
  EXPECT_EQ(options.best_of, 2);
  EXPECT_EQ(options.patience, 1.5);
  EXPECT_EQ(options.length_penalty, 0.5);
  EXPECT_EQ(options.repetition_penalty, 1.1);
  EXPECT_EQ(options.no_repeat_ngram_size, 3);
  EXPECT_EQ(options.temperatures, std::vector<double>({0, 0.5}));
  EXPECT_EQ(options.compression_ratio_threshold, 2);
  EXPECT_EQ(options.log_prob_threshold, -2);
  EXPECT_EQ(options.no_speech_threshold, 0.4);
  EXPECT_TRUE(options.condition_on_previous_text);
  EXPECT_FALSE(options.batched);
  EXPECT_TRUE(options.without_timestamps);
  EXPECT_TRUE(options.word_timestamps);
  EXPECT_FALSE(options.vad);
  EXPECT_EQ(options.vad_options.threshold, 0.3);
  EXPECT_EQ(options.vad_options.min_speech_ms, 100);
  EXPECT_EQ(options.vad_options.max_speech_s, 20);
  EXPECT_EQ(options.vad_options.min_silence_ms, 200);
  EXPECT_EQ(options.vad_options.speech_pad_ms, 50);
  EXPECT_EQ(options.initial_prompt, "Hi.");
  EXPECT_EQ(options.hotwords, "MAIE");
  EXPECT_EQ(options.hallucination_silence_s, 2.0);
  EXPECT_EQ(options.suppress_tokens, std::vector<int>({-1, 7}));
  EXPECT_EQ(options.seed, 42u);
  ASSERT_TRUE(options.clip.has_value());
  EXPECT_EQ(options.clip->end_s, 90);
  EXPECT_EQ(loaded_.model_path, "m");
  EXPECT_EQ(loaded_.vad_model_path, "v");
  EXPECT_EQ(loaded_.compute_type, ComputeType::kInt8);
  EXPECT_EQ(loaded_.threads, 3);
  EXPECT_EQ(loaded_.batch_size, 4);
}

TEST_F(TranscribeJob, WithoutOptionsTheDefaultsHold) {
  EXPECT_EQ(run({folder_.write("a.wav")}), kExitOk);
  const pipeline::TranscribeOptions& options = script_.options.at(0);
  const pipeline::TranscribeOptions defaults;
  EXPECT_EQ(options.beam_size, defaults.beam_size);
  EXPECT_EQ(options.temperatures, defaults.temperatures);
  EXPECT_EQ(options.suppress_tokens, defaults.suppress_tokens);
  EXPECT_TRUE(options.batched && options.vad && !options.clip && !options.hallucination_silence_s);
  EXPECT_EQ(loaded_.batch_size, 8);
}

TEST_F(TranscribeJob, WrongOptionsAreUsageErrors) {
  const std::string talk = folder_.write("a.wav");
  const std::vector<std::vector<std::string>> wrong = {{},
                                                       {talk, "--beam-size", "0"},
                                                       {talk, "--beam-size", "1.5"},
                                                       {talk, "--beam-size"},
                                                       {talk, "--patience", "nan"},
                                                       {talk, "--task", "sing"},
                                                       {talk, "--clip", "9-3"},
                                                       {talk, "--temperature", "hot"},
                                                       {talk, "-f", "docx"},
                                                       {talk, "-f", ","},
                                                       {talk, "--compute-type", "int3"},
                                                       {talk, "--nonsense"},
                                                       {talk, "--seed", "-1"},
                                                       {talk, "--quiet", "--verbose"},
                                                       {talk, "--suppress-tokens", "x"},
                                                       {talk, "--threads", "-1"},
                                                       {talk, "--vad-threshold", "2"}};
  for (const auto& arguments : wrong) {
    EXPECT_EQ(run(arguments), kExitUsage) << (arguments.empty() ? "" : arguments.back());
    EXPECT_NE(err_.find("Usage: maie transcribe [OPTIONS] FILE..."), std::string::npos) << err_;
  }
  EXPECT_TRUE(script_.heard.empty());
}

}  // namespace
}  // namespace maie::cli
