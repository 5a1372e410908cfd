#include "text/gguf_vocabulary.h"

#include <algorithm>
#include <limits>
#include <random>
#include <set>

#include "tests/formats/hostile.h"
#include "tests/support/random_gguf.h"
#include "tests/text/testing.h"
#include "text/byte_alphabet.h"

namespace maie::text {
namespace {

using formats::Gguf;
using maie::support::GgufWriter;

Result<GgufVocabulary> read(const std::string& bytes) {
  MAIE_ASSIGN(const auto file, Gguf::parse(formats::as_bytes(bytes), "v.gguf"));
  return read_gguf_vocabulary(*file);
}

std::vector<std::string> split_at(const std::string& text, const std::string& separator) {
  std::vector<std::string> out;
  size_t at = 0;
  for (size_t next; (next = text.find(separator, at)) != std::string::npos;
       at = next + separator.size()) {
    out.push_back(text.substr(at, next - at));
  }
  out.push_back(text.substr(at));
  return out;
}

// The published files and llama.cpp's own ids for each of their texts.
class PublishedVocabulary : public testing::TestWithParam<const char*> {};
TEST_P(PublishedVocabulary, GivesThePublishedIds) {
  const std::string base = std::string("gguf-vocab/ggml-vocab-") + GetParam() + ".gguf";
  MAIE_OUTSIDE_DATA(file, base);
  MAIE_OUTSIDE_DATA(inputs, base + ".inp");
  MAIE_OUTSIDE_DATA(outputs, base + ".out");
  const auto vocabulary = read(file);
  ASSERT_TRUE(vocabulary.has_value()) << vocabulary.error().message();
  const auto texts = split_at(inputs, "\n__ggml_vocab_test__\n");
  auto lines = split_at(outputs, "\n");
  if (lines.back().empty()) lines.pop_back();
  ASSERT_EQ(lines.size() + 1, texts.size());  // the last separator has nothing behind it
  for (size_t i = 0; i < lines.size(); ++i) {
    const auto ids = vocabulary->tokenizer.encode(texts[i]);
    ASSERT_TRUE(ids.has_value());
    std::string line;
    for (const int32_t id : *ids) line.append(" ").append(std::to_string(id));
    EXPECT_EQ(line, lines[i]) << GetParam() << " text " << i << ": " << texts[i];
    EXPECT_EQ(vocabulary->tokenizer.decode(*ids), texts[i]);
  }
}
INSTANTIATE_TEST_SUITE_P(Each, PublishedVocabulary,
                         testing::Values("gpt-2", "falcon", "llama-spm", "phi-3"),
                         [](const auto& info) {
                           std::string name = info.param;
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

TEST(PublishedVocabularies, SayHowAPromptBeginsAndEnds) {
  MAIE_OUTSIDE_DATA(file, "gguf-vocab/ggml-vocab-phi-3.gguf");
  const auto phi = read(file);
  ASSERT_TRUE(phi.has_value()) << phi.error().message();
  EXPECT_EQ(phi->bos, 1);
  EXPECT_EQ(phi->eos, 32000);
  EXPECT_EQ(phi->ends, std::vector<int32_t>{32000});
  EXPECT_TRUE(phi->add_bos);
  EXPECT_FALSE(phi->add_eos);
  EXPECT_NE(phi->chat_template.find("bos_token"), std::string::npos);
  EXPECT_EQ(phi->tokenizer.size(), 32064);
  EXPECT_TRUE(phi->tokenizer.is_special(32007));
  EXPECT_EQ(phi->tokenizer.token_to_id("<|end|>"), 32007);
  EXPECT_EQ(*phi->tokenizer.encode("<|user|>Hi<|end|>"),
            (std::vector<int32_t>{32010, 6324, 32007}));
}

std::string hex_digest(const std::vector<int32_t>& ids) {
  return sha256_hex(std::as_bytes(std::span(ids))).substr(0, 8);
}

// Ids of two thousand texts by Hugging Face tokenizers (make_gguf_vocabularies.py).
void expect_digests(const BpeTokenizer& tokenizer, const Json& golden, const char* name) {
  const Json& texts = golden["texts"];
  const Json& wanted = golden[name];
  ASSERT_EQ(texts.size(), 2000u);
  ASSERT_EQ(wanted.size(), texts.size());
  int wrong = 0;
  for (size_t i = 0; i < texts.size(); ++i) {
    const std::string want = wanted[i];
    if (want.empty()) continue;
    const std::string text = texts[i];
    const auto ids = tokenizer.encode(text);
    ASSERT_TRUE(ids.has_value());
    if (hex_digest(*ids) != want && ++wrong <= 5) ADD_FAILURE() << name << ": " << texts[i].dump();
  }
  EXPECT_EQ(wrong, 0);
}

// small_bpe.gguf again, with the name of another pre-tokenizer.
std::string with_pre_tokenizer(const std::string& pre) {
  const std::string file = golden_text("small_bpe.gguf");
  const auto gguf = *Gguf::parse(formats::as_bytes(file), "small_bpe.gguf");
  const auto strings = [&](const char* key) {
    const auto views = *gguf->strings(key);
    return std::vector<std::string>(views.begin(), views.end());
  };
  const auto types = *gguf->integers("tokenizer.ggml.token_type");
  GgufWriter writer;
  writer.add("tokenizer.ggml.model", "gpt2");
  if (!pre.empty()) writer.add("tokenizer.ggml.pre", pre);
  writer.add("tokenizer.ggml.tokens", strings("tokenizer.ggml.tokens"));
  writer.add("tokenizer.ggml.token_type", std::vector<int32_t>(types.begin(), types.end()));
  writer.add("tokenizer.ggml.merges", strings("tokenizer.ggml.merges"));
  return writer.bytes();
}

class SmallVocabulary : public testing::TestWithParam<const char*> {};
TEST_P(SmallVocabulary, GivesTheIdsOfHuggingFaceTokenizers) {
  const auto vocabulary = read(with_pre_tokenizer(GetParam()));
  ASSERT_TRUE(vocabulary.has_value()) << vocabulary.error().message();
  expect_digests(vocabulary->tokenizer, golden("small_vocabulary_ids.json"), GetParam());
}
INSTANTIATE_TEST_SUITE_P(EachPreTokenizer, SmallVocabulary,
                         testing::Values("qwen2", "llama-bpe", "gpt-2", "smollm"),
                         [](const auto& info) {
                           std::string name = info.param;
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

TEST(GgufVocabulary, IsTheTokenizerOfItsTokenizerJson) {
  const auto gguf = read(golden_text("small_bpe.gguf"));
  ASSERT_TRUE(gguf.has_value()) << gguf.error().message();
  const auto json = BpeTokenizer::from_tokenizer_json(golden_text("small_bpe.json"));
  ASSERT_TRUE(json.has_value()) << json.error().message();
  const Json wanted = golden("small_vocabulary_ids.json");
  expect_digests(*json, wanted, "qwen2");
  for (const Json& entry : wanted["texts"]) {
    const std::string text = entry;
    const auto ids = gguf->tokenizer.encode(text);
    ASSERT_EQ(*ids, *json->encode(text)) << text;
    EXPECT_EQ(gguf->tokenizer.decode(*ids, true), json->decode(*ids, true));
  }
  const int32_t think = *json->token_to_id("<think>");
  EXPECT_EQ(gguf->tokenizer.token_to_id("<think>"), think);
  EXPECT_FALSE(gguf->tokenizer.is_special(think));
  EXPECT_EQ(gguf->eos, json->token_to_id("<|im_end|>"));
  EXPECT_EQ(gguf->padding, json->token_to_id("<|endoftext|>"));
  EXPECT_FALSE(gguf->bos.has_value());
  EXPECT_FALSE(gguf->add_bos);
  EXPECT_EQ(gguf->chat_template, "{{ messages[0].content }}");
  EXPECT_EQ(gguf->tokenizer.size(), json->size() + 1);  // and a padding token without text
  EXPECT_EQ(gguf->tokenizer.id_to_bytes(json->size()), "");
}

TEST(ScoredVocabulary, GivesTheIdsOfItsDefinition) {
  const auto vocabulary = read(golden_text("small_spm.gguf"));
  ASSERT_TRUE(vocabulary.has_value()) << vocabulary.error().message();
  EXPECT_TRUE(vocabulary->add_bos);
  const Json wanted = golden("small_vocabulary_ids.json");
  expect_digests(vocabulary->tokenizer, wanted, "spm");
  for (const Json& entry : wanted["texts"]) {
    const std::string text = entry;
    if (text.find('<') != text.npos || text.find("\u2581") != text.npos) continue;
    EXPECT_EQ(vocabulary->tokenizer.decode(*vocabulary->tokenizer.encode(text)), text);
  }
}

TEST(ScoredVocabulary, GivesTheIdsOfHuggingFaceTokenizers) {
  const std::string file = golden_text("small_spm.gguf");
  const auto gguf = *Gguf::parse(formats::as_bytes(file), "small_spm.gguf");
  const auto views = *gguf->strings("tokenizer.ggml.tokens");
  std::vector<std::string> tokens(views.begin(), views.end());
  const Json wanted = golden("small_vocabulary_ids.json");
  const auto scores = wanted["spm_strict_scores"].get<std::vector<float>>();
  ScoredOptions options;
  for (int32_t byte = 0; byte < 256; ++byte) {
    options.byte_tokens[size_t(byte)] = byte + 3;
    tokens[size_t(byte) + 3].clear();
  }
  for (size_t i = 0; i < 3; ++i) tokens[i].clear();
  const auto tokenizer = BpeTokenizer::from_scored_tokens(tokens, scores, {}, options);
  ASSERT_TRUE(tokenizer.has_value()) << tokenizer.error().message();
  expect_digests(*tokenizer, wanted, "spm_strict");
}

TEST(ScoredVocabulary, MergesLongTextsAsShortOnes) {
  // Pieces below the limit of the scan and above it, against the definition as a plain loop.
  const std::vector<std::string> tokens = {"a",  "b",  "\u2581", "ab",   "ba",
                                           "aa", "bb", "aba",    "abab", "\u2581a"};
  const std::vector<float> scores = {-9, -9, -9, -1, -1, -2, -2, -3, -3, -2};
  const auto tokenizer = BpeTokenizer::from_scored_tokens(tokens, scores);
  ASSERT_TRUE(tokenizer.has_value()) << tokenizer.error().message();
  std::mt19937 random(3);
  for (int round = 0; round < 300; ++round) {
    std::string text;
    for (size_t i = random() % 150; i > 0; --i) text.push_back("ab"[random() % 2]);
    if (text.empty()) continue;
    std::vector<std::string> parts{"\u2581"};
    for (const char c : text) parts.emplace_back(1, c);
    const auto id_of = [&](const std::string& s) {
      return int32_t(std::find(tokens.begin(), tokens.end(), s) - tokens.begin());
    };
    for (;;) {
      float best = -std::numeric_limits<float>::infinity();
      size_t place = 0;
      for (size_t i = 0; i + 1 < parts.size(); ++i) {
        const auto id = size_t(id_of(parts[i] + parts[i + 1]));
        if (id < tokens.size() && scores[id] > best) {
          best = scores[id];
          place = i;
        }
      }
      if (best == -std::numeric_limits<float>::infinity()) break;
      parts[place] += parts[place + 1];
      parts.erase(parts.begin() + static_cast<ptrdiff_t>(place) + 1);
    }
    std::vector<int32_t> wanted;
    for (const std::string& part : parts) wanted.push_back(id_of(part));
    ASSERT_EQ(*tokenizer->encode(text), wanted) << text;
  }
}

TEST(ScoredVocabulary, SpellsWhatHasNoTokenInBytes) {
  ScoredOptions options;
  options.byte_tokens[0xC3] = 1;
  options.byte_tokens[0xA9] = 2;
  const std::vector<std::string> tokens = {"<unk>", "<0xC3>", "<0xA9>", "a", "\u2581"};
  const std::vector<float> scores(5, 0.0f);
  auto tokenizer = BpeTokenizer::from_scored_tokens(tokens, scores, {}, options);
  ASSERT_TRUE(tokenizer.has_value()) << tokenizer.error().message();
  EXPECT_EQ(*tokenizer->encode("a\u00e9\u00e8"), (std::vector<int32_t>{4, 3, 1, 2, 1}));
  EXPECT_EQ(tokenizer->decode(std::vector<int32_t>{4, 3, 1, 2}), "a\u00e9");
  EXPECT_EQ(tokenizer->decode(std::vector<int32_t>{3, 4, 3}), "a a");
  options.unknown_id = 0;
  options.space_prefix = false;
  tokenizer = BpeTokenizer::from_scored_tokens(tokens, scores, {}, options);
  EXPECT_EQ(*tokenizer->encode("a\u00e8"), (std::vector<int32_t>{3, 1, 0}));
  EXPECT_EQ(tokenizer->decode(std::vector<int32_t>{4, 3}), " a");
}

TEST(GgufVocabulary, RefusesWhatItCannotReproduce) {
  const auto refused = [](const std::string& file, Code code, const std::string& words) {
    const Status status = read(file).status();
    EXPECT_EQ(status.code(), code) << status.message();
    EXPECT_NE(status.message().find(words), std::string::npos) << status.message();
  };
  refused(with_pre_tokenizer("klingon"), Code::kUnsupported,
          "v.gguf: tokenizer.ggml: "
          "pre-tokenizer \"klingon\"");
  EXPECT_TRUE(read(with_pre_tokenizer("")).has_value());
  refused(GgufWriter().bytes(), Code::kNotFound, "tokenizer.ggml.model");
  const auto llama = [](const std::vector<std::string>& tokens, const std::vector<float>& scores,
                        const std::vector<int32_t>& types, int64_t eos) {
    GgufWriter writer;
    writer.add("tokenizer.ggml.model", "llama");
    writer.add("tokenizer.ggml.tokens", tokens);
    writer.add("tokenizer.ggml.scores", scores);
    writer.add("tokenizer.ggml.token_type", types);
    writer.add("tokenizer.ggml.eos_token_id", eos);
    return writer.bytes();
  };
  const float nan = std::numeric_limits<float>::quiet_NaN();
  EXPECT_TRUE(read(llama({"a", "b"}, {0, 1}, {1, 1}, 0)).has_value());
  EXPECT_FALSE(read(llama({"a", "b"}, {0, 1}, {1, 1}, -1))->eos.has_value());
  refused(llama({"a", "b"}, {0}, {1, 1}, 0), Code::kCorrupt, "2 tokens and 1 scores");
  refused(llama({"a", "b"}, {0, nan}, {1, 1}, 0), Code::kCorrupt, "token 1 has a score");
  refused(llama({"a", "b"}, {0, 1}, {1}, 0), Code::kCorrupt, "1 types for 2 tokens");
  refused(llama({"a", "b"}, {0, 1}, {1, 6}, 0), Code::kCorrupt, "byte token 1 is \"b\"");
  refused(llama({"a", "b"}, {0, 1}, {1, 1}, 2), Code::kCorrupt, "eos_token_id is 2, outside");
  refused(llama({}, {}, {}, 0), Code::kCorrupt, "0 tokens");
  GgufWriter other;
  other.add("tokenizer.ggml.model", "bert");
  refused(other.bytes(), Code::kUnsupported, "tokenizer.ggml.model is \"bert\"");
}

// Bytes, "bc" and "abc" by merges, "bcd" that no merge makes, digits in runs, and a name of
// letters.
std::string hand_made(const char* pre) {
  GgufWriter file;
  std::vector<std::string> tokens;
  for (int byte = 0; byte < 256; ++byte) {
    tokens.push_back(bytes_to_alphabet(std::string(1, char(byte))));
  }
  for (const char* more : {"bc", "abc", "bcd", "12", "123", "1234", "xyz"}) tokens.push_back(more);
  std::vector<int32_t> types(tokens.size(), 1);
  types.back() = 3;
  file.add("tokenizer.ggml.model", "gpt2");
  file.add("tokenizer.ggml.pre", pre);
  file.add("tokenizer.ggml.tokens", tokens);
  file.add("tokenizer.ggml.token_type", types);
  file.add("tokenizer.ggml.merges",
           std::vector<std::string>{"b c", "a bc", "1 2", "12 3", "123 4"});
  file.add("tokenizer.ggml.bos_token_id", uint32_t{262});
  return file.bytes();
}

TEST(PreTokenizers, DifferAsTheirModelsDo) {
  const auto ids = [](const char* pre, const std::string& text) {
    const auto vocabulary = read(hand_made(pre));
    EXPECT_TRUE(vocabulary.has_value()) << vocabulary.error().message();
    return *vocabulary->tokenizer.encode(text, AddedTokens::kAsText);
  };
  using Ids = std::vector<int32_t>;
  // Whole pieces that are tokens are taken before merging only by Llama 3.
  EXPECT_EQ(ids("llama-bpe", "bcd"), Ids{258});
  EXPECT_EQ(ids("qwen2", "bcd"), (Ids{256, 'd'}));
  // A name that no merge makes is not made of a user's letters either.
  EXPECT_EQ(ids("llama-bpe", "xyz"), (Ids{'x', 'y', 'z'}));
  EXPECT_EQ(ids("gpt-2", "xyz"), (Ids{'x', 'y', 'z'}));
  // Digits: a run, three from the left, one by one.
  EXPECT_EQ(ids("gpt-2", "1234"), Ids{261});
  EXPECT_EQ(ids("llama-bpe", "1234"), (Ids{260, '4'}));
  EXPECT_EQ(ids("default", "1234"), (Ids{260, '4'}));
  EXPECT_EQ(ids("falcon", "1234"), (Ids{260, '4'}));
  EXPECT_EQ(ids("qwen2", "1234"), (Ids{'1', '2', '3', '4'}));
  EXPECT_EQ(ids("smollm", "1234"), (Ids{'1', '2', '3', '4'}));
  // Where the file does not say whether a prompt begins with BOS, the kind does.
  EXPECT_TRUE(read(hand_made("llama-bpe"))->add_bos);
  EXPECT_FALSE(read(hand_made("qwen2"))->add_bos);
}

TEST(SyntheticVocabulary, MergesLettersTwoByTwo) {
  GgufWriter file;
  support::add_synthetic_vocabulary(file, 151936);
  const auto vocabulary = read(file.bytes());
  ASSERT_TRUE(vocabulary.has_value()) << vocabulary.error().message();
  EXPECT_EQ(vocabulary->tokenizer.size(), 151936);
  EXPECT_EQ(vocabulary->eos, 151936 - 3);
  const std::string text = "abcd efghij<|im_end|> Vi\u1ec7t";
  const auto ids = vocabulary->tokenizer.encode(text);
  EXPECT_EQ(vocabulary->tokenizer.decode(*ids), text);
  EXPECT_EQ(vocabulary->tokenizer.id_to_bytes((*ids)[0]), "abcd");
  EXPECT_NE(std::find(ids->begin(), ids->end(), 151936 - 3), ids->end());
}

TEST(GgufVocabulary, WordsToCopyAreTokensOfTheirOwn) {
  support::GgufWriter file;
  support::add_synthetic_vocabulary(file, 151936);
  const auto vocabulary = read(file.bytes());
  ASSERT_TRUE(vocabulary.has_value()) << vocabulary.error().message();
  const auto words = support::copied_tokens(151936, 1500);
  EXPECT_EQ(*vocabulary->tokenizer.encode(support::copied_text(151936, 1500)), words);
  EXPECT_EQ(std::set<int32_t>(words.begin(), words.end()).size(), 1500u);
}

TEST(GgufVocabulary, SurvivesDamage) {
  for (const char* name : {"small_bpe.gguf", "small_spm.gguf"}) {
    const std::string valid = golden_text(name);
    formats::parse_damaged_copies(valid, valid.size(), 300, [&](const std::string& damaged) {
      const auto vocabulary = read(damaged);
      if (!vocabulary) {
        EXPECT_FALSE(vocabulary.error().message().empty());
        return;
      }
      const auto ids = vocabulary->tokenizer.encode("Xin ch\u00e0o, 12 <think>\n  ok\u4f1a\u8b70");
      ASSERT_TRUE(ids.has_value());
      (void)vocabulary->tokenizer.decode(*ids);
    });
  }
}

}  // namespace
}  // namespace maie::text
