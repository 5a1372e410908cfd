#include "audio/decode.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <thread>

#include "audio/confine.h"
#include "base/file.h"
#include "tests/audio/wav_maker.h"

namespace maie::audio {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;
const char* const kDecoder = MAIE_BINARY_DIR "/bin/maie_decode_child";

class DecodeTest : public ::testing::Test {
 protected:
  DecodeTest()
      : folder_(fs::path(::testing::TempDir()) / ("maie_decode_" + std::to_string(::getpid()))) {
    fs::remove_all(folder_);
    fs::create_directories(folder_);
    set_decoder_program(kDecoder);
    (void)std::signal(SIGPIPE, SIG_IGN);  // a pipe's writer must outlive its reader
  }
  ~DecodeTest() override {
    set_decoder_program(kDecoder);
    fs::remove_all(folder_);
  }

  std::string path(const std::string& name) const { return (folder_ / name).string(); }
  std::string store(const std::string& name, std::string_view bytes) const {
    std::ofstream(path(name), std::ios::binary) << bytes;
    return path(name);
  }
  static std::string golden(const std::string& name) {
    return std::string(MAIE_SOURCE_DIR) + "/tests/golden/audio/" + name;
  }
  static std::string golden_bytes(const std::string& name) {
    return read_file(golden(name), 1 << 20).value();
  }
  /// A program that stands in for the decoding child.
  void use_decoder_script(const std::string& body) const {
    store("decoder", "#!/bin/sh\n" + body + "\n");
    fs::permissions(path("decoder"), fs::perms::owner_all);
    set_decoder_program(path("decoder"));
  }
  Result<Clip> decode_file(const std::string& name) const { return decode(name, {}, nullptr); }
  Result<Clip> decode_bytes(std::string_view bytes) const {
    return decode_file(store("file", bytes));
  }

  fs::path folder_;
};

std::vector<float> all_samples(const Clip& clip) {
  std::vector<float> out(size_t(clip.size_samples()));
  EXPECT_TRUE(clip.read(0, out).ok());
  return out;
}

bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

/// Writes `bytes` into a pipe from a thread of its own; `end()` is what to decode.
/// @param ends false: the pipe stays open, as if more were to come.
class PipeOf {
 public:
  explicit PipeOf(std::string bytes, bool ends = true) : bytes_(std::move(bytes)), closes_(ends) {
    EXPECT_EQ(::pipe2(ends_, O_CLOEXEC), 0);
    writer_ = std::thread([this] {
      for (size_t done = 0; done < bytes_.size();) {
        const ssize_t count = ::write(ends_[1], bytes_.data() + done, bytes_.size() - done);
        if (count <= 0) break;
        done += size_t(count);
      }
      if (closes_) ::close(ends_[1]);
    });
  }
  ~PipeOf() {
    ::close(ends_[0]);
    writer_.join();
    if (!closes_) ::close(ends_[1]);
  }
  int end() const { return ends_[0]; }

 private:
  std::string bytes_;
  bool closes_;
  int ends_[2] = {-1, -1};
  std::thread writer_;
};

struct SineFile {
  const char* name;
  const char* codec;
  int rate_hz, channels;
  double amplitude;
};

void expect_golden_sine(const Result<Clip>& clip, const SineFile& file) {
  ASSERT_TRUE(clip.has_value()) << file.name << ": " << clip.error().message();
  EXPECT_EQ(clip->info().codec, file.codec);
  EXPECT_EQ(clip->info().rate_hz, file.rate_hz);
  EXPECT_EQ(clip->info().channels, file.channels);
  EXPECT_NEAR(clip->duration_s(), 1.0, 0.08) << file.name;  // codecs pad to whole packets
  const std::vector<float> samples = all_samples(*clip);
  const std::vector<float> middle(samples.begin() + 2000, samples.begin() + 14000);
  EXPECT_NEAR(amplitude_of(440, 16000, middle), file.amplitude, 0.004) << file.name;
  EXPECT_LT(amplitude_of(880, 16000, middle), 0.003) << file.name;
  EXPECT_TRUE(clip->warnings().empty()) << file.name << ": " << clip->warnings()[0];
}

constexpr SineFile kSines[] = {
    {"sine.mp3", "mp3", 44100, 2, 0.95 * 0.125},  // LAME leaves 5 % of headroom
    {"sine.m4a", "aac", 48000, 1, 0.125},        {"sine.flac", "flac", 22050, 1, 0.125},
    {"sine.opus", "opus", 48000, 1, 0.125},      {"both.mp4", "aac", 32000, 1, 0.125},
    {"mulaw.wav", "pcm_mulaw", 8000, 1, 0.125},
};

TEST_F(DecodeTest, ContainersAndCodecs) {
  for (const SineFile& file : kSines) expect_golden_sine(decode_file(golden(file.name)), file);
}

TEST_F(DecodeTest, ContainersAndCodecsThroughAPipe) {
  for (const SineFile& file : kSines) {
    const PipeOf pipe(golden_bytes(file.name));
    expect_golden_sine(decode_descriptor(pipe.end(), "standard input", {}, nullptr), file);
  }
}

TEST_F(DecodeTest, SixteenBitsAtSixteenKilohertzPassUnchanged) {
  std::vector<int16_t> samples(5000);
  for (size_t i = 0; i < samples.size(); ++i) samples[i] = int16_t(i * 40503u);
  samples[0] = -32768;
  samples[1] = 32767;
  const auto clip = decode_bytes(wav(1, 16000, samples));
  ASSERT_TRUE(clip.has_value()) << clip.error().message();
  const std::vector<float> got = all_samples(*clip);
  ASSERT_EQ(got.size(), samples.size());
  for (size_t i = 0; i < got.size(); ++i) ASSERT_EQ(got[i], float(samples[i]) / 32768.0f) << i;
}

TEST_F(DecodeTest, EverySampleFormatGivesTheSameSound) {
  const std::vector<float> tone = sine(300, 0.5, 16000, 8000);
  std::vector<std::string> files;
  std::vector<uint8_t> u8;
  std::vector<int16_t> s16;
  std::vector<int32_t> s32;
  std::vector<double> f64;
  std::string s24 = wav_header(1, 1, 16000, 24, 24000);
  for (const float sample : tone) {
    u8.push_back(uint8_t(std::lrint(sample * 128) + 128));
    s16.push_back(int16_t(std::lrint(sample * 32768)));
    s32.push_back(int32_t(std::lrint(double(sample) * 2147483648.0)));
    f64.push_back(sample);
    const int32_t wide = int32_t(std::lrint(sample * 8388608));
    s24.append(reinterpret_cast<const char*>(&wide), 3);
  }
  for (const auto& [bytes, tolerance] :
       std::vector<std::pair<std::string, double>>{{wav(1, 16000, u8), 0.5 / 128 + 1e-4},
                                                   {wav(1, 16000, s16), 3.1e-5},
                                                   {s24, 3.1e-5},
                                                   {wav(1, 16000, s32), 3.1e-5},
                                                   {wav(1, 16000, tone), 3.1e-5},
                                                   {wav(1, 16000, f64), 3.1e-5}}) {
    const auto clip = decode_bytes(bytes);
    ASSERT_TRUE(clip.has_value()) << clip.error().message();
    const std::vector<float> got = all_samples(*clip);
    ASSERT_EQ(got.size(), tone.size()) << clip->info().codec;
    for (size_t i = 0; i < got.size(); ++i)
      ASSERT_LE(std::abs(got[i] - tone[i]), tolerance) << clip->info().codec;
  }
}

TEST_F(DecodeTest, EightChannelsAtNinetySixKilohertzBecomeTheirMean) {
  // Channel c holds (c + 1) / 8 of the tone, so the mean is 4.5 / 8 of it.
  const std::vector<float> tone = sine(1000, 0.4, 96000, 96000);
  std::vector<float> frames;
  for (const float sample : tone) {
    for (int c = 0; c < 8; ++c) frames.push_back(sample * float(c + 1) / 8);
  }
  const auto clip = decode_bytes(wav(8, 96000, frames));
  ASSERT_TRUE(clip.has_value()) << clip.error().message();
  EXPECT_EQ(clip->size_samples(), 16000);
  EXPECT_EQ(clip->info().channels, 8);
  EXPECT_NEAR(amplitude_of(1000, 16000, all_samples(*clip)), 0.4 * 4.5 / 8, 2e-3);
}

TEST_F(DecodeTest, ThreeTenthsOfASecondAreFine) {
  const auto clip = decode_bytes(wav(1, 44100, sine(440, 0.5, 44100, 13230)));
  ASSERT_TRUE(clip.has_value()) << clip.error().message();
  EXPECT_EQ(clip->size_samples(), 4800);
}

TEST_F(DecodeTest, MissingFile) {
  const auto clip = decode_file(path("absent.mp3"));
  ASSERT_FALSE(clip.has_value());
  EXPECT_EQ(clip.error().code(), Code::kNotFound);
  EXPECT_TRUE(contains(clip.error().message(), "absent.mp3")) << clip.error().message();
}

TEST_F(DecodeTest, Directory) {
  const auto clip = decode_file(folder_.string());
  ASSERT_FALSE(clip.has_value());
  EXPECT_EQ(clip.error().code(), Code::kInvalidInput);
  EXPECT_TRUE(contains(clip.error().message(), "directory")) << clip.error().message();
}

TEST_F(DecodeTest, UnreadableFile) {
  if (::geteuid() == 0) GTEST_SKIP() << "root may read everything";
  const std::string file = store("secret.wav", wav(1, 16000, std::vector<int16_t>(100)));
  fs::permissions(file, fs::perms::none);
  EXPECT_EQ(decode_file(file).error().code(), Code::kPermissionDenied);
}

TEST_F(DecodeTest, EmptyFileAndEmptyPipe) {
  const auto file = decode_bytes("");
  ASSERT_FALSE(file.has_value());
  EXPECT_EQ(file.error().code(), Code::kInvalidInput);
  EXPECT_TRUE(contains(file.error().message(), "is empty")) << file.error().message();
  const PipeOf pipe("");
  const auto piped = decode_descriptor(pipe.end(), "standard input", {}, nullptr);
  ASSERT_FALSE(piped.has_value());
  EXPECT_EQ(piped.error().code(), Code::kInvalidInput);
  EXPECT_TRUE(contains(piped.error().message(), "standard input: is empty"))
      << piped.error().message();
}

TEST_F(DecodeTest, TextIsNotAudio) {
  std::string text;
  for (int i = 0; i < 500; ++i) text += "line " + std::to_string(i) + " of an ordinary letter\n";
  const auto clip = decode_file(store("letter.wav", text));
  ASSERT_FALSE(clip.has_value());
  EXPECT_EQ(clip.error().code(), Code::kCorrupt);
  EXPECT_TRUE(contains(clip.error().message(), "letter.wav: is not an audio"))
      << clip.error().message();
}

TEST_F(DecodeTest, PlaylistsAndSubtitlesAreRefused) {
  const std::string inside = store("inside.wav", wav(1, 16000, sine(440, 0.5, 16000, 16000)));
  const std::string texts[] = {
      "ffconcat version 1.0\nfile '" + inside + "'\n",
      "#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\n" + inside + "\n#EXT-X-ENDLIST\n",
      "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=audio 5004 RTP/AVP 0\n",
      "1\n00:00:00,000 --> 00:00:01,000\nhello\n\n2\n00:00:01,000 --> 00:00:02,000\nthere\n",
  };
  for (const std::string& text : texts) {
    const auto clip = decode_bytes(text);
    ASSERT_FALSE(clip.has_value()) << text;
    EXPECT_TRUE(clip.error().code() == Code::kUnsupported || clip.error().code() == Code::kCorrupt)
        << text;
  }
}

TEST_F(DecodeTest, VideoWithoutSound) {
  const auto clip = decode_file(golden("silent.webm"));
  ASSERT_FALSE(clip.has_value());
  EXPECT_EQ(clip.error().code(), Code::kInvalidInput);
  EXPECT_TRUE(contains(clip.error().message(), "no audio track")) << clip.error().message();
}

TEST_F(DecodeTest, ZeroSamples) {
  const auto clip = decode_bytes(wav(1, 16000, std::vector<int16_t>()));
  ASSERT_FALSE(clip.has_value());
  EXPECT_EQ(clip.error().code(), Code::kInvalidInput) << clip.error().message();
}

TEST_F(DecodeTest, TruncatedFilesKeepWhatTheyHoldAndSaySo) {
  for (const auto& [name, cut] :
       {std::pair<const char*, size_t>{"sine.mp3", 5000}, {"sine.flac", 3000}}) {
    const std::string whole = golden_bytes(name);
    const auto clip = decode_bytes(std::string_view(whole).substr(0, whole.size() - cut));
    ASSERT_TRUE(clip.has_value()) << name << ": " << clip.error().message();
    EXPECT_GT(clip->duration_s(), 0.3) << name;
    EXPECT_LT(clip->duration_s(), 0.8) << name;
    ASSERT_FALSE(clip->warnings().empty()) << name;
    EXPECT_TRUE(contains(clip->warnings().back(), "ends early")) << clip->warnings().back();
  }
}

TEST_F(DecodeTest, DamageInTheMiddleIsSkippedAndCounted) {
  std::string bytes = golden_bytes("sine.mp3");
  for (size_t i = bytes.size() / 2; i < bytes.size() / 2 + 1500; ++i) bytes[i] = char(i * 37);
  const auto clip = decode_bytes(bytes);
  ASSERT_TRUE(clip.has_value()) << clip.error().message();
  EXPECT_GT(clip->duration_s(), 0.6);
  EXPECT_FALSE(clip->warnings().empty());
}

TEST_F(DecodeTest, HeadersWithoutSoundAreCorrupt) {
  std::string flac = golden_bytes("sine.flac").substr(0, 42);  // "fLaC" and STREAMINFO
  flac[4] = char(uint8_t(flac[4]) | 0x80u);                    // which says it is the last block
  flac += std::string(4000, '\x55');
  const auto clip = decode_bytes(flac);
  ASSERT_FALSE(clip.has_value());
  EXPECT_EQ(clip.error().code(), Code::kCorrupt) << clip.error().message();
}

TEST_F(DecodeTest, SamplesThatAreNoNumbersCountAsSilence) {
  std::vector<float> samples = sine(440, 0.5, 16000, 16000);
  samples[100] = NAN;
  samples[200] = INFINITY;
  samples[300] = -INFINITY;
  samples[400] = 1e30f;  // finite: clipped
  const auto clip = decode_bytes(wav(1, 16000, samples));
  ASSERT_TRUE(clip.has_value()) << clip.error().message();
  const std::vector<float> got = all_samples(*clip);
  EXPECT_EQ(got[100], 0.0f);
  EXPECT_EQ(got[200], 0.0f);
  EXPECT_EQ(got[300], 0.0f);
  EXPECT_EQ(got[400], 32767.0f / 32768.0f);
  ASSERT_EQ(clip->warnings().size(), 1u);
  EXPECT_TRUE(contains(clip->warnings()[0], "3 samples are NaN")) << clip->warnings()[0];
}

TEST_F(DecodeTest, NothingButNaNIsAnError) {
  const auto clip = decode_bytes(wav(2, 44100, std::vector<float>(44100, NAN)));
  ASSERT_FALSE(clip.has_value());
  EXPECT_EQ(clip.error().code(), Code::kInvalidInput);
  EXPECT_TRUE(contains(clip.error().message(), "NaN")) << clip.error().message();
}

TEST_F(DecodeTest, HeaderOfADayWithASecondOfSound) {
  std::string bytes = wav_header(1, 1, 8000, 16, 24u * 3600 * 16000);
  for (const float sample : sine(440, 0.5, 8000, 8000))
    append_bytes(bytes, int16_t(sample * 32767));
  const auto clip = decode_bytes(bytes);
  ASSERT_TRUE(clip.has_value()) << clip.error().message();
  EXPECT_EQ(clip->size_samples(), 16000);
  ASSERT_EQ(clip->warnings().size(), 1u);
  EXPECT_TRUE(contains(clip->warnings()[0], "ends early")) << clip->warnings()[0];
}

TEST_F(DecodeTest, LongerThanTheLimitIsRefused) {
  const std::string file = store("long.wav", wav(1, 8000, std::vector<int16_t>(8000 * 4)));
  const auto clip = decode(file, {.max_duration_s = 2}, nullptr);
  ASSERT_FALSE(clip.has_value());
  EXPECT_EQ(clip.error().code(), Code::kInvalidInput);
  EXPECT_TRUE(contains(clip.error().message(), "longer than the limit")) << clip.error().message();
  EXPECT_TRUE(decode(file, {.max_duration_s = 4}, nullptr).has_value());
}

TEST_F(DecodeTest, FullDiskWhileStoringTheClip) {
  const std::string file = store("ten.wav", wav(1, 16000, std::vector<int16_t>(16000 * 10)));
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit small{100'000, before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  const auto clip = decode(file, {.memory_limit_s = 0}, nullptr);
  (void)::setrlimit(RLIMIT_FSIZE, &before);
  (void)std::signal(SIGXFSZ, handler);
  ASSERT_FALSE(clip.has_value());
  EXPECT_EQ(clip.error().code(), Code::kResourceExhausted);
  EXPECT_TRUE(contains(clip.error().message(), "ten.wav")) << clip.error().message();
  EXPECT_TRUE(contains(clip.error().message(), "TMPDIR")) << clip.error().message();
}

TEST_F(DecodeTest, PipeThatOutgrowsTheSpool) {
  const PipeOf pipe(golden_bytes("sine.m4a"));
  const auto clip =
      decode_descriptor(pipe.end(), "standard input", {.max_spool_bytes = 5000}, nullptr);
  ASSERT_FALSE(clip.has_value());
  EXPECT_EQ(clip.error().code(), Code::kResourceExhausted);
  EXPECT_TRUE(contains(clip.error().message(), "save it to a file")) << clip.error().message();
}

TEST_F(DecodeTest, MissingTemporaryFolder) {
  const auto clip = decode(golden("sine.mp3"), {.temporary_folder = path("absent")}, nullptr);
  ASSERT_FALSE(clip.has_value());
  EXPECT_TRUE(contains(clip.error().message(), "TMPDIR")) << clip.error().message();
}

TEST_F(DecodeTest, ChildThatCrashes) {
  use_decoder_script("kill -SEGV $$");
  const auto clip = decode_file(golden("sine.mp3"));
  ASSERT_FALSE(clip.has_value());
  EXPECT_EQ(clip.error().code(), Code::kInternal);
  EXPECT_TRUE(contains(clip.error().message(), "signal 11")) << clip.error().message();
  use_decoder_script("kill -KILL $$");
  EXPECT_EQ(decode_file(golden("sine.mp3")).error().code(), Code::kResourceExhausted);
}

TEST_F(DecodeTest, ChildThatEndsOrTalksNonsense) {
  use_decoder_script("exit 3");
  EXPECT_TRUE(contains(decode_file(golden("sine.mp3")).error().message(), "exit code 3"));
  use_decoder_script("echo this is no protocol at all >&4");
  EXPECT_TRUE(contains(decode_file(golden("sine.mp3")).error().message(), "nonsense"));
  set_decoder_program(path("absent"));
  EXPECT_TRUE(contains(decode_file(golden("sine.mp3")).error().message(), "cannot be started"));
}

TEST_F(DecodeTest, CancelEndsAHangingChildAtOnce) {
  use_decoder_script("exec sleep 1000");
  CancelToken cancel;
  Clock::time_point asked;
  std::thread user([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    asked = Clock::now();
    cancel.cancel();
  });
  const auto clip = decode(golden("sine.mp3"), {}, &cancel);
  const auto answered = Clock::now();
  user.join();
  ASSERT_FALSE(clip.has_value());
  EXPECT_EQ(clip.error().code(), Code::kCancelled);
  EXPECT_LT(answered - asked, std::chrono::milliseconds(400));  // 50 ms, and a busy machine
}

TEST_F(DecodeTest, CancelWhileTheInputStalls) {
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);  // never written to
  CancelToken cancel;
  cancel.set_deadline(Clock::now() + std::chrono::milliseconds(100));
  const auto clip = decode_descriptor(ends[0], "standard input", {}, &cancel);
  ASSERT_FALSE(clip.has_value());
  EXPECT_EQ(clip.error().code(), Code::kCancelled);
  ::close(ends[0]);
  ::close(ends[1]);
}

TEST_F(DecodeTest, SamplesArriveWhileTheRestIsStillToCome) {
  // 10 of the 60 s that the header promises, and the pipe stays open.
  const PipeOf pipe(wav_header(1, 1, 16000, 16, 16000 * 2 * 60) + std::string(16000 * 2 * 10, '\0'),
                    false);
  CancelToken cancel;
  cancel.set_deadline(Clock::now() + std::chrono::seconds(20));
  auto decoding = start_decode_descriptor(pipe.end(), "standard input", {}, &cancel);
  ASSERT_TRUE(decoding.has_value()) << decoding.error().message();
  EXPECT_EQ((*decoding)->info().rate_hz, 16000);
  std::vector<float> block(1000);
  const auto count = (*decoding)->read_some(block);
  ASSERT_TRUE(count.has_value()) << count.error().message();
  EXPECT_GT(*count, 0u);
}

TEST_F(DecodeTest, TwoRecordingsAtOnce) {
  std::thread other([&] { expect_golden_sine(decode_file(golden("sine.mp3")), kSines[0]); });
  expect_golden_sine(decode_file(golden("sine.flac")), kSines[2]);
  other.join();
}

/// Resident memory of this process in bytes.
int64_t resident_bytes() {
  std::ifstream file("/proc/self/statm");
  int64_t all = 0, resident = 0;
  file >> all >> resident;
  return resident * ::sysconf(_SC_PAGESIZE);
}

TEST_F(DecodeTest, AnHourThroughAPipeTakesNoMemory) {
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  std::thread writer([&] {
    const std::string header = wav_header(1, 1, 16000, 16, 3600u * 32000);
    EXPECT_EQ(::write(ends[1], header.data(), header.size()), ssize_t(header.size()));
    std::vector<int16_t> second(16000);
    for (int s = 0; s < 3600; ++s) {
      std::fill(second.begin(), second.end(), int16_t(s));
      const char* from = reinterpret_cast<const char*>(second.data());
      for (size_t done = 0; done < 32000;) {
        const ssize_t count = ::write(ends[1], from + done, 32000 - done);
        if (count <= 0) {
          ::close(ends[1]);
          return;
        }
        done += size_t(count);
      }
    }
    ::close(ends[1]);
  });
  const int64_t before = resident_bytes();
  const auto clip = decode_descriptor(ends[0], "standard input", {.memory_limit_s = 60}, nullptr);
  ::close(ends[0]);  // a writer that still waits ends with an error
  writer.join();
  ASSERT_TRUE(clip.has_value()) << clip.error().message();
  EXPECT_EQ(clip->size_samples(), 3600 * 16000);
  EXPECT_TRUE(clip->on_disk());
  std::vector<float> block(16000 * 30);
  for (const int64_t s : {0, 1234, 3569}) {
    ASSERT_TRUE(clip->read(s * 16000, block).ok());
    EXPECT_EQ(block.front(), float(s) / 32768);
    EXPECT_EQ(block.back(), float(s + 29) / 32768);
  }
  if (confines_calls()) {
    EXPECT_LT(resident_bytes() - before, 20 << 20);
  }
}

TEST_F(DecodeTest, ChildHasNoRightsLeft) {
  std::FILE* pipe = ::popen((std::string(kDecoder) + " --try-to-escape").c_str(), "r");
  ASSERT_NE(pipe, nullptr);
  std::string answer(1000, '\0');
  answer.resize(std::fread(answer.data(), 1, answer.size(), pipe));
  EXPECT_EQ(::pclose(pipe), 0);
  if (!confines_calls()) GTEST_SKIP() << answer;
  if (!contains(answer, "missing:\n")) GTEST_SKIP() << "this kernel confines less: " << answer;
  EXPECT_TRUE(contains(answer, "escapes:\n")) << answer;
}

TEST_F(DecodeTest, ChildDiesWithItsParent) {
  ASSERT_EQ(::prctl(PR_SET_CHILD_SUBREAPER, 1), 0);  // orphans come to us
  int never[2];
  ASSERT_EQ(::pipe(never), 0);
  const pid_t parent = ::fork();
  ASSERT_GE(parent, 0);
  if (parent == 0) {
    (void)decode_descriptor(never[0], "standard input", {}, nullptr);  // waits for ever
    ::_exit(0);
  }
  std::this_thread::sleep_for(std::chrono::milliseconds(700));
  ASSERT_EQ(::kill(parent, SIGKILL), 0);
  ASSERT_EQ(::waitpid(parent, nullptr, 0), parent);
  int result = 0;
  pid_t orphan = 0;
  for (int i = 0; i < 300 && orphan == 0; ++i) {
    orphan = ::waitpid(-1, &result, WNOHANG);
    if (orphan == 0) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  (void)::prctl(PR_SET_CHILD_SUBREAPER, 0);
  EXPECT_GT(orphan, 0) << "the decoding child outlived its parent";
  ::close(never[0]);
  ::close(never[1]);
}

TEST_F(DecodeTest, MutatedFilesGiveAClipOrAnErrorNeverAHang) {
  uint32_t random = 12345;
  const auto next = [&] { return random = random * 1664525u + 1013904223u, random >> 8; };
  for (const SineFile& file : kSines) {
    const std::string whole = golden_bytes(file.name);
    for (int round = 0; round < 8; ++round) {
      std::string bytes = whole;
      for (uint32_t hits = 1 + next() % 20; hits > 0; --hits)
        bytes[next() % bytes.size()] = char(next());
      // Headers matter most.
      for (uint32_t hits = next() % 3; hits > 0; --hits) bytes[next() % 200] = char(next());
      if (next() % 4 == 0) bytes.resize(1 + next() % bytes.size());
      CancelToken cancel;
      cancel.set_deadline(Clock::now() + std::chrono::seconds(30));
      const auto clip = decode(store("mutant", bytes), {.max_duration_s = 600}, &cancel);
      if (clip) continue;
      EXPECT_NE(clip.error().code(), Code::kCancelled) << file.name << " round " << round;
      EXPECT_NE(clip.error().code(), Code::kInternal)
          << file.name << ": " << clip.error().message();
      EXPECT_TRUE(contains(clip.error().message(), "mutant: ")) << clip.error().message();
    }
  }
}

}  // namespace
}  // namespace maie::audio
