#include "llm/prefix_store.h"

#include <gtest/gtest.h>

#include <random>

#include "base/file.h"
#include "base/log.h"
#include "tests/support/temporary_folder.h"

namespace maie::llm {
namespace {

constexpr size_t kPageBytes = 96;
constexpr int64_t kPageTokens = 4;

std::vector<int32_t> some_tokens(size_t count, int32_t first = 1) {
  std::vector<int32_t> tokens(count);
  for (size_t i = 0; i < count; ++i) tokens[i] = first + int32_t(i);
  return tokens;
}

std::vector<std::byte> some_pages(size_t tokens, int seed = 3) {
  std::vector<std::byte> bytes(tokens / size_t(kPageTokens) * kPageBytes);
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = std::byte(uint8_t(i * 7 + size_t(seed)));
  return bytes;
}

PrefixStoreOptions options_for(const TemporaryFolder& folder, const std::string& identity = "m") {
  return {folder.path("kept"), identity, kPageBytes, kPageTokens};
}

std::string only_file(const TemporaryFolder& folder) {
  for (const auto& entry : std::filesystem::directory_iterator(folder.path("kept"))) {
    return entry.path().string();
  }
  return "";
}

TEST(PrefixStore, GivesBackWhatWasSaved) {
  const TemporaryFolder folder;
  const auto tokens = some_tokens(8);
  {
    PrefixStore store(options_for(folder));
    EXPECT_TRUE(store.load(tokens).empty());
    store.save(tokens, some_pages(8));
  }
  PrefixStore store(options_for(folder));
  EXPECT_TRUE(store.has(tokens));
  EXPECT_EQ(store.load(tokens), some_pages(8));
  EXPECT_TRUE(store.load(some_tokens(12)).empty());
  EXPECT_TRUE(store.load(some_tokens(8, 2)).empty());
  PrefixStore other(options_for(folder, "another model"));
  EXPECT_TRUE(other.load(tokens).empty());
}

TEST(PrefixStore, ADamagedFileIsIgnoredAndRemoved) {
  configure_log(LogLevel::kOff, false);
  std::mt19937 random(1);
  const auto tokens = some_tokens(8);
  for (int round = 0; round < 300; ++round) {
    const TemporaryFolder folder;
    PrefixStore store(options_for(folder));
    store.save(tokens, some_pages(8));
    store.wait();
    const std::string path = only_file(folder);
    std::string content = *read_file(path, 1 << 20);
    if (round % 3 == 0) {
      content.resize(random() % content.size());
    } else if (round % 3 == 1) {
      content[random() % content.size()] ^= char(1 << random() % 8);
    } else {
      content += char(random());
    }
    ASSERT_TRUE(write_file_atomically(path, content).ok());
    EXPECT_TRUE(store.load(tokens).empty());
    EXPECT_FALSE(store.has(tokens));
  }
  configure_log(LogLevel::kWarning, false);
}

TEST(PrefixStore, LengthsThatLieAreRefused) {
  const auto refuse = [](std::string bytes) {
    const auto parsed = parse_stored_prefix(std::as_bytes(std::span(bytes)), "m", some_tokens(8),
                                            kPageBytes, kPageTokens);
    EXPECT_FALSE(parsed.has_value());
  };
  const std::string head = "MAIEKV01" + std::string(64, '0');
  refuse("");
  refuse(head);
  refuse(head + std::string(8, '\xFF'));
  refuse(head + std::string("\1\0\0\0\0\0\0\0m", 9) + std::string(8, '\xFF'));
  refuse(head + std::string(24, '\0'));
}

TEST(PrefixStore, KeepsWithinItsBytes) {
  const TemporaryFolder folder;
  PrefixStoreOptions options = options_for(folder);
  options.most_bytes = 1400;  // a file of 8 tokens has about 330
  PrefixStore store(options);
  for (int32_t i = 0; i < 10; ++i) {
    store.save(some_tokens(8, i), some_pages(8));
    store.wait();
    // So that times of use differ.
    for (const auto& entry : std::filesystem::directory_iterator(folder.path("kept"))) {
      std::filesystem::last_write_time(entry, entry.last_write_time() - std::chrono::seconds(10));
    }
    if (i >= 1) {
      EXPECT_FALSE(store.load(some_tokens(8, 0)).empty()) << "used each time";
    }
  }
  size_t total = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder.path("kept"))) {
    total += entry.file_size();
  }
  EXPECT_LE(total, 1400u);
  EXPECT_TRUE(store.has(some_tokens(8, 9)));
  EXPECT_FALSE(store.has(some_tokens(8, 2)));
}

TEST(PrefixStore, AFolderThatCannotBeMadeIsALineInTheLog) {
  const TemporaryFolder folder;
  folder.write("kept", "a file where the folder should be");
  PrefixStore store(options_for(folder));
  store.save(some_tokens(8), some_pages(8));
  store.wait();
  EXPECT_TRUE(store.load(some_tokens(8)).empty());
}

}  // namespace
}  // namespace maie::llm
