#include "base/file.h"

#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>
#include <fstream>

namespace maie {
namespace {

namespace fs = std::filesystem;

class FileTest : public ::testing::Test {
 protected:
  FileTest()
      : folder_(fs::path(::testing::TempDir()) /
                ::testing::UnitTest::GetInstance()->current_test_info()->name()) {
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }
  ~FileTest() override { fs::remove_all(folder_); }
  std::string path(const char* name) const { return (folder_ / name).string(); }
  fs::path folder_;
};

TEST_F(FileTest, AtomicWriteReplacesTheWholeFile) {
  ASSERT_TRUE(write_file_atomically(path("a.txt"), "first").ok());
  ASSERT_TRUE(write_file_atomically(path("a.txt"), "second").ok());
  EXPECT_EQ(read_file(path("a.txt"), 100).value(), "second");
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_), fs::directory_iterator()), 1);
}

TEST_F(FileTest, AtomicWriteToAMissingFolderLeavesNothing) {
  EXPECT_EQ(write_file_atomically(path("no/such/a.txt"), "x").code(), Code::kNotFound);
  EXPECT_TRUE(fs::is_empty(folder_));
}

TEST_F(FileTest, PrivateFileIsMadeOnceForItsOwner) {
  EXPECT_TRUE(*create_private_file(path("key"), "first"));
  EXPECT_FALSE(*create_private_file(path("key"), "second"));
  EXPECT_EQ(read_file(path("key"), 100).value(), "first");
  EXPECT_EQ(fs::status(path("key")).permissions(), fs::perms::owner_read | fs::perms::owner_write);
  EXPECT_EQ(create_private_file(path("no/key"), "x").status().code(), Code::kNotFound);
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_), fs::directory_iterator()), 1);
}

TEST_F(FileTest, ReadRefusesMoreThanTheLimit) {
  ASSERT_TRUE(write_file_atomically(path("a.txt"), "12345").ok());
  EXPECT_TRUE(read_file(path("a.txt"), 5).has_value());
  EXPECT_EQ(read_file(path("a.txt"), 4).error().code(), Code::kInvalidInput);
}

TEST_F(FileTest, MapsWholeFilesAndRefusesFolders) {
  ASSERT_TRUE(write_file_atomically(path("a.txt"), "abc").ok());
  const auto file = MappedFile::open(path("a.txt"));
  ASSERT_TRUE(file.has_value());
  ASSERT_EQ((*file)->bytes().size(), 3u);
  EXPECT_EQ(std::memcmp((*file)->bytes().data(), "abc", 3), 0);
  EXPECT_EQ(MappedFile::open(folder_.string()).error().code(), Code::kInvalidInput);
  EXPECT_EQ(MappedFile::open(path("b.txt")).error().code(), Code::kNotFound);
}

TEST(Sha256, MatchesThePublishedVector) {
  const std::string_view text = "abc";
  EXPECT_EQ(sha256_hex(std::as_bytes(std::span(text.data(), text.size()))),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

}  // namespace
}  // namespace maie
