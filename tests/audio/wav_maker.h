#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>
#include <numbers>
#include <string>
#include <vector>

namespace maie::audio {

/// Appends the bytes of `value`, little-endian as all machines here are.
template <class Number>
void append_bytes(std::string& out, Number value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof value);
}

/// A WAV file's header.
/// @param format 1 integers, 3 floats.
/// @param data_bytes what the header claims the samples take.
inline std::string wav_header(uint16_t format, uint16_t channels, uint32_t rate_hz, uint16_t bits,
                              uint32_t data_bytes) {
  std::string out = "RIFF";
  append_bytes(out, uint32_t(36 + data_bytes));
  out += "WAVEfmt ";
  append_bytes(out, uint32_t{16});
  append_bytes(out, format);
  append_bytes(out, channels);
  append_bytes(out, rate_hz);
  append_bytes(out, uint32_t(rate_hz * channels * (bits / 8u)));
  append_bytes(out, uint16_t(channels * (bits / 8u)));
  append_bytes(out, bits);
  out += "data";
  append_bytes(out, data_bytes);
  return out;
}

template <class Number>
std::string wav(uint16_t channels, uint32_t rate_hz, const std::vector<Number>& samples) {
  const uint32_t bytes = uint32_t(samples.size() * sizeof(Number));
  std::string out = wav_header(std::is_floating_point_v<Number> ? 3 : 1, channels, rate_hz,
                               uint16_t(8 * sizeof(Number)), bytes);
  out.append(reinterpret_cast<const char*>(samples.data()), bytes);
  return out;
}

inline std::vector<float> sine(double hz, double amplitude, double rate_hz, size_t count) {
  std::vector<float> out(count);
  for (size_t i = 0; i < count; ++i) {
    out[i] = float(amplitude * std::sin(2 * std::numbers::pi * hz * double(i) / rate_hz));
  }
  return out;
}

/// Amplitude of the part of `samples` that is a sine of `hz`, whatever its phase.
inline double amplitude_of(double hz, double rate_hz, const std::vector<float>& samples) {
  double re = 0, im = 0;
  for (size_t i = 0; i < samples.size(); ++i) {
    const double angle = 2 * std::numbers::pi * hz * double(i) / rate_hz;
    re += samples[i] * std::cos(angle);
    im += samples[i] * std::sin(angle);
  }
  return 2 * std::sqrt(re * re + im * im) / double(samples.size());
}

}  // namespace maie::audio
