#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "audio/clip.h"
#include "base/status.h"

/// Sounds that are not speech, made from a seed: the same samples on every machine up to rounding.
namespace maie::e2e {

/// The next sample at 16 kHz; full scale is 1.
using Generator = std::function<double()>;

Generator silence();
/// Rounding noise of a quiet 16-bit recorder: -1, 0 and 1 of 32768.
Generator dither(uint64_t seed);
Generator constant(double level);
enum class Colour { kWhite, kPink, kBrown };
/// @param level_db  root mean square below full scale.
Generator noise(Colour colour, double level_db, uint64_t seed);
/// Mains hum: the fundamental, its harmonics up to the 12th, and the hiss of the same cable.
Generator hum(int frequency_hz, double level_db, uint64_t seed);
/// A sine whose frequency rises evenly on a logarithmic scale, again and again.
Generator sweep(double low_hz, double high_hz, double period_s, double level_db);
/// Single samples and short decaying bursts, `per_second` on average, or exactly when `periodic`.
Generator clicks(double per_second, bool periodic, uint64_t seed);
/// A square wave that is on for the first `on_s` of every second.
Generator beeps(double frequency_hz, double on_s, double level_db);
/// Music as a keyboard plays it: chords of four decaying notes with harmonics, changed with a
/// steady beat, a bass note, and a drum of noise on every beat.
Generator chords(double beats_per_minute, double level_db, uint64_t seed);

struct NamedSound {
  std::string name;
  double minutes;  ///< of it that a test listens to: 30 for each of silence, hum, sweeps, clicks,
                   ///< colours
  std::function<Generator()> make;
};
/// Every kind above but music, at several levels: the project promises no words for them.
std::vector<NamedSound> steady_sounds();

/// `seconds` of a sound.
Result<audio::Clip> record(Generator next, double seconds);

}  // namespace maie::e2e
