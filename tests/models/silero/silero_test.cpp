#include "models/silero/silero.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "base/file.h"
#include "base/json.h"
#include "tensor/shape.h"

namespace maie::silero {
namespace {

namespace fs = std::filesystem;

std::string read_all(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

Json read_json(const std::string& path) {
  const auto json = parse_json(read_all(path));
  EXPECT_TRUE(json.has_value()) << path;
  return json.has_value() ? *json : Json::object();
}

Json golden() {
  return read_json(std::string(MAIE_SOURCE_DIR) + "/tests/golden/silero/probabilities.json");
}

std::string data_path(const std::string& name) {
  const char* data = std::getenv("MAIE_TEST_DATA");
  return data == nullptr ? "" : std::string(data) + "/" + name;
}

// 16 kHz mono, 16 bit or float; empty when there is no such file.
std::vector<float> read_wav(const std::string& path) {
  const std::string file = read_all(path);
  const auto number = [&](size_t at, size_t bytes) {
    uint32_t value = 0;
    std::memcpy(&value, file.data() + at, bytes);
    return value;
  };
  std::vector<float> samples;
  uint32_t kind = 0;
  for (size_t at = 12; at + 8 <= file.size();) {
    const size_t size = std::min<size_t>(number(at + 4, 4), file.size() - at - 8);
    if (file.compare(at, 4, "fmt ") == 0) kind = number(at + 8, 2);
    if (file.compare(at, 4, "data") == 0) {
      const char* body = file.data() + at + 8;
      samples.resize(size / (kind == 3 ? 4 : 2));
      for (size_t i = 0; i < samples.size(); ++i) {
        int16_t value = 0;
        if (kind == 3) {
          std::memcpy(&samples[i], body + 4 * i, 4);
        } else {
          std::memcpy(&value, body + 2 * i, 2);
          samples[i] = float(value) / 32768.0f;
        }
      }
      return samples;
    }
    at += 8 + size + size % 2;
  }
  return samples;
}

// What make_probabilities.py calls made_up.
std::vector<float> made_up(size_t count, uint32_t seed, float scale) {
  std::vector<float> values(count);
  for (size_t i = 0; i < count; ++i) {
    uint32_t counter = (uint32_t(i) + 1 + seed * 7919) * 2654435761u;
    counter = (counter ^ (counter >> 15)) * 2246822519u;
    values[i] = (float(counter >> 8) / float(1 << 24) - 0.5f) * scale;
  }
  return values;
}

struct MadeUp {
  std::string name;
  Shape shape;
  float scale;
};

std::vector<MadeUp> made_up_table() {
  return {{"stft_conv.weight", {258, 1, 256}, 0.5f},
          {"conv1.weight", {128, 129, 3}, 0.25f},
          {"conv1.bias", {128}, 0.5f},
          {"conv2.weight", {64, 128, 3}, 0.25f},
          {"conv2.bias", {64}, 0.5f},
          {"conv3.weight", {64, 64, 3}, 0.25f},
          {"conv3.bias", {64}, 0.5f},
          {"conv4.weight", {128, 64, 3}, 0.5f},
          {"conv4.bias", {128}, 0.5f},
          {"lstm_cell.weight_ih", {512, 128}, 0.5f},
          {"lstm_cell.weight_hh", {512, 128}, 0.5f},
          {"lstm_cell.bias_ih", {512}, 0.5f},
          {"lstm_cell.bias_hh", {512}, 0.5f},
          {"final_conv.weight", {1, 128, 1}, 2.0f},
          {"final_conv.bias", {1}, 0.5f}};
}

// The made-up weights as a safetensors file of this test, which removes it again.
class MadeUpFile {
 public:
  explicit MadeUpFile(const std::string& without = "", const std::string& wrong_shape = "",
                      const std::string& not_a_number = "") {
    Json header = Json::object();
    std::string bytes;
    uint32_t seed = 0;
    for (const MadeUp& tensor : made_up_table()) {
      std::vector<float> values = made_up(size_t(tensor.shape.size()), seed++, tensor.scale);
      if (tensor.name == without) continue;
      if (tensor.name == not_a_number) values.back() = std::nanf("");
      Json shape = Json::array();
      for (int i = 0; i < tensor.shape.rank(); ++i) shape.push_back(tensor.shape.dim(i));
      if (tensor.name == wrong_shape) shape.insert(shape.begin(), 1);
      header[tensor.name] = {{"dtype", "F32"},
                             {"shape", shape},
                             {"data_offsets", {bytes.size(), bytes.size() + 4 * values.size()}}};
      bytes.append(reinterpret_cast<const char*>(values.data()), 4 * values.size());
    }
    const std::string text = header.dump();
    const uint64_t length = text.size();
    path_ = (fs::temp_directory_path() /
             ("maie_silero_" +
              std::string(testing::UnitTest::GetInstance()->current_test_info()->name()) + "_" +
              without + wrong_shape + not_a_number + ".safetensors"))
                .string();
    std::ofstream file(path_, std::ios::binary);
    file.write(reinterpret_cast<const char*>(&length), 8);
    file << text << bytes;
  }
  ~MadeUpFile() { fs::remove(path_); }
  MadeUpFile(const MadeUpFile&) = delete;
  MadeUpFile& operator=(const MadeUpFile&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

std::vector<float> made_up_samples() {
  std::vector<float> samples = made_up(40 * 512 + 100, 99, 1.0f);
  const float loudness[] = {1.0f, 0.25f, 0.0625f};
  for (size_t i = 0; i < samples.size(); ++i) samples[i] *= loudness[(i / 2048) % 3];
  return samples;
}

void expect_close(const std::vector<float>& got, const Json& want, double tolerance) {
  ASSERT_EQ(got.size(), want.size());
  double worst = 0;
  for (size_t i = 0; i < got.size(); ++i) {
    const double difference = std::abs(double(got[i]) - want[i].get<double>());
    ASSERT_TRUE(difference <= tolerance) << "window " << i << ": " << got[i] << ", not " << want[i];
    worst = std::max(worst, difference);
  }
  testing::Test::RecordProperty("max_difference", std::to_string(worst));
}

class SileroTest : public testing::Test {
 protected:
  Silero load(const std::string& path) {
    auto model = Silero::load(stream_, path);
    check(model.has_value(), model.status().message().c_str());
    return std::move(*model);
  }
  std::vector<float> whole(const Silero& model, std::span<const float> samples,
                           FileWindows windows = FileWindows::kSilero) {
    const auto out = model.file_probabilities(stream_, samples, windows);
    EXPECT_TRUE(out.has_value());
    return out.has_value() ? *out : std::vector<float>();
  }

  ThreadPool threads_{2};
  Stream stream_{threads_};
};

TEST_F(SileroTest, MadeUpWeightsGiveWhatPyTorchGives) {
  const MadeUpFile file;
  const Silero model = load(file.path());
  EXPECT_GE(model.size_bytes(), 1'000'000u);
  expect_close(whole(model, made_up_samples()), golden()["made_up"], 1e-5);
}

TEST_F(SileroTest, AnyCutAtWindowsGivesTheSameNumbers) {
  const MadeUpFile file;
  const Silero model = load(file.path());
  std::vector<float> samples = made_up_samples();
  for (int i = 0; i < 3; ++i) samples.insert(samples.end(), samples.begin(), samples.end() - 100);
  const std::vector<float> want = whole(model, samples);
  for (const size_t piece : {1, 3, 128, 129, 1000}) {
    State state;
    std::vector<float> got;
    for (size_t at = 0; at < samples.size(); at += piece * 512) {
      const size_t count = std::min(piece * 512, samples.size() - at);
      ASSERT_TRUE(
          model.probabilities(stream_, std::span(samples).subspan(at, count), state, got).ok());
    }
    ASSERT_EQ(got.size(), want.size());
    for (size_t i = 0; i < got.size(); ++i)
      ASSERT_NEAR(got[i], want[i], 1e-6) << piece << ", " << i;
  }
}

TEST_F(SileroTest, FasterWhisperWindowsDifferInTheLastOneOnly) {
  const MadeUpFile file;
  const Silero model = load(file.path());
  const std::vector<float> samples = made_up_samples();
  for (const size_t length :
       {size_t{0}, size_t{1}, size_t{511}, size_t{512}, size_t{1024}, samples.size()}) {
    const std::span<const float> part = std::span(samples).first(length);
    std::vector<float> padded(part.begin(), part.end());
    padded.resize(length + 512 - length % 512);
    std::fill(padded.end() - 64, padded.end(), 0.0f);
    const std::vector<float> want = whole(model, padded);
    const std::vector<float> got = whole(model, part, FileWindows::kFasterWhisper);
    ASSERT_EQ(got.size(), want.size()) << length;
    for (size_t i = 0; i < got.size(); ++i)
      EXPECT_NEAR(got[i], want[i], 1e-6) << length << ", " << i;
  }
  EXPECT_TRUE(whole(model, {}).empty());
}

TEST_F(SileroTest, BadFilesAreRefusedByName) {
  for (const MadeUp& tensor : made_up_table()) {
    const MadeUpFile missing(tensor.name);
    const auto absent = Silero::load(stream_, missing.path());
    ASSERT_FALSE(absent.has_value());
    EXPECT_NE(absent.error().message().find(tensor.name), std::string::npos)
        << absent.error().message();
    EXPECT_NE(absent.error().message().find(missing.path()), std::string::npos)
        << absent.error().message();

    const MadeUpFile wrong("", tensor.name);
    const auto shaped = Silero::load(stream_, wrong.path());
    ASSERT_FALSE(shaped.has_value());
    EXPECT_EQ(shaped.error().code(), Code::kCorrupt);
    EXPECT_NE(shaped.error().message().find(tensor.name), std::string::npos)
        << shaped.error().message();
    EXPECT_NE(shaped.error().message().find(wrong.path()), std::string::npos)
        << shaped.error().message();
  }
  const MadeUpFile nan("", "", "conv2.bias");
  const auto damaged = Silero::load(stream_, nan.path());
  ASSERT_FALSE(damaged.has_value());
  EXPECT_NE(damaged.error().message().find("conv2.bias"), std::string::npos);
  EXPECT_FALSE(Silero::load(stream_, nan.path() + ".absent").has_value());
}

class SileroRecording : public SileroTest, public testing::WithParamInterface<const char*> {};

TEST_P(SileroRecording, ProbabilitiesEqualThoseOfThePublishedOnnx) {
  const std::string weights = data_path("silero/silero_vad_v6.2_16k.safetensors");
  if (!fs::exists(weights))
    GTEST_SKIP() << "MAIE_TEST_DATA has no silero/silero_vad_v6.2_16k.safetensors";
  const std::string name = GetParam();
  std::vector<std::string> files = {"jfk.wav"};
  if (name == "film") files = {"film/30s_i_wont_open_this_door_again.wav"};
  if (name == "ami") files = {"ami/dev00.wav", "ami/dev01.wav", "ami/trn03.wav"};
  std::vector<float> samples;
  for (const std::string& file : files) {
    const std::vector<float> part = read_wav(data_path("audio/" + file));
    ASSERT_FALSE(part.empty()) << file;
    samples.insert(samples.end(), part.begin(), part.end());
  }
  // The tolerance of the issue is 1e-4; float against float leaves less, also after 2,812 windows.
  expect_close(whole(load(weights), samples), golden()[name], 2e-5);
}

INSTANTIATE_TEST_SUITE_P(Real, SileroRecording, testing::Values("jfk", "film", "ami"),
                         [](const auto& info) { return std::string(info.param); });

TEST_F(SileroTest, TheOtherPublishedWeightsLoadAndHearSpeech) {
  const std::string weights = data_path("silero/silero_vad_16k.safetensors");
  if (!fs::exists(weights))
    GTEST_SKIP() << "MAIE_TEST_DATA has no silero/silero_vad_16k.safetensors";
  const std::vector<float> samples = read_wav(data_path("audio/jfk.wav"));
  const std::vector<float> got = whole(load(weights), samples);
  ASSERT_EQ(got.size(), (samples.size() + 511) / 512);
  const auto speech = std::count_if(got.begin(), got.end(), [](float p) { return p >= 0.5f; });
  EXPECT_GT(double(speech), 0.6 * double(got.size()));
}

TEST_F(SileroTest, FasterWhispersOwnWeightsGiveItsOwnProbabilities) {
  const std::string folder = std::string(MAIE_BINARY_DIR) + "/golden/silero/";
  if (!fs::exists(folder + "faster_whisper.json") || data_path("audio").empty()) {
    GTEST_SKIP() << "no " << folder << "; tests/golden/silero/make_probabilities.py writes it";
  }
  const Json want = read_json(folder + "faster_whisper.json");
  const Silero model = load(folder + "faster_whisper.safetensors");
  for (const auto& [name, file] : {std::pair<std::string, std::string>{"jfk", "jfk.wav"},
                                   {"film", "film/30s_i_wont_open_this_door_again.wav"}}) {
    std::vector<float> samples = read_wav(data_path("audio/" + file));
    expect_close(whole(model, samples, FileWindows::kFasterWhisper), want[name], 2e-5);
    samples.resize(samples.size() / 512 * 512);
    expect_close(whole(model, samples, FileWindows::kFasterWhisper), want[name + "_aligned"], 2e-5);
  }
}

}  // namespace
}  // namespace maie::silero
