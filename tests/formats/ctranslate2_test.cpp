#include "formats/ctranslate2.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sstream>

#include "tests/formats/hostile.h"

namespace maie::formats {
namespace {

const std::string kGolden = MAIE_SOURCE_DIR "/tests/golden/formats";

void append_string(std::string& file, const std::string& text) {
  append_number(file, uint16_t(text.size() + 1));
  file += text;
  file += '\0';
}

struct Variable {
  std::string name;
  std::vector<uint32_t> dims;
  uint8_t type = 0;
  uint32_t length = 0;
  std::string data;
};

std::string file_of(uint32_t version, const std::vector<Variable>& variables,
                    const std::vector<std::pair<std::string, std::string>>& aliases = {}) {
  std::string file;
  append_number(file, version);
  append_string(file, "WhisperSpec");
  append_number(file, uint32_t{3});
  append_number(file, uint32_t(variables.size()));
  for (const Variable& variable : variables) {
    append_string(file, variable.name);
    append_number(file, uint8_t(variable.dims.size()));
    for (const uint32_t dim : variable.dims) append_number(file, dim);
    append_number(file, variable.type);
    append_number(file, variable.length);
    file += variable.data;
  }
  if (version >= 3) {
    append_number(file, uint32_t(aliases.size()));
    for (const auto& [alias, target] : aliases) {
      append_string(file, alias);
      append_string(file, target);
    }
  }
  return file;
}

void expect_refused(const std::string& file, Code code, const std::string& words) {
  const Status status = Ctranslate2::parse(as_bytes(file), "model.bin").status();
  EXPECT_EQ(status.code(), code) << status.message();
  EXPECT_NE(status.message().find(words), std::string::npos) << status.message();
}

const Variable kMatrix{"a/weight", {2, 3}, 1, 6, "123456"};
const Variable kScale{"a/weight_scale", {2}, 0, 8, std::string(8, '\x3f')};

TEST(Ctranslate2, ReadsVariablesAndAliases) {
  const std::string file =
      file_of(6, {kMatrix, kScale, {"heads", {}, 2, 2, std::string("\4\0", 2)}},
              {{"b/weight", "a/weight"}});
  const auto opened = Ctranslate2::parse(as_bytes(file), "model.bin");
  ASSERT_TRUE(opened.has_value()) << opened.error().message();
  EXPECT_EQ((*opened)->spec_name(), "WhisperSpec");
  EXPECT_EQ((*opened)->revision(), 3u);
  EXPECT_EQ((*opened)->binary_version(), 6u);
  const ConstTensor* a = (*opened)->find("a/weight");
  ASSERT_NE(a, nullptr);
  EXPECT_EQ(a->shape(), (Shape{2, 3}));
  EXPECT_EQ(a->dtype(), DType::kI8);
  EXPECT_EQ(std::memcmp(a->raw(), "123456", 6), 0);
  EXPECT_EQ((*opened)->find("b/weight"), a);
  EXPECT_EQ((*opened)->find("b/weight_scale"), (*opened)->find("a/weight_scale"));
  EXPECT_NE((*opened)->find("b/weight_scale"), nullptr);
  EXPECT_EQ((*opened)->find("heads")->rank(), 0);
  EXPECT_EQ((*opened)->find("none"), nullptr);
  EXPECT_EQ((*opened)->names(),
            (std::vector<std::string_view>{"a/weight", "a/weight_scale", "heads"}));
}

TEST(Ctranslate2, ReadsTheLayoutBeforeVersionFour) {
  for (const uint32_t version : {2u, 3u}) {
    const std::string file =
        file_of(version, {{"f", {2}, 4, 2, std::string(8, '\0')}, {"i", {3}, 1, 3, "abc"}});
    const auto opened = Ctranslate2::parse(as_bytes(file), "model.bin");
    ASSERT_TRUE(opened.has_value()) << opened.error().message();
    EXPECT_EQ((*opened)->find("f")->dtype(), DType::kF32);
    EXPECT_EQ((*opened)->find("i")->dtype(), DType::kI8);
  }
}

TEST(Ctranslate2, RefusesWhatItDoesNotKnow) {
  expect_refused(file_of(7, {kMatrix}), Code::kUnsupported, "binary version 7");
  expect_refused(file_of(1, {kMatrix}), Code::kUnsupported, "binary version 1");
  expect_refused(file_of(6, {{"x", {2}, 9, 8, "12345678"}}), Code::kUnsupported, "element type 9");
  expect_refused(file_of(6, {{"x", {1, 1, 1, 1, 1}, 1, 1, "1"}}), Code::kUnsupported,
                 "5 dimensions");
}

TEST(Ctranslate2, RefusesWhatDoesNotFit) {
  expect_refused("", Code::kCorrupt, "first four bytes");
  expect_refused(file_of(6, {{"x", {2}, 0, 9, "123456789"}}), Code::kCorrupt, "has 9 bytes");
  expect_refused(file_of(6, {{"x", {0xffffffff, 0xffffffff, 0xffffffff}, 0, 4, "1234"}}),
                 Code::kCorrupt, "\"x\"");
  expect_refused(file_of(6, {{"x", {100}, 1, 100, ""}}), Code::kCorrupt, "bytes past the file");
  expect_refused(file_of(6, {kMatrix, kMatrix}), Code::kCorrupt, "occurs twice");
  expect_refused(file_of(6, {kMatrix}, {{"b", "c"}}), Code::kCorrupt, "which is not there");
  expect_refused(file_of(6, {kMatrix}) + "x", Code::kCorrupt, "1 bytes after");
  const std::string whole = file_of(6, {kMatrix, kScale}, {{"b/weight", "a/weight"}});
  for (size_t length = 0; length < whole.size(); ++length) {
    expect_refused(whole.substr(0, length), Code::kCorrupt, "");
  }
  std::string many = file_of(6, {});
  many[4 + 2 + 12 + 4] = '\xff';  // the count of variables
  expect_refused(many, Code::kCorrupt, "variable 0 of 255");
}

TEST(Ctranslate2, SurvivesDamage) {
  const std::string valid = file_of(6, {kMatrix, kScale}, {{"b/weight", "a/weight"}});
  parse_damaged_copies(valid, valid.size(), 5000, [&](const std::string& damaged) {
    const auto opened = Ctranslate2::parse(as_bytes(damaged), "model.bin");
    if (!opened) {
      EXPECT_FALSE(opened.error().message().empty());
      return;
    }
    for (const auto name : (*opened)->names()) {
      const ConstTensor* view = (*opened)->find(name);
      if (view->size() == 0) continue;
      const auto* begin = static_cast<const char*>(view->raw());
      EXPECT_TRUE(begin >= damaged.data() &&
                  begin + view->size_bytes() <= damaged.data() + damaged.size());
    }
  });
}

TEST(Ctranslate2, ReadsWhatTheConverterWrites) {
  for (const char* form : {"float32", "float16", "bfloat16", "int8", "int8_float16", "int16"}) {
    const auto opened = Ctranslate2::open(kGolden + "/ct2-" + form + "/model.bin");
    ASSERT_TRUE(opened.has_value()) << opened.error().message();
    EXPECT_EQ((*opened)->spec_name(), "WhisperSpec");
    EXPECT_EQ((*opened)->find("decoder/projection/weight"),
              (*opened)->find("decoder/embeddings/weight"));
  }
}

TEST(Ctranslate2, ReadsAPublishedModelOfVersionTwo) {
  const char* data = std::getenv("MAIE_TEST_DATA");
  if (data == nullptr) GTEST_SKIP() << "MAIE_TEST_DATA does not name a folder with ct2/";
  const auto opened = Ctranslate2::open(std::string(data) + "/ct2/aren-transliteration/model.bin");
  ASSERT_TRUE(opened.has_value()) << opened.error().message();
  EXPECT_EQ((*opened)->spec_name(), "TransformerBase");
  EXPECT_EQ((*opened)->revision(), 2u);
  EXPECT_EQ((*opened)->names().size(), 200u);
  EXPECT_EQ((*opened)->find("decoder/embeddings/weight")->shape(), (Shape{43, 32}));
}

}  // namespace
}  // namespace maie::formats
