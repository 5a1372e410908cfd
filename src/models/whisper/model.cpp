#include "models/whisper/model.h"

#include <algorithm>

#include "base/guarded.h"
#include "ops/compute_types.h"

namespace maie::whisper {
namespace {

LayerTypes layer_types(Device device, ComputeType type) {
  switch (type) {
    case ComputeType::kInt8:
    case ComputeType::kInt4:
      // The convolutions stay in float32: they are 2 % of the encoder's work, everything after
      // rests on them, and so the mini model writes the very words CTranslate2's int8 does.
      return {type, ops::fast_float(device), ComputeType::kFloat32, DType::kI8, DType::kBF16};
    case ComputeType::kBFloat16: return {type, type, type, DType::kBF16, DType::kBF16};
    default: return {};
  }
}

// Prompts and alignment passes run in pieces of at most this many rows, so that one long prompt
// does not decide how much memory every pass reserves.
constexpr int kPassRows = 64;

}  // namespace

Model::Model(Stream& s, std::shared_ptr<const Weights> weights, ComputeType type)
    : stream_(s),
      weights_(std::move(weights)),
      compute_type_(type),
      types_(layer_types(s.device(), type)) {}

Result<std::unique_ptr<Model>> Model::load(Stream& s, std::shared_ptr<const Weights> weights,
                                           const ModelOptions& options) {
  return guarded([&]() -> Result<std::unique_ptr<Model>> {
    const ComputeType type = ops::resolve(s.device(), options.compute_type);
    std::unique_ptr<Model> model(new Model(s, std::move(weights), type));
    const Config& config = model->config();
    LayerReader reader(s, *model->weights_);
    model->encoder_ = std::make_unique<Encoder>(reader, config, model->types_);
    if (reader.status().ok()) {
      model->decoder_ = std::make_unique<Decoder>(reader, config, model->types_);
    }
    MAIE_TRY(reader.status());
    model->weight_bytes_ = reader.packed_bytes();
    model->cache_ = DecoderCache(s.device(), model->types_.self_cache, config.decoder_layers,
                                 int64_t{options.max_rows + 1} * config.text_context, config.width);
    model->states_ = OwnedTensor(s.device(), DType::kF32, {config.audio_context, config.width});
    model->size_arena(std::max(options.max_rows, kPassRows));
    return model;
  });
}

// A dry run of the widest encoder and decoder passes tells how large the arena must be.
void Model::size_arena(int rows) {
  const Config& c = config();
  Stream dry = Stream::dry_run(stream_.device());
  Arena measuring = Arena::measuring(stream_.device());
  const ConstTensor mel(nullptr, DType::kF32, {2 * c.audio_context, c.mel_bins});
  encoder_->forward(dry, mel, measuring, states_.view());
  Window window = new_window();
  decoder_->store_window(dry, states_.view(), measuring, window);
  const std::vector<DecoderRow> widest(static_cast<size_t>(rows));
  std::vector<int> wanted(widest.size());
  for (size_t i = 0; i < wanted.size(); ++i) wanted[i] = int(i);
  decoder_->forward(dry, widest, cache_, wanted, measuring,
                    Tensor(nullptr, DType::kF32, {rows, decoder_->vocabulary()}), nullptr);
  arena_ = std::make_unique<Arena>(stream_.device(), measuring.peak_bytes());
  arena_rows_ = rows;
}

Window Model::new_window() const {
  Window window;
  for (int layer = 0; layer < config().decoder_layers; ++layer) {
    window.layers.emplace_back(stream_.device(), types_.cross_cache, config().audio_context,
                               config().width, config().decoder_heads);
  }
  return window;
}

Status Model::encode_states(ConstTensor mel, Tensor states) {
  return guarded([&] { encoder_->forward(stream_, mel, *arena_, states); });
}

Status Model::store_window(ConstTensor states, Window& window) {
  return guarded([&] { decoder_->store_window(stream_, states, *arena_, window); });
}

Status Model::encode(ConstTensor mel, Window& window) {
  MAIE_TRY(encode_states(mel, states_.view()));
  return store_window(states_.view(), window);
}

Status Model::decode(std::span<const DecoderRow> rows, std::span<const int> wanted, Tensor logits,
                     AlignmentScores* scores) {
  return guarded([&] {
    const size_t limit = size_t(arena_rows_);
    check(scores == nullptr || rows.size() <= limit, "alignment passes fit the arena");
    check(std::is_sorted(wanted.begin(), wanted.end()), "wanted rows in order");
    if (scores != nullptr) scores->T = config().audio_context;
    // Pieces in order: later rows may look at cells that earlier rows have written.
    size_t done = 0;
    for (size_t first = 0; first < rows.size(); first += limit) {
      const size_t count = std::min(limit, rows.size() - first);
      std::vector<int> here;
      for (const int row : wanted.subspan(done)) {
        if (size_t(row) >= first + count) break;
        here.push_back(row - int(first));
      }
      decoder_->forward(stream_, rows.subspan(first, count), cache_, here, *arena_,
                        logits.rows(int64_t(done), int64_t(here.size())), scores);
      done += here.size();
    }
    check(done == wanted.size(), "wanted rows are rows of the pass");
  });
}

}  // namespace maie::whisper
