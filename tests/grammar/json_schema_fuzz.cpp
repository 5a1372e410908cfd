// Compiles the input as a schema; what compiles is written along its shortest way and validated.
#include <cstdlib>

#include "grammar/matcher.h"

using namespace maie::grammar;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const auto trie = [] {
    std::vector<std::string> tokens;
    for (int b = 0; b < 256; ++b) tokens.push_back(std::string(1, char(b)));
    tokens.push_back("");
    return *TokenTrie::make(tokens, {256});
  }();
  GrammarLimits limits;
  limits.states = 20'000;
  limits.nodes = 1'000;
  limits.shortest = 500;
  const auto grammar =
      Grammar::compile(std::string_view(reinterpret_cast<const char*>(data), size), limits);
  if (!grammar) {
    if (grammar.error().message().empty()) std::abort();
    return 0;
  }
  Matcher matcher(std::make_shared<Constraint>(*grammar, trie));
  for (uint64_t left = matcher.tokens_to_finish(); left > 0 && !matcher.complete(); --left) {
    const auto mask = matcher.mask(left);
    int32_t token = 0;
    while (token < 256 && !(mask[size_t(token) / 32] >> (token % 32) & 1)) ++token;
    if (!matcher.accept(token)) std::abort();
  }
  if (!matcher.complete()) std::abort();
  return 0;
}
