#include "formats/quantised_linear.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <map>

#include "tests/formats/hostile.h"

namespace maie::formats {
namespace {

Json config_of(const std::string& text) {
  auto json = parse_json("{\"quantization_config\": " + text + "}");
  EXPECT_TRUE(json.has_value());
  return json ? *json : Json();
}

Result<std::optional<QuantisationConfig>> parse(const std::string& text) {
  return parse_quantisation(config_of(text));
}

std::string awq(const std::string& more) {
  return R"({"quant_method": "awq", "bits": 4, "zero_point": true, "version": "gemm")" + more + "}";
}
std::string gptq(const std::string& more) { return R"({"quant_method": "gptq")" + more + "}"; }
std::string compressed(const std::string& weights) {
  return R"({"quant_method": "compressed-tensors", "format": "pack-quantized", "config_groups":
    {"group_0": {"targets": ["Linear"], "input_activations": null, "weights": {"type": "int")" +
         weights + "}}}}";
}

struct Case {
  const char* name;
  std::string config;
  int64_t w4_group;  // 0: becomes W8
};
std::ostream& operator<<(std::ostream& out, const Case& c) { return out << c.name; }

const std::shared_ptr<const Safetensors>& golden() {
  static const auto file = [] {
    auto opened =
        Safetensors::open(MAIE_SOURCE_DIR "/tests/golden/formats/quantised_linears.safetensors");
    return opened ? *opened : nullptr;
  }();
  return file;
}

class QuantisedLinear : public testing::TestWithParam<Case> {};

// Codes and values by the formulas of docs/spec/models.md 6.7 (make_quantised_linears.py).
TEST_P(QuantisedLinear, HasTheCodesAndValuesOfTheFormulasBitForBit) {
  ASSERT_NE(golden(), nullptr);
  const std::string name = GetParam().name;
  const auto config = parse(GetParam().config);
  ASSERT_TRUE(config.has_value()) << config.error().message();
  ASSERT_TRUE(config->has_value());
  EXPECT_TRUE(has_quantised_linear(*golden(), name, (*config)->method));
  EXPECT_FALSE(has_quantised_linear(*golden(), name + "x", (*config)->method));
  const auto read = read_quantised_linear(*golden(), name, **config);
  ASSERT_TRUE(read.has_value()) << read.error().message();
  const ConstTensor codes = *golden()->get(name + ".codes");
  const ConstTensor zeros = *golden()->get(name + ".zeros");
  const ConstTensor values = *golden()->get(name + ".values");
  ASSERT_EQ(codes.shape(), (Shape{read->rows, read->columns}));
  ASSERT_EQ(zeros.shape(), (Shape{read->rows, read->groups()}));
  for (int64_t r = 0; r < read->rows; ++r) {
    for (int64_t c = 0; c < read->columns; ++c) {
      ASSERT_EQ(read->code(r, c), codes.data<uint8_t>()[r * read->columns + c]) << r << " " << c;
    }
  }
  for (size_t i = 0; i < read->zeros.size(); ++i) {
    ASSERT_EQ(read->zeros[i], zeros.span<float>()[i]) << i;
  }
  const auto expect_values = [&](const QuantisedMatrix& matrix) {
    std::vector<float> got(size_t(values.size()), NAN);
    dequantize(matrix, 0, matrix.rows, got);
    for (size_t i = 0; i < got.size(); ++i) {
      ASSERT_EQ(std::bit_cast<uint32_t>(got[i]), std::bit_cast<uint32_t>(values.span<float>()[i]))
          << i << ": " << got[i];
    }
  };
  expect_values(*read);

  if (GetParam().w4_group == 0) {
    EXPECT_EQ(best_layout(*read), StoredLayout::kW8);
    EXPECT_EQ(to_w4(*read).status().code(), Code::kUnsupported);
    return;
  }
  EXPECT_EQ(best_layout(*read), StoredLayout::kW4);
  const auto w4 = to_w4(*read);
  ASSERT_TRUE(w4.has_value()) << w4.error().message();
  EXPECT_EQ(w4->group, GetParam().w4_group);
  EXPECT_EQ(w4->codes, read->codes);
  expect_values(*w4);
}

INSTANTIATE_TEST_SUITE_P(
    EachForm, QuantisedLinear,
    testing::Values(
        Case{"awq32", awq(R"(, "group_size": 32)"), 32},
        Case{"awq128", awq(R"(, "group_size": 128)"), 128},
        Case{"gptq4_64_v1", gptq(R"(, "bits": 4, "group_size": 64, "desc_act": false)"), 64},
        Case{"gptq4_128_v2",
             gptq(R"(, "bits": 4, "group_size": 128, "checkpoint_format": "gptq_v2")"), 128},
        Case{"gptq4_192_v1", gptq(R"(, "bits": 4, "group_size": -1)"), 64},
        Case{"gptq8_32_v1", gptq(R"(, "bits": 8, "group_size": 32)"), 0},
        Case{"ct4_32_sym", compressed(R"(, "num_bits": 4, "strategy": "group", "group_size": 32)"),
             32},
        Case{"ct4_128_asym",
             compressed(
                 R"(, "num_bits": 4, "strategy": "group", "group_size": 128, "symmetric": false)"),
             128},
        Case{"ct4_64_float32",
             compressed(
                 R"(, "num_bits": 4, "strategy": "group", "group_size": 64, "symmetric": false)"),
             64},
        Case{"ct4_channel", compressed(R"(, "num_bits": 4, "strategy": "channel")"), 0},
        Case{"ct8_channel_sym", compressed(R"(, "num_bits": 8, "strategy": "channel")"), 0},
        Case{"ct8_32_asym",
             compressed(
                 R"(, "num_bits": 8, "strategy": "group", "group_size": 32, "symmetric": false)"),
             0},
        Case{"ct4_32_plain_zero",
             compressed(
                 R"(, "num_bits": 4, "strategy": "group", "group_size": 32, "symmetric": false)"),
             32}),
    [](const auto& info) { return std::string(info.param.name); });

void expect_refused(const Status& status, Code code, const std::string& words) {
  EXPECT_EQ(status.code(), code) << status.message();
  EXPECT_NE(status.message().find(words), std::string::npos) << status.message();
}

TEST(QuantisedLinearErrors, NameTheTensorAndTheReason) {
  ASSERT_NE(golden(), nullptr);
  const auto read = [&](const std::string& prefix, const std::string& config) {
    return read_quantised_linear(*golden(), prefix, **parse(config)).status();
  };
  expect_refused(read("gptq_act_order", gptq(R"(, "bits": 4, "group_size": 64)")),
                 Code::kUnsupported,
                 "tensor \"gptq_act_order.g_idx\" puts input 3 into group 1 (activation order)");
  expect_refused(read("absent", awq(R"(, "group_size": 32)")), Code::kNotFound,
                 "\"absent.qweight\"");
  expect_refused(read("awq32", awq(R"(, "group_size": 64)")), Code::kCorrupt,
                 "tensor \"awq32.qzeros\" has shape [8, 3] where [4, 3]");
  expect_refused(read("awq32", awq(R"(, "group_size": 96)")), Code::kUnsupported,
                 "layer \"awq32\" has 256 inputs, which is no multiple of the group size 96");
  expect_refused(read("gptq8_32_v1", gptq(R"(, "bits": 4, "group_size": 32)")), Code::kCorrupt,
                 "gptq8_32_v1.qzeros");
  expect_refused(read("ct4_128_asym",
                      compressed(R"(, "num_bits": 8, "strategy": "group", "group_size": 128)")),
                 Code::kCorrupt, "tensor \"ct4_128_asym.weight_shape\" says [10, 256]");
  // Symmetric by its config, but with zero points in the file: the file knows.
  EXPECT_TRUE(
      read("ct4_128_asym", compressed(R"(, "num_bits": 4, "strategy": "group", "group_size": 128)"))
          .ok());
}

TEST(QuantisedLinearErrors, RefusesScalesThatAreNoNumbers) {
  std::string header = R"({"l.qweight":{"dtype":"I32","shape":[32,1],"data_offsets":[0,128]},)"
                       R"("l.qzeros":{"dtype":"I32","shape":[1,1],"data_offsets":[128,132]},)"
                       R"("l.scales":{"dtype":"F16","shape":[1,8],"data_offsets":[132,148]}})";
  std::string file;
  append_number(file, uint64_t{header.size()});
  file += header + std::string(132, '\1');
  for (int i = 0; i < 8; ++i) append_number(file, uint16_t(i == 5 ? 0x7c00 : 0x3c00));
  const auto opened = Safetensors::parse(as_bytes(file), "m.safetensors");
  ASSERT_TRUE(opened.has_value()) << opened.error().message();
  expect_refused(
      read_quantised_linear(**opened, "l", **parse(awq(R"(, "group_size": 32)"))).status(),
      Code::kCorrupt,
      "m.safetensors: tensor \"l.scales\" has a scale that is no finite number, at output 5");
}

TEST(QuantisationConfigs, RefusesWhatWouldGiveOtherWeights) {
  EXPECT_FALSE((*parse_quantisation(Json::object())).has_value());
  const std::pair<std::string, std::string> bad[] = {
      {R"({"quant_method": "fp8"})", "quant_method is \"fp8\""},
      {R"({})", "quant_method is null"},
      {R"(7)", "quant_method is null"},
      {R"({"quant_method": "awq", "bits": 4, "version": "gemv"})", "version is \"gemv\""},
      {R"({"quant_method": "awq", "bits": 3, "group_size": 128})", "bits is 3"},
      {R"({"quant_method": "awq", "bits": "4", "group_size": 128})", "bits is \"4\""},
      {R"({"quant_method": "awq", "bits": 4, "zero_point": false})", "zero_point is false"},
      {R"({"quant_method": "awq", "bits": 4, "group_size": 0})", "group_size is 0"},
      {R"({"quant_method": "awq", "bits": 4, "group_size": 1e99})", "group_size is 1e+99"},
      {gptq(R"(, "bits": 2, "group_size": 128)"), "bits is 2"},
      {gptq(R"(, "bits": 4, "checkpoint_format": "marlin")"), "checkpoint_format is \"marlin\""},
      {R"({"quant_method": "compressed-tensors", "format": "int-quantized"})", "format is"},
      {R"({"quant_method": "compressed-tensors", "format": "pack-quantized"})", "config_groups"},
      {compressed(R"(, "num_bits": 4, "strategy": "block")"), "strategy is \"block\""},
      {compressed(R"(, "num_bits": 6, "strategy": "channel")"), "num_bits is 6"},
  };
  for (const auto& [text, words] : bad)
    expect_refused(parse(text).status(), Code::kUnsupported, words);
}

}  // namespace
}  // namespace maie::formats
