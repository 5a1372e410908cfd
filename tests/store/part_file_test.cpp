#include "store/part_file.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <random>

#include "base/digest.h"
#include "tests/formats/hostile.h"
#include "tests/support/temporary_folder.h"

namespace maie::store {
namespace {

namespace fs = std::filesystem;

TEST(ByteRanges, AreASetOfBytes) {
  // Against the plainest thing that could be right.
  std::mt19937 random(3);
  constexpr size_t kSize = 60;
  for (int round = 0; round < 300; ++round) {
    ByteRanges ranges;
    std::vector<bool> bytes(kSize);
    for (int i = 0; i < 12; ++i) {
      uint64_t begin = random() % kSize, end = random() % (kSize + 1);
      if (begin > end) std::swap(begin, end);
      const bool add = random() % 3 != 0;
      add ? ranges.add({begin, end}) : ranges.remove({begin, end});
      for (uint64_t at = begin; at < end; ++at) bytes[at] = add;
      EXPECT_EQ(ranges.size(), uint64_t(std::count(bytes.begin(), bytes.end(), true)));
      const auto first = std::find(bytes.begin(), bytes.end(), false);
      const auto gap = ranges.first_gap(kSize, 5);
      ASSERT_EQ(gap.has_value(), first != bytes.end());
      if (!gap) continue;
      const auto last = std::find(first, bytes.end(), true);
      EXPECT_EQ(gap->begin, uint64_t(first - bytes.begin()));
      EXPECT_EQ(gap->size(), std::min<uint64_t>(5, uint64_t(last - first)));
    }
  }
}

class PartFileTest : public ::testing::Test {
 protected:
  PartFileTest() {
    Digest digest(Digest::Kind::kSha256);
    digest.add(content_);
    tag_ = digest.hex();
  }
  std::unique_ptr<PartFile> open() {
    auto part = PartFile::open(folder_.path(), tag_, content_.size(), "commit", DiskCalls::real());
    EXPECT_TRUE(part) << part.status().message();
    return std::move(*part);
  }
  std::string journal_name() const {
    for (const auto& entry : fs::directory_iterator(folder_.path())) {
      if (entry.path().string().ends_with(".json")) return entry.path().filename().string();
    }
    return "";
  }

  TemporaryFolder folder_;
  const std::string content_ = "0123456789";
  std::string tag_;
};

TEST_F(PartFileTest, GoesOnFromWhatWasSaved) {
  {
    const auto part = open();
    EXPECT_TRUE(part->write(2, "234").ok());
    EXPECT_TRUE(part->save().ok());
    EXPECT_TRUE(part->write(7, "7").ok());  // not saved: a kill -9 follows
  }
  const auto part = open();
  EXPECT_TRUE(part->was_resumed());
  EXPECT_EQ(part->done_bytes(), 3u);
  EXPECT_EQ(part->claim(100), (ByteRange{0, 2}));
  const auto rest = part->claim(100);
  EXPECT_EQ(rest, (ByteRange{5, 10}));
  EXPECT_FALSE(part->claim(100));
  EXPECT_TRUE(part->write(5, "56").ok());
  part->release(*rest);
  EXPECT_EQ(part->claim(100), (ByteRange{7, 10}));
  EXPECT_TRUE(part->write(7, "789").ok());
  EXPECT_EQ(part->finish(nullptr, {}).code(), Code::kInternal);  // bytes 0 and 1 are not there
  EXPECT_TRUE(part->write(0, "01").ok());
  EXPECT_TRUE(part->finish(nullptr, {}).ok());
  EXPECT_EQ(folder_.read(tag_), content_);
  EXPECT_EQ(folder_.names(), tag_);
}

TEST_F(PartFileTest, WrongBytesKeepThePart) {
  const auto part = open();
  EXPECT_TRUE(part->write(0, "01234567xx").ok());
  EXPECT_EQ(part->finish(nullptr, {}).code(), Code::kCorrupt);
  EXPECT_FALSE(folder_.has(tag_));
  part->discard();
  EXPECT_EQ(folder_.names(), "");
}

TEST_F(PartFileTest, APartOfAnotherSizeOrWithoutJournalIsReplaced) {
  {
    const auto part = open();
    EXPECT_TRUE(part->write(0, "01").ok());
    EXPECT_TRUE(part->save().ok());
  }
  auto other = PartFile::open(folder_.path(), tag_, 11, "commit", DiskCalls::real());
  ASSERT_TRUE(other);
  EXPECT_FALSE((*other)->was_resumed());
  folder_.write(tag_ + ".abcdef.part", "orphan");
  folder_.write(tag_ + ".abcdef.part.json.x1y2z3", "torn");
  fs::remove(folder_.path(journal_name()));
  EXPECT_FALSE(open()->was_resumed());
  int left = 0;
  for (const auto& entry : fs::directory_iterator(folder_.path())) left += entry.exists();
  EXPECT_EQ(left, 2);  // one part, one journal
}

TEST_F(PartFileTest, ALinkIsNoPart) {
  {
    const auto part = open();
    EXPECT_TRUE(part->write(0, "0").ok());
    EXPECT_TRUE(part->save().ok());
  }
  const std::string journal = journal_name();
  const std::string part_name = journal.substr(0, journal.size() - 5);
  folder_.write("victim", "precious!!");
  fs::remove(folder_.path(part_name));
  fs::create_symlink(folder_.path("victim"), folder_.path(part_name));
  const auto part = open();
  EXPECT_FALSE(part->was_resumed());
  EXPECT_TRUE(part->write(0, content_).ok());
  EXPECT_TRUE(part->finish(nullptr, {}).ok());
  EXPECT_EQ(folder_.read("victim"), "precious!!");
}

TEST_F(PartFileTest, DamagedJournalsNeverGiveBytesThatAreNotThere) {
  {
    const auto part = open();
    EXPECT_TRUE(part->write(0, "01234").ok());
    EXPECT_TRUE(part->write(7, "78").ok());
    EXPECT_TRUE(part->save().ok());
  }
  const std::string name = journal_name(), valid = folder_.read(name);
  const std::string part_name = name.substr(0, name.size() - 5);
  const std::string bytes = folder_.read(part_name);
  formats::parse_damaged_copies(valid, valid.size(), 100, [&](const std::string& damaged) {
    for (const auto& entry : fs::directory_iterator(folder_.path())) fs::remove(entry);
    folder_.write(part_name, bytes);
    folder_.write(name, damaged);
    EXPECT_LE(open()->done_bytes(), content_.size());
  });
}

}  // namespace
}  // namespace maie::store
