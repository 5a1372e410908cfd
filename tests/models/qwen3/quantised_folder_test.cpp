// Hugging Face folders of quantised layers beside their twins: the same folders with the values in
// float32, worked out here by the formulas of docs/spec/models.md 6.7.
#include <gtest/gtest.h>

#include <random>

#include "base/json.h"
#include "tests/kernels/closeness.h"
#include "tests/models/qwen3/networks.h"
#include "tests/support/safetensors_writer.h"
#include "tests/support/temporary_folder.h"

namespace maie::qwen3 {
namespace {

using formats::BlockType;
using maie::testing::relative_error;
using maie::testing::same_bits;
using namespace maie::qwen3::testing;

Json small_config() {
  return {{"model_type", "qwen3"},    {"hidden_size", 128},       {"num_hidden_layers", 2},
          {"num_attention_heads", 4}, {"num_key_value_heads", 2}, {"head_dim", 64},
          {"intermediate_size", 256}, {"vocab_size", 96},         {"max_position_embeddings", 512},
          {"rms_norm_eps", 1e-6},     {"rope_theta", 1e4},        {"tie_word_embeddings", false},
          {"eos_token_id", 1}};
}

/// Random codes of a layer, [out, in], with the zeros and scales of their groups.
struct Codes {
  int64_t rows, columns, group;
  std::vector<int> codes, zeros;
  std::vector<float> scales;  // whole numbers of float16

  Codes(int64_t out, int64_t in, int64_t group_size, int bits, bool symmetric, uint32_t seed)
      : rows(out), columns(in), group(group_size) {
    std::mt19937 random(seed);
    const int levels = 1 << bits;
    codes.resize(size_t(rows * columns));
    for (int& code : codes) code = int(random() % uint32_t(levels));
    zeros.resize(size_t(rows * columns / group));
    scales.resize(zeros.size());
    for (size_t g = 0; g < zeros.size(); ++g) {
      zeros[g] = symmetric ? levels / 2 : levels / 2 - 2 + int(random() % 4);
      const float unit = 0.5f + float(random() % 1000) / 1000;
      scales[g] = float(Half(unit * 3.4f / float(levels) / std::sqrt(float(columns))));
    }
  }
  int64_t groups() const { return columns / group; }
  int code(int64_t r, int64_t c) const { return codes[size_t(r * columns + c)]; }
  int zero(int64_t r, int64_t g) const { return zeros[size_t(r * groups() + g)]; }
  float scale(int64_t r, int64_t g) const { return scales[size_t(r * groups() + g)]; }
  std::vector<float> values() const {
    std::vector<float> out;
    for (int64_t r = 0; r < rows; ++r) {
      for (int64_t c = 0; c < columns; ++c) {
        out.push_back(float(code(r, c) - zero(r, c / group)) * scale(r, c / group));
      }
    }
    return out;
  }
};

/// Words of `bits`-bit numbers, `at(major, i)` for i < count, the first lowest.
template <class At>
std::string words(int64_t majors, int64_t count, int bits, At at) {
  std::string bytes;
  const int64_t per_word = 32 / bits;
  for (int64_t m = 0; m < majors; ++m) {
    for (int64_t first = 0; first < count; first += per_word) {
      uint32_t word = 0;
      for (int64_t i = 0; i < per_word && first + i < count; ++i) {
        word |= uint32_t(at(m, first + i)) << (bits * i);
      }
      formats::append_number(bytes, word);
    }
  }
  return bytes;
}

std::string halves(int64_t majors, int64_t minors,
                   const std::function<float(int64_t, int64_t)>& at) {
  std::string bytes;
  for (int64_t m = 0; m < majors; ++m) {
    for (int64_t i = 0; i < minors; ++i) formats::append_number(bytes, Half(at(m, i)).bits);
  }
  return bytes;
}

using Write = void (*)(support::SafetensorsWriter&, const std::string&, const Codes&, int bits);

// Nibble i of a word is output 0 2 4 6 1 3 5 7 of its eight.
void write_awq(support::SafetensorsWriter& file, const std::string& layer, const Codes& c, int) {
  constexpr int kOrder[] = {0, 2, 4, 6, 1, 3, 5, 7};
  const auto shuffled = [&](int64_t i) { return i / 8 * 8 + kOrder[i % 8]; };
  file.add(
      layer + ".qweight", "I32", {c.columns, c.rows / 8},
      words(c.columns, c.rows, 4, [&](int64_t k, int64_t r) { return c.code(shuffled(r), k); }));
  file.add(
      layer + ".qzeros", "I32", {c.groups(), c.rows / 8},
      words(c.groups(), c.rows, 4, [&](int64_t g, int64_t r) { return c.zero(shuffled(r), g); }));
  file.add(layer + ".scales", "F16", {c.groups(), c.rows},
           halves(c.groups(), c.rows, [&](int64_t g, int64_t r) { return c.scale(r, g); }));
}

void write_gptq(support::SafetensorsWriter& file, const std::string& layer, const Codes& c,
                int bits) {
  const int64_t per_word = 32 / bits;
  std::string weights;  // words along the inputs, outputs fastest
  for (int64_t k = 0; k < c.columns; k += per_word) {
    weights +=
        words(c.rows, per_word, bits, [&](int64_t r, int64_t i) { return c.code(r, k + i); });
  }
  file.add(layer + ".qweight", "I32", {c.columns / per_word, c.rows}, weights);
  file.add(layer + ".qzeros", "I32", {c.groups(), c.rows / per_word},
           words(c.groups(), c.rows, bits, [&](int64_t g, int64_t r) { return c.zero(r, g) - 1; }));
  file.add(layer + ".scales", "F16", {c.groups(), c.rows},
           halves(c.groups(), c.rows, [&](int64_t g, int64_t r) { return c.scale(r, g); }));
  std::string order;
  for (int64_t k = 0; k < c.columns; ++k) formats::append_number(order, int32_t(k / c.group));
  file.add(layer + ".g_idx", "I32", {c.columns}, order);
  file.add(layer + ".bias", "F16", {c.rows}, std::string(size_t(c.rows) * 2, 0));  // as written
}

void write_packed(support::SafetensorsWriter& file, const std::string& layer, const Codes& c,
                  int bits) {
  const int64_t per_word = 32 / bits;
  file.add(layer + ".weight_packed", "I32", {c.rows, c.columns / per_word},
           words(c.rows, c.columns, bits, [&](int64_t r, int64_t k) { return c.code(r, k); }));
  file.add(layer + ".weight_scale", "F16", {c.rows, c.groups()},
           halves(c.rows, c.groups(), [&](int64_t r, int64_t g) { return c.scale(r, g); }));
  std::string shape;
  formats::append_number(shape, int64_t{c.rows});
  formats::append_number(shape, int64_t{c.columns});
  file.add(layer + ".weight_shape", "I64", {2}, shape);
}

// Zero points are packed along the outputs, groups fastest.
void write_packed_zeros(support::SafetensorsWriter& file, const std::string& layer, const Codes& c,
                        int bits) {
  write_packed(file, layer, c, bits);
  const int64_t per_word = 32 / bits;
  std::string zeros;
  for (int64_t r = 0; r < c.rows; r += per_word) {
    zeros +=
        words(c.groups(), per_word, bits, [&](int64_t g, int64_t i) { return c.zero(r + i, g); });
  }
  file.add(layer + ".weight_zero_point", "I32", {c.rows / per_word, c.groups()}, zeros);
}

struct Form {
  const char* name;
  int bits;
  int64_t group;  // 0: one for all inputs
  bool symmetric;
  Write write;
  const char* config;
  const char* type;
  ComputeType compute;
};
std::ostream& operator<<(std::ostream& out, const Form& form) { return out << form.name; }

/// The folder of a form, and its twin.
struct Folders {
  TemporaryFolder quantised, plain;

  explicit Folders(const Form& form) {
    Json config = small_config();
    plain.write("config.json", config.dump());
    config["quantization_config"] = *parse_json(form.config);
    quantised.write("config.json", config.dump());
    support::SafetensorsWriter packed, dense;
    const Config sizes = *config_from_huggingface(config.dump(), "", "");
    uint32_t seed = 1;
    for (const WeightSpec& spec : weight_specs(sizes)) {
      const std::string name = spec.name == "lm_head.weight" ? spec.name : "model." + spec.name;
      const std::string layer = name.substr(0, name.size() - std::string(".weight").size());
      std::vector<int64_t> shape = {spec.shape.dim(0)};
      if (spec.shape.rank() == 2) shape.push_back(spec.shape.dim(1));
      if (spec.name.find("_proj") != spec.name.npos) {
        const int64_t group = form.group == 0 ? shape[1] : form.group;
        const Codes codes(shape[0], shape[1], group, form.bits, form.symmetric, seed++);
        form.write(packed, layer, codes, form.bits);
        dense.add(name, "F32", shape, bytes_of(codes.values(), BlockType::kF32));
        continue;
      }
      std::mt19937 random(seed++);
      std::vector<float> values(size_t(spec.shape.size()));
      for (float& value : values) {
        value = (shape.size() == 1 ? 1.0f : 0.0f) + (float(random() % 2001) - 1000) / 4000;
      }
      packed.add(name, "BF16", shape, bytes_of(values, BlockType::kBF16));
      dense.add(name, "BF16", shape, bytes_of(values, BlockType::kBF16));
    }
    quantised.write("model.safetensors", packed.bytes());
    plain.write("model.safetensors", dense.bytes());
  }
};

class QuantisedFolder : public ::testing::TestWithParam<Form> {};

TEST_P(QuantisedFolder, GivesTheLogitsOfItsValues) {
  const Folders folders(GetParam());
  const Loaded got = opened(Weights::open(folders.quantised.path()));
  const Loaded twin = opened(Weights::open(folders.plain.path()));
  EXPECT_EQ(got->stored_type(), GetParam().type);
  EXPECT_EQ(twin->stored_type(), "float32");
  for (const WeightSpec& spec : weight_specs(got->config())) {
    if (spec.shape.rank() != 2) continue;
    const auto all = values_of(twin->matrix(spec.name));
    ASSERT_EQ(values_of(got->matrix(spec.name)), all) << spec.name;
    // Runs that begin and end within a word.
    const int64_t columns = spec.shape.dim(1);
    std::vector<float> some(size_t(7 * columns));
    ASSERT_TRUE(got->matrix(spec.name).read_floats(13, 7, some).ok());
    EXPECT_TRUE(std::equal(some.begin(), some.end(), all.begin() + 13 * columns)) << spec.name;
  }
  const OwnedTensor want = logits_of(twin, ComputeType::kFloat32);
  EXPECT_TRUE(same_bits(logits_of(got, ComputeType::kFloat32).view().span<float>(),
                        want.view().span<float>()));
  // Activations (and with 8 bits and several scales an output, weights) off by half of 1/127 of
  // their greatest, added up over some 15 products.
  EXPECT_LE(relative_error(logits_of(got, ComputeType::kAuto).view(), want.view()), 0.06);
  EXPECT_LE(relative_error(logits_of(got, ComputeType::kInt8).view(), want.view()), 0.06);
}

TEST_P(QuantisedFolder, AutoIsAsStored) {
  const Folders folders(GetParam());
  static ThreadPool threads(2);
  Stream s(threads);
  const auto model =
      Model::load(s, opened(Weights::open(folders.quantised.path())), {.pages = 1, .max_rows = 8});
  ASSERT_TRUE(model.has_value()) << model.error().message();
  EXPECT_EQ((*model)->compute_type(), GetParam().compute);
}

constexpr const char* kAwq =
    R"({"quant_method": "awq", "bits": 4, "group_size": 64, "zero_point": true, "version": "gemm"})";
constexpr const char* kGptq4 = R"({"quant_method": "gptq", "bits": 4, "group_size": 32})";
constexpr const char* kGptq8 = R"({"quant_method": "gptq", "bits": 8, "group_size": 64})";
#define MAIE_PACKED(weights)                                                                \
  R"({"quant_method": "compressed-tensors", "format": "pack-quantized", "config_groups": )" \
  R"({"group_0": {"targets": ["Linear"], "weights": {"type": "int", )" weights R"(}}}})"

INSTANTIATE_TEST_SUITE_P(
    Forms, QuantisedFolder,
    ::testing::Values(
        Form{"awq", 4, 64, false, write_awq, kAwq, "awq-4bit", ComputeType::kInt4},
        Form{"gptq4", 4, 32, true, write_gptq, kGptq4, "gptq-4bit", ComputeType::kInt4},
        Form{"gptq8", 8, 64, false, write_gptq, kGptq8, "gptq-8bit", ComputeType::kInt8},
        Form{"packed32", 4, 32, true, write_packed,
             MAIE_PACKED(R"("num_bits": 4, "strategy": "group", "group_size": 32)"),
             "pack-quantized-4bit", ComputeType::kInt4},
        Form{"packed128", 4, 128, false, write_packed_zeros,
             MAIE_PACKED(
                 R"("num_bits": 4, "strategy": "group", "group_size": 128, "symmetric": false)"),
             "pack-quantized-4bit", ComputeType::kInt4},
        Form{"channel4", 4, 0, true, write_packed,
             MAIE_PACKED(R"("num_bits": 4, "strategy": "channel")"), "pack-quantized-4bit",
             ComputeType::kInt4},
        Form{"channel8", 8, 0, true, write_packed,
             MAIE_PACKED(R"("num_bits": 8, "strategy": "channel")"), "pack-quantized-8bit",
             ComputeType::kInt8}),
    [](const auto& info) { return std::string(info.param.name); });

const Form kOneForm{"awq", 4, 64, false, write_awq, kAwq, "awq-4bit", ComputeType::kInt4};

TEST(QuantisedFolders, NameWhatIsWrong) {
  const Folders folders(kOneForm);
  const auto refused = [&](const std::string& words) {
    const auto weights = Weights::open(folders.quantised.path());
    ASSERT_FALSE(weights.has_value()) << words;
    EXPECT_NE(weights.error().message().find(words), std::string::npos)
        << weights.error().message();
  };
  const auto with = [&](const char* quantisation, const char* key = nullptr, Json value = {}) {
    Json config = small_config();
    if (key != nullptr) config[key] = value;
    config["quantization_config"] = *parse_json(quantisation);
    folders.quantised.write("config.json", config.dump());
  };
  with(R"({"quant_method": "bitsandbytes", "load_in_4bit": true})");
  refused("quantization_config.quant_method is \"bitsandbytes\"");
  with(R"({"quant_method": "awq", "bits": 4, "group_size": 128, "version": "gemm"})");
  refused("\"model.layers.0.self_attn.q_proj.qzeros\"");
  with(kAwq, "intermediate_size", 128);
  refused("layer \"model.layers.0.mlp.gate_proj\" is [256, 128], and config.json makes it [128");
  with(kAwq, "num_hidden_layers", 1);
  refused("has no place in a dense Qwen3 or Llama network");
  with(R"({"quant_method": "gptq", "bits": 4, "group_size": 64})");
  refused("\"model.layers.0.self_attn.q_proj.");
}

TEST(QuantisedFolders, ABiasThatIsNotZeroIsRefused) {
  const Form gptq{"gptq4", 4, 32, true, write_gptq, kGptq4, "gptq-4bit", ComputeType::kInt4};
  const Folders folders(gptq);
  std::string bytes = folders.quantised.read("model.safetensors");
  const auto file = formats::Safetensors::open(folders.quantised.path("model.safetensors"));
  ASSERT_TRUE(file.has_value());
  const ConstTensor bias = *(*file)->get("model.layers.1.mlp.down_proj.bias");
  const ConstTensor first = *(*file)->get("model.embed_tokens.weight");
  const auto distance =
      static_cast<const char*>(bias.raw()) - static_cast<const char*>(first.raw());
  uint64_t header = 0;
  std::memcpy(&header, bytes.data(), 8);
  bytes[8 + header + size_t(distance)] = 1;
  folders.quantised.write("model.safetensors", bytes);
  const auto weights = Weights::open(folders.quantised.path());
  ASSERT_FALSE(weights.has_value());
  EXPECT_NE(weights.error().message().find("\"model.layers.1.mlp.down_proj.bias\" is a bias"),
            std::string::npos)
      << weights.error().message();
}

TEST(QuantisedFolders, DamagedFilesAreRefusedOrRun) {
  const Folders folders(kOneForm);
  const std::string valid = folders.quantised.read("model.safetensors");
  uint64_t header = 0;
  std::memcpy(&header, valid.data(), 8);
  formats::parse_damaged_copies(valid, size_t(header) + 8, 300, [&](const std::string& bytes) {
    folders.quantised.write("model.safetensors", bytes);
    const auto weights = Weights::open(folders.quantised.path());
    EXPECT_NE(weights.status().code(), Code::kInternal) << weights.status().message();
  });
}

}  // namespace
}  // namespace maie::qwen3
