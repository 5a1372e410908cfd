#pragma once

#include <gtest/gtest.h>

#include <random>
#include <set>

#include "grammar/matcher.h"
#include "grammar/validate.h"

namespace maie::grammar {

/// The 256 bytes, then random texts of pieces that JSON, Vietnamese and broken UTF-8 are made of,
/// then one special token (empty) and the end token.
inline std::vector<std::string> random_vocabulary(std::mt19937& random, size_t size) {
  const std::vector<std::string> pieces{
      "\"",    "\",\"", "\":",      "{\"",      "}",    "],",  "]",       "[",       "[\"",
      ",",     "a",     "b",        "c",        "de",   "ế",   "đ",       "\xE1",    "\xBA",
      "\xBF",  "😀",     "\xF0\x9F", "\x98\x80", "\\",   "\\u", "\\ud83d", "\\ude00", "\\n",
      "n",     "u",     "0",        "1",        "00e9", "12",  "-",       ".",       "true",
      "false", "null",  " ",        "\n",       "x",    "d8"};
  std::set<std::string> seen;
  std::vector<std::string> out;
  for (int b = 0; b < 256; ++b) out.push_back(std::string(1, char(b)));
  for (size_t tries = 0; out.size() < size && tries < 20 * size; ++tries) {
    std::string text;
    for (size_t n = 1 + random() % 4; n > 0; --n) text += pieces[random() % pieces.size()];
    if (text.size() > 1 && seen.insert(text).second) out.push_back(text);
  }
  out.push_back("");
  out.push_back("</s>");
  return out;
}

inline std::shared_ptr<const TokenTrie> make_trie(const std::vector<std::string>& tokens) {
  auto trie = TokenTrie::make(tokens, {int32_t(tokens.size() - 1)});
  EXPECT_TRUE(trie.has_value()) << trie.error().message();
  return *trie;
}

inline bool bit(std::span<const uint32_t> mask, int32_t id) {
  return mask[size_t(id) / 32] >> (id % 32) & 1;
}

inline std::vector<int32_t> allowed(std::span<const uint32_t> mask, size_t vocabulary) {
  std::vector<int32_t> out;
  for (int32_t id = 0; size_t(id) < vocabulary; ++id) {
    if (bit(mask, id)) out.push_back(id);
  }
  return out;
}

inline std::shared_ptr<const Grammar> must_compile(const std::string& schema) {
  auto grammar = Grammar::compile(schema);
  EXPECT_TRUE(grammar.has_value()) << schema << "\n" << grammar.error().message();
  return grammar ? *grammar : nullptr;
}

/// Whether the whole text is a document of the grammar.
inline bool accepts(const Grammar& grammar, const std::string& text) {
  Machine machine(grammar);
  Tops tops = machine.start(), next;
  for (const char c : text) {
    machine.step(tops, uint8_t(c), next);
    tops.swap(next);
  }
  return Machine::complete(tops);
}

inline bool accepts(const std::string& schema, const std::string& text) {
  const auto grammar = must_compile(schema);
  return grammar && accepts(*grammar, text);
}

inline bool valid(const std::string& schema, const std::string& text) {
  const auto document = parse_json(text);
  if (!document) return false;
  const auto violations = validate(*parse_json(schema), *document);
  EXPECT_TRUE(violations.has_value()) << violations.error().message();
  return violations && violations->empty();
}

/// Writes a document of random allowed tokens, at most `budget`; the text, or "" with a failure.
inline std::string random_document(std::shared_ptr<Constraint> constraint, std::mt19937& random,
                                   uint64_t budget) {
  Matcher matcher(constraint);
  const size_t vocabulary = constraint->trie().vocabulary();
  std::string text;
  EXPECT_GE(budget, matcher.tokens_to_finish());
  for (uint64_t left = budget;; --left) {
    const auto choices = allowed(matcher.mask(left), vocabulary);
    if (choices.empty()) {
      ADD_FAILURE() << "stuck after " << text << " with " << left << " tokens left";
      return "";
    }
    const int32_t token = choices[random() % choices.size()];
    if (!matcher.accept(token)) {
      ADD_FAILURE() << "the mask allows what accept refuses after " << text;
      return "";
    }
    if (matcher.ended()) return text;
    text += constraint->trie().bytes(token);
  }
}

}  // namespace maie::grammar
