#include "models/silero/silero.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <initializer_list>

#include "base/guarded.h"
#include "formats/safetensors.h"
#include "ops/linear.h"
#include "ops/lstm.h"
#include "ops/unfold.h"
#include "tensor/arena.h"

namespace maie::silero {
namespace {

constexpr int64_t kBins = 129;  // of a transform of 256 samples
constexpr int64_t kFrameSamples = 256;
constexpr int64_t kFrameHop = 128;
constexpr int64_t kFrames = 4;   // per window
constexpr int64_t kBatch = 128;  // windows: the activations of a batch stay in the L2 cache

// The tensors of one file, each demanded with its shape.
class Weights {
 public:
  Weights(std::shared_ptr<const formats::Safetensors> file, std::string path)
      : file_(std::move(file)), path_(std::move(path)) {}

  Result<OwnedTensor> get(const char* name, Shape shape) const {
    Result<ConstTensor> found = file_->get(name);
    if (!found.has_value()) return found.error();
    if (found->dtype() != DType::kF32 || !(found->shape() == shape)) {
      return corrupt(path_ + ": tensor \"" + name + "\" is " +
                     std::string(to_string(found->dtype())) + " " + found->shape().to_string() +
                     ", a Silero network of 16 kHz has float32 " + shape.to_string() +
                     "; use silero_vad_16k.safetensors of the Silero VAD project");
    }
    // A copy: nothing says that a file aligns its tensors.
    OwnedTensor copy({}, DType::kF32, shape);
    std::memcpy(copy.view().raw(), found->raw(), found->size_bytes());
    for (const float value : copy.view().span<float>()) {
      if (!std::isfinite(value)) {
        return corrupt(path_ + ": tensor \"" + name +
                       "\" holds a value that is not a number; the file is damaged, get it again");
      }
    }
    return copy;
  }

 private:
  std::shared_ptr<const formats::Safetensors> file_;
  std::string path_;
};

ops::LinearWeights pack(Stream& s, ConstTensor values, ConstTensor bias) {
  return ops::LinearWeights::pack(s, ComputeType::kFloat32,
                                  {.values = values, .scales = {}, .bias = bias});
}

// Taps [first, first + count) of a convolution [N, C, 3], as the matrix [N, C * count] that
// multiplies unfolded windows.
OwnedTensor taps(ConstTensor w, int64_t first, int64_t count) {
  const auto [N, C, kernel] = w.dims<3>();
  OwnedTensor matrix({}, DType::kF32, {N, C * count});
  float* out = matrix.view().data<float>();
  for (int64_t row = 0; row < N * C; ++row) {
    for (int64_t k = 0; k < count; ++k) *out++ = w.data<float>()[row * kernel + first + k];
  }
  return matrix;
}

// One window after another as four frames: context and window, then 64 samples mirrored behind.
void write_frames(std::span<const float> samples, std::array<float, kContext>& context,
                  float* frames) {
  constexpr int64_t kSeen = kContext + kWindow;
  std::array<float, kSeen + kContext> window{};
  std::copy(context.begin(), context.end(), window.begin());
  std::copy(samples.begin(), samples.end(), window.begin() + kContext);
  std::copy(window.begin() + kWindow, window.begin() + kSeen, context.begin());
  for (int64_t i = 0; i < kContext; ++i) window[size_t(kSeen + i)] = window[size_t(kSeen - 2 - i)];
  for (int64_t frame = 0; frame < kFrames; ++frame) {
    std::copy_n(window.begin() + frame * kFrameHop, kFrameSamples, frames + frame * kFrameSamples);
  }
}

// Length of each complex value of rows [re 0..128 | im 0..128].
void magnitude(ConstTensor spectrum, Tensor out) {
  const int64_t rows = spectrum.dim(0);
  for (int64_t row = 0; row < rows; ++row) {
    const float* re = spectrum.data<float>() + row * 2 * kBins;
    const float* im = re + kBins;
    float* y = out.data<float>() + row * kBins;
    for (int64_t bin = 0; bin < kBins; ++bin)
      y[bin] = std::sqrt(re[bin] * re[bin] + im[bin] * im[bin]);
  }
}

}  // namespace

class Silero::Network {
 public:
  static Result<std::unique_ptr<Network>> load(Stream& s, const std::string& path) {
    MAIE_ASSIGN(auto file, formats::Safetensors::open(path));
    const Weights weights(std::move(file), path);
    MAIE_ASSIGN(const OwnedTensor stft,
                weights.get("stft_conv.weight", {2 * kBins, 1, kFrameSamples}));
    MAIE_ASSIGN(const OwnedTensor w1, weights.get("conv1.weight", {128, kBins, 3}));
    MAIE_ASSIGN(const OwnedTensor b1, weights.get("conv1.bias", {128}));
    MAIE_ASSIGN(const OwnedTensor w2, weights.get("conv2.weight", {64, 128, 3}));
    MAIE_ASSIGN(const OwnedTensor b2, weights.get("conv2.bias", {64}));
    MAIE_ASSIGN(const OwnedTensor w3, weights.get("conv3.weight", {64, 64, 3}));
    MAIE_ASSIGN(const OwnedTensor b3, weights.get("conv3.bias", {64}));
    MAIE_ASSIGN(const OwnedTensor w4, weights.get("conv4.weight", {128, 64, 3}));
    MAIE_ASSIGN(const OwnedTensor b4, weights.get("conv4.bias", {128}));
    MAIE_ASSIGN(const OwnedTensor w_ih, weights.get("lstm_cell.weight_ih", {4 * kUnits, 128}));
    MAIE_ASSIGN(const OwnedTensor w_hh, weights.get("lstm_cell.weight_hh", {4 * kUnits, kUnits}));
    MAIE_ASSIGN(const OwnedTensor b_ih, weights.get("lstm_cell.bias_ih", {4 * kUnits}));
    MAIE_ASSIGN(const OwnedTensor b_hh, weights.get("lstm_cell.bias_hh", {4 * kUnits}));
    MAIE_ASSIGN(const OwnedTensor w_out, weights.get("final_conv.weight", {1, kUnits, 1}));
    MAIE_ASSIGN(const OwnedTensor b_out, weights.get("final_conv.bias", {1}));

    for (int64_t i = 0; i < 4 * kUnits; ++i) {
      b_ih.view().data<float>()[i] += b_hh.view().data<float>()[i];
    }
    return guarded([&]() -> Result<std::unique_ptr<Network>> {
      auto network = std::make_unique<Network>();
      network->stft_ = pack(s, stft.view().reshaped({2 * kBins, kFrameSamples}), {});
      network->conv1_ = pack(s, w1.view().reshaped({128, kBins * 3}), b1.view());
      network->conv2_ = pack(s, w2.view().reshaped({64, 128 * 3}), b2.view());
      // The third convolution has two frames and zeros left of them, the fourth one frame between
      // zeros: the taps that meet only zeros are left out.
      network->conv3_ = pack(s, taps(w3.view(), 1, 2).view(), b3.view());
      network->conv4_ = pack(s, taps(w4.view(), 1, 1).view(), b4.view());
      network->lstm_in_ = pack(s, w_ih.view(), b_ih.view());
      network->lstm_ = ops::LstmWeights::pack(s, w_hh.view());
      std::copy_n(w_out.view().data<float>(), kUnits, network->out_weight_.begin());
      network->out_bias_ = b_out.view().data<float>()[0];

      Arena measuring = Arena::measuring(s.device());
      Stream dry = Stream::dry_run(s.device());
      State state;
      network->forward(dry, {}, kBatch, state, measuring, nullptr);
      network->arena_ = std::make_unique<Arena>(s.device(), measuring.peak_bytes());
      return network;
    });
  }

  // Probabilities of `samples`, B windows of which the last may be short, to out[0..B).
  void forward(Stream& s, std::span<const float> samples, int64_t B, State& state, Arena& arena,
               float* out) const {
    const Arena::Scope scope(arena);
    Tensor frames = arena.tensor(DType::kF32, {B * kFrames, kFrameSamples});
    Tensor spectrum = arena.tensor(DType::kF32, {B * kFrames, 2 * kBins});
    Tensor bins = arena.tensor(DType::kF32, {B, kFrames, kBins});
    Tensor open1 = arena.tensor(DType::kF32, {B, 4, kBins * 3});
    Tensor x1 = arena.tensor(DType::kF32, {B, 4, 128});
    Tensor open2 = arena.tensor(DType::kF32, {B, 2, 128 * 3});
    Tensor x2 = arena.tensor(DType::kF32, {B, 2, 64});
    Tensor open3 = arena.tensor(DType::kF32, {B, 1, 64 * 2});
    Tensor x3 = arena.tensor(DType::kF32, {B, 64});
    Tensor x4 = arena.tensor(DType::kF32, {B, 128});
    Tensor gates = arena.tensor(DType::kF32, {B, 4 * kUnits});
    Tensor hidden = arena.tensor(DType::kF32, {B, kUnits});

    if (!s.is_dry_run()) {
      for (int64_t b = 0; b < B; ++b) {
        const size_t first = size_t(b * kWindow);
        write_frames(samples.subspan(first, std::min(size_t(kWindow), samples.size() - first)),
                     state.context, frames.data<float>() + b * kFrames * kFrameSamples);
      }
    }
    ops::linear(s, frames, stft_, spectrum);
    if (!s.is_dry_run()) magnitude(spectrum, bins);

    ops::unfold(s, bins, {.kernel = 3, .stride = 1, .pad_left = 1, .pad_right = 1}, open1);
    ops::linear_relu(s, open1, conv1_, x1);
    ops::unfold(s, x1, {.kernel = 3, .stride = 2, .pad_left = 1, .pad_right = 1}, open2);
    ops::linear_relu(s, open2, conv2_, x2);
    ops::unfold(s, x2, {.kernel = 2, .stride = 2, .pad_left = 0, .pad_right = 0}, open3);
    ops::linear_relu(s, open3.reshaped({B, 64 * 2}), conv3_, x3);
    ops::linear_relu(s, x3, conv4_, x4);

    ops::linear(s, x4, lstm_in_, gates);
    ops::lstm(s, gates, lstm_, Tensor(state.h.data(), DType::kF32, {kUnits}),
              Tensor(state.c.data(), DType::kF32, {kUnits}), hidden);
    if (s.is_dry_run()) return;
    for (int64_t b = 0; b < B; ++b) {
      const float* h = hidden.data<float>() + b * kUnits;
      float sum = out_bias_;
      for (int64_t i = 0; i < kUnits; ++i) sum += out_weight_[size_t(i)] * std::max(0.0f, h[i]);
      out[b] = 1.0f / (1.0f + std::exp(-sum));
    }
  }

  void run(Stream& s, std::span<const float> samples, State& state, std::vector<float>& out) const {
    while (!samples.empty()) {
      const int64_t length = std::min<int64_t>(int64_t(samples.size()), kBatch * kWindow);
      const int64_t B = (length + kWindow - 1) / kWindow;
      const size_t written = out.size();
      out.resize(written + size_t(B));
      forward(s, samples.first(size_t(length)), B, state, *arena_, out.data() + written);
      samples = samples.subspan(size_t(length));
    }
  }

  size_t size_bytes() const {
    return stft_.size_bytes() + conv1_.size_bytes() + conv2_.size_bytes() + conv3_.size_bytes() +
           conv4_.size_bytes() + lstm_in_.size_bytes() + lstm_.size_bytes();
  }

 private:
  ops::LinearWeights stft_, conv1_, conv2_, conv3_, conv4_, lstm_in_;
  ops::LstmWeights lstm_;
  std::array<float, kUnits> out_weight_{};
  float out_bias_ = 0;
  std::unique_ptr<Arena> arena_;
};

Silero::Silero(std::unique_ptr<Network> network) : network_(std::move(network)) {}
Silero::Silero(Silero&&) noexcept = default;
Silero& Silero::operator=(Silero&&) noexcept = default;
Silero::~Silero() = default;

Result<Silero> Silero::load(Stream& s, const std::string& path) {
  MAIE_ASSIGN(auto network, Network::load(s, path));
  return Silero(std::move(network));
}

Status Silero::probabilities(Stream& s, std::span<const float> samples, State& state,
                             std::vector<float>& out) const {
  return guarded([&] { network_->run(s, samples, state, out); });
}

Result<std::vector<float>> Silero::file_probabilities(Stream& s, std::span<const float> samples,
                                                      FileWindows windows) const {
  return guarded([&]() -> Result<std::vector<float>> {
    std::vector<float> out;
    State state;
    if (windows == FileWindows::kSilero) {
      network_->run(s, samples, state, out);
      return out;
    }
    // The last window is made here: what is left of the samples (perhaps nothing), zeros, and zeros
    // once more over its last 64 samples.
    const size_t whole = samples.size() / size_t(kWindow) * size_t(kWindow);
    network_->run(s, samples.first(whole), state, out);
    std::array<float, kWindow> last{};
    std::copy(samples.begin() + ptrdiff_t(whole), samples.end(), last.begin());
    std::fill(last.end() - kContext, last.end(), 0.0f);
    network_->run(s, last, state, out);
    return out;
  });
}

size_t Silero::size_bytes() const { return network_->size_bytes(); }

}  // namespace maie::silero
