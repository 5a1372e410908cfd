#include "audio/log_mel.h"

#include <gtest/gtest.h>

#include <cmath>
#include <complex>
#include <cstdlib>
#include <cstring>
#include <numbers>
#include <vector>

#include "base/file.h"

namespace maie::audio {
namespace {

// The signals of tests/golden/audio/make_mel.py.
std::vector<float> white(size_t count, uint32_t seed) {
  std::vector<float> out(count);
  for (float& sample : out) {
    seed = seed * 1664525u + 1013904223u;
    sample = float(int(seed >> 16) - 32768) / 32768.0f;
  }
  return out;
}

std::vector<float> dull(size_t count, uint32_t seed) {
  std::vector<float> out = white(count, seed);
  const auto floor_div = [](int64_t a, int64_t b) { return a >= 0 ? a / b : -((-a + b - 1) / b); };
  int64_t level = 0;
  for (size_t i = 0; i < count; ++i) {
    level = floor_div(31 * level + std::lrint(out[i] * 32768.0f), 32);
    out[i] = float(i % 16000 < 8000 ? level : floor_div(level, 64)) / 32768.0f;
  }
  return out;
}

/// Largest difference to every 97th frame; infinite when a value is missing or not a number.
double error_against_golden(const std::string& name, ConstTensor features) {
  const auto file =
      read_file(std::string(MAIE_SOURCE_DIR) + "/tests/golden/audio/" + name + ".f32", 1 << 20);
  if (!file) return INFINITY;
  const int64_t mels = features.dim(1);
  std::vector<float> golden(file->size() / sizeof(float));
  std::memcpy(golden.data(), file->data(), golden.size() * sizeof(float));
  if (golden.size() != size_t((features.dim(0) + 96) / 97 * mels)) return INFINITY;
  double worst = 0;
  for (int64_t i = 0; i < int64_t(golden.size()); ++i) {
    const double got = features.data<float>()[i / mels * 97 * mels + i % mels];
    const double difference = std::abs(got - double(golden[size_t(i)]));
    if (!(difference <= worst)) worst = difference;
    if (std::isnan(difference)) return INFINITY;
  }
  return worst;
}

/// The Hugging Face way: 30 s exactly, zeros after the samples.
OwnedTensor hf_features(const std::vector<float>& samples, int mels, ThreadPool& pool) {
  OwnedTensor out({}, DType::kF32, {3000, mels});
  std::vector<float> padded(480000);
  std::copy(samples.begin(), samples.end(), padded.begin());
  const LogMel log_mel(mels);
  LogMel::normalise(out.view(), log_mel.raw(padded, 0, out.view(), pool));
  return out;
}

class LogMelOf : public ::testing::TestWithParam<int> {
 protected:
  ThreadPool pool_{2};
};

TEST_P(LogMelOf, MatchesReferenceOnWhiteNoise) {
  const std::string name = "mel_white_" + std::to_string(GetParam());
  EXPECT_LE(error_against_golden(name, hf_features(white(480000, 1), GetParam(), pool_).view()),
            1e-5);
}

TEST_P(LogMelOf, MatchesReferenceOnSteepSpectrum) {
  const std::string name = "mel_dull_" + std::to_string(GetParam());
  EXPECT_LE(error_against_golden(name, hf_features(dull(480000, 2), GetParam(), pool_).view()),
            1e-5);
}

TEST_P(LogMelOf, MatchesReferenceOnShortAudioWithPadding) {
  const std::string name = "mel_short_" + std::to_string(GetParam());
  EXPECT_LE(error_against_golden(name, hf_features(dull(48000, 3), GetParam(), pool_).view()),
            1e-5);
}

TEST_P(LogMelOf, MatchesReferenceOnSilence) {
  const std::string name = "mel_silence_" + std::to_string(GetParam());
  EXPECT_LE(
      error_against_golden(name, hf_features(std::vector<float>(16000), GetParam(), pool_).view()),
      1e-5);
}

TEST_P(LogMelOf, MatchesReferenceOnSpeech) {
  const char* folder = std::getenv("MAIE_TEST_DATA");
  if (folder == nullptr) GTEST_SKIP() << "set MAIE_TEST_DATA to a folder with audio/jfk.wav";
  const auto file = read_file(std::string(folder) + "/audio/jfk.wav", 1 << 20);
  if (!file) GTEST_SKIP() << file.error().message();
  const size_t start = file->find("data") + 8;
  std::vector<float> samples((file->size() - start) / 2);
  for (size_t i = 0; i < samples.size(); ++i) {
    int16_t sample;
    std::memcpy(&sample, file->data() + start + 2 * i, 2);
    samples[i] = float(sample) / 32768.0f;
  }
  const std::string name = "mel_speech_" + std::to_string(GetParam());
  EXPECT_LE(error_against_golden(name, hf_features(samples, GetParam(), pool_).view()), 1e-5);
}

INSTANTIATE_TEST_SUITE_P(Bins, LogMelOf, ::testing::Values(80, 128));

TEST(LogMel, RegionMatchesFasterWhisper) {
  ThreadPool pool(2);
  const OwnedTensor out({}, DType::kF32, {3000, 80});
  EXPECT_EQ(LogMel(80).region(dull(116800, 4), out.view(), pool), 730);
  EXPECT_LE(error_against_golden("mel_region_80", out.view()), 1e-5);
}

TEST(LogMel, MatchesItsDefinitionInDouble) {
  // Frame 5 of white noise by the sum over every sample and bin.
  ThreadPool pool(1);
  const std::vector<float> samples = white(3200, 9);
  const LogMel log_mel(80);
  const OwnedTensor out({}, DType::kF32, {20, 80});
  log_mel.raw(samples, 0, out.view(), pool);
  std::vector<double> power(201);
  for (int k = 0; k <= 200; ++k) {
    std::complex<double> sum = 0;
    for (int i = 0; i < 400; ++i) {
      const double hann = 0.5 - 0.5 * std::cos(2 * std::numbers::pi * i / 400);
      sum += hann * samples[size_t(5 * 160 - 200 + i)] *
             std::polar(1.0, -2 * std::numbers::pi * i * k / 400);
    }
    power[size_t(k)] = std::norm(sum);
  }
  // Mel 0 rises from 0 to f1 and falls to f2.
  const double step = 45.245640471924965 / 81 * 200 / 3;
  double mel = 0;
  for (int k = 0; k <= 200; ++k) {
    const double hz = 40.0 * k;
    mel += power[size_t(k)] * std::max(0.0, std::min(hz / step, (2 * step - hz) / step)) / step;
  }
  EXPECT_NEAR(out.view().data<float>()[5 * 80], std::log10(mel), 2e-6);
}

TEST(LogMel, PiecesOfAClipEqualTheWhole) {
  ThreadPool pool(2);
  const std::vector<float> samples = dull(16000 * 65 + 77, 5);
  const Clip clip = Clip::from_samples(samples);
  const LogMel log_mel(80);
  const int64_t frames = LogMel::frames_of(int64_t(samples.size()) + LogMel::kEndZeros);
  const OwnedTensor whole({}, DType::kF32, {frames, 80});
  const float largest = log_mel.raw(samples, LogMel::kEndZeros, whole.view(), pool);
  EXPECT_EQ(log_mel.scan_max(clip, LogMel::kEndZeros, pool).value(), largest);
  for (int64_t first = 0; first < frames; first += 777) {
    const int64_t count = std::min<int64_t>(777, frames - first);
    const OwnedTensor piece({}, DType::kF32, {count, 80});
    ASSERT_TRUE(log_mel.clip_frames(clip, LogMel::kEndZeros, first, piece.view(), pool).ok());
    EXPECT_EQ(
        std::memcmp(piece.view().raw(), whole.view().rows(first, count).raw(), piece.size_bytes()),
        0)
        << "frames from " << first;
  }
}

TEST(LogMel, NumberOfThreadsChangesNothing) {
  const std::vector<float> samples = white(100000, 6);
  const OwnedTensor one({}, DType::kF32, {3000, 128}), three({}, DType::kF32, {3000, 128});
  ThreadPool single(1), triple(3);
  LogMel(128).region(samples, one.view(), single);
  LogMel(128).region(samples, three.view(), triple);
  EXPECT_EQ(std::memcmp(one.view().raw(), three.view().raw(), one.size_bytes()), 0);
}

TEST(LogMel, ShortestSignalsAreMirroredAndPadded) {
  ThreadPool pool(1);
  const LogMel log_mel(80);
  for (const size_t count :
       {size_t{0}, size_t{1}, size_t{2}, size_t{159}, size_t{160}, size_t{199}, size_t{401}}) {
    const std::vector<float> samples = white(count, 7);
    OwnedTensor out({}, DType::kF32, {50, 80});
    for (float& value : out.view().span<float>()) value = NAN;
    const int64_t kept = log_mel.region(samples, out.view(), pool);
    EXPECT_EQ(kept, int64_t(count) / 160);
    for (int64_t i = 0; i < out.view().size(); ++i) {
      const float value = out.view().data<float>()[i];
      EXPECT_TRUE(i < kept * 80 ? std::isfinite(value) : value == 0.0f)
          << count << " samples, " << i;
    }
  }
}

TEST(LogMel, RegionLongerThanTheOutputIsCut) {
  ThreadPool pool(1);
  const std::vector<float> samples = white(16000, 8);
  const OwnedTensor all({}, DType::kF32, {3000, 80}), some({}, DType::kF32, {60, 80});
  const LogMel log_mel(80);
  EXPECT_EQ(log_mel.region(samples, all.view(), pool), 100);
  EXPECT_EQ(log_mel.region(samples, some.view(), pool), 60);
  EXPECT_EQ(std::memcmp(all.view().raw(), some.view().raw(), some.size_bytes()), 0);
}

TEST(LogMel, WrongOutputShapeIsRefused) {
  ThreadPool pool(1);
  const std::vector<float> samples(1600);
  const OwnedTensor wrong({}, DType::kF32, {9, 80});
  EXPECT_THROW(LogMel(80).raw(samples, 0, wrong.view(), pool), ContractError);
  EXPECT_THROW(LogMel(0), ContractError);
}

}  // namespace
}  // namespace maie::audio
