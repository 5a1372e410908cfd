#include "audio/clip.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace maie::audio {
namespace {

std::vector<float> ramp(size_t count) {
  std::vector<float> out(count);
  for (size_t i = 0; i < count; ++i) out[i] = float(int(i * 7919 % 65536) - 32768) / 32768.0f;
  return out;
}

Clip write(const std::vector<float>& samples, double memory_limit_s, size_t piece) {
  ClipWriter writer({.memory_limit_s = memory_limit_s, .temporary_folder = {}});
  for (size_t at = 0; at < samples.size(); at += piece) {
    const size_t count = std::min(piece, samples.size() - at);
    EXPECT_TRUE(writer.append(std::span(samples).subspan(at, count)).ok());
  }
  EXPECT_EQ(writer.size_samples(), int64_t(samples.size()));
  return writer.finish(
      {.container = "wav", .codec = "x", .rate_hz = 8000, .channels = 2, .duration_hint_s = 1},
      {"w"});
}

TEST(Clip, SamplesComeBackFromMemoryAndFromDisk) {
  const std::vector<float> samples = ramp(200'001);
  for (const size_t piece : {size_t{1000}, size_t{65'536}, size_t{70'000}, samples.size()}) {
    for (const double limit_s : {0.0, 5.0, 900.0}) {
      const Clip clip = write(samples, limit_s, piece);
      EXPECT_EQ(clip.on_disk(), limit_s < 900);
      ASSERT_EQ(clip.size_samples(), int64_t(samples.size()));
      for (const auto& [first, count] : {std::pair<size_t, size_t>{0, 200'001},
                                         {65'535, 2},
                                         {199'999, 2},
                                         {131'000, 68'000},
                                         {200'001, 0},
                                         {7, 0}}) {
        std::vector<float> got(count, NAN);
        ASSERT_TRUE(clip.read(int64_t(first), got).ok());
        EXPECT_TRUE(std::equal(got.begin(), got.end(), samples.begin() + int64_t(first))) << first;
      }
    }
  }
}

TEST(Clip, KeepsInfoAndSharesSamplesAmongCopies) {
  Clip clip = write(ramp(100), 900, 10);
  const Clip copy = clip;
  clip = Clip();
  EXPECT_EQ(clip.size_samples(), 0);
  EXPECT_EQ(copy.size_samples(), 100);
  EXPECT_EQ(copy.info().rate_hz, 8000);
  EXPECT_EQ(copy.warnings(), std::vector<std::string>{"w"});
}

TEST(Clip, RoundsToSixteenBitsAndClips) {
  const std::vector<float> samples = {0.4f / 32768, 0.6f / 32768, -1.0f, 1.0f,
                                      7.0f,         -7.0f,        NAN,   INFINITY};
  const Clip clip = Clip::from_samples(samples);
  std::vector<float> got(samples.size());
  ASSERT_TRUE(clip.read(0, got).ok());
  const float top = 32767.0f / 32768.0f;
  EXPECT_EQ(got, (std::vector<float>{0, 1.0f / 32768, -1.0f, top, top, -1.0f, 0, top}));
}

TEST(Clip, ReadingBeyondTheEndsIsRefused) {
  const Clip clip = Clip::from_samples(ramp(10));
  std::vector<float> out(4);
  EXPECT_THROW((void)clip.read(7, out), ContractError);
  EXPECT_THROW((void)clip.read(-1, out), ContractError);
}

TEST(Clip, EmptyClipIsEmpty) {
  EXPECT_EQ(Clip().size_samples(), 0);
  EXPECT_EQ(Clip().duration_s(), 0);
  EXPECT_TRUE(Clip().read(0, {}).ok());
}

}  // namespace
}  // namespace maie::audio
