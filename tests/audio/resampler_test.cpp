#include "audio/resampler.h"

#include <gtest/gtest.h>

#include "tests/audio/wav_maker.h"

namespace maie::audio {
namespace {

/// `seconds` of a sine resampled to 16 kHz in pieces of odd sizes.
std::vector<float> resampled_sine(int from_hz, double hz, double seconds) {
  const std::vector<float> in = sine(hz, 0.5, from_hz, size_t(from_hz * seconds));
  Resampler resampler = Resampler::create(from_hz, 16000).value();
  std::vector<float> out;
  for (size_t at = 0, piece = 1; at < in.size(); at += piece, piece = piece * 3 % 7919 + 1) {
    EXPECT_TRUE(
        resampler.push(std::span(in).subspan(at, std::min(piece, in.size() - at)), out).ok());
  }
  EXPECT_TRUE(resampler.finish(out).ok());
  return out;
}

TEST(Resampler, SinesOfThePassBandKeepPhaseAndLevel) {
  for (const int from_hz : {8000, 11025, 22050, 24000, 32000, 44100, 48000, 96000, 192000}) {
    const double top = 0.9 * std::min(from_hz, 16000) / 2;
    for (const double hz : {60.0, 440.0, 1234.5, 0.6 * top, top}) {
      const std::vector<float> got = resampled_sine(from_hz, hz, 0.6);
      ASSERT_EQ(got.size(), 9600u) << from_hz;
      const std::vector<float> want = sine(hz, 0.5, 16000, got.size());
      double signal = 0, error = 0;
      for (size_t i = 1600; i + 1600 < got.size(); ++i) {
        signal += double(want[i]) * want[i];
        error += std::pow(double(got[i]) - want[i], 2);
      }
      const double ratio_db = 10 * std::log10(signal / error);
      EXPECT_TRUE(ratio_db > 115) << from_hz << " Hz, sine of " << hz << ": " << ratio_db << " dB";
    }
  }
}

TEST(Resampler, WhatSixteenKilohertzCannotHoldIsGone) {
  for (const int from_hz : {44100, 48000, 96000}) {
    for (const double hz : {8600.0, 10000.0, 15000.0, 20000.0}) {
      const std::vector<float> got = resampled_sine(from_hz, hz, 0.6);
      double power = 0;
      for (size_t i = 1600; i + 1600 < got.size(); ++i) power += double(got[i]) * got[i];
      const double level_db = 10 * std::log10(power / (double(got.size() - 3200) * 0.125) + 1e-30);
      EXPECT_LT(level_db, -90) << from_hz << " Hz, sine of " << hz;
    }
  }
}

TEST(Resampler, EqualRatesPassUnchanged) {
  const std::vector<float> in = sine(440, 0.5, 16000, 1000);
  Resampler resampler = Resampler::create(16000, 16000).value();
  std::vector<float> out;
  ASSERT_TRUE(resampler.push(in, out).ok());
  ASSERT_TRUE(resampler.finish(out).ok());
  EXPECT_EQ(out, in);
}

TEST(Resampler, NothingInNothingOut) {
  Resampler resampler = Resampler::create(44100, 16000).value();
  std::vector<float> out;
  ASSERT_TRUE(resampler.push({}, out).ok());
  ASSERT_TRUE(resampler.finish(out).ok());
  EXPECT_TRUE(out.empty());
}

}  // namespace
}  // namespace maie::audio
