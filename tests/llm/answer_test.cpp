// Documents under random logits and random schemas: valid whatever comes, within every budget.
#include "llm/answer.h"

#include <gtest/gtest.h>

#include "tests/grammar/random_schema.h"
#include "tests/grammar/template_schemas.h"
#include "tests/grammar/testing.h"

namespace maie::llm {
namespace {

using grammar::Constraint;

// A random vocabulary with its tokenizer; the last id ends answers, the one before is a hole.
struct Vocabulary {
  explicit Vocabulary(uint32_t seed, size_t size = 1500)
      : random(seed),
        tokens(grammar::random_vocabulary(random, size)),
        trie(grammar::make_trie(tokens)) {
    auto made = text::BpeTokenizer::from_ranked_tokens(tokens);
    if (!made) throw std::runtime_error(made.error().message());
    tokenizer = *made;
    auto bits = std::make_shared<std::vector<uint32_t>>((tokens.size() + 31) / 32);
    for (size_t id = 0; id < tokens.size(); ++id) {
      if (!tokens[id].empty()) (*bits)[id / 32] |= 1u << (id % 32);
    }
    writable = bits;
  }
  std::mt19937 random;
  std::vector<std::string> tokens;
  std::shared_ptr<const grammar::TokenTrie> trie;
  std::optional<text::BpeTokenizer> tokenizer;
  std::shared_ptr<const std::vector<uint32_t>> writable;
  int32_t end() const { return int32_t(tokens.size() - 1); }

  AnswerRules rules(int64_t max_tokens, double temperature) const {
    AnswerRules rules;
    rules.sampling.temperature = temperature;
    rules.max_tokens = max_tokens;
    rules.end_tokens = {end()};
    rules.writable = writable;
    rules.tokenizer = tokenizer;
    return rules;
  }
  std::shared_ptr<Constraint> constraint(const std::string& schema) const {
    return std::make_shared<Constraint>(grammar::must_compile(schema), trie);
  }
};

// Logits that depend on what was written, as a network's do; three rows past the vocabulary.
std::vector<float> logits_after(const Vocabulary& vocabulary, const std::vector<int32_t>& written,
                                uint32_t seed) {
  uint64_t hash = seed;
  for (const int32_t token : written) hash = hash * 1000003 + uint64_t(token);
  std::mt19937 random(uint32_t(hash ^ (hash >> 32)));
  std::vector<float> row(vocabulary.tokens.size() + 3);
  for (float& value : row) value = float(random() % 1000) / 200;
  row.back() = 99;
  return row;
}

struct Written {
  std::vector<int32_t> tokens;
  std::string text;
  Finish finish = Finish::kStop;
  int64_t forced = 0;
};

Written write(const Vocabulary& vocabulary, AnswerRules rules, uint32_t seed,
              bool with_drafts = false) {
  Answer answer(std::move(rules), {});
  Written out;
  std::mt19937 random(seed);
  while (!answer.ended()) {
    if (with_drafts) {
      std::vector<int32_t> draft(random() % 6);
      for (int32_t& token : draft) token = int32_t(random() % vocabulary.tokens.size());
      EXPECT_LE(answer.allowed(draft), draft.size());
    }
    std::vector<float> row = logits_after(vocabulary, out.tokens, seed);
    const auto token = answer.next(row);
    if (!token) {
      ADD_FAILURE() << token.error().message() << " after " << out.text;
      return out;
    }
    if (!token->has_value()) break;
    out.tokens.push_back(**token);
    out.text += vocabulary.tokens[size_t(**token)];
  }
  EXPECT_EQ(answer.tokens(), int64_t(out.tokens.size()));
  out.finish = answer.finish();
  out.forced = answer.forced_tokens();
  return out;
}

TEST(Answer, DocumentsOfRandomSchemasAreValidWithinEveryBudget) {
  const Vocabulary vocabulary(1);
  int64_t forced = 0, total = 0;
  for (uint32_t seed = 0; seed < 150; ++seed) {
    grammar::Generator generator(seed + 9000);
    const std::string schema = generator.schema(3).dump();
    const auto constraint = vocabulary.constraint(schema);
    const auto least = int64_t(constraint->needs().document());
    for (const int64_t more : {0, 1, 2, 3, 5, 8, 13, 60}) {
      if (least + more < 1) continue;
      AnswerRules rules = vocabulary.rules(least + more, seed % 2 == 0 ? 0 : 1);
      rules.constraint = constraint;
      const Written got = write(vocabulary, rules, seed);
      ASSERT_LE(int64_t(got.tokens.size()), least + more);
      ASSERT_TRUE(grammar::valid(schema, got.text)) << schema << "\n" << got.text;
      forced += got.forced;
      total += int64_t(got.tokens.size());
    }
  }
  EXPECT_GT(forced, total / 20);
}

TEST(Answer, DocumentsOfTheTemplatesAreValid) {
  const Vocabulary vocabulary(2);
  for (const Json& schema : grammar::template_schemas()) {
    const auto constraint = vocabulary.constraint(schema.dump());
    const auto least = int64_t(constraint->needs().document());
    for (uint32_t seed = 0; seed < 12; ++seed) {
      AnswerRules rules = vocabulary.rules(least + int64_t(seed * seed), seed % 2 == 0 ? 0.0 : 1.0);
      rules.constraint = constraint;
      rules.sampling.repetition_penalty = seed % 3 == 0 ? 1.2 : 1;
      rules.sampling.top_k = seed % 4 == 0 ? 5 : 0;
      const Written got = write(vocabulary, rules, seed);
      EXPECT_TRUE(grammar::valid(schema.dump(), got.text)) << got.text;
    }
  }
}

TEST(Answer, LookingAtDraftsChangesNothing) {
  const Vocabulary vocabulary(3);
  for (uint32_t seed = 0; seed < 40; ++seed) {
    grammar::Generator generator(seed);
    AnswerRules rules = vocabulary.rules(200, 1);
    rules.constraint = vocabulary.constraint(generator.schema(3).dump());
    EXPECT_EQ(write(vocabulary, rules, seed, true).text, write(vocabulary, rules, seed).text);
  }
}

TEST(Answer, DraftsAreCutWhereTheDocumentForbidsThem) {
  const Vocabulary vocabulary(4);
  AnswerRules rules = vocabulary.rules(50, 0);
  rules.constraint = vocabulary.constraint(R"({"type":"integer","minimum":1,"maximum":99})");
  Answer answer(rules, {});
  EXPECT_EQ(answer.allowed(std::vector<int32_t>{'1', '2', '3'}), 2u);
  EXPECT_EQ(answer.allowed(std::vector<int32_t>{'a'}), 0u);
  EXPECT_EQ(answer.allowed(std::vector<int32_t>{'1', vocabulary.end(), '2'}), 1u);
  Answer free(vocabulary.rules(50, 0), {});
  EXPECT_EQ(free.allowed(std::vector<int32_t>{'1', 'x', vocabulary.end(), '2'}), 2u);
}

TEST(Answer, WhatIsCertainNeedsNoLogits) {
  const Vocabulary vocabulary(5);
  AnswerRules rules = vocabulary.rules(60, 0);
  rules.constraint = vocabulary.constraint(
      R"({"type":"object","properties":{"kind":{"const":"xyz"},"n":{"enum":[1,2]}},
          "required":["kind","n"],"additionalProperties":false})");
  Answer answer(rules, {});
  std::string text;
  while (answer.is_forced()) text += vocabulary.tokens[size_t(**answer.next({}))];
  EXPECT_EQ(text.substr(0, 10), R"({"kind":"x)");
  rules.tokenizer.reset();
  EXPECT_FALSE(Answer(rules, {}).is_forced());
}

TEST(Answer, FreeTextEndsWithAnEndTokenOrItsLength) {
  const Vocabulary vocabulary(6);
  Answer answer(vocabulary.rules(3, 0), {});
  std::vector<float> row(vocabulary.tokens.size(), 0);
  row[7] = 1;
  EXPECT_EQ(**answer.next(row), 7);
  row.assign(row.size(), 0);
  row[size_t(vocabulary.end())] = 1;
  EXPECT_FALSE(answer.next(row)->has_value());
  EXPECT_EQ(answer.finish(), Finish::kStop);
  EXPECT_EQ(answer.tokens(), 1);
  EXPECT_EQ(write(vocabulary, vocabulary.rules(1, 0), 1).finish, Finish::kLength);
}

TEST(Answer, LogitsWithoutANumberAreAFailure) {
  const Vocabulary vocabulary(7);
  Answer answer(vocabulary.rules(3, 0), {});
  std::vector<float> row(vocabulary.tokens.size(), std::nanf(""));
  EXPECT_EQ(answer.next(row).error().code(), Code::kInternal);
}

// The byte '#' stands for </think>, '<' for <think>.
AnswerRules thinking_rules(const Vocabulary& vocabulary, int64_t max_tokens, int64_t most) {
  AnswerRules rules = vocabulary.rules(max_tokens, 1);
  rules.constraint = vocabulary.constraint(R"({"type":"array","items":{"type":"boolean"}})");
  rules.thinking = AnswerRules::Thinking{{'<', '\n'}, '#', {'\n', '#', '\n'}, {'\n'}, most};
  return rules;
}

TEST(Answer, ADocumentFollowsTheThinking) {
  const Vocabulary vocabulary(8, 300);
  int own = 0;
  for (uint32_t seed = 0; seed < 60; ++seed) {
    const auto rules = thinking_rules(vocabulary, 400, 300);
    const Written got = write(vocabulary, rules, seed);
    EXPECT_EQ(got.text.substr(0, 2), "<\n");
    const size_t end = got.text.find('#');
    ASSERT_NE(end, std::string::npos);
    own += got.text.substr(end - 1, 3) != "\n#\n" ? 1 : 0;
    EXPECT_EQ(got.text[end + 1], '\n');
    EXPECT_TRUE(
        grammar::valid(R"({"type":"array","items":{"type":"boolean"}})", got.text.substr(end + 2)))
        << got.text;
  }
  EXPECT_GT(own, 5);
}

TEST(Answer, ThinkingEndsInTimeForTheDocument) {
  const Vocabulary vocabulary(9, 300);
  for (const int64_t most : {2, 3, 5}) {
    for (uint32_t seed = 0; seed < 20; ++seed) {
      AnswerRules rules = thinking_rules(vocabulary, most + 3 + 2, most);
      const Written got = write(vocabulary, rules, seed);
      const size_t end = got.text.find('#');
      ASSERT_NE(end, std::string::npos) << got.text;
      EXPECT_TRUE(parse_json(got.text.substr(end + 2)).has_value()) << got.text;
    }
  }
}

}  // namespace
}  // namespace maie::llm
