#include <chrono>
#include <random>

#include "tests/text/testing.h"
#include "text/bpe_tokenizer.h"
#include "text/byte_alphabet.h"

namespace maie::text {
namespace {

// A minimal valid file: 256 bytes, one merge.
Json small_file() {
  Json vocab = Json::object();
  for (int b = 0; b < 256; ++b) vocab[bytes_to_alphabet(std::string(1, static_cast<char>(b)))] = b;
  vocab["th"] = 256;
  return {
      {"added_tokens",
       Json::array(
           {{{"id", 257}, {"content", "<|e|>"}, {"special", true}, {"normalized", false}}})},
      {"normalizer", nullptr},
      {"pre_tokenizer", {{"type", "ByteLevel"}, {"add_prefix_space", false}, {"use_regex", true}}},
      {"decoder", {{"type", "ByteLevel"}}},
      {"model",
       {{"type", "BPE"},
        {"unk_token", nullptr},
        {"vocab", vocab},
        {"merges", Json::array({"t h"})}}}};
}

TEST(TokenizerJson, AgreesWithHuggingFaceOnAwkwardText) {
  const Json cases = golden("small_tokenizers.json");
  ASSERT_EQ(cases.size(), 3u);
  for (const Json& one : cases) {
    const auto tokenizer = BpeTokenizer::from_tokenizer_json(one["tokenizer"].get<std::string>());
    ASSERT_TRUE(tokenizer.has_value()) << tokenizer.error().message();
    ASSERT_GT(one["texts"].size(), 50u);
    for (size_t i = 0; i < one["texts"].size(); ++i) {
      const std::string text = one["texts"][i];
      const auto ids = tokenizer->encode(text);
      ASSERT_TRUE(ids.has_value());
      EXPECT_EQ(*ids, one["ids"][i].get<std::vector<int32_t>>()) << one["name"] << ": " << text;
      EXPECT_EQ(tokenizer->decode(*ids, true), one["decoded"][i].get<std::string>()) << text;
    }
  }
}

TEST(TokenizerJson, ReadsBothFormsOfMergesAndAnyOrder) {
  Json file = small_file();
  for (const Json& merges : {Json::array({"t h"}), Json::array({Json::array({"t", "h"})})}) {
    Json reordered;  // merges before the vocabulary
    reordered["model"] = {{"type", "BPE"}, {"merges", merges}, {"vocab", file["model"]["vocab"]}};
    for (const char* key : {"decoder", "pre_tokenizer", "added_tokens"}) reordered[key] = file[key];
    const auto tokenizer = BpeTokenizer::from_tokenizer_json(reordered.dump());
    ASSERT_TRUE(tokenizer.has_value()) << tokenizer.error().message();
    EXPECT_EQ(*tokenizer->encode("the<|e|>"), (std::vector<int32_t>{256, 'e', 257}));
  }
}

TEST(TokenizerJson, NamesWhatItDoesNotSupport) {
  const struct {
    const char* pointer;
    const char* value;
    const char* named;
  } cases[] = {
      {"/normalizer", R"({"type":"NFKC"})", "NFKC"},
      {"/normalizer", R"({"type":"Sequence","normalizers":[{"type":"NFC"},{"type":"Lowercase"}]})",
       "Lowercase"},
      {"/pre_tokenizer", "null", "null"},
      {"/pre_tokenizer", R"({"type":"Metaspace"})", "Metaspace"},
      {"/pre_tokenizer", R"({"type":"ByteLevel","add_prefix_space":true})", "add_prefix_space"},
      {"/pre_tokenizer", R"({"type":"Sequence","pretokenizers":[]})", "ByteLevel"},
      {"/pre_tokenizer",
       R"({"type":"Sequence","pretokenizers":[{"type":"ByteLevel","add_prefix_space":false},{"type":"Digits"}]})",
       "Digits"},
      {"/pre_tokenizer", R"({"type":"Split","pattern":{"String":" "},"behavior":"Isolated"})",
       "Regex"},
      {"/pre_tokenizer", R"({"type":"Split","pattern":{"Regex":" "},"behavior":"Removed"})",
       "Isolated"},
      {"/pre_tokenizer",
       R"({"type":"Sequence","pretokenizers":[{"type":"Split","pattern":{"Regex":"\\w"},"behavior":"Isolated"},{"type":"ByteLevel","add_prefix_space":false}]})",
       "\\w"},
      {"/decoder", R"({"type":"WordPiece"})", "WordPiece"},
      {"/decoder", "null", "null"},
      {"/model/type", R"("Unigram")", "Unigram"},
      {"/model/dropout", "0.1", "dropout"},
      {"/model/byte_fallback", "true", "byte_fallback"},
      {"/model/end_of_word_suffix", R"("</w>")", "end_of_word_suffix"},
      {"/model/continuing_subword_prefix", R"("##")", "continuing_subword_prefix"},
  };
  for (const auto& one : cases) {
    Json file = small_file();
    file[Json::json_pointer(one.pointer)] = Json::parse(one.value);
    const auto tokenizer = BpeTokenizer::from_tokenizer_json(file.dump());
    ASSERT_FALSE(tokenizer.has_value()) << one.pointer << one.value;
    EXPECT_EQ(tokenizer.error().code(), Code::kUnsupported) << one.value;
    EXPECT_NE(tokenizer.error().message().find(one.named), std::string::npos)
        << tokenizer.error().message();
  }
}

TEST(TokenizerJson, RefusesBrokenFiles) {
  const struct {
    const char* pointer;
    const char* value;
  } cases[] = {
      {"/model/vocab/th", "-1"},
      {"/model/vocab/th", "99999999999"},
      {"/model/vocab/th", "\"x\""},
      {"/model/vocab/th", "3"},
      {"/model/vocab/th", "1.5"},
      {"/model/vocab", "[]"},
      {"/model/vocab", "3"},
      {"/model/merges", R"(["t"])"},
      {"/model/merges", R"(["t h e"])"},
      {"/model/merges", R"([["t"]])"},
      {"/model/merges", R"([["t","h","e"]])"},
      {"/model/merges", R"([[["t"]]])"},
      {"/model/merges", "{}"},
      {"/model/merges", R"(["q q"])"},
      {"/model/merges", R"(["日 t"])"},
      {"/model/merges", "[1]"},
      {"/model", "[]"},
      {"/model", "null"},
      {"/added_tokens", "{}"},
      {"/added_tokens", "[1]"},
      {"/added_tokens", R"([{"id":-1,"content":"x"}])"},
      {"/added_tokens", R"([{"id":1}])"},
      {"/added_tokens", R"([{"id":2000000000,"content":"x"}])"},
  };
  for (const auto& one : cases) {
    Json file = small_file();
    file[Json::json_pointer(one.pointer)] = Json::parse(one.value);
    const auto tokenizer = BpeTokenizer::from_tokenizer_json(file.dump());
    ASSERT_FALSE(tokenizer.has_value()) << one.pointer << one.value;
    EXPECT_EQ(tokenizer.error().code(), Code::kCorrupt) << tokenizer.error().message();
    EXPECT_NE(tokenizer.error().message().find("tokenizer.json"), std::string::npos);
  }
  for (const std::string text : {"", "{", "[]", "3", "{}", R"({"model":{}})"}) {
    EXPECT_EQ(BpeTokenizer::from_tokenizer_json(text).error().code(), Code::kCorrupt) << text;
  }
  EXPECT_FALSE(BpeTokenizer::from_tokenizer_json(std::string(500, '[')).has_value());
  std::string wide = "{";
  for (int i = 0; i < 2000; ++i) wide += "\"k" + std::to_string(i) + "\":0,";
  EXPECT_FALSE(BpeTokenizer::from_tokenizer_json(wide + "\"model\":{}}").has_value());
}

TEST(TokenizerJson, SurvivesMutations) {
  const std::string good = small_file().dump();
  ASSERT_TRUE(BpeTokenizer::from_tokenizer_json(good).has_value());
  std::mt19937 random(5);
  int loaded = 0;
  for (int round = 0; round < 3000; ++round) {
    std::string bad = good;
    // The vocabulary is most of the file: half of the edits go to the parts around it.
    const size_t reach = random() % 2 == 0 ? bad.size() : 400;
    for (size_t edits = 1 + random() % 3; edits > 0; --edits) {
      const size_t at = random() % std::min(reach, bad.size());
      switch (random() % 4) {
        case 0: bad[at] = static_cast<char>(random()); break;
        case 1: bad.erase(at, 1 + random() % 20); break;
        case 2: bad.insert(at, 1, "{}[]\",:019-"[random() % 11]); break;
        default: bad.insert(at, bad.substr(random() % bad.size(), random() % 30));
      }
    }
    const auto tokenizer = BpeTokenizer::from_tokenizer_json(bad);
    if (!tokenizer) {
      EXPECT_FALSE(tokenizer.error().message().empty());
      continue;
    }
    ++loaded;
    const auto ids = tokenizer->encode(
        "the cat <|e|> \xFF"
        "12");
    if (ids) (void)tokenizer->decode(*ids);
  }
  EXPECT_GT(loaded, 0);
  EXPECT_LT(loaded, 3000);
}

TEST(TokenizerJson, ReadsTheBootstrapTokenizer) {
  MAIE_OUTSIDE_DATA(file, "bootstrap-asr/tokenizer.json");
  const auto tokenizer = BpeTokenizer::from_tokenizer_json(file);
  ASSERT_TRUE(tokenizer.has_value()) << tokenizer.error().message();
  EXPECT_EQ(tokenizer->size(), 2016);
  EXPECT_EQ(tokenizer->token_to_id("<|endoftext|>"), 512);
  const std::string text = "and so my fellow Americans, ask not: what? Việt";
  EXPECT_EQ(tokenizer->decode(*tokenizer->encode(text)), text);
}

}  // namespace
}  // namespace maie::text
