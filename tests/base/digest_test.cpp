#include "base/digest.h"

#include <gtest/gtest.h>

#include "base/check.h"

namespace maie {
namespace {

// "abc": FIPS 180-4, examples of SHA-1 and SHA-256; the empty blob's name is git's.
TEST(Digest, KnowsTheExamplesOfTheStandard) {
  Digest one(Digest::Kind::kSha1);
  one.add("abc");
  EXPECT_EQ(one.hex(), "a9993e364706816aba3e25717850c26c9cd0d89d");
  Digest two(Digest::Kind::kSha256);
  two.add("abc");
  EXPECT_EQ(two.hex(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  Digest blob(Digest::Kind::kSha1);
  blob.add(std::string_view("blob 0\0", 7));
  EXPECT_EQ(blob.hex(), "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391");
}

TEST(Digest, PiecesAreTheirSum) {
  Digest pieces(Digest::Kind::kSha256);
  for (const char* piece : {"", "a", "", "bc"}) pieces.add(piece);
  EXPECT_EQ(pieces.hex(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_THROW(pieces.add("d"), ContractError);
  EXPECT_THROW(pieces.hex(), ContractError);
}

}  // namespace
}  // namespace maie
