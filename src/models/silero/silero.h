#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/status.h"
#include "tensor/device.h"

namespace maie::silero {

/// Samples of 16 kHz mono in a window, and of the one before it that the network sees again.
inline constexpr int64_t kWindow = 512;
inline constexpr int64_t kContext = 64;
inline constexpr int64_t kUnits = 128;

/// What one recording carries from window to window. Starts as zeros.
struct State {
  std::array<float, kContext> context{};  ///< last samples of the window before
  std::array<float, kUnits> h{};          ///< output of the LSTM
  std::array<float, kUnits> c{};          ///< its cells
};

/// How a whole file is cut into windows.
enum class FileWindows {
  kSilero,         ///< the last window is filled up with zeros
  kFasterWhisper,  ///< as faster-whisper 1.2: zeros are added also to a full last window (one more
                   ///< of them), and the last 64 samples of the very last window are zeroed
};

/// Silero voice activity detection, v5/v6, 16 kHz: the probability of speech in each window of 512
/// samples. A short-time Fourier transform as a learned-format convolution, four convolutions over
/// its four frames, one LSTM step, one output (docs/models/silero.md).
///
/// Runs on the CPU whatever device recognises speech: a sequence of steps of 128 units is no work
/// for a GPU. Windows go through everything but the LSTM in batches, so memory is constant, about 2
/// MB. One thread at a time.
class Silero {
 public:
  /// Reads the published safetensors names (stft_conv, conv1..conv4, lstm_cell, final_conv).
  /// kNotFound, kCorrupt or kUnsupported with the file, the tensor and its shape.
  static Result<Silero> load(Stream& s, const std::string& path);

  Silero(Silero&&) noexcept;
  Silero& operator=(Silero&&) noexcept;
  ~Silero();

  /// Appends one probability per window of `samples` to `out` and moves `state` on. A last window
  /// that is short is filled with zeros, so only the last call of a recording may end in one.
  Status probabilities(Stream& s, std::span<const float> samples, State& state,
                       std::vector<float>& out) const;

  /// The probabilities of a whole recording, from a fresh state.
  Result<std::vector<float>> file_probabilities(Stream& s, std::span<const float> samples,
                                                FileWindows windows = FileWindows::kSilero) const;

  size_t size_bytes() const;  ///< of the weights in memory

 private:
  class Network;
  explicit Silero(std::unique_ptr<Network> network);
  std::unique_ptr<Network> network_;
};

}  // namespace maie::silero
