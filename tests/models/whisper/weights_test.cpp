#include "models/whisper/weights.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "tests/formats/hostile.h"
#include "tests/support/temporary_folder.h"

namespace maie::whisper {
namespace {

namespace fs = std::filesystem;

// One model with random weights in every form (tests/golden/formats/make_models.py). The truth is
// the float32 one, written by PyTorch.
const std::string kGolden = MAIE_SOURCE_DIR "/tests/golden/formats/";

std::shared_ptr<const Weights> opened(const std::string& path) {
  auto weights = Weights::open(path);
  EXPECT_TRUE(weights.has_value()) << weights.error().message();
  return weights ? *weights : nullptr;
}

std::vector<float> values_of(const Stored& stored) {
  std::vector<float> values(size_t(stored.values.size()), NAN);
  to_float32(stored, values);
  return values;
}

std::vector<float> load(const Weights& weights, const std::string& name, const Shape& shape) {
  const auto stored = weights.load(name, shape);
  EXPECT_TRUE(stored.has_value()) << stored.error().message();
  if (!stored) return {};
  EXPECT_EQ(stored->values.shape(), shape);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(stored->values.raw()) % size_of(stored->values.dtype()),
            0u);
  return values_of(*stored);
}

std::vector<float> expected_values(const std::string& name) {
  const auto file = formats::Safetensors::open(kGolden + "expected.safetensors");
  const ConstTensor* tensor = (*file)->find(name);
  EXPECT_NE(tensor, nullptr) << name;
  if (tensor == nullptr) return {};
  const auto values = tensor->span<float>();
  return {values.begin(), values.end()};
}

struct Form {
  const char* path;
  const char* kind;
  const char* type;
};

void PrintTo(const Form& form, std::ostream* out) { *out << form.path; }

class EachForm : public testing::TestWithParam<Form> {};
INSTANTIATE_TEST_SUITE_P(Weights, EachForm,
                         testing::Values(Form{"hf-float32", "huggingface", "float32"},
                                         Form{"hf-float16", "huggingface", "float16"},
                                         Form{"hf-bfloat16", "huggingface", "bfloat16"},
                                         Form{"ct2-float32", "ctranslate2", "float32"},
                                         Form{"ct2-float16", "ctranslate2", "float16"},
                                         Form{"ct2-bfloat16", "ctranslate2", "bfloat16"},
                                         Form{"ct2-int8", "ctranslate2", "int8"},
                                         Form{"ct2-int8_float16", "ctranslate2", "int8_float16"},
                                         Form{"ct2-int16", "ctranslate2", "int16"},
                                         Form{"ggml-f32.bin", "ggml", "float32"},
                                         Form{"ggml-f16.bin", "ggml", "float16"},
                                         Form{"ggml-q8_0.bin", "ggml", "q8_0"},
                                         Form{"ggml-q5_0.bin", "ggml", "q5_0"},
                                         Form{"ggml-q5_1.bin", "ggml", "q5_1"},
                                         Form{"ggml-q4_0.bin", "ggml", "q4_0"}));

TEST_P(EachForm, HasTheConfiguration) {
  const auto weights = opened(kGolden + GetParam().path);
  ASSERT_NE(weights, nullptr);
  EXPECT_EQ(weights->source_kind(), GetParam().kind);
  EXPECT_EQ(weights->stored_type(), GetParam().type);
  const Config& config = weights->config();
  EXPECT_EQ(config.mel_bins, 8);
  EXPECT_EQ(config.width, 32);
  EXPECT_EQ(config.encoder_layers, 1);
  EXPECT_EQ(config.decoder_layers, 2);
  EXPECT_EQ(config.encoder_heads, 2);
  EXPECT_EQ(config.decoder_heads, 4);
  EXPECT_EQ(config.encoder_ffn, 32);
  EXPECT_EQ(config.decoder_ffn, 64);
  EXPECT_EQ(config.vocabulary, 72);
  EXPECT_EQ(config.audio_context, 20);
  EXPECT_EQ(config.text_context, 12);
  EXPECT_TRUE(weights->ties_output());
  if (weights->source_kind() != "ggml") {
    EXPECT_EQ(config.alignment_heads, (std::vector<AlignmentHead>{{1, 0}, {1, 3}}));
    EXPECT_EQ(config.suppress_ids, (std::vector<int>{1, 2, 7}));
    EXPECT_EQ(config.begin_suppress_ids, (std::vector<int>{64, 66}));
    EXPECT_TRUE(config.is_multilingual);
  } else {
    EXPECT_EQ(config.alignment_heads.size(), 4u);  // every head of layer 1
  }
  uint64_t bytes = 0;
  for (const auto& file : weights->files()) {
    EXPECT_EQ(fs::file_size(file.path), file.size_bytes);
    bytes += file.size_bytes;
  }
  EXPECT_GT(bytes, 40'000u);
}

// What each form may differ from the float32 weights by: nothing, one rounding, half a step of its
// grid (in units of the greatest value of the row or block, plus the rounding of the f16 scale).
float allowed(const std::string& form, float truth, float greatest) {
  const auto has = [&](const char* part) { return form.find(part) != std::string::npos; };
  if (has("int8_float16")) return greatest * (0.5f / 127 + 0.001f) + std::abs(truth) / 2048;
  if (has("int8") || has("q8_0")) return greatest * (0.5f / 127 + 0.001f);
  if (has("int16"))
    return 1.5f * greatest * (0.5f / 1024);  // one scale for q, k and v: theirs may be greater
  if (has("q4_0")) return greatest * (1.0f / 8 + 0.001f);  // the value opposite the peak is cut
  if (has("q5_0")) return greatest * (1.0f / 16 + 0.001f);
  if (has("q5_1")) return greatest * (1.0f / 31 + 0.002f);
  if (has("bfloat16")) return std::abs(truth) / 256;
  if (has("float16") || has("f16")) return std::abs(truth) / 2048 + 0x1p-25f;
  return 0;
}

TEST_P(EachForm, HasTheWeights) {
  const auto truth = opened(kGolden + "hf-float32");
  const auto weights = opened(kGolden + GetParam().path);
  ASSERT_TRUE(truth && weights);
  for (const WeightSpec& spec : weight_specs(truth->config())) {
    const auto want = load(*truth, spec.name, spec.shape);
    const auto got = load(*weights, spec.name, spec.shape);
    ASSERT_EQ(got.size(), want.size());
    float greatest = 0;
    for (const float value : want) greatest = std::max(greatest, std::abs(value));
    for (size_t i = 0; i < want.size(); ++i) {
      ASSERT_TRUE(std::abs(got[i] - want[i]) <= allowed(GetParam().path, want[i], greatest))
          << spec.name << " [" << i << "]: " << got[i] << " for " << want[i];
    }
  }
}

TEST_P(EachForm, FusesRows) {
  const auto weights = opened(kGolden + GetParam().path);
  ASSERT_NE(weights, nullptr);
  const int64_t C = 32;
  for (const std::string block : {"encoder.layers.0.self_attn.", "decoder.layers.1.self_attn.",
                                  "decoder.layers.1.encoder_attn."}) {
    for (const auto& [kind, shape] :
         {std::pair{".weight", Shape{C, C}}, std::pair{".bias", Shape{C}}}) {
      std::vector<std::string> names;
      std::vector<float> want;
      for (const char* part : {"q_proj", "k_proj", "v_proj"}) {
        names.push_back(block + part + kind);
        const auto values = load(*weights, names.back(), shape);
        want.insert(want.end(), values.begin(), values.end());
      }
      const Shape fused_shape = shape.rank() == 2 ? Shape{3 * C, C} : Shape{3 * C};
      const auto fused = weights->load_fused(names, fused_shape);
      ASSERT_TRUE(fused.has_value()) << fused.error().message();
      EXPECT_EQ(fused->values.shape(), fused_shape);
      EXPECT_EQ(values_of(*fused), want) << names[0];
      if (shape.rank() == 1) {
        for (int64_t i = C; i < 2 * C; ++i) EXPECT_EQ(want[size_t(i)], 0.0f);  // keys have no bias
      }
    }
  }
}

TEST(Weights, OfFloat16AreTheRoundedOnesExactly) {
  const auto truth = opened(kGolden + "hf-float32");
  for (const char* form : {"hf-float16", "ct2-float16"}) {
    const auto halves = opened(kGolden + form);
    for (const WeightSpec& spec : weight_specs(truth->config())) {
      const auto want = load(*truth, spec.name, spec.shape);
      const auto got = load(*halves, spec.name, spec.shape);
      for (size_t i = 0; i < want.size(); ++i) ASSERT_EQ(got[i], float(Half(want[i]))) << spec.name;
    }
  }
}

TEST(Weights, OfBfloat16AreTheRoundedOnesExactly) {
  const auto truth = opened(kGolden + "hf-float32");
  for (const char* form : {"hf-bfloat16", "ct2-bfloat16"}) {
    const auto rounded = opened(kGolden + form);
    for (const WeightSpec& spec : weight_specs(truth->config())) {
      const auto want = load(*truth, spec.name, spec.shape);
      const auto got = load(*rounded, spec.name, spec.shape);
      for (size_t i = 0; i < want.size(); ++i)
        ASSERT_EQ(got[i], float(BFloat16(want[i]))) << spec.name;
    }
  }
}

TEST(Weights, OfInt8AndInt16AreQuotients) {
  const auto int8 = opened(kGolden + "ct2-int8");
  for (const auto& [name, shape] :
       {std::pair{"decoder.embed_tokens.weight", Shape{72, 32}},
        std::pair{"encoder.layers.0.self_attn.v_proj.weight", Shape{32, 32}},
        std::pair{"decoder.layers.1.encoder_attn.k_proj.weight", Shape{32, 32}},
        std::pair{"decoder.layers.1.fc2.weight", Shape{32, 64}},
        std::pair{"encoder.conv1.weight", Shape{32, 8, 3}}}) {
    const auto want = expected_values(std::string("ct2-int8/") + name);
    const auto got = load(*int8, name, shape);
    ASSERT_EQ(got.size(), want.size());
    for (size_t i = 0; i < want.size(); ++i) ASSERT_NEAR(got[i], want[i], 1e-6) << name;
  }
  const auto int16 = opened(kGolden + "ct2-int16");
  const auto want = expected_values("ct2-int16/decoder.layers.1.fc2.weight");
  const auto got = load(*int16, "decoder.layers.1.fc2.weight", {32, 64});
  for (size_t i = 0; i < want.size(); ++i) ASSERT_NEAR(got[i], want[i], 1e-6);
}

TEST(Weights, OfBlocksAreTheReferenceValuesBitForBit) {
  for (const std::string type : {"q8_0", "q5_0", "q5_1", "q4_0"}) {
    const auto weights = opened(kGolden + "ggml-" + type + ".bin");
    for (const auto& [name, shape] :
         {std::pair{"decoder.layers.1.fc2.weight", Shape{32, 64}},
          std::pair{"decoder.layers.0.encoder_attn.k_proj.weight", Shape{32, 32}}}) {
      EXPECT_EQ(load(*weights, name, shape), expected_values("ggml-" + type + "/" + name))
          << type << " " << name;
    }
  }
}

TEST(Weights, KeepInt8WithItsScales) {
  const auto weights = opened(kGolden + "ct2-int8");
  const auto stored = weights->load("decoder.layers.0.fc1.weight", {64, 32});
  ASSERT_TRUE(stored.has_value());
  EXPECT_EQ(stored->values.dtype(), DType::kI8);
  EXPECT_EQ(stored->scales.shape(), Shape{64});
  EXPECT_EQ(weights->load("encoder.conv2.weight", {32, 32, 3})->values.dtype(), DType::kF32);
}

// What is fused in the file costs no copy: bytes of int8 lie aligned anywhere.
TEST(Weights, GiveViewsWhereTheFileHasWhatIsAsked) {
  const auto int8 = opened(kGolden + "ct2-int8");
  const std::string block = "decoder.layers.0.self_attn.";
  const std::vector<std::string> names = {block + "q_proj.weight", block + "k_proj.weight",
                                          block + "v_proj.weight"};
  const auto fused = int8->load_fused(names, {96, 32});
  const auto q = int8->load(names[0], {32, 32});
  const auto k = int8->load(names[1], {32, 32});
  ASSERT_TRUE(fused && q && k);
  EXPECT_EQ(fused->values.raw(), q->values.raw());
  EXPECT_EQ(static_cast<const int8_t*>(fused->values.raw()) + 32 * 32, k->values.raw());

  const auto halves = opened(kGolden + "hf-float16");
  EXPECT_EQ(halves->load(names[0], {32, 32})->values.raw(),
            halves->load(names[0], {32, 32})->values.raw());
}

TEST(Weights, OutliveTheirStore) {
  auto weights = opened(kGolden + "ct2-int16");
  const auto made = weights->load("decoder.layers.0.fc1.weight", {64, 32});
  const auto view = weights->load("decoder.layers.0.fc1.bias", {64});
  const auto before = values_of(*view);
  weights.reset();
  EXPECT_EQ(values_of(*view), before);
  EXPECT_EQ(values_of(*made).size(), 64u * 32u);
}

TEST(Weights, MakeUpWhatSourcesLeaveOut) {
  const auto weights = opened(kGolden + "hf-float32");
  EXPECT_EQ(load(*weights, "decoder.layers.0.self_attn.k_proj.bias", {32}),
            std::vector<float>(32, 0.0f));
  EXPECT_EQ(load(*weights, "proj_out.weight", {72, 32}),
            load(*weights, "decoder.embed_tokens.weight", {72, 32}));
}

TEST(Weights, RefuseOtherShapesAndNames) {
  const auto weights = opened(kGolden + "hf-float32");
  const auto wrong = weights->load("encoder.conv1.weight", {32, 80, 3});
  ASSERT_FALSE(wrong.has_value());
  EXPECT_EQ(wrong.error().code(), Code::kCorrupt);
  EXPECT_NE(wrong.error().message().find("[32, 8, 3]"), std::string::npos)
      << wrong.error().message();
  EXPECT_NE(wrong.error().message().find("[32, 80, 3]"), std::string::npos)
      << wrong.error().message();
  EXPECT_EQ(weights->load("encoder.conv3.weight", {1}).status().code(), Code::kNotFound);
}

TEST(Weights, NameTheirTokens) {
  const auto ct2 = opened(kGolden + "ct2-int8")->vocabulary();
  ASSERT_TRUE(ct2.has_value()) << ct2.error().message();
  EXPECT_EQ(ct2->tokens.size(), 72u);
  EXPECT_EQ(ct2->tokens[64], "\xc4\xa0");  // a space in the byte-to-unicode form
  EXPECT_EQ(ct2->tokens[71], "<|0.00|>");
  EXPECT_EQ(ct2->ordinary, 66u);
  EXPECT_TRUE(ct2->byte_level_form);
  EXPECT_FALSE(opened(kGolden + "ct2-int8")->tokenizer_json_path().has_value());

  const auto hf = opened(kGolden + "hf-float16");
  EXPECT_EQ(hf->tokenizer_json_path(), kGolden + "hf-float16/tokenizer.json");
  EXPECT_EQ(hf->vocabulary().status().code(), Code::kNotFound);
  // Six special tokens and no timestamps follow from no known layout.
  EXPECT_EQ(opened(kGolden + "ggml-f16.bin")->vocabulary().status().code(), Code::kUnsupported);
}

class BadModel : public testing::Test {
 protected:
  void copy(const std::string& model) {
    fs::copy(kGolden + model, folder,
             fs::copy_options::overwrite_existing | fs::copy_options::recursive);
  }
  std::string read(const std::string& name) { return home.read(name); }
  void write(const std::string& name, const std::string& content) { home.write(name, content); }
  void replace(const std::string& name, const std::string& from, const std::string& to) {
    std::string text = read(name);
    const size_t at = text.find(from);
    ASSERT_NE(at, std::string::npos) << from;
    write(name, text.replace(at, from.size(), to));
  }
  void expect_refused(const std::string& path, Code code, const std::string& words) {
    const Status status = Weights::open(path).status();
    EXPECT_EQ(status.code(), code) << status.message();
    EXPECT_NE(status.message().find(words), std::string::npos) << status.message();
    EXPECT_NE(status.message().find(path), std::string::npos) << status.message();
  }
  const TemporaryFolder home;
  const std::string folder = home.path();
};

TEST_F(BadModel, IsAbsent) {
  expect_refused(folder + "/none", Code::kNotFound, "no such model");
  expect_refused(folder, Code::kNotFound, "holds no model");
  write("pytorch_model.bin", "PK");
  expect_refused(folder, Code::kUnsupported, "pytorch_model.bin only");
  write("x.pt", "PK\3\4");
  expect_refused(folder + "/x.pt", Code::kUnsupported, "PyTorch checkpoint");
  write("x.gguf", "GGUF");
  expect_refused(folder + "/x.gguf", Code::kUnsupported, "GGUF");
  write("x.txt", "hello");
  expect_refused(folder + "/x.txt", Code::kInvalidInput, "no model MAIE knows");
  write("empty.bin", "");
  expect_refused(folder + "/empty.bin", Code::kInvalidInput, "no model MAIE knows");
}

TEST_F(BadModel, LacksAFile) {
  copy("hf-float16");
  fs::remove(folder + "/config.json");
  expect_refused(folder, Code::kNotFound, "config.json: is missing");
  copy("hf-float32");
  fs::remove(folder + "/model-00002-of-00003.safetensors");
  expect_refused(folder, Code::kNotFound, "the index names this file");
}

TEST_F(BadModel, IsOfAnotherKind) {
  copy("hf-float16");
  replace("config.json", "\"model_type\": \"whisper\"", "\"model_type\": \"llama\"");
  expect_refused(folder, Code::kUnsupported, "model_type is \"llama\"");
  fs::remove(folder + "/model.safetensors");
  copy("ct2-int8");
  std::string file = read("model.bin");
  write("model.bin", file.replace(file.find("WhisperSpec"), 11, "LlamaaaSpec"));
  expect_refused(folder, Code::kUnsupported, "\"LlamaaaSpec\"");
  copy("ct2-int8");
  file = read("model.bin");
  file[0] = 99;
  write("model.bin", file);
  expect_refused(folder, Code::kUnsupported, "binary version 99");
}

TEST_F(BadModel, HasAnotherActivation) {
  copy("ct2-int8");
  std::string file = read("model.bin");
  const std::string name("decoder/activation\0", 19);
  file[file.find(name) + name.size() + 1 + 1 + 4] = 0;  // after rank, type and length: ReLU
  write("model.bin", file);
  expect_refused(folder, Code::kUnsupported, "not GELU");
}

TEST_F(BadModel, IsCutShort) {
  for (const char* model : {"hf-float16", "ct2-float16"}) {
    copy(model);
    const std::string name = model[0] == 'h' ? "model.safetensors" : "model.bin";
    const std::string file = read(name);
    write(name, file.substr(0, file.size() - 412));
    expect_refused(folder, Code::kCorrupt, "cut short");
    fs::remove_all(folder);
    fs::create_directory(folder);
  }
  fs::copy_file(kGolden + "ggml-q5_0.bin", folder + "/g.bin");
  const std::string file = read("g.bin");
  write("g.bin", file.substr(0, file.size() - 5));
  expect_refused(folder + "/g.bin", Code::kCorrupt, "cut short");
}

TEST_F(BadModel, LacksATensor) {
  copy("hf-float16");
  replace("model.safetensors", "decoder.layers.1.fc2.bias", "decoder.layers.1.fc9.bias");
  expect_refused(folder, Code::kNotFound, "lacks the weight \"decoder.layers.1.fc2.bias\"");
}

TEST_F(BadModel, HasShapesOfAnotherModel) {
  copy("hf-float16");
  replace("config.json", "\"decoder_ffn_dim\": 64", "\"decoder_ffn_dim\": 96");
  expect_refused(folder, Code::kCorrupt, "[64, 32], the configuration asks for [96, 32]");
}

TEST_F(BadModel, HasABillionEntryHeader) {
  copy("hf-float16");
  std::string file = read("model.safetensors");
  for (int i = 0; i < 8; ++i) file[size_t(i)] = char(uint64_t{1'000'000'000'000} >> (8 * i));
  write("model.safetensors", file);
  expect_refused(folder, Code::kCorrupt, "claims a header of 1000000000000 bytes");
}

TEST_F(BadModel, HasATokenListOfAnotherModel) {
  copy("ct2-int8");
  write("vocabulary.json", "[\"a\", \"b\"]");
  const auto weights = Weights::open(folder);
  ASSERT_TRUE(weights.has_value()) << weights.error().message();
  const Status status = (*weights)->vocabulary().status();
  EXPECT_EQ(status.code(), Code::kCorrupt);
  EXPECT_NE(status.message().find("has 2 tokens, its network 72"), std::string::npos)
      << status.message();
}

TEST_F(BadModel, HasAScaleOfZero) {
  copy("ct2-int8");
  std::string file = read("model.bin");
  const std::string name("decoder/layer_0/ffn/linear_0/weight_scale\0", 42);
  const size_t at = file.find(name) + name.size() + 1 + 4 + 1 + 4;
  for (size_t i = 0; i < 4; ++i) file[at + i] = 0;
  write("model.bin", file);
  const auto weights = Weights::open(folder);
  ASSERT_TRUE(weights.has_value()) << weights.error().message();
  const Status status = (*weights)->load("decoder.layers.0.fc1.weight", {64, 32}).status();
  EXPECT_EQ(status.code(), Code::kCorrupt);
  EXPECT_NE(status.message().find("scale of 0"), std::string::npos) << status.message();
}

// Damaged models open or are refused with a sentence; what opens can be loaded or refuses too.
TEST_F(BadModel, NeverBringsTheProgramDown) {
  struct Target {
    const char* model;
    const char* file;
    size_t structure;
  };
  for (const Target& target :
       {Target{"hf-float16", "model.safetensors", 7000}, Target{"ct2-int8", "model.bin", 60000},
        Target{"ggml-q5_0.bin", "", 2000}}) {
    const bool whole = *target.file == '\0';
    const std::string path = whole ? folder + "/g.bin" : folder;
    if (whole) {
      fs::copy_file(kGolden + target.model, path);
    } else {
      fs::remove_all(folder);
      fs::create_directory(folder);
      copy(target.model);
    }
    const std::string name = whole ? "g.bin" : target.file;
    formats::parse_damaged_copies(
        read(name), target.structure, 100, [&](const std::string& damaged) {
          write(name, damaged);
          const auto weights = Weights::open(path);
          if (!weights) {
            EXPECT_FALSE(weights.error().message().empty());
            return;
          }
          for (const WeightSpec& spec : weight_specs((*weights)->config())) {
            if (const auto stored = (*weights)->load(spec.name, spec.shape)) values_of(*stored);
          }
          (void)(*weights)->vocabulary();
        });
  }
}

TEST(Weights, OfTheBootstrapModelOpen) {
  const char* data = std::getenv("MAIE_TEST_DATA");
  if (data == nullptr) GTEST_SKIP() << "MAIE_TEST_DATA does not name a folder with bootstrap-asr/";
  const auto weights = opened(std::string(data) + "/bootstrap-asr");
  ASSERT_NE(weights, nullptr);
  EXPECT_EQ(weights->stored_type(), "float16");
  EXPECT_EQ(weights->config().vocabulary, 2016);
  EXPECT_FALSE(weights->config().is_multilingual);
  EXPECT_EQ(weights->config().no_timestamps_id, 514);
}

}  // namespace
}  // namespace maie::whisper
