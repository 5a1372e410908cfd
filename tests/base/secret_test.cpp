#include "base/secret.h"

#include <gtest/gtest.h>

#include <set>

#include "base/file.h"

namespace maie {
namespace {

TEST(Secret, HasTheDigestOfEverybody) {
  const SecretDigest digest = digest_of_secret("abc");  // the example of FIPS 180-2
  EXPECT_EQ(digest[0], 0xba);
  EXPECT_EQ(digest[31], 0xad);
  EXPECT_EQ(sha256_hex(std::as_bytes(std::span("abc", 3))).substr(0, 2), "ba");
}

TEST(Secret, IsTheSameOnlyAsItself) {
  const SecretDigest one = digest_of_secret("one");
  EXPECT_TRUE(same_in_constant_time(one, digest_of_secret("one")));
  for (size_t i = 0; i < one.size(); ++i) {
    SecretDigest other = one;
    other[i] ^= 1;
    EXPECT_FALSE(same_in_constant_time(one, other)) << i;
  }
}

TEST(Secret, IsRandom) {
  std::set<std::string> seen;
  for (int i = 0; i < 100; ++i) {
    const std::string text = random_hex(16);
    EXPECT_EQ(text.size(), 32u);
    EXPECT_EQ(text.find_first_not_of("0123456789abcdef"), std::string::npos);
    seen.insert(text);
  }
  EXPECT_EQ(seen.size(), 100u);
  EXPECT_EQ(random_hex(0), "");
  EXPECT_EQ(random_hex(33).size(), 66u);
}

}  // namespace
}  // namespace maie
