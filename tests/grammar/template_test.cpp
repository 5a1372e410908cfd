#include <chrono>

#include "tests/grammar/template_schemas.h"
#include "tests/grammar/testing.h"

namespace maie::grammar {
namespace {

TEST(Templates, RandomDocumentsAreValidWithinTheBudget) {
  std::mt19937 random(11);
  const auto trie = make_trie(random_vocabulary(random, 3000));
  for (const Json& schema : template_schemas()) {
    auto constraint = std::make_shared<Constraint>(must_compile(schema.dump()), trie);
    for (int i = 0; i < 10; ++i) {
      const uint64_t budget = constraint->needs().document() + random() % 400;
      const std::string text = random_document(constraint, random, budget);
      ASSERT_TRUE(valid(schema.dump(), text)) << text;
    }
  }
}

// A vocabulary as large as real ones. The figure is printed, not judged: tests are not timed.
TEST(Templates, CostOfAMaskIsPrinted) {
  std::mt19937 random(5);
  std::vector<std::string> tokens = random_vocabulary(random, 10000);
  tokens.resize(tokens.size() - 2);
  std::set<std::string> seen(tokens.begin(), tokens.end());
  const std::vector<std::string> parts{"th", "ng", "a", "e", "ư", "ời", "ch", "tr", "i",  "o", "n",
                                       "đ",  "ế",  "m", "s", "u", "h",  "k",  "ạ",  "中", "р", "и"};
  while (tokens.size() < 150000) {
    std::string token = random() % 2 ? " " : "";
    for (size_t n = 1 + random() % 5; n > 0; --n) token += parts[random() % parts.size()];
    if (seen.insert(token).second) tokens.push_back(token);
  }
  tokens.push_back("</s>");
  const auto trie = make_trie(tokens);
  const Json schema = template_schemas()[0];
  auto constraint = std::make_shared<Constraint>(must_compile(schema.dump()), trie);
  for (const char* round : {"first document", "second", "third"}) {
    Matcher matcher(constraint);
    const size_t misses = constraint->misses();
    double spent_s = 0, worst_s = 0;
    size_t steps = 0;
    std::string written;
    for (uint64_t left = 1500; !matcher.ended(); --left, ++steps) {
      const auto begin = std::chrono::steady_clock::now();
      const auto mask = matcher.mask(left);
      const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
      spent_s += took.count();
      worst_s = std::max(worst_s, took.count());
      // Plain text mostly, an end of the string now and then, as models write.
      int32_t token = int32_t(random() % tokens.size());
      if (random() % 12 == 0) token = '"';
      while (!bit(mask, token)) token = int32_t(random() % tokens.size());
      ASSERT_TRUE(matcher.accept(token));
      if (!matcher.ended()) written += tokens[size_t(token)];
    }
    EXPECT_TRUE(valid(schema.dump(), written));
    std::cout << round << ": " << steps << " tokens, " << 1e6 * spent_s / double(steps)
              << " us a mask, worst " << 1e3 * worst_s << " ms, " << constraint->misses() - misses
              << " not cached\n";
  }
}

}  // namespace
}  // namespace maie::grammar
