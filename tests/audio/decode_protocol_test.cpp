#include "audio/decode_protocol.h"

#include <gtest/gtest.h>

#include <cmath>

namespace maie::audio {
namespace {

using Type = DecodeMessage::Type;

const AudioInfo kInfo{
    .container = "ogg", .codec = "opus", .rate_hz = 48000, .channels = 2, .duration_hint_s = 1.5};

/// Reads a whole conversation, `piece` bytes at a time; stops at the first failure.
struct Heard {
  std::vector<DecodeMessage> messages;
  Status failure;
};
Heard hear(std::string_view bytes, size_t piece) {
  DecodeMessageParser parser;
  Heard heard;
  while (true) {
    Result<std::optional<DecodeMessage>> message = parser.next();
    if (!message) {
      heard.failure = message.error();
      return heard;
    }
    if (*message) {
      heard.messages.push_back(std::move(**message));
      continue;
    }
    if (bytes.empty()) return heard;
    const size_t count = std::min(piece, bytes.size());
    parser.push(std::as_bytes(std::span(bytes.data(), count)));
    bytes.remove_prefix(count);
  }
}

std::string conversation() {
  const std::vector<int16_t> samples = {1, -2, 32767, -32768};
  return encode_stream(kInfo) + encode_samples(samples) + encode_warning("a warning") +
         encode_samples(samples) + encode_end();
}

TEST(DecodeProtocol, WholeConversationArrivesInAnyPieces) {
  for (const size_t piece : {1, 2, 7, 64, 100000}) {
    const Heard heard = hear(conversation(), piece);
    ASSERT_TRUE(heard.failure.ok()) << heard.failure.message();
    ASSERT_EQ(heard.messages.size(), 5u);
    EXPECT_EQ(heard.messages[0].type, Type::kStream);
    EXPECT_EQ(heard.messages[0].info.container, "ogg");
    EXPECT_EQ(heard.messages[0].info.codec, "opus");
    EXPECT_EQ(heard.messages[0].info.rate_hz, 48000);
    EXPECT_EQ(heard.messages[0].info.channels, 2);
    EXPECT_EQ(heard.messages[0].info.duration_hint_s, 1.5);
    EXPECT_EQ(heard.messages[1].samples, (std::vector<int16_t>{1, -2, 32767, -32768}));
    EXPECT_EQ(heard.messages[2].text, "a warning");
    EXPECT_EQ(heard.messages[4].type, Type::kEnd);
  }
}

TEST(DecodeProtocol, ErrorKeepsCodeAndText) {
  const Heard heard = hear(encode_error(corrupt("is damaged")), 3);
  ASSERT_EQ(heard.messages.size(), 1u);
  EXPECT_EQ(heard.messages[0].code, Code::kCorrupt);
  EXPECT_EQ(heard.messages[0].text, "is damaged");
}

TEST(DecodeProtocol, ForbiddenConversationsAreRefused) {
  const std::vector<int16_t> one = {1};
  std::string many = encode_stream(kInfo);
  for (size_t i = 0; i <= kMaxWarnings; ++i) many += encode_warning("w");
  std::string long_message = encode_end();
  long_message[6] = '\x7f';
  std::string unknown = encode_end();
  unknown[0] = 99;
  std::string success_as_error = encode_error(corrupt("x"));
  success_as_error[8] = 0;
  const std::string odd = std::string("\x02\0\0\0\x01\0\0\0x", 9);
  AudioInfo endless = kInfo;
  endless.duration_hint_s = INFINITY;
  AudioInfo silent = kInfo;
  silent.channels = 0;
  const std::string bad[] = {encode_samples(one),
                             encode_end(),
                             encode_stream(kInfo) + encode_stream(kInfo),
                             conversation() + encode_end(),
                             many,
                             long_message,
                             unknown,
                             success_as_error,
                             encode_stream(kInfo) + odd,
                             encode_stream(endless),
                             encode_stream(silent),
                             std::string("\x01\0\0\0\x04\0\0\0abcd", 12),
                             std::string("\x05\0\0\0\x02\0\0\0ab", 10)};
  for (const std::string& bytes : bad) {
    EXPECT_EQ(hear(bytes, 100000).failure.code(), Code::kInternal) << &bytes - bad;
  }
}

TEST(DecodeProtocol, UnfinishedConversationIsNotAnError) {
  const std::string whole = conversation();
  for (size_t size = 0; size < whole.size(); ++size) {
    EXPECT_TRUE(hear(whole.substr(0, size), 50).failure.ok()) << size;
  }
}

TEST(DecodeProtocol, MutatedConversationsGiveBoundedPrintableMessages) {
  const std::string whole = conversation() + encode_error(corrupt("late"));
  uint32_t random = 99;
  const auto next = [&] { return random = random * 1664525u + 1013904223u, random >> 8; };
  size_t refused = 0;
  for (int round = 0; round < 5000; ++round) {
    std::string bytes = whole;
    for (uint32_t hits = 1 + next() % 6; hits > 0; --hits)
      bytes[next() % bytes.size()] = char(next());
    const Heard heard = hear(bytes, 1 + next() % 40);
    refused += heard.failure.ok() ? 0 : 1;
    for (const DecodeMessage& message : heard.messages) {
      EXPECT_LE(message.text.size(), kMaxText);
      EXPECT_LE(message.samples.size(), kMaxPayload / 2);
      for (const char c : message.text) EXPECT_GE(uint8_t(c), 0x20);
    }
  }
  EXPECT_GT(refused, 1000u);
}

TEST(DecodeProtocol, TextsAreCleanedAndCutBetweenCharacters) {
  EXPECT_EQ(printable("a\nb\x1b[31m\x7f", 100), "a?b?[31m?");
  EXPECT_EQ(printable("caf\xC3\xA9", 5), "caf\xC3\xA9");
  EXPECT_EQ(printable("caf\xC3\xA9", 4), "caf");
  EXPECT_EQ(printable("\xC3", 10), "?");
  EXPECT_EQ(printable("\xFF\xC0\x80", 10), "???");
}

}  // namespace
}  // namespace maie::audio
