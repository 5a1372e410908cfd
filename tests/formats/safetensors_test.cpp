#include "formats/safetensors.h"

#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <fstream>

#include "tests/formats/hostile.h"
#include "tests/support/temporary_folder.h"

namespace maie::formats {
namespace {

const std::string kGolden = MAIE_SOURCE_DIR "/tests/golden/formats";

std::string file_of(const std::string& header, const std::string& data) {
  std::string file;
  append_number(file, uint64_t(header.size()));
  return file + header + data;
}

Status status_of(const std::string& file) {
  return Safetensors::parse(as_bytes(file), "m.safetensors").status();
}

void expect_refused(const std::string& file, Code code, const std::string& words) {
  const Status status = status_of(file);
  EXPECT_EQ(status.code(), code) << status.message();
  EXPECT_NE(status.message().find(words), std::string::npos) << status.message();
  EXPECT_TRUE(status.message().starts_with("m.safetensors: ")) << status.message();
}

class SafetensorsFolder : public testing::Test {
 protected:
  void write(const std::string& name, const std::string& content) { home.write(name, content); }
  const TemporaryFolder home;
  const std::string folder = home.path();
};

TEST(Safetensors, ReadsAnOrdinaryFile) {
  std::string data;
  for (const float value : {1.0f, 2.0f, 3.0f, 4.0f, 5.0f, 6.0f}) append_number(data, value);
  append_number(data, int8_t{-3});
  const std::string file = file_of(
      R"({"__metadata__":{"format":"pt"},"a.weight":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},)"
      R"("s":{"dtype":"I8","shape":[],"data_offsets":[24,25]}}  )",
      data);
  const auto opened = Safetensors::parse(as_bytes(file), "m.safetensors");
  ASSERT_TRUE(opened.has_value()) << opened.error().message();
  const ConstTensor* a = (*opened)->find("a.weight");
  ASSERT_NE(a, nullptr);
  EXPECT_EQ(a->shape(), (Shape{2, 3}));
  EXPECT_EQ(a->dtype(), DType::kF32);
  EXPECT_EQ((*opened)->find("s")->rank(), 0);
  EXPECT_EQ(*(*opened)->find("s")->data<int8_t>(), -3);
  EXPECT_EQ((*opened)->find("b"), nullptr);
  EXPECT_EQ((*opened)->get("b").error().code(), Code::kNotFound);
  EXPECT_EQ((*opened)->metadata().at("format"), "pt");
  EXPECT_EQ((*opened)->names(), (std::vector<std::string_view>{"a.weight", "s"}));
}

TEST(Safetensors, KeepsWhatItCannotViewAndSaysWhyOnRequest) {
  const std::string file =
      file_of(R"({"five":{"dtype":"F16","shape":[1,1,1,1,2],"data_offsets":[0,4]},)"
              R"("eight":{"dtype":"F8_E4M3","shape":[2],"data_offsets":[4,6]},)"
              R"("later":{"dtype":"Q9","shape":[7],"data_offsets":[6,7],"extra":[{"a":1}]},)"
              R"("fine":{"dtype":"U8","shape":[1],"data_offsets":[7,8]}})",
              std::string(8, 'x'));
  const auto opened = Safetensors::parse(as_bytes(file), "m.safetensors");
  ASSERT_TRUE(opened.has_value()) << opened.error().message();
  for (const char* name : {"five", "eight", "later"}) {
    EXPECT_EQ((*opened)->find(name), nullptr);
    EXPECT_EQ((*opened)->get(name).error().code(), Code::kUnsupported);
  }
  EXPECT_NE((*opened)->get("eight").error().message().find("F8_E4M3"), std::string::npos);
  EXPECT_NE((*opened)->find("fine"), nullptr);
  EXPECT_EQ((*opened)->names().size(), 4u);
}

TEST(Safetensors, ReadsEmptyTensorsAndAFileOfNone) {
  EXPECT_TRUE(status_of(file_of("{}", "")).ok());
  const std::string file = file_of(
      R"({"a":{"dtype":"F32","shape":[0,5],"data_offsets":[0,0]},"b":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}})",
      "xy");
  const auto opened = Safetensors::parse(as_bytes(file), "m.safetensors");
  ASSERT_TRUE(opened.has_value()) << opened.error().message();
  EXPECT_EQ((*opened)->find("a")->size(), 0);
}

TEST(Safetensors, RefusesABrokenHeader) {
  expect_refused("abc", Code::kCorrupt, "3 bytes are too few");
  expect_refused(std::string(8, '\xff'), Code::kCorrupt,
                 "claims a header of 18446744073709551615 bytes");
  std::string billion;
  append_number(billion, uint64_t{1'000'000'000});
  expect_refused(billion + "{}", Code::kCorrupt, "claims a header of 1000000000 bytes");
  std::string cut = file_of("{}", "");
  cut[0] = 100;
  expect_refused(cut, Code::kCorrupt, "the header ends 98 bytes past the file");
  expect_refused(file_of("[]", ""), Code::kCorrupt, "not a JSON object");
  expect_refused(file_of("{\"a\":", ""), Code::kCorrupt, "not valid JSON at byte");
  expect_refused(file_of("{\"a\":5}", ""), Code::kCorrupt, "tensor \"a\"");
  expect_refused(file_of("{\"a\":[5]}", ""), Code::kCorrupt, "tensor \"a\"");
  expect_refused(file_of("{\"a\":{}}", ""), Code::kCorrupt, "does not describe tensor \"a\"");
  expect_refused(file_of(R"({"a":{"dtype":"U8","shape":[-1],"data_offsets":[0,1]}})", "x"),
                 Code::kCorrupt, "does not describe");
  expect_refused(file_of(R"({"a":{"dtype":"U8","shape":[1.0],"data_offsets":[0,1]}})", "x"),
                 Code::kCorrupt, "does not describe");
  expect_refused(file_of(R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0]}})", "x"),
                 Code::kCorrupt, "does not describe");
  expect_refused(
      file_of("{\"a\":{\"x\":" + std::string(100, '[') + std::string(100, ']') + "}}", ""),
      Code::kCorrupt, "nested deeper");
}

TEST(Safetensors, RefusesRepeatedNames) {
  const std::string one = R"("a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]})";
  expect_refused(file_of("{" + one + "," + one + "}", "x"), Code::kCorrupt,
                 "names tensor \"a\" twice");
  expect_refused(
      file_of(R"({"a":{"dtype":"U8","dtype":"U8","shape":[1],"data_offsets":[0,1]}})", "x"),
      Code::kCorrupt, "a member twice");
}

std::string two(const std::string& first, const std::string& second, size_t data_bytes) {
  return file_of(R"({"a":{"dtype":"U8","shape":[4],"data_offsets":)" + first +
                     R"(},"b":{"dtype":"U8","shape":[4],"data_offsets":)" + second + "}}",
                 std::string(data_bytes, 'x'));
}

TEST(Safetensors, RefusesOffsetsThatDoNotTile) {
  EXPECT_TRUE(status_of(two("[4,8]", "[0,4]", 8)).ok());  // in any order
  expect_refused(two("[0,4]", "[3,7]", 7), Code::kCorrupt,
                 "tensor \"b\" begins at byte 3 of the data where 4");
  expect_refused(two("[0,4]", "[5,9]", 9), Code::kCorrupt, "tensor \"b\" begins at byte 5");
  expect_refused(two("[0,4]", "[4,8]", 6), Code::kCorrupt,
                 "tensor \"b\" ends 2 bytes past the file");
  expect_refused(two("[0,4]", "[4,8]", 9), Code::kCorrupt, "1 bytes after the last tensor");
  expect_refused(two("[0,4]", "[8,4]", 8), Code::kCorrupt, "tensor \"b\"");
  expect_refused(two("[0,4]", "[4,18446744073709551615]", 8), Code::kCorrupt, "past the file");
}

TEST(Safetensors, RefusesShapesOfAnotherSize) {
  expect_refused(file_of(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}})", "1234"),
                 Code::kCorrupt, "tensor \"a\" has 4 bytes, its shape asks for 8");
  expect_refused(
      file_of(R"({"a":{"dtype":"F32","shape":[4294967296,4294967296,4],"data_offsets":[0,0]}})",
              ""),
      Code::kCorrupt, "more than there are numbers for");
}

// A hundred thousand names must not cost quadratic time.
TEST(Safetensors, TakesManyTensorsInStride) {
  std::string header = "{";
  for (int i = 0; i < 100'000; ++i) {
    header += (i > 0 ? ",\"tensor." : "\"tensor.") + std::to_string(i) +
              R"(":{"dtype":"U8","shape":[0],"data_offsets":[0,0]})";
  }
  const auto start = std::chrono::steady_clock::now();
  const auto opened = Safetensors::parse(as_bytes(file_of(header + "}", "")), "m.safetensors");
  ASSERT_TRUE(opened.has_value());
  EXPECT_EQ((*opened)->names().size(), 100'000u);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(20));
}

TEST_F(SafetensorsFolder, WithAnIndexReadsEachTensorFromItsShard) {
  const auto opened = Safetensors::open_sharded(kGolden + "/hf-float32");
  ASSERT_TRUE(opened.has_value()) << opened.error().message();
  EXPECT_EQ((*opened)->files().size(), 4u);  // three shards and the index
  const ConstTensor* tokens = (*opened)->find("model.decoder.embed_tokens.weight");
  ASSERT_NE(tokens, nullptr);
  EXPECT_EQ(tokens->shape(), (Shape{72, 32}));
  EXPECT_NE((*opened)->find("model.encoder.conv1.weight"), nullptr);
}

TEST_F(SafetensorsFolder, WithNeitherFileIsNotFound) {
  EXPECT_EQ(Safetensors::open_sharded(folder).status().code(), Code::kNotFound);
  EXPECT_EQ(Safetensors::open(folder + "/none.safetensors").status().code(), Code::kNotFound);
}

TEST_F(SafetensorsFolder, RefusesAnIndexThatLeavesIt) {
  const std::string shard =
      file_of(R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}})", "x");
  write("s.safetensors", shard);
  const auto refused = [&](const std::string& index, Code code, const std::string& words) {
    write("model.safetensors.index.json", index);
    const Status status = Safetensors::open_sharded(folder).status();
    EXPECT_EQ(status.code(), code) << index;
    EXPECT_NE(status.message().find(words), std::string::npos) << status.message();
  };
  refused(R"({"weight_map":{"a":"../s.safetensors"}})", Code::kCorrupt,
          "not the name of a file beside it");
  refused(R"({"weight_map":{"a":"/etc/passwd"}})", Code::kCorrupt,
          "not the name of a file beside it");
  refused(R"({"weight_map":{"a":""}})", Code::kCorrupt, "not the name of a file beside it");
  refused(R"({"weight_map":{"a":"none.safetensors"}})", Code::kNotFound,
          "the index names this file");
  refused(R"({"weight_map":{"a":"s.safetensors","b":"s.safetensors"}})", Code::kCorrupt,
          "lacks tensor \"b\"");
  refused(R"({"weight_map":{"a":"s.safetensors","a":"s.safetensors"}})", Code::kCorrupt, "twice");
  refused(R"({"weight_map":{"a":{"x":"y"}}})", Code::kCorrupt, "weight_map");
  refused(R"({"weight_map":{"a":7}})", Code::kCorrupt, "weight_map");
  refused(R"({"weight_map":{}})", Code::kCorrupt, "names no tensors");
  refused("{", Code::kCorrupt, "not valid JSON");
  write("model.safetensors.index.json",
        R"({"metadata":{"x":[1]},"weight_map":{"a":"s.safetensors"}})");
  EXPECT_TRUE(Safetensors::open_sharded(folder).has_value());
}

TEST(Safetensors, SurvivesDamage) {
  const std::string data(60, 'd');
  const std::string valid = file_of(
      R"({"__metadata__":{"format":"pt"},"a":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},)"
      R"("b":{"dtype":"F16","shape":[3,2,1],"data_offsets":[24,36]},"c":{"dtype":"I8","shape":[24],"data_offsets":[36,60]}})",
      data);
  ASSERT_TRUE(status_of(valid).ok());
  int accepted = 0;
  parse_damaged_copies(valid, valid.size() - data.size(), 5000, [&](const std::string& damaged) {
    const auto opened = Safetensors::parse(as_bytes(damaged), "m.safetensors");
    if (!opened) {
      EXPECT_FALSE(opened.error().message().empty());
      return;
    }
    ++accepted;
    for (const auto name : (*opened)->names()) {  // every view lies within the bytes
      const ConstTensor* view = (*opened)->find(name);
      if (view == nullptr || view->size() == 0) continue;
      const auto* begin = static_cast<const char*>(view->raw());
      EXPECT_TRUE(begin >= damaged.data() &&
                  begin + view->size_bytes() <= damaged.data() + damaged.size());
    }
  });
  EXPECT_LT(accepted, 4000);
}

}  // namespace
}  // namespace maie::formats
