// Random schemas and random documents, judged by valijson.
#include <cmath>

#include "tests/grammar/testing.h"

namespace maie::grammar {
namespace {

// A random schema beside documents that keep it, made from the same choices but never through the
// code under test.
class Generator {
 public:
  explicit Generator(uint32_t seed) : random_(seed) {}

  Json schema(int depth) {
    switch (pick(depth > 0 ? 10 : 7)) {
      case 0: return {{"type", "boolean"}};
      case 1:
        return {{"type", pick(2) ? "integer" : "number"},
                {"minimum", int(pick(40)) - 30},
                {"maximum", int(pick(300)) + 10}};
      case 2: return {{"type", Json::array({"string", "null"})}, {"maxLength", pick(6)}};
      case 3: return {{"type", "string"}, {"minLength", pick(3)}, {"maxLength", 3 + pick(5)}};
      case 4: return {{"enum", Json::array({"cao", "trung bình", 3, nullptr, -1.5})}};
      case 5: return {{"type", "string"}, {"pattern", "^[a-c]{1,3}(-[0-9]+)?$"}};
      case 6: return {{"const", pick(2) ? Json("x\"y") : Json::array({1, "z"})}};
      case 7: {
        const unsigned least = pick(3);
        return {{"type", "array"},
                {"items", schema(depth - 1)},
                {"minItems", least},
                {"maxItems", least + pick(3)}};
      }
      case 8: {
        Json members = Json::object(), required = Json::array();
        for (unsigned i = 0, n = pick(4); i < n; ++i) {
          const std::string name = names_[pick(names_.size())];
          if (members.contains(name)) continue;
          members[name] = schema(depth - 1);
          if (pick(2)) required.push_back(name);
        }
        return {{"type", "object"},
                {"properties", members},
                {"required", required},
                {"additionalProperties", false}};
      }
      default: return {{"anyOf", Json::array({schema(depth - 1), schema(depth - 1)})}};
    }
  }

  Json document(const Json& s) {
    if (s.contains("anyOf")) return document(s["anyOf"][pick(2)]);
    if (s.contains("enum")) return s["enum"][pick(s["enum"].size())];
    if (s.contains("const")) return s["const"];
    if (s.contains("pattern")) {
      std::string text(1 + pick(3), char('a' + pick(3)));
      return pick(2) ? text : text + "-" + std::to_string(pick(5000));
    }
    if (s["type"].is_array() && pick(3) == 0) return nullptr;
    const std::string type = s["type"].is_array() ? "string" : s["type"].get<std::string>();
    if (type == "boolean") return pick(2) == 0;
    if (type == "integer" || type == "number") {
      const int low = s["minimum"], high = s["maximum"];
      const int whole = low + int(pick(unsigned(high - low + 1)));
      if (type == "number" && whole < high && pick(2)) return whole + int(pick(1000)) / 1000.0;
      return whole;
    }
    if (type == "string") {
      const unsigned least = unsigned(json_int(s, "minLength", 0));
      std::string text;
      for (unsigned n = least + pick(unsigned(json_int(s, "maxLength", 0)) - least + 1); n > 0; --n)
        text += letters_[pick(letters_.size())];
      return text;
    }
    if (type == "array") {
      Json out = Json::array();
      const unsigned least = s["minItems"], most = s["maxItems"];
      for (unsigned n = least + pick(most - least + 1); n > 0; --n)
        out.push_back(document(s["items"]));
      return out;
    }
    Json out = Json::object();
    for (const auto& [name, member] : s["properties"].items()) {
      const auto& required = s["required"];
      if (std::find(required.begin(), required.end(), name) == required.end() && pick(2)) continue;
      out[name] = document(member);
    }
    return out;
  }

  unsigned pick(size_t n) { return unsigned(random_() % n); }
  std::mt19937& random() { return random_; }

 private:
  std::mt19937 random_;
  const std::vector<std::string> names_{"a", "ab", "abc", "tiêu_đề", "x\"y", ""};
  const std::vector<std::string> letters_{"a", "\"", "\\", "\n", "ế", "😀", "\x01", "/", "\x7F"};
};

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
