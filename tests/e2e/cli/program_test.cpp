// The built program from outside: exit codes, what goes to which stream, signals, the terminal, and
// the bad inputs a user may give it.
#include <gtest/gtest.h>
#include <signal.h>

#include <cstring>
#include <limits>
#include <thread>

#include "base/json.h"
#include "tests/e2e/cli/process.h"
#include "tests/support/temporary_folder.h"

namespace maie::e2e {
namespace {

using Arguments = std::vector<std::string>;

const char* const kModel = MAIE_SOURCE_DIR "/models/mini/asr";

template <class Number>
void append(std::string& bytes, Number value) {
  bytes.append(reinterpret_cast<const char*>(&value), sizeof value);
}

// A WAV file of these frames. `format`: 1 PCM, 3 float, 7 mu-law.
std::string wav(int format, int bits, int channels, int rate, const std::string& data,
                uint32_t claimed_bytes) {
  std::string bytes = "RIFF";
  append(bytes, uint32_t(36 + claimed_bytes));
  bytes += "WAVEfmt ";
  append(bytes, uint32_t(16));
  append(bytes, uint16_t(format));
  append(bytes, uint16_t(channels));
  append(bytes, uint32_t(rate));
  append(bytes, uint32_t(rate * channels * bits / 8));
  append(bytes, uint16_t(channels * bits / 8));
  append(bytes, uint16_t(bits));
  bytes += "data";
  append(bytes, claimed_bytes);
  return bytes + data;
}

std::string silence(double seconds, int format = 1, int bits = 16, int channels = 1,
                    int rate = 16000) {
  const char fill = format == 7 ? char(0xff) : char(0);
  const std::string data(size_t(seconds * rate) * size_t(channels * bits / 8), fill);
  return wav(format, bits, channels, rate, data, uint32_t(data.size()));
}

class Program : public ::testing::Test {
 protected:
  ProcessResult run(const Arguments& arguments, ProcessOptions options = {}) {
    if (options.folder.empty()) options.folder = folder_.path();
    return run_maie(arguments, options);
  }
  ProcessResult transcribe(Arguments arguments, ProcessOptions options = {}) {
    arguments.insert(arguments.begin(),
                     {"transcribe", "--model", kModel, "--beam-size", "1", "--temperature", "0"});
    return run(arguments, std::move(options));
  }
  // Minutes of recording that keep the program at work for a while.
  std::string long_recording() { return MAIE_SOURCE_DIR "/samples/dictation.mp3"; }

  TemporaryFolder folder_;
};

size_t lines_of(const std::string& text) {
  return size_t(std::count(text.begin(), text.end(), '\n'));
}

TEST_F(Program, SaysItsVersionAndHelpOnStandardOutput) {
  const ProcessResult version = run({"--version"});
  EXPECT_EQ(version.code, 0);
  EXPECT_EQ(version.out.rfind("maie ", 0), 0u);
  for (const Arguments& arguments :
       {Arguments{"--help"}, {"transcribe", "--help"}, {"doctor", "--help"}}) {
    const ProcessResult help = run(arguments);
    EXPECT_EQ(help.code, 0);
    EXPECT_NE(help.out.find("Usage: maie"), std::string::npos);
    EXPECT_EQ(help.err, "");
    for (size_t at = 0, end; (end = help.out.find('\n', at)) != help.out.npos; at = end + 1)
      EXPECT_LE(end - at, 100u);
  }
}

TEST_F(Program, WrongUsageIsTwoLinesOnStandardError) {
  for (const Arguments& arguments : {Arguments{},
                                     {"sing"},
                                     {"transcribe"},
                                     {"transcribe", "a.wav", "--no-such"},
                                     {"completions", "csh"}}) {
    const ProcessResult result = run(arguments);
    EXPECT_EQ(result.code, 2);
    EXPECT_EQ(result.out, "");
    EXPECT_EQ(lines_of(result.err), 2u) << result.err;
    EXPECT_NE(result.err.find("Usage: maie"), std::string::npos);
  }
}

TEST_F(Program, DoctorReportsAndJudges) {
  const ProcessResult ready =
      run({"doctor", "--json"}, {.folder = MAIE_SOURCE_DIR, .input_file = "", .output_file = ""});
  EXPECT_EQ(ready.code, 0) << ready.out;
  const auto report = parse_json(ready.out);
  ASSERT_TRUE(report.has_value());
  EXPECT_EQ((*report)["usable"], true);
  EXPECT_FALSE((*report)["libraries"].empty());
  const ProcessResult bare = run({"doctor"});
  EXPECT_EQ(bare.code, 78);
  EXPECT_NE(bare.out.find("no speech model was found"), std::string::npos);
}

TEST_F(Program, NoModelAndBadModelsAreExplained) {
  folder_.write("a.wav", silence(1));
  const ProcessResult none = run({"transcribe", "a.wav"});
  EXPECT_EQ(none.code, 66);
  EXPECT_NE(none.err.find("--model"), std::string::npos);
  EXPECT_EQ(run({"transcribe", "a.wav", "--model", "gone"}).code, 66);
  folder_.write("bad/config.json", "{}");
  folder_.write("bad/model.safetensors", "cut");
  const ProcessResult bad = run({"transcribe", "a.wav", "--model", "bad"});
  EXPECT_TRUE(bad.code == 65 || bad.code == 66) << bad.err;
  EXPECT_EQ(lines_of(bad.err), 1u) << bad.err;
}

TEST_F(Program, BadRecordingsGiveOneSentenceEachAndLeaveTheOthers) {
  folder_.write("empty.wav", "");
  folder_.write("text.wav", "Dear diary, this is not audio at all.\n");
  folder_.write("nothing.wav", wav(1, 16, 1, 16000, "", 0));
  folder_.write("notes/readme.txt", "no audio here");
  const struct {
    const char* name;
    int code;
  } cases[] = {
      {"gone.wav", 66}, {"notes", 66}, {"empty.wav", 65}, {"text.wav", 65}, {"nothing.wav", 65}};
  for (const auto& [name, code] : cases) {
    const ProcessResult result = transcribe({name, "-f", "srt,json"});
    EXPECT_EQ(result.code, code) << name << ": " << result.err;
    EXPECT_EQ(lines_of(result.err), 1u) << result.err;
    EXPECT_NE(result.err.find(name), std::string::npos) << result.err;
    EXPECT_EQ(result.out, "");
    EXPECT_EQ(folder_.names(), "empty.wav notes nothing.wav text.wav");
  }
  folder_.write("good.wav", silence(1));
  const ProcessResult all = transcribe({"gone.wav", "text.wav", "good.wav", "-f", "json"});
  EXPECT_EQ(all.code, 3) << all.err;
  EXPECT_TRUE(folder_.has("good.json"));
  EXPECT_FALSE(folder_.has("text.json"));
}

TEST_F(Program, OddRecordingsOfSilenceGiveNoWords) {
  std::string broken;
  for (int i = 0; i < 16000; ++i) {
    append(broken, i % 3 == 0   ? std::numeric_limits<float>::quiet_NaN()
                   : i % 3 == 1 ? std::numeric_limits<float>::infinity()
                                : 0.0f);
  }
  folder_.write("short.wav", silence(0.3));
  folder_.write("wide.wav", silence(1, 1, 16, 8, 96000));
  folder_.write("mulaw.wav", silence(1, 7, 8, 1, 8000));
  folder_.write("nan.wav", wav(3, 32, 1, 16000, broken, uint32_t(broken.size())));
  folder_.write("claims.wav", wav(1, 16, 1, 16000, std::string(32000, '\0'), 24u * 3600 * 32000));
  for (const char* name : {"short.wav", "wide.wav", "mulaw.wav", "nan.wav", "claims.wav"}) {
    const ProcessResult result = transcribe({name, "--quiet"});
    EXPECT_EQ(result.code, 0) << name << ": " << result.err;
    EXPECT_EQ(result.out, "") << name;
  }
}

TEST_F(Program, ATruncatedRecordingGivesWhatItHolds) {
  for (const char* name : {"dictation.mp3", "manual.flac"}) {
    std::ifstream file(std::string(MAIE_SOURCE_DIR "/samples/") + name, std::ios::binary);
    const std::string whole((std::istreambuf_iterator<char>(file)), {});
    ASSERT_GT(whole.size(), 100'000u);
    folder_.write(name, whole.substr(0, whole.size() / 5));
    const ProcessResult result = transcribe({name});
    EXPECT_EQ(result.code, 0) << result.err;
    EXPECT_GT(lines_of(result.out), 0u) << name;
  }
}

TEST_F(Program, ReadsStandardInputAndWritesStandardOutput) {
  folder_.write("a.wav", silence(1));
  const ProcessResult result = transcribe(
      {"-", "--output-format", "vtt"},
      {.folder = folder_.path(), .input_file = folder_.path("a.wav"), .output_file = ""});
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_EQ(result.out, "WEBVTT\n\n");
}

TEST_F(Program, TranscribesARecordingAsTextAndAsFiles) {
  const ProcessResult text = transcribe({long_recording(), "--clip", "-20"});
  EXPECT_EQ(text.code, 0) << text.err;
  EXPECT_NE(text.out.find("directory"), std::string::npos) << text.out;
  EXPECT_EQ(text.out.find("-->"), std::string::npos);
  const ProcessResult files = transcribe({long_recording(), "--clip", "-20", "-f", "txt,json"});
  EXPECT_EQ(files.code, 0) << files.err;
  EXPECT_EQ(folder_.read("dictation.txt"), text.out);
  EXPECT_EQ(folder_.names(), "dictation.json dictation.txt");
  const ProcessResult again = transcribe({long_recording(), "-f", "txt"});
  EXPECT_EQ(again.code, 73);
  EXPECT_NE(again.err.find("--overwrite"), std::string::npos);
}

TEST_F(Program, AFullDiskLeavesNothingHalfWritten) {
  folder_.write("a.wav", silence(1));
  const ProcessResult result = transcribe(
      {"a.wav", "-f", "json"},
      {.folder = folder_.path(), .input_file = "", .output_file = "", .file_size_limit = 600});
  EXPECT_EQ(result.code, 74) << result.err;
  EXPECT_EQ(lines_of(result.err), 1u) << result.err;
  EXPECT_EQ(folder_.names(), "a.wav");
}

TEST_F(Program, AFullDiskAtStandardOutputIsAnError) {
  const ProcessResult result =
      run({"--version"}, {.folder = folder_.path(), .input_file = "", .output_file = "/dev/full"});
  EXPECT_EQ(result.code, 74);
}

TEST_F(Program, SignalsEndItWithinASecondAndItsChildToo) {
  for (const auto& [signal, code] : {std::pair(SIGINT, 130), std::pair(SIGTERM, 143)}) {
    for (const int delay_ms : {20, 100, 400}) {
      std::vector<pid_t> children;
      ProcessOptions options{.folder = folder_.path(), .input_file = "", .output_file = ""};
      options.signal = signal;
      options.signal_after_ms = delay_ms;
      options.before_signal = [&](pid_t pid) { children = children_of(pid); };
      const Arguments arguments = {"transcribe",  "--model",  kModel,      long_recording(),
                                   "--beam-size", "64",       "--threads", "1",
                                   "-f",          "json,txt", "-o",        folder_.path("out"),
                                   "--overwrite"};
      const ProcessResult result = run(arguments, options);
      EXPECT_EQ(result.code, code) << result.err;
      EXPECT_LT(result.after_signal_s, 1.0);
      for (const pid_t child : children) {
        for (int tries = 0; tries < 100 && ::kill(child, 0) == 0; ++tries)
          std::this_thread::sleep_for(std::chrono::milliseconds(10));
        EXPECT_NE(::kill(child, 0), 0);
      }
      if (folder_.has("out")) {
        EXPECT_TRUE(std::filesystem::is_empty(folder_.path("out")));
      }
    }
  }
}

TEST_F(Program, ProgressIsDrawnOnATerminalOnly) {
  const Arguments arguments = {"transcribe", "--model", kModel, "--beam-size",
                               "1",          "--clip",  "-30",  long_recording()};
  ProcessOptions options{.folder = folder_.path(), .input_file = "", .output_file = ""};
  options.environment = {"TERM=xterm"};
  const ProcessResult colour = run_maie_on_terminal(arguments, options, false);
  EXPECT_EQ(colour.code, 0) << colour.err;
  EXPECT_NE(colour.err.find('%'), std::string::npos);
  EXPECT_NE(colour.err.find("\x1b[32m"), std::string::npos);
  EXPECT_EQ(colour.out.find('\x1b'), std::string::npos);

  options.environment = {"TERM=xterm", "NO_COLOR=1"};
  const ProcessResult plain = run_maie_on_terminal(arguments, options, true);
  EXPECT_NE(plain.err.find('%'), std::string::npos);
  EXPECT_EQ(plain.err.find("\x1b[32m"), std::string::npos);
  EXPECT_NE(plain.err.find("[00:00:0"), std::string::npos);  // segments with times

  options.environment = {"TERM=dumb"};
  EXPECT_EQ(run_maie_on_terminal(arguments, options, false).err, "");
  EXPECT_EQ(run(arguments).err, "");
}

}  // namespace
}  // namespace maie::e2e
