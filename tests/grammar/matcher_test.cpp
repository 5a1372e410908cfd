#include "tests/grammar/testing.h"

namespace maie::grammar {
namespace {

std::vector<std::string> bytes_and(std::vector<std::string> more) {
  std::vector<std::string> out;
  for (int b = 0; b < 256; ++b) out.push_back(std::string(1, char(b)));
  out.insert(out.end(), more.begin(), more.end());
  out.push_back("</s>");
  return out;
}

TEST(Matcher, ForcesWhatMustFollow) {
  auto constraint = std::make_shared<Constraint>(
      must_compile(R"({"type":"object","properties":{"order":{"type":"string"}},
                       "required":["order"],"additionalProperties":false})"),
      make_trie(bytes_and({"{\"", "order", "\":", "\":\"", "\":\"a"})));
  Matcher matcher(constraint);
  EXPECT_EQ(matcher.forced(), "{\"order\":\"");
  // The last quote may belong to `":"a`, which goes on.
  const std::vector<int32_t> tokens{256, 257, 259};
  EXPECT_EQ(matcher.safe_to_append(tokens), 2u);
  ASSERT_TRUE(matcher.accept(256));
  EXPECT_EQ(matcher.forced(), "order\":\"");
  EXPECT_FALSE(matcher.accept(256));
}

TEST(Matcher, EndsOnlyWhenComplete) {
  auto constraint =
      std::make_shared<Constraint>(must_compile(R"({"type":"integer"})"), make_trie(bytes_and({})));
  Matcher matcher(constraint);
  EXPECT_FALSE(matcher.accept(256));
  ASSERT_TRUE(matcher.accept('4'));
  EXPECT_TRUE(matcher.complete());
  EXPECT_TRUE(bit(matcher.mask(), 256));
  EXPECT_TRUE(bit(matcher.mask(), '2'));
  EXPECT_FALSE(bit(matcher.mask(0), '2'));  // nothing is left
  ASSERT_TRUE(matcher.accept(256));
  EXPECT_TRUE(matcher.ended());
  EXPECT_FALSE(matcher.accept('2'));
  matcher.rollback(2);
  EXPECT_FALSE(matcher.complete());
  EXPECT_THROW(matcher.rollback(1), ContractError);
}

TEST(TokenTrie, NeedsTheBytesThatCloseADocument) {
  auto tokens = bytes_and({});
  tokens['"'] = "";
  const auto trie = TokenTrie::make(tokens, {256});
  ASSERT_FALSE(trie.has_value());
  EXPECT_EQ(trie.error().code(), Code::kUnsupported);
}

TEST(Constraint, KeepsItsCacheWithinBounds) {
  std::mt19937 random(3);
  auto constraint = std::make_shared<Constraint>(must_compile("true"),
                                                 make_trie(random_vocabulary(random, 900)), 20000);
  for (int i = 0; i < 20; ++i) (void)random_document(constraint, random, 200);
  EXPECT_GT(constraint->misses(), 50u);
  EXPECT_LE(constraint->cached_bytes(), 20000u);
}

}  // namespace
}  // namespace maie::grammar
