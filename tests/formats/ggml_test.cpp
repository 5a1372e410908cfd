#include "formats/ggml.h"

#include <gtest/gtest.h>

#include "tests/formats/hostile.h"

namespace maie::formats {
namespace {

const std::string kGolden = MAIE_SOURCE_DIR "/tests/golden/formats";

std::string head() {
  std::string file;
  append_number(file, GgmlFile::kMagic);
  for (int32_t i = 1; i <= 11; ++i) append_number(file, i);
  append_number(file, int32_t{2});
  append_number(file, int32_t{3});
  file += std::string(24, '\0');
  append_number(file, int32_t{2});
  for (const std::string token : {"a", "bc"}) {
    append_number(file, uint32_t(token.size()));
    file += token;
  }
  return file;
}

std::string tensor(const std::string& name, int32_t type, const std::vector<int32_t>& dims,
                   size_t bytes) {
  std::string text;
  append_number(text, int32_t(dims.size()));
  append_number(text, int32_t(name.size()));
  append_number(text, type);
  for (const int32_t dim : dims) append_number(text, dim);
  return text + name + std::string(bytes, '\x11');
}

void expect_refused(const std::string& file, Code code, const std::string& words) {
  const Status status = GgmlFile::parse(as_bytes(file), "g.bin").status();
  EXPECT_EQ(status.code(), code) << status.message();
  EXPECT_NE(status.message().find(words), std::string::npos) << status.message();
}

TEST(GgmlFile, ReadsHeaderTokensAndTensors) {
  const std::string file =
      head() + tensor("w", 2, {64, 3}, 3 * 2 * 18) + tensor("b", 0, {1, 5}, 20);
  const auto opened = GgmlFile::parse(as_bytes(file), "g.bin");
  ASSERT_TRUE(opened.has_value()) << opened.error().message();
  EXPECT_EQ((*opened)->header().vocabulary, 1);
  EXPECT_EQ((*opened)->header().text_layers, 9);
  EXPECT_EQ((*opened)->header().file_type, 11);
  EXPECT_EQ((*opened)->vocabulary(), (std::vector<std::string>{"a", "bc"}));
  const GgmlTensor* w = (*opened)->find("w");
  ASSERT_NE(w, nullptr);
  EXPECT_EQ(w->type, BlockType::kQ4_0);
  EXPECT_EQ(w->shape, (Shape{3, 64}));  // the file has the fastest first
  EXPECT_EQ(w->bytes.size(), 108u);
  EXPECT_EQ((*opened)->find("b")->shape, (Shape{5, 1}));
  EXPECT_EQ((*opened)->find("c"), nullptr);
}

TEST(GgmlFile, RefusesWhatDoesNotFit) {
  expect_refused("GGUFxxxx", Code::kInvalidInput, "does not begin like");
  expect_refused(head().substr(0, 20), Code::kCorrupt, "the header");
  expect_refused(head() + tensor("w", 10, {256, 2}, 288), Code::kUnsupported, "type q2_K");
  expect_refused(head() + tensor("w", 2, {63, 3}, 200), Code::kCorrupt, "dimension of 63");
  expect_refused(head() + tensor("w", 0, {-1}, 4), Code::kCorrupt, "dimension of -1");
  expect_refused(head() + tensor("w", 0, {0}, 0), Code::kCorrupt, "dimension of 0");
  expect_refused(head() + tensor("w", 0, {8}, 30), Code::kCorrupt, "past the file by 2 bytes");
  expect_refused(head() + tensor("w", 0, {0x7fffffff, 0x7fffffff, 0x7fffffff}, 4), Code::kCorrupt,
                 "far more");
  expect_refused(head() + tensor("w", 0, {1, 1, 1, 1, 1}, 4), Code::kCorrupt, "no tensor begins");
  expect_refused(head() + tensor("", 0, {1}, 4), Code::kCorrupt, "no tensor begins");
  expect_refused(head() + tensor("w", 0, {1}, 4) + tensor("w", 0, {1}, 4), Code::kCorrupt,
                 "occurs twice");
  std::string tokens = head().substr(0, 4 + 44 + 8 + 24);
  append_number(tokens, int32_t{1'000'000'000});
  expect_refused(tokens, Code::kCorrupt, "claims 1000000000 tokens");
}

TEST(GgmlFile, RefusesACutFile) {
  const std::string whole = head() + tensor("w", 8, {32, 2}, 68);
  ASSERT_TRUE(GgmlFile::parse(as_bytes(whole), "g.bin").has_value());
  for (size_t length = 4; length < whole.size(); ++length) {
    if (length != head().size()) expect_refused(whole.substr(0, length), Code::kCorrupt, "g.bin: ");
  }
}

TEST(GgmlFile, SurvivesDamage) {
  const std::string valid = head() + tensor("w", 2, {64, 3}, 108) + tensor("b", 0, {1, 5}, 20);
  parse_damaged_copies(valid, valid.size(), 5000, [&](const std::string& damaged) {
    const auto opened = GgmlFile::parse(as_bytes(damaged), "g.bin");
    if (!opened) {
      EXPECT_FALSE(opened.error().message().empty());
      return;
    }
    for (const auto name : (*opened)->names()) {
      const GgmlTensor* view = (*opened)->find(name);
      std::vector<float> values(size_t(view->shape.size()));
      dequantize(view->type, view->bytes, values);
    }
  });
}

TEST(GgmlFile, ReadsEachStoredType) {
  for (const char* form : {"f32", "f16", "q8_0", "q5_0", "q5_1", "q4_0"}) {
    const auto opened = GgmlFile::open(kGolden + "/ggml-" + form + ".bin");
    ASSERT_TRUE(opened.has_value()) << opened.error().message();
    EXPECT_EQ((*opened)->vocabulary().size(), 66u);
    EXPECT_EQ((*opened)->find("encoder.conv1.bias")->shape, (Shape{32, 1}));
  }
}

}  // namespace
}  // namespace maie::formats
