// Hours of audio through the program in bounded memory: a recording as meetings leave them, mostly
// hiss, with speech now and then, written into a pipe. One hour as a rule; MAIE_LONG_TESTS=1:
// eight.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <thread>

#include "base/file.h"
#include "base/json.h"
#include "tests/e2e/asr/sounds.h"
#include "tests/e2e/asr/support.h"
#include "tests/support/temporary_folder.h"

namespace maie::e2e {
namespace {

constexpr int kRate = audio::Clip::kRate;
constexpr int kSpeechEvery_s = 20 * 60;

std::vector<int16_t> whole(const audio::Clip& clip) {
  std::vector<float> samples(size_t(clip.size_samples()));
  if (!clip.read(0, samples).ok()) throw std::runtime_error("the sample cannot be read");
  std::vector<int16_t> out(samples.size());
  std::transform(samples.begin(), samples.end(), out.begin(),
                 [](float x) { return int16_t(std::lrint(x * 32768)); });
  return out;
}

// Writes all of it, or stops when nobody reads any more.
bool write_all(int to, const void* data, size_t size) {
  const char* at = static_cast<const char*>(data);
  while (size > 0) {
    const ssize_t written = ::write(to, at, size);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    at += written;
    size -= size_t(written);
  }
  return true;
}

void write_recording(int to, double hours, const std::vector<int16_t>& speech) {
  const auto number = [&](auto value) { return write_all(to, &value, sizeof value); };
  // The header of a recorder that does not know when it will be stopped.
  write_all(to, "RIFF\xff\xff\xff\xffWAVEfmt ", 16);
  number(uint32_t{16});
  number(uint16_t{1});
  number(uint16_t{1});
  number(uint32_t{kRate});
  number(uint32_t{kRate * 2});
  number(uint16_t{2});
  number(uint16_t{16});
  write_all(to, "data\xff\xff\xff\xff", 8);
  const auto hiss = record(noise(Colour::kPink, -55, 1), 7.3);
  const std::vector<int16_t> pause = whole(*hiss);
  const int64_t end = std::llround(hours * 3600 * kRate);
  int64_t at = 0;
  for (int64_t next = int64_t{5} * kRate; at < end;) {
    const std::vector<int16_t>& piece = at >= next ? speech : pause;
    if (at >= next) next += int64_t{kSpeechEvery_s} * kRate;
    const size_t samples = size_t(std::min<int64_t>(int64_t(piece.size()), end - at));
    if (!write_all(to, piece.data(), samples * 2)) return;
    at += int64_t(samples);
  }
}

// The most memory a process ever had, in MB; 0 when there is no such process.
double peak_mb(pid_t process) {
  std::ifstream status("/proc/" + std::to_string(process) + "/status");
  for (std::string line; std::getline(status, line);) {
    if (line.rfind("VmHWM:", 0) == 0) return std::stod(line.substr(6)) / 1000;
  }
  return 0;
}

std::vector<pid_t> children_of(pid_t parent) {
  const std::string id = std::to_string(parent);
  std::ifstream list("/proc/" + id + "/task/" + id + "/children");
  std::vector<pid_t> out;
  for (pid_t child = 0; list >> child;) out.push_back(child);
  return out;
}

struct Listened {
  int status = -1;
  double program_mb = 0;  // peak of `maie`
  double decoder_mb = 0;  // peak of the child that decodes for it
  double cpu_s = 0;
};

Listened transcribe_from_pipe(double hours, const std::string& output_folder) {
  const std::vector<int16_t> speech = whole(sample("dictation.mp3"));
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) throw std::runtime_error("no pipe");
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, ends[0], 0);
  std::vector<std::string> words = {MAIE_PROGRAM, "transcribe",   "-",           "--model",
                                    kMiniModel,   "--threads",    "2",           "--output-format",
                                    "json",       "--output-dir", output_folder, "--quiet"};
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  pid_t process = 0;
  const int failed =
      ::posix_spawn(&process, MAIE_PROGRAM, &actions, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  ::close(ends[0]);
  if (failed != 0) throw std::runtime_error("the program does not start");

  std::thread writer([&] {
    write_recording(ends[1], hours, speech);
    ::close(ends[1]);
  });
  Listened run;
  rusage usage{};
  while (::wait4(process, &run.status, WNOHANG, &usage) == 0) {
    run.program_mb = std::max(run.program_mb, peak_mb(process));
    for (const pid_t child : children_of(process))
      run.decoder_mb = std::max(run.decoder_mb, peak_mb(child));
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  writer.join();
  run.cpu_s = double(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec);
  return run;
}

TEST(Memory, HoursOfAudioTakeLessThan600MegabytesBesideTheWeights) {
  if (kSanitized) GTEST_SKIP() << "sanitizers keep freed memory: its peak says nothing";
  ::signal(SIGPIPE, SIG_IGN);
  const double hours = long_tests() ? 8 : 1;
  const TemporaryFolder folder;
  const Listened run = transcribe_from_pipe(hours, folder.path());
  ASSERT_EQ(run.status, 0);
  std::cout << hours << " h: peak " << run.program_mb << " MB, decoding child " << run.decoder_mb
            << " MB, CPU " << run.cpu_s << " s\n";
  EXPECT_GT(run.program_mb, 10);
  EXPECT_GT(run.decoder_mb, 1);
  EXPECT_LT(run.program_mb + run.decoder_mb, 600);  // the weights, 40 MB in float32, included

  // And it was understood all along.
  std::string file;
  for (const auto& entry : std::filesystem::directory_iterator(folder.path())) file = entry.path();
  const Result<std::string> text = read_file(file, 64 << 20);
  ASSERT_TRUE(text.has_value()) << text.error().message();
  const Result<Json> result = parse_json(*text);
  ASSERT_TRUE(result.has_value()) << result.error().message();
  EXPECT_NEAR((*result)["input"]["duration"].get<double>(), hours * 3600, 1);
  double last = 0;
  for (const Json& segment : (*result)["segments"]) {
    last = segment["end"].get<double>();
    const double since = std::fmod(segment["start"].get<double>() - 5, kSpeechEvery_s);
    EXPECT_LT(since, 60) << "words where nobody speaks: " << segment["text"];
  }
  EXPECT_GT(last, (hours - 1) * 3600 + 40 * 60);
  EXPECT_GE((*result)["segments"].size(), size_t(hours * 3 * 8));
}

}  // namespace
}  // namespace maie::e2e
