#include "models/whisper/weights.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <utility>

#include "base/file.h"
#include "base/guarded.h"
#include "formats/dense.h"
#include "models/whisper/source.h"

namespace maie::whisper {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kEncoderPositions = "encoder.embed_positions.weight";
constexpr std::string_view kEmbedding = "decoder.embed_tokens.weight";
constexpr std::string_view kOutput = "proj_out.weight";

bool exists(const std::string& path) {
  std::error_code ignored;
  return fs::exists(path, ignored);
}

// As to_float32, but from views at any address.
void widen_any(const Stored& stored, float* out) {
  const auto* from = static_cast<const std::byte*>(stored.values.raw());
  const int64_t count = stored.values.size();
  if (stored.values.dtype() != DType::kI8) {
    return formats::to_float32(stored.values, {out, size_t(count)});
  }
  check(stored.scales.size() == stored.values.dim(0), "one scale for each row");
  const int64_t rows = stored.values.dim(0);
  const int64_t columns = rows == 0 ? 0 : count / rows;
  const auto* scales = static_cast<const std::byte*>(stored.scales.raw());
  for (int64_t row = 0; row < rows; ++row) {
    float scale;
    std::memcpy(&scale, scales + size_t(row) * sizeof(float), sizeof(float));
    for (int64_t column = 0; column < columns; ++column) {
      const int64_t i = row * columns + column;
      out[i] = float(int8_t(from[i])) / scale;
    }
  }
}

Stored widened(const Stored& stored) {
  const Owned copy = make_owned(DType::kF32, stored.values.shape());
  widen_any(stored, copy.view.data<float>());
  return {.values = copy.view, .scales = {}, .owner = copy.owner};
}

bool is_aligned(ConstTensor view) {
  return !view || reinterpret_cast<uintptr_t>(view.raw()) % size_of(view.dtype()) == 0;
}

// A copy of `view` whose owner keeps `before` alive too, for the other half of a Stored.
ConstTensor aligned_copy(ConstTensor view, std::shared_ptr<const void>& owner) {
  const Owned copy = make_owned(view.dtype(), view.shape());
  std::memcpy(copy.view.raw(), view.raw(), view.size_bytes());
  using Both = std::pair<std::shared_ptr<const void>, std::shared_ptr<const void>>;
  owner = std::make_shared<const Both>(owner, copy.owner);
  return copy.view;
}

Stored aligned(Stored stored) {
  if (!is_aligned(stored.values)) stored.values = aligned_copy(stored.values, stored.owner);
  if (!is_aligned(stored.scales)) stored.scales = aligned_copy(stored.scales, stored.owner);
  return stored;
}

bool follows(ConstTensor first, ConstTensor second) {
  return first.dtype() == second.dtype() &&
         static_cast<const std::byte*>(first.raw()) + first.size_bytes() == second.raw();
}

// The parts as they lie, when they lie one after the other.
std::optional<Stored> joined(std::span<const Stored> parts, const Shape& shape) {
  for (size_t i = 1; i < parts.size(); ++i) {
    const Stored& before = parts[i - 1];
    if (before.owner != parts[i].owner || !follows(before.values, parts[i].values))
      return std::nullopt;
    if (bool(before.scales) != bool(parts[i].scales)) return std::nullopt;
    if (before.scales && !follows(before.scales, parts[i].scales)) return std::nullopt;
  }
  Stored whole = parts[0];
  whole.values = {whole.values.raw(), whole.values.dtype(), shape};
  if (whole.scales) whole.scales = {whole.scales.raw(), DType::kF32, Shape{shape.dim(0)}};
  return whole;
}

void append_bytes(ConstTensor part, std::byte*& to) {
  std::memcpy(to, part.raw(), part.size_bytes());
  to += part.size_bytes();
}

Stored stacked(std::span<const Stored> parts, const Shape& shape) {
  const DType type = parts[0].values.dtype();
  const bool same = std::all_of(parts.begin(), parts.end(),
                                [&](const Stored& part) { return part.values.dtype() == type; });
  const Owned values = make_owned(same ? type : DType::kF32, shape);
  Stored whole{.values = values.view, .scales = {}, .owner = values.owner};
  if (!same) {
    float* to = values.view.data<float>();
    for (const Stored& part : parts) {
      widen_any(part, to);
      to += part.values.size();
    }
    return whole;
  }
  auto* to = static_cast<std::byte*>(values.view.raw());
  for (const Stored& part : parts) append_bytes(part.values, to);
  if (type == DType::kI8) {
    const Owned scales = make_owned(DType::kF32, Shape{shape.dim(0)});
    to = static_cast<std::byte*>(scales.view.raw());
    for (const Stored& part : parts) append_bytes(part.scales, to);
    whole.scales = scales.view;
    using Both = std::pair<std::shared_ptr<const void>, std::shared_ptr<const void>>;
    whole.owner = std::make_shared<const Both>(values.owner, scales.owner);
  }
  return whole;
}

Stored zeros(const Shape& shape) {
  const Owned made = make_owned(DType::kF32, shape);
  std::fill_n(made.view.data<float>(), made.view.size(), 0.0f);
  return {.values = made.view, .scales = {}, .owner = made.owner};
}

// Row t is [sin(t * r_i) | cos(t * r_i)] with rates r_i falling from 1 to 1/10000 (section 2.1 of
// arXiv:2212.04356; halves, not interleaved).
Stored sinusoid(const Shape& shape) {
  const Owned made = make_owned(DType::kF32, shape);
  const int64_t T = shape.dim(0), C = shape.dim(1), half = C / 2;
  const double step = half > 1 ? std::log(10000.0) / double(half - 1) : 0.0;
  float* row = made.view.data<float>();
  for (int64_t t = 0; t < T; ++t, row += C) {
    for (int64_t i = 0; i < half; ++i) {
      const double angle = double(t) * std::exp(-step * double(i));
      row[i] = float(std::sin(angle));
      row[half + i] = float(std::cos(angle));
    }
  }
  return {.values = made.view, .scales = {}, .owner = made.owner};
}

// Some converters write the kernel of a convolution as a matrix [C, F * 3] and its bias as a
// column.
bool same_up_to_layout(std::string_view name, const Shape& stored, const Shape& expected) {
  if (stored == expected) return true;
  const bool convolution = name.find("conv1.") != std::string_view::npos ||
                           name.find("conv2.") != std::string_view::npos;
  return convolution && stored.rank() > 0 && stored.dim(0) == expected.dim(0) &&
         stored.size() == expected.size();
}

Status wrong_shape(const Source& source, std::string_view name, const Shape& stored,
                   const Shape& expected) {
  return corrupt(source.path() + ": weight \"" + std::string(name) + "\" has shape " +
                 stored.to_string() + ", the configuration asks for " + expected.to_string() +
                 "; weights and configuration are not of one model, fetch both again");
}

Status missing(const Source& source, std::string_view name) {
  return not_found(source.path() + ": lacks the weight \"" + std::string(name) +
                   "\"; the model is incomplete or of another kind, fetch it again");
}

bool may_be_absent(std::string_view name) {
  return name == kEncoderPositions || name == kOutput || name.ends_with("k_proj.bias");
}

void append_attention(std::vector<WeightSpec>& specs, const std::string& layer, const char* name,
                      int64_t C) {
  specs.push_back({layer + name + "_layer_norm.weight", {C}});
  specs.push_back({layer + name + "_layer_norm.bias", {C}});
  for (const char* part : {".q_proj", ".k_proj", ".v_proj", ".out_proj"}) {
    specs.push_back({layer + name + part + ".weight", {C, C}});
    if (std::string_view(part) != ".k_proj") specs.push_back({layer + name + part + ".bias", {C}});
  }
}

void append_ffn(std::vector<WeightSpec>& specs, const std::string& layer, int64_t C, int64_t ffn) {
  specs.push_back({layer + "final_layer_norm.weight", {C}});
  specs.push_back({layer + "final_layer_norm.bias", {C}});
  specs.push_back({layer + "fc1.weight", {ffn, C}});
  specs.push_back({layer + "fc1.bias", {ffn}});
  specs.push_back({layer + "fc2.weight", {C, ffn}});
  specs.push_back({layer + "fc2.bias", {C}});
}

enum class FileKind { kGgml, kGguf, kZip, kOther };

FileKind kind_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  char magic[4] = {};
  file.read(magic, sizeof(magic));
  const std::string_view text(magic, size_t(file.gcount()));
  if (text == "lmgg") return FileKind::kGgml;
  if (text == "GGUF") return FileKind::kGguf;
  if (text.starts_with("PK")) return FileKind::kZip;
  return FileKind::kOther;
}

Result<OpenedSource> open_directory(const std::string& path) {
  if (exists(path + "/model.safetensors") || exists(path + "/model.safetensors.index.json")) {
    return open_huggingface(path);
  }
  if (exists(path + "/model.bin")) return open_ctranslate2(path);
  if (exists(path + "/pytorch_model.bin") || exists(path + "/pytorch_model.bin.index.json")) {
    return unsupported(path +
                       ": holds pytorch_model.bin only; save the model as safetensors first");
  }
  return not_found(path +
                   ": holds no model; a Hugging Face folder has model.safetensors, a CTranslate2" +
                   " one model.bin");
}

Result<OpenedSource> open_file(const std::string& path) {
  const fs::path file(path);
  switch (kind_of(path)) {
    case FileKind::kGgml: return open_ggml(path);
    case FileKind::kGguf:
      return unsupported(path +
                         ": is a GGUF file, which holds no Whisper MAIE reads; name a ggml-*.bin" +
                         " file or the folder of a model");
    case FileKind::kZip:
      return unsupported(
          path + ": is a PyTorch checkpoint; convert it to a Hugging Face folder with safetensors");
    case FileKind::kOther: break;
  }
  // Whoever names the file inside a model's folder means the model.
  const std::string name = file.filename().string();
  if (name == "model.safetensors" || name == "model.bin" ||
      name == "model.safetensors.index.json" || name == "config.json") {
    const std::string parent = file.parent_path().string();
    return open_directory(parent.empty() ? "." : parent);
  }
  return invalid_input(path +
                       ": is no model MAIE knows; name a whisper.cpp ggml-*.bin file, or the" +
                       " folder of a Hugging Face or CTranslate2 model");
}

}  // namespace

void to_float32(const Stored& stored, std::span<float> out) {
  check(int64_t(out.size()) == stored.values.size(), "room for each value");
  widen_any(stored, out.data());
}

std::vector<WeightSpec> weight_specs(const Config& config) {
  const int64_t C = config.width;
  std::vector<WeightSpec> specs = {
      {"encoder.conv1.weight", {C, config.mel_bins, 3}},
      {"encoder.conv1.bias", {C}},
      {"encoder.conv2.weight", {C, C, 3}},
      {"encoder.conv2.bias", {C}},
      {std::string(kEncoderPositions), {config.audio_context, C}},
  };
  for (int n = 0; n < config.encoder_layers; ++n) {
    const std::string layer = "encoder.layers." + std::to_string(n) + ".";
    append_attention(specs, layer, "self_attn", C);
    append_ffn(specs, layer, C, config.encoder_ffn);
  }
  specs.push_back({"encoder.layer_norm.weight", {C}});
  specs.push_back({"encoder.layer_norm.bias", {C}});
  specs.push_back({std::string(kEmbedding), {config.vocabulary, C}});
  specs.push_back({"decoder.embed_positions.weight", {config.text_context, C}});
  for (int n = 0; n < config.decoder_layers; ++n) {
    const std::string layer = "decoder.layers." + std::to_string(n) + ".";
    append_attention(specs, layer, "self_attn", C);
    append_attention(specs, layer, "encoder_attn", C);
    append_ffn(specs, layer, C, config.decoder_ffn);
  }
  specs.push_back({"decoder.layer_norm.weight", {C}});
  specs.push_back({"decoder.layer_norm.bias", {C}});
  return specs;
}

Owned make_owned(DType type, const Shape& shape) {
  auto tensor = std::make_shared<OwnedTensor>(Device{}, type, shape);
  const Tensor view = tensor->view();
  return {view, std::move(tensor)};
}

void TypeCount::add(std::string_view type, uint64_t bytes) {
  for (auto& [known, sum] : bytes_) {
    if (known == type) {
      sum += bytes;
      return;
    }
  }
  bytes_.emplace_back(std::string(type), bytes);
}

std::string TypeCount::most() const { return most_but(""); }

std::string TypeCount::most_but(std::string_view type) const {
  std::string most;
  uint64_t best = 0;
  for (const auto& [known, sum] : bytes_) {
    if (known == type || (sum <= best && !most.empty())) continue;
    most = known;
    best = sum;
  }
  return most;
}

Weights::Weights() = default;
Weights::~Weights() = default;

Result<std::shared_ptr<const Weights>> Weights::open(const std::string& path) {
  return guarded([&]() -> Result<std::shared_ptr<const Weights>> {
    if (!exists(path)) {
      return not_found(path +
                       ": no such model; name the folder of one, or a whisper.cpp ggml-*.bin file");
    }
    std::error_code ignored;
    MAIE_ASSIGN(OpenedSource opened,
                fs::is_directory(path, ignored) ? open_directory(path) : open_file(path));
    std::shared_ptr<Weights> weights(new Weights);
    weights->source_ = std::move(opened.source);
    weights->config_ = std::move(opened.config);
    MAIE_TRY(weights->check_all());
    return std::shared_ptr<const Weights>(std::move(weights));
  });
}

Status Weights::check_all() const {
  auto specs = weight_specs(config_);
  specs.push_back({std::string(kOutput), {config_.vocabulary, config_.width}});
  for (const WeightSpec& spec : specs) {
    MAIE_ASSIGN(const auto shape, source_->shape_of(spec.name));
    if (!shape && !may_be_absent(spec.name)) return missing(*source_, spec.name);
    if (shape && !same_up_to_layout(spec.name, *shape, spec.shape)) {
      return wrong_shape(*source_, spec.name, *shape, spec.shape);
    }
  }
  return {};
}

std::string Weights::source_kind() const { return source_->kind(); }
std::string Weights::stored_type() const { return source_->stored_type(); }
std::vector<formats::ModelFile> Weights::files() const { return source_->files(); }

std::optional<std::string> Weights::tokenizer_json_path() const {
  std::error_code ignored;
  if (!fs::is_directory(source_->path(), ignored)) return std::nullopt;
  const std::string path = source_->path() + "/tokenizer.json";
  return exists(path) ? std::optional(path) : std::nullopt;
}

Result<Vocabulary> Weights::vocabulary() const {
  return guarded([&]() -> Result<Vocabulary> {
    MAIE_ASSIGN(Vocabulary vocabulary, source_->vocabulary());
    if (vocabulary.tokens.size() != size_t(config_.vocabulary)) {
      return corrupt(source_->path() + ": has " + std::to_string(vocabulary.tokens.size()) +
                     " tokens, its network " + std::to_string(config_.vocabulary) +
                     "; vocabulary and weights are not of one model, fetch both again");
    }
    return vocabulary;
  });
}

bool Weights::ties_output() const {
  const auto shape = source_->shape_of(kOutput);
  return !shape || !*shape || source_->is_same(kOutput, kEmbedding);
}

Result<Stored> Weights::locate(std::string_view name, const Shape& expected) const {
  MAIE_ASSIGN(const auto shape, source_->shape_of(name));
  if (!shape) {
    if (name == kOutput) return locate(kEmbedding, expected);
    if (name.ends_with("k_proj.bias")) return zeros(expected);
    if (name == kEncoderPositions && expected.rank() == 2) return sinusoid(expected);
    return missing(*source_, name);
  }
  if (!same_up_to_layout(name, *shape, expected))
    return wrong_shape(*source_, name, *shape, expected);
  MAIE_ASSIGN(Stored stored, source_->fetch(name));
  // int8 is for products of matrices; a convolution's kernel is small enough to widen.
  if (stored.values.dtype() == DType::kI8 && expected.rank() != 2) stored = widened(stored);
  stored.values = stored.values.reshaped(expected);
  return stored;
}

Result<Stored> Weights::load(std::string_view name, const Shape& expected) const {
  return guarded([&]() -> Result<Stored> {
    MAIE_ASSIGN(Stored stored, locate(name, expected));
    return aligned(std::move(stored));
  });
}

Result<Stored> Weights::load_fused(std::span<const std::string> names,
                                   const Shape& expected) const {
  return guarded([&]() -> Result<Stored> {
    check(!names.empty() && expected.rank() >= 1, "names to fuse, and rows to stack");
    check(expected.dim(0) % int64_t(names.size()) == 0, "equal parts");
    Shape part{expected.dim(0) / int64_t(names.size())};
    for (int i = 1; i < expected.rank(); ++i) part.append(expected.dim(i));
    std::vector<Stored> parts;
    for (const std::string& name : names) {
      MAIE_ASSIGN(Stored stored, locate(name, part));
      parts.push_back(std::move(stored));
    }
    if (auto whole = joined(parts, expected)) return aligned(std::move(*whole));
    return stacked(parts, expected);
  });
}

}  // namespace maie::whisper
