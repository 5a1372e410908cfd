#include "text/utf8.h"

#include "tests/text/testing.h"
#include "text/byte_alphabet.h"
#include "text/compression.h"

namespace maie::text {
namespace {

std::string from_hex(const std::string& hex) {
  std::string out;
  for (size_t i = 0; i + 1 < hex.size(); i += 2) {
    out.push_back(static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16)));
  }
  return out;
}

TEST(RepairUtf8, ReplacesAsPythonDoes) {
  const Json python = golden("python_text.json");
  ASSERT_GT(python["utf8_replace"].size(), 400u);
  for (const Json& pair : python["utf8_replace"]) {
    const std::string bytes = from_hex(pair[0]);
    EXPECT_EQ(repair_utf8(bytes), from_hex(pair[1])) << pair[0];
    EXPECT_EQ(encode_utf8(decode_utf8(bytes)), from_hex(pair[1])) << pair[0];
  }
}

TEST(AppendUtf8, WritesEveryScalarValueAndNoSurrogate) {
  for (char32_t c = 0; c <= 0x10FFFF; c += c < 0x11000 ? 1 : 37) {
    std::string one;
    append_utf8(one, c);
    const bool surrogate = c >= 0xD800 && c <= 0xDFFF;
    ASSERT_EQ(decode_utf8(one), std::u32string(1, surrogate ? kReplacementCharacter : c));
  }
  std::string beyond;
  append_utf8(beyond, 0x110000);
  EXPECT_EQ(beyond, "\uFFFD");
}

TEST(Strip, TakesWhatPythonTakes) {
  const Json python = golden("python_text.json");
  ASSERT_FALSE(python["strip"].empty());
  for (const Json& pair : python["strip"]) {
    EXPECT_EQ(strip(pair[0].get<std::string>()), pair[1].get<std::string>()) << pair;
  }
}

TEST(ByteAlphabet, RoundTripsEveryByteAndRefusesOtherCharacters) {
  for (int b = 0; b < 256; ++b) {
    const std::string byte(1, static_cast<char>(b));
    const std::string character = bytes_to_alphabet(byte);
    EXPECT_EQ(decode_utf8(character).size(), 1u);
    EXPECT_EQ(alphabet_to_bytes(character), byte);
  }
  EXPECT_EQ(bytes_to_alphabet(" \n"), "\u0120\u010A");
  EXPECT_FALSE(alphabet_to_bytes(" ").has_value());       // a space is written as U+0120
  EXPECT_FALSE(alphabet_to_bytes("\u0144").has_value());  // first beyond the alphabet
  EXPECT_FALSE(alphabet_to_bytes("日").has_value());
  EXPECT_FALSE(alphabet_to_bytes("\xC4").has_value());
}

TEST(CompressionRatio, AgreesWithPythonsZlib) {
  const Json python = golden("python_text.json");
  ASSERT_GT(python["compression_ratio"].size(), 40u);
  for (const Json& pair : python["compression_ratio"]) {
    EXPECT_DOUBLE_EQ(compression_ratio(pair[0].get<std::string>()), pair[1].get<double>()) << pair;
  }
  EXPECT_EQ(compression_ratio(""), 0);
}

}  // namespace
}  // namespace maie::text
