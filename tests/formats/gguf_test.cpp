#include "formats/gguf.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <numeric>

#include "tests/formats/hostile.h"
#include "tests/support/gguf_writer.h"

namespace maie::formats {
namespace {

using maie::support::GgufWriter;

GgufWriter small_file(uint32_t version = 3, uint32_t alignment = 32) {
  GgufWriter file(version, alignment);
  file.add("general.architecture", "qwen3");
  file.add("count", uint32_t{7});
  file.add("big", int64_t{-5'000'000'000});
  file.add("eps", 1e-6f);
  file.add("yes", true);
  file.add("tokens", std::vector<std::string>{"a", "", "b\xFF"});
  file.add("types", std::vector<int32_t>{1, -3});
  file.add("scores", std::vector<float>{0.5f, -2});
  file.add_tensor("w", BlockType::kQ4_0, {3, 64}, std::string(108, '\x11'));
  file.add_tensor("n", BlockType::kF32, {5}, std::string(20, '\0'));
  file.add_tensor("k", BlockType::kQ6_K, {2, 256}, std::string(420, '\x22'));
  return file;
}

void expect_refused(const std::string& file, Code code, const std::string& words) {
  const Status status = Gguf::parse(as_bytes(file), "m.gguf").status();
  EXPECT_EQ(status.code(), code) << status.message();
  EXPECT_NE(status.message().find(words), std::string::npos) << status.message();
}

TEST(Gguf, ReadsMetadataAndTensors) {
  for (const uint32_t version : {2u, 3u}) {
    for (const uint32_t alignment : {8u, 32u, 256u}) {
      const std::string file = small_file(version, alignment).bytes();
      const auto opened = Gguf::parse(as_bytes(file), "m.gguf");
      ASSERT_TRUE(opened.has_value()) << opened.error().message();
      const Gguf& gguf = **opened;
      EXPECT_EQ(gguf.version(), version);
      EXPECT_EQ(gguf.alignment(), alignment);
      EXPECT_EQ(*gguf.string("general.architecture"), "qwen3");
      EXPECT_EQ(*gguf.integer("count"), 7);
      EXPECT_EQ(*gguf.integer("big"), -5'000'000'000);
      EXPECT_EQ(*gguf.number("eps"), double(1e-6f));
      EXPECT_EQ(*gguf.number("count"), 7.0);
      EXPECT_TRUE(*gguf.boolean("yes"));
      EXPECT_EQ(*gguf.strings("tokens"), (std::vector<std::string_view>{"a", "", "b\xFF"}));
      EXPECT_EQ(*gguf.integers("types"), (std::vector<int64_t>{1, -3}));
      EXPECT_EQ(*gguf.numbers("scores"), (std::vector<float>{0.5f, -2}));
      const GgufTensor* w = gguf.find("w");
      ASSERT_NE(w, nullptr);
      EXPECT_EQ(w->type, BlockType::kQ4_0);
      EXPECT_EQ(w->shape, (Shape{3, 64}));
      EXPECT_EQ(w->bytes.size(), 108u);
      EXPECT_EQ(w->bytes.data(), as_bytes(file).data() + w->offset);
      EXPECT_EQ(w->bytes[0], std::byte{0x11});
      EXPECT_EQ(gguf.find("k")->bytes.size(), 420u);
      EXPECT_EQ(gguf.find("k")->bytes.back(), std::byte{0x22});
      for (const auto name : gguf.names()) EXPECT_EQ(gguf.find(name)->offset % alignment, 0u);
    }
  }
}

TEST(Gguf, ReadsEveryTypeOfNumber) {
  GgufWriter file;
  const auto raw = [&](const char* key, uint32_t type, auto value) {
    std::string bytes;
    append_number(bytes, value);
    file.add_raw(key, type, bytes);
  };
  raw("u8", 0, uint8_t{200});
  raw("i8", 1, int8_t{-100});
  raw("u16", 2, uint16_t{60000});
  raw("i16", 3, int16_t{-30000});
  raw("u32", 4, uint32_t{4000000000});
  raw("i32", 5, int32_t{-2000000000});
  raw("u64", 10, uint64_t{1} << 62);
  raw("i64", 11, INT64_MIN);
  raw("huge", 10, UINT64_MAX);
  raw("f64", 12, 0.1);
  const std::string bytes = file.bytes();
  const auto gguf = Gguf::parse(as_bytes(bytes), "m.gguf");
  ASSERT_TRUE(gguf.has_value()) << gguf.error().message();
  EXPECT_EQ(*(*gguf)->integer("u8"), 200);
  EXPECT_EQ(*(*gguf)->integer("i8"), -100);
  EXPECT_EQ(*(*gguf)->integer("u16"), 60000);
  EXPECT_EQ(*(*gguf)->integer("i16"), -30000);
  EXPECT_EQ(*(*gguf)->integer("u32"), 4000000000);
  EXPECT_EQ(*(*gguf)->integer("i32"), -2000000000);
  EXPECT_EQ(*(*gguf)->integer("u64"), int64_t{1} << 62);
  EXPECT_EQ(*(*gguf)->integer("i64"), INT64_MIN);
  EXPECT_EQ(*(*gguf)->number("f64"), 0.1);
  EXPECT_EQ((*gguf)->integer("huge").error().code(), Code::kCorrupt);
  EXPECT_EQ((*gguf)->integer("f64").error().code(), Code::kCorrupt);
}

TEST(Gguf, SaysWhichKeyIsAbsentOrOfAnotherType) {
  const std::string file = small_file().bytes();
  const auto gguf = Gguf::parse(as_bytes(file), "m.gguf");
  ASSERT_TRUE(gguf.has_value());
  EXPECT_EQ((*gguf)->integer("none").error().code(), Code::kNotFound);
  EXPECT_EQ((*gguf)->get("none").error().code(), Code::kNotFound);
  const Status wrong = (*gguf)->string("types").status();
  EXPECT_EQ(wrong.code(), Code::kCorrupt);
  EXPECT_NE(wrong.message().find("m.gguf: key \"types\" at byte "), std::string::npos);
  EXPECT_NE(wrong.message().find("array of i32"), std::string::npos) << wrong.message();
  EXPECT_FALSE((*gguf)->boolean("count").has_value());
  EXPECT_FALSE((*gguf)->strings("types").has_value());
  EXPECT_FALSE((*gguf)->integers("scores").has_value());
  EXPECT_FALSE((*gguf)->numbers("eps").has_value());
}

TEST(Gguf, RefusesWhatItDoesNotRead) {
  expect_refused("", Code::kInvalidInput, "does not begin like a GGUF file");
  expect_refused("lmggxxxxxxxxxxxxxxxxxxxxxxxx", Code::kInvalidInput, "does not begin");
  expect_refused(GgufWriter(1).bytes(), Code::kUnsupported, "version 1");
  expect_refused(GgufWriter(4).bytes(), Code::kUnsupported, "version 4");
  expect_refused(GgufWriter(0x03000000).bytes(), Code::kUnsupported, "big-endian");
  GgufWriter split;
  split.add("split.count", uint32_t{3});
  expect_refused(split.bytes(), Code::kUnsupported, "one of 3 parts");
  // The number of a tensor's type is replaced by hand, so the size does not matter.
  GgufWriter one;
  one.add_tensor("blk.0.attn_q.weight", BlockType::kF32, {4}, std::string(16, '\0'));
  std::string file = one.bytes();
  file[one.head().size() - 12] = 23;
  expect_refused(file, Code::kUnsupported,
                 "tensor \"blk.0.attn_q.weight\" at byte 24 is of type iq4_xs; MAIE reads float32");
}

TEST(Gguf, RefusesStructureThatDoesNotHold) {
  const auto with_alignment = [](uint32_t alignment) {
    GgufWriter file;
    file.add("general.alignment", alignment);
    return file.bytes();
  };
  expect_refused(with_alignment(0), Code::kCorrupt, "no power of two");
  expect_refused(with_alignment(24), Code::kCorrupt, "no power of two");
  expect_refused(with_alignment(1u << 31), Code::kCorrupt, "no power of two");
  GgufWriter twice;
  twice.add("k", uint32_t{1});
  twice.add("k", uint32_t{2});
  expect_refused(twice.bytes(), Code::kCorrupt, "key \"k\" at byte 41 occurs twice");
  GgufWriter names;
  names.add_tensor("t", BlockType::kF32, {1}, std::string(4, '\0'));
  names.add_tensor("t", BlockType::kF32, {1}, std::string(4, '\0'));
  expect_refused(names.bytes(), Code::kCorrupt, "tensor \"t\" at byte 57 occurs twice");
  GgufWriter zero;
  zero.add_tensor("t", BlockType::kF32, {3, 0}, std::string());
  expect_refused(zero.bytes(), Code::kCorrupt, "dimension of 0");
  GgufWriter odd;
  odd.add_tensor("t", BlockType::kQ8_0, {2, 48}, std::string(102, '\0'));
  expect_refused(odd.bytes(), Code::kCorrupt, "dimension of 48");
  GgufWriter unknown;
  unknown.add_raw("k", 13, "xxxxxxxx");
  expect_refused(unknown.bytes(), Code::kCorrupt, "unknown type 13");
  GgufWriter deep;
  std::string nested;
  for (int i = 0; i < 40; ++i) {
    append_number(nested, uint32_t{9});
    append_number(nested, uint64_t{1});
  }
  deep.add_raw("k", 9, nested);
  expect_refused(deep.bytes(), Code::kCorrupt, "deeper");
  GgufWriter many;
  std::string array;
  append_number(array, uint32_t{12});
  append_number(array, UINT64_MAX / 8 + 2);  // times eight bytes wraps around to sixteen
  many.add_raw("k", 9, array);
  expect_refused(many.bytes(), Code::kCorrupt, "more than the file has bytes for");
}

// The two tensors' entries, changed by hand: 8 + 1 name, 4 rank, 8 extent, 4 type, 8 offset each.
TEST(Gguf, RefusesTensorsOutsideTheFileOrOverEachOther) {
  GgufWriter two;
  two.add_tensor("a", BlockType::kF32, {16}, std::string(64, '\0'));
  two.add_tensor("b", BlockType::kF32, {16}, std::string(64, '\0'));
  const std::string valid = two.bytes();
  const size_t offset_of_b = two.head().size() - 8;
  const auto with_number = [&](size_t at, uint64_t value) {
    std::string file = valid;
    std::memcpy(file.data() + at, &value, 8);
    return file;
  };
  ASSERT_TRUE(Gguf::parse(as_bytes(valid), "m.gguf").has_value());
  expect_refused(with_number(offset_of_b, 32), Code::kCorrupt, "inside the tensor before");
  expect_refused(with_number(offset_of_b, 65), Code::kCorrupt, "no multiple of the alignment");
  expect_refused(with_number(offset_of_b, 96), Code::kCorrupt, "ends 32 bytes past the file");
  expect_refused(with_number(offset_of_b, ~uint64_t{31}), Code::kCorrupt, "does not fit the file");
  const size_t extent_of_b = offset_of_b - 12;
  expect_refused(with_number(extent_of_b, 17), Code::kCorrupt, "ends 4 bytes past the file");
  expect_refused(with_number(extent_of_b, uint64_t{1} << 62), Code::kCorrupt, "does not fit");
  expect_refused(with_number(extent_of_b, UINT64_MAX), Code::kCorrupt, "dimension of 184467440");
  expect_refused(with_number(8, 1'000'000), Code::kCorrupt, "claims 1000000 tensors");
  expect_refused(with_number(16, 1'000'000), Code::kCorrupt, "claims 1000000 metadata values");
}

TEST(Gguf, RefusesACutFile) {
  const GgufWriter writer = small_file();
  const std::string whole = writer.bytes();
  // The last tensor is padded; without the padding the file is still whole.
  for (size_t length = 4; length < whole.size() - 28; ++length) {
    expect_refused(whole.substr(0, length), Code::kCorrupt, "m.gguf: ");
  }
  EXPECT_TRUE(Gguf::parse(as_bytes(whole.substr(0, whole.size() - 28)), "m.gguf").has_value());
}

TEST(Gguf, SurvivesDamage) {
  const std::string valid = small_file().bytes();
  int accepted = 0;
  parse_damaged_copies(valid, small_file().head().size(), 20000, [&](const std::string& damaged) {
    const auto opened = Gguf::parse(as_bytes(damaged), "m.gguf");
    if (!opened) {
      EXPECT_FALSE(opened.error().message().empty());
      return;
    }
    ++accepted;
    for (const auto key : (*opened)->keys()) {
      (void)(*opened)->strings(key);
      (void)(*opened)->numbers(key);
      (void)(*opened)->integer(key);
      (void)(*opened)->string(key);
    }
    for (const auto name : (*opened)->names()) {
      const GgufTensor* view = (*opened)->find(name);
      std::vector<float> values(size_t(view->shape.size()));
      dequantize(view->type, view->bytes, values);
    }
  });
  EXPECT_GT(accepted, 100);  // otherwise nothing behind the head was tried
}

TEST(Gguf, OpensPublishedVocabularies) {
  const char* root = std::getenv("MAIE_TEST_DATA");
  if (root == nullptr) GTEST_SKIP() << "no gguf-vocab below MAIE_TEST_DATA";
  const struct {
    const char* name;
    const char* model;
    size_t tokens;
  } files[] = {{"falcon", "gpt2", 65024},
               {"gpt-2", "gpt2", 50257},
               {"llama-spm", "llama", 32000},
               {"phi-3", "llama", 32064}};
  for (const auto& file : files) {
    const auto gguf =
        Gguf::open(std::string(root) + "/gguf-vocab/ggml-vocab-" + file.name + ".gguf");
    ASSERT_TRUE(gguf.has_value()) << gguf.error().message();
    EXPECT_EQ(*(*gguf)->string("tokenizer.ggml.model"), file.model);
    EXPECT_EQ((*gguf)->strings("tokenizer.ggml.tokens")->size(), file.tokens);
    EXPECT_TRUE((*gguf)->names().empty());
  }
}

}  // namespace
}  // namespace maie::formats
