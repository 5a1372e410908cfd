#include "tests/e2e/asr/sounds.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

namespace maie::e2e {
namespace {

constexpr double kRate = 16000;

double gain(double level_db) { return std::pow(10.0, level_db / 20); }

// SplitMix64: the standard library's distributions differ between its implementations.
class Dice {
 public:
  explicit Dice(uint64_t seed) : state_(seed) {}
  double uniform() { return double(bits() >> 11) * 0x1p-53; }
  /// Nearly normal, variance 1: the sum of eight numbers of 16 bits. No logarithms, hours go by
  /// fast.
  double normal() {
    double sum = 0;
    for (int i = 0; i < 2; ++i) {
      for (uint64_t word = bits(), part = 0; part < 4; ++part, word >>= 16)
        sum += double(word & 0xffff);
    }
    return (sum / 65536 - 4) * std::sqrt(12.0 / 8);
  }

 private:
  uint64_t bits() {
    uint64_t z = (state_ += 0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }
  uint64_t state_;
};

// Of a phase in periods, 0..1.
double sine(double phase) {
  static const std::array<float, 4096> table = [] {
    std::array<float, 4096> values;
    for (size_t i = 0; i < values.size(); ++i)
      values[i] = float(std::sin(2 * M_PI * double(i) / 4096));
    return values;
  }();
  return double(table[size_t(phase * 4096) & 4095]);
}

}  // namespace

Generator silence() {
  return [] { return 0.0; };
}

Generator dither(uint64_t seed) {
  return [dice = Dice(seed)]() mutable {
    return std::clamp(std::rint(0.7 * dice.normal()), -1.0, 1.0) / 32768;
  };
}

Generator constant(double level) {
  return [level] { return level; };
}

Generator noise(Colour colour, double level_db, uint64_t seed) {
  const double level = gain(level_db);
  Dice dice(seed);
  switch (colour) {
    case Colour::kWhite: return [dice, level]() mutable { return level * dice.normal(); };
    case Colour::kPink:
      // Voss: sixteen random numbers, number k renewed every 2^k samples.
      return [dice, level, values = std::array<double, 16>(), sum = 0.0,
              count = uint32_t{0}]() mutable {
        const size_t which = std::min<size_t>(15, size_t(__builtin_ctz(++count | 0x8000u)));
        sum -= values[which];
        values[which] = dice.normal();
        sum += values[which];
        return level * (sum + dice.normal()) / std::sqrt(17.0);
      };
    case Colour::kBrown:
      // A walk that leaks with a corner near 10 Hz, so that it stays around zero.
      return [dice, level, at = 0.0]() mutable {
        constexpr double kKeep = 0.996;
        at = kKeep * at + dice.normal();
        return level * at * std::sqrt(1 - kKeep * kKeep);
      };
  }
  return silence();
}

Generator hum(int frequency_hz, double level_db, uint64_t seed) {
  // Whole periods, after which everything but the hiss repeats.
  std::vector<double> wave(size_t(int(kRate) / std::gcd(int(kRate), frequency_hz)));
  for (size_t i = 0; i < wave.size(); ++i) {
    const double phase = 2 * M_PI * frequency_hz * double(i) / kRate;
    for (int harmonic = 1; harmonic <= 12; ++harmonic) {
      wave[i] += gain(level_db) / harmonic * std::sin(harmonic * phase + 0.7 * harmonic * harmonic);
    }
  }
  return [wave, hiss = noise(Colour::kWhite, level_db - 40, seed), time = size_t{0}]() mutable {
    return wave[time++ % wave.size()] + hiss();
  };
}

Generator sweep(double low_hz, double high_hz, double period_s, double level_db) {
  const double peak = gain(level_db) * std::sqrt(2.0);
  const double growth = std::pow(high_hz / low_hz, 1 / (period_s * kRate));
  return [=, frequency = low_hz, phase = 0.0]() mutable {
    phase = std::fmod(phase + frequency / kRate, 1.0);
    frequency *= growth;
    if (frequency > high_hz) frequency = low_hz;
    return peak * std::sin(2 * M_PI * phase);
  };
}

Generator clicks(double per_second, bool periodic, uint64_t seed) {
  const int64_t period = int64_t(kRate / per_second);
  return [=, dice = Dice(seed), time = int64_t{0}, burst = 0.0, single = false]() mutable {
    const bool now = periodic ? time % period == 0 : dice.uniform() < per_second / kRate;
    ++time;
    if (now) {
      single = !single;
      if (single) return 0.8;
      burst = 0.5;
    }
    burst *= 0.97;  // gone within 10 ms
    return burst > 1e-4 ? burst * dice.normal() : 0.0;
  };
}

Generator beeps(double frequency_hz, double on_s, double level_db) {
  const double level = gain(level_db);
  return [=, time = int64_t{0}]() mutable {
    const double second = double(time++) / kRate;
    if (std::fmod(second, 1.0) >= on_s) return 0.0;
    return std::fmod(frequency_hz * second, 1.0) < 0.5 ? level : -level;
  };
}

Generator chords(double beats_per_minute, double level_db, uint64_t seed) {
  struct Partial {
    double step = 0, phase = 0, amplitude = 0, fade = 0;
  };
  struct Band {
    Dice dice;
    double level;
    int64_t beat;
    int64_t time = 0;
    double drum = 0;
    std::array<Partial, 30> partials{};

    void strike() {
      // Roots and thirds of a common progression, in semitones above 110 Hz.
      constexpr int kRoots[] = {0, 8, 3, 10};
      constexpr bool kMinor[] = {true, false, false, false};
      const size_t bar = size_t(time / beat / 4 % 4);
      const size_t inversion = size_t(dice.uniform() * 3);
      const std::array<int, 5> tones = {kRoots[bar] - 12, kRoots[bar],
                                        kRoots[bar] + (kMinor[bar] ? 3 : 4), kRoots[bar] + 7,
                                        kRoots[bar] + 12};
      for (size_t i = 0; i < partials.size(); ++i) {
        const size_t tone = i / 6;
        const int octave = tone > 0 && tone <= inversion ? 12 : 0;
        const double harmonic = double(i % 6 + 1);
        const double frequency = 110 * std::pow(2.0, (tones[tone] + octave) / 12.0);
        partials[i] = {frequency * harmonic / kRate, 0, 0.3 / harmonic,
                       std::exp(-(1.5 + 0.8 * harmonic) / kRate)};
      }
      drum = 0.5;
    }
    double operator()() {
      const int64_t within = time % beat;
      if (within == 0) strike();
      ++time;
      double sum = 0;
      for (Partial& partial : partials) {
        partial.phase += partial.step;
        partial.phase -= std::floor(partial.phase);
        partial.amplitude *= partial.fade;
        sum += partial.amplitude * sine(partial.phase);
      }
      drum *= 0.9975;
      const double attack = std::min(1.0, double(within) / 160);
      return level * (attack * sum + drum * dice.normal());
    }
  };
  return Band{Dice(seed), gain(level_db), int64_t(kRate * 60 / beats_per_minute)};
}

std::vector<NamedSound> steady_sounds() {
  std::vector<NamedSound> all = {
      {"Silence", 15, [] { return silence(); }},
      {"Dither", 15, [] { return dither(1); }},
      {"ConstantLevel", 5, [] { return constant(0.25); }},
      {"Hum50HzLoud", 10, [] { return hum(50, -15, 2); }},
      {"Hum50HzFaint", 10, [] { return hum(50, -45, 3); }},
      {"Hum60Hz", 10, [] { return hum(60, -30, 4); }},
      {"SweepSlow", 15, [] { return sweep(20, 7900, 30, -12); }},
      {"SweepFast", 15, [] { return sweep(80, 6000, 1.3, -20); }},
      {"ClicksAtRandom", 10, [] { return clicks(3, false, 5); }},
      {"ClicksRare", 5, [] { return clicks(0.2, false, 6); }},
      {"ClicksSteady", 10, [] { return clicks(2, true, 7); }},
      {"ClicksFast", 5, [] { return clicks(25, true, 8); }},
      {"BeepsHigh", 5, [] { return beeps(440, 0.2, -15); }},
      {"BeepsLow", 5, [] { return beeps(150, 0.5, -12); }},
      {"Alarm", 5, [] { return beeps(1000, 0.5, -6); }},
  };
  const std::pair<Colour, const char*> colours[] = {
      {Colour::kWhite, "White"}, {Colour::kPink, "Pink"}, {Colour::kBrown, "Brown"}};
  for (const auto& [colour, name] : colours) {
    for (const int below_db : {12, 30, 50}) {
      all.push_back({std::string(name) + "NoiseMinus" + std::to_string(below_db) + "dB", 10,
                     [colour = colour, below_db] {
                       return noise(colour, -below_db, uint64_t(100 + below_db));
                     }});
    }
  }
  return all;
}

Result<audio::Clip> record(Generator next, double seconds) {
  audio::ClipWriter writer({});
  std::vector<float> piece;
  for (int64_t left = std::llround(seconds * kRate); left > 0; left -= int64_t(piece.size())) {
    piece.resize(size_t(std::min<int64_t>(left, 16000)));
    for (float& sample : piece) sample = float(std::clamp(next(), -1.0, 1.0));
    MAIE_TRY(writer.append(piece));
  }
  return writer.finish({}, {});
}

}  // namespace maie::e2e
