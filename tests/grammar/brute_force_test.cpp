// Random schemas and random documents, judged by valijson.
#include <cmath>

#include "tests/grammar/random_schema.h"
#include "tests/grammar/testing.h"

namespace maie::grammar {
namespace {

TEST(BruteForce, EveryValidDocumentIsAccepted) {
  for (uint32_t seed = 0; seed < 400; ++seed) {
    Generator generator(seed);
    const Json schema = generator.schema(3);
    const auto grammar = must_compile(schema.dump());
    ASSERT_TRUE(grammar);
    for (int i = 0; i < 10; ++i) {
      const std::string text = generator.document(schema).dump();
      ASSERT_TRUE(valid(schema.dump(), text)) << schema << "\n" << text;
      ASSERT_TRUE(accepts(*grammar, text)) << schema << "\n" << text;
    }
  }
}

TEST(BruteForce, WhatIsAcceptedOfBrokenDocumentsIsValid) {
  size_t refused = 0;
  for (uint32_t seed = 0; seed < 300; ++seed) {
    Generator generator(seed + 5000);
    const Json schema = generator.schema(3);
    const auto grammar = must_compile(schema.dump());
    ASSERT_TRUE(grammar);
    for (int i = 0; i < 20; ++i) {
      std::string text = generator.document(schema).dump();
      const size_t at = generator.pick(text.size());
      const std::string replacements = "\"\\[]{},:0123456789-.aue \xC3";
      if (generator.pick(2)) {
        text[at] = replacements[generator.pick(replacements.size())];
      } else {
        text.erase(at, 1 + generator.pick(3));
      }
      if (accepts(*grammar, text)) {
        ASSERT_TRUE(valid(schema.dump(), text)) << schema << "\n" << text;
      } else {
        ++refused;
      }
    }
  }
  EXPECT_GT(refused, 2000u);
}

TEST(BruteForce, RandomWalksEndAsValidDocumentsWithinTheBudget) {
  for (uint32_t seed = 0; seed < 120; ++seed) {
    Generator generator(seed + 9000);
    const std::string schema = generator.schema(3).dump();
    auto constraint = std::make_shared<Constraint>(
        must_compile(schema), make_trie(random_vocabulary(generator.random(), 600)));
    for (int i = 0; i < 6; ++i) {
      const uint64_t budget = constraint->needs().document() + generator.pick(30);
      const std::string text = random_document(constraint, generator.random(), budget);
      ASSERT_TRUE(valid(schema, text)) << schema << "\n" << text;
    }
  }
}

// The mask against matching every token byte by byte, along random walks; the cache is so small
// that places come back both cached and not.
TEST(BruteForce, MasksAreThoseOfEveryTokenAlone) {
  for (uint32_t seed = 0; seed < 40; ++seed) {
    Generator generator(seed + 20000);
    const std::string schema = generator.schema(3).dump();
    const auto trie = make_trie(random_vocabulary(generator.random(), 500));
    auto constraint = std::make_shared<Constraint>(must_compile(schema), trie, 4000);
    for (int walk = 0; walk < 3; ++walk) {
      Matcher matcher(constraint);
      Machine machine(constraint->grammar());
      Tops tops = machine.start();
      for (int n = 0; n < 25 && !matcher.ended(); ++n) {
        const auto choices = allowed(matcher.mask(), trie->vocabulary());
        std::vector<int32_t> expected;
        for (int32_t id = 0; size_t(id) < trie->vocabulary(); ++id) {
          if (trie->is_end(id) ? Machine::complete(tops) : !trie->bytes(id).empty()) {
            Tops now = tops, next;
            for (const char c : trie->bytes(id))
              machine.step(now, uint8_t(c), next), now.swap(next);
            if (!now.empty()) expected.push_back(id);
          }
        }
        ASSERT_EQ(choices, expected) << schema;
        const int32_t token = choices[generator.pick(choices.size())];
        ASSERT_TRUE(matcher.accept(token));
        Tops next;
        for (const char c : trie->bytes(token))
          machine.step(tops, uint8_t(c), next), tops.swap(next);
      }
    }
  }
}

TEST(BruteForce, RollbackIsAsIfNeverWritten) {
  for (uint32_t seed = 0; seed < 60; ++seed) {
    Generator generator(seed + 30000);
    const auto trie = make_trie(random_vocabulary(generator.random(), 500));
    auto constraint = std::make_shared<Constraint>(must_compile(generator.schema(3).dump()), trie);
    Matcher matcher(constraint);
    std::vector<int32_t> written;
    for (int n = 0; n < 40; ++n) {
      const auto choices = allowed(matcher.mask(), trie->vocabulary());
      if (choices.empty() || generator.pick(4) == 0) {
        const size_t back = generator.pick(written.size() + 1);
        matcher.rollback(back);
        written.resize(written.size() - back);
      } else {
        written.push_back(choices[generator.pick(choices.size())]);
        ASSERT_TRUE(matcher.accept(written.back()));
      }
      Matcher fresh(constraint);
      for (const int32_t id : written) ASSERT_TRUE(fresh.accept(id));
      ASSERT_EQ(allowed(matcher.mask(), trie->vocabulary()),
                allowed(fresh.mask(), trie->vocabulary()));
      ASSERT_EQ(matcher.tokens_to_finish(), fresh.tokens_to_finish());
      ASSERT_EQ(matcher.forced(), fresh.forced());
    }
  }
}

}  // namespace
}  // namespace maie::grammar
