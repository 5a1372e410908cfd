#include "text/whisper_tokenizer.h"

#include "tests/text/testing.h"
#include "text/languages.h"

namespace maie::text {
namespace {

std::vector<std::string> ranks(const std::string& file) {
  const auto bpe = BpeTokenizer::from_tiktoken(file);
  EXPECT_TRUE(bpe.has_value());
  std::vector<std::string> tokens;
  for (int32_t id = 0; id < bpe->size(); ++id) tokens.emplace_back(bpe->id_to_bytes(id));
  return tokens;
}

std::vector<AddedToken> named(int32_t id, const std::vector<std::string>& names) {
  std::vector<AddedToken> added;
  for (const std::string& name : names) added.push_back({.id = id++, .content = name});
  return added;
}

WhisperTokenizer small(const std::vector<std::string>& names) {
  std::vector<std::string> tokens;
  for (int b = 0; b < 256; ++b) tokens.emplace_back(1, static_cast<char>(b));
  auto bpe = BpeTokenizer::from_ranked_tokens(tokens, named(256, names));
  auto whisper = WhisperTokenizer::from_bpe(std::move(*bpe));
  EXPECT_TRUE(whisper.has_value());
  return std::move(*whisper);
}

class PublishedWhisper : public testing::TestWithParam<const char*> {};

TEST_P(PublishedWhisper, AgreesWithFasterWhisper) {
  const std::string name = GetParam();
  MAIE_OUTSIDE_DATA(file, "whisper-vocab/" + name + ".tiktoken");
  const bool multilingual = name == "multilingual";
  const auto tokenizer =
      WhisperTokenizer::from_ranked_tokens(ranks(file), multilingual ? 51865 : 51864);
  ASSERT_TRUE(tokenizer.has_value()) << tokenizer.error().message();
  const Json reference = golden("whisper_reference.json")[name];

  EXPECT_EQ(tokenizer->is_multilingual(), multilingual);
  EXPECT_EQ(tokenizer->non_speech_tokens(), reference["non_speech"].get<std::vector<int32_t>>());
  EXPECT_EQ(tokenizer->timestamp_begin(), reference["begin"].get<int32_t>());
  EXPECT_EQ(*tokenizer->sot_sequence("en", WhisperTask::kTranscribe),
            reference["sot_sequence"].get<std::vector<int32_t>>());
  EXPECT_EQ(tokenizer->decode_with_timestamps(reference["stamped"].get<std::vector<int32_t>>()),
            reference["stamped_text"].get<std::string>());
  EXPECT_EQ(tokenizer->decode(reference["stamped"].get<std::vector<int32_t>>()), " Hello world");

  ASSERT_GT(reference["words"].size(), 50u);
  for (const Json& one : reference["words"]) {
    const auto ids = one[1].get<std::vector<int32_t>>();
    const auto words = tokenizer->split_to_words(ids, one[0].get<std::string>());
    Json texts = Json::array(), tokens = Json::array();
    for (const WordTokens& word : words) {
      texts.push_back(word.text);
      tokens.push_back(word.tokens);
    }
    EXPECT_EQ(texts, one[2]);
    EXPECT_EQ(tokens, one[3]);
  }
}
INSTANTIATE_TEST_SUITE_P(Vocabularies, PublishedWhisper, testing::Values("gpt2", "multilingual"));

TEST(WhisperTokenizer, DerivesThePublishedIdsFromTheSize) {
  MAIE_OUTSIDE_DATA(english, "whisper-vocab/gpt2.tiktoken");
  MAIE_OUTSIDE_DATA(multilingual, "whisper-vocab/multilingual.tiktoken");
  const struct {
    const std::string* file;
    int32_t size, eot, sot, translate, transcribe, lm, previous, no_speech, no_timestamps, begin;
    size_t languages;
  } cases[] = {
      {&english, 51864, 50256, 50257, 50357, 50358, 50359, 50360, 50361, 50362, 50363, 99},
      {&multilingual, 51865, 50257, 50258, 50358, 50359, 50360, 50361, 50362, 50363, 50364, 99},
      {&multilingual, 51866, 50257, 50258, 50359, 50360, 50361, 50362, 50363, 50364, 50365, 100},
  };
  for (const auto& want : cases) {
    const auto got = WhisperTokenizer::from_ranked_tokens(ranks(*want.file), want.size);
    ASSERT_TRUE(got.has_value()) << got.error().message();
    EXPECT_EQ(got->eot(), want.eot);
    EXPECT_EQ(got->sot(), want.sot);
    EXPECT_EQ(got->translate(), want.translate);
    EXPECT_EQ(got->transcribe(), want.transcribe);
    EXPECT_EQ(got->start_of_lm(), want.lm);
    EXPECT_EQ(got->start_of_previous(), want.previous);
    EXPECT_EQ(got->no_speech(), want.no_speech);
    EXPECT_EQ(got->no_timestamps(), want.no_timestamps);
    EXPECT_EQ(got->timestamp_begin(), want.begin);
    EXPECT_EQ(got->languages().size(), want.languages);
    EXPECT_EQ(got->vocabulary_size(), want.size);
    EXPECT_EQ(got->language_id("en"), want.sot + 1);
    EXPECT_EQ(got->language_of(want.sot + 2), "zh");
    EXPECT_EQ(got->language_id("yue").has_value(), want.languages == 100);
    EXPECT_EQ(got->blank_tokens(), (std::vector<int32_t>{220, want.eot}));
    EXPECT_TRUE(got->check_fits(want.size).ok());
    EXPECT_FALSE(got->check_fits(want.size - 1).ok());
    EXPECT_FALSE(got->check_fits(2 * want.size).ok());
    // The whole list of spec 1.5: the non-speech tokens and six special ones.
    auto wanted = got->non_speech_tokens();
    for (const int32_t id :
         {want.sot, want.translate, want.transcribe, want.lm, want.previous, want.no_speech}) {
      wanted.push_back(id);
    }
    std::sort(wanted.begin(), wanted.end());
    EXPECT_EQ(got->suppressed_tokens(std::vector<int32_t>{-1}), wanted);
    EXPECT_EQ(got->suppressed_tokens({}).size(), 6u);
  }
  EXPECT_EQ(WhisperTokenizer::from_ranked_tokens(ranks(english), 40000).error().code(),
            Code::kCorrupt);
  EXPECT_EQ(WhisperTokenizer::from_ranked_tokens(ranks(english), 60000).error().code(),
            Code::kCorrupt);
}

TEST(WhisperTokenizer, LivesWithoutWhatIsAbsent) {
  const WhisperTokenizer tokenizer = small({"<|endoftext|>", "<|startoftranscript|>"});
  EXPECT_FALSE(tokenizer.timestamp_begin().has_value());
  EXPECT_FALSE(tokenizer.no_timestamps().has_value());
  EXPECT_FALSE(tokenizer.start_of_previous().has_value());
  EXPECT_TRUE(tokenizer.languages().empty());
  EXPECT_FALSE(tokenizer.is_multilingual());
  EXPECT_EQ(*tokenizer.sot_sequence("vi", WhisperTask::kTranscribe), std::vector<int32_t>{257});
  EXPECT_EQ(tokenizer.sot_sequence("vi", WhisperTask::kTranslate).error().code(),
            Code::kUnsupported);
  EXPECT_EQ(tokenizer.suppressed_tokens({}), std::vector<int32_t>{257});
  EXPECT_EQ(tokenizer.decode_with_timestamps(std::vector<int32_t>{'a', 256, 257, 9999, -3}), "a");
}

TEST(WhisperTokenizer, PutsTimestampsBehindNoTimestampsWhereTheFileLeavesThemOut) {
  const WhisperTokenizer tokenizer =
      small({"<|endoftext|>", "<|startoftranscript|>", "<|en|>", "<|vi|>", "<|transcribe|>",
             "<|nocaptions|>", "<|notimestamps|>"});
  EXPECT_EQ(tokenizer.timestamp_begin(), 263);
  EXPECT_EQ(tokenizer.vocabulary_size(), 263 + 1501);
  EXPECT_EQ(tokenizer.no_speech(), 261);
  EXPECT_TRUE(tokenizer.is_multilingual());
  EXPECT_EQ(*tokenizer.sot_sequence("vi", WhisperTask::kTranscribe),
            (std::vector<int32_t>{257, 259, 260}));
  EXPECT_EQ(tokenizer.sot_sequence("de", WhisperTask::kTranscribe).error().code(),
            Code::kInvalidInput);
  EXPECT_EQ(tokenizer.decode_with_timestamps(std::vector<int32_t>{263, 'h', 'i', 263 + 54}),
            "<|0.00|>hi<|1.08|>");
}

TEST(WhisperTokenizer, RefusesATokenizerOfAnotherModel) {
  auto bpe = BpeTokenizer::from_ranked_tokens({"a", "b"});
  EXPECT_EQ(WhisperTokenizer::from_bpe(std::move(*bpe)).error().code(), Code::kCorrupt);
  EXPECT_EQ(WhisperTokenizer::from_ranked_tokens({"a"}, -1).error().code(), Code::kCorrupt);
  EXPECT_EQ(WhisperTokenizer::from_ranked_tokens({"a"}, 3).error().code(), Code::kCorrupt);
}

TEST(WhisperTokenizer, DerivesTheLayoutOfSmallModels) {
  std::vector<std::string> tokens;
  for (int b = 0; b < 256; ++b) tokens.emplace_back(1, static_cast<char>(b));
  const auto minimal = WhisperTokenizer::from_ranked_tokens(tokens, 256 + 3 + 1501);
  ASSERT_TRUE(minimal.has_value()) << minimal.error().message();
  EXPECT_EQ(minimal->no_timestamps(), 258);
  EXPECT_EQ(minimal->timestamp_begin(), 259);
  EXPECT_FALSE(minimal->is_multilingual());
  tokens.insert(tokens.end(), {"<|endoftext|>", "<|startoftranscript|>"});
  const auto by_name = WhisperTokenizer::from_ranked_tokens(tokens, 258);
  ASSERT_TRUE(by_name.has_value());
  EXPECT_EQ(by_name->sot(), 257);
}

TEST(WhisperTokenizer, UserTextCannotSpellSpecialTokens) {
  const WhisperTokenizer tokenizer = small({"<|endoftext|>", "<|startoftranscript|>"});
  EXPECT_EQ(tokenizer.encode("<|endoftext|>")->size(), 13u);
}

TEST(WhisperTokenizer, ReadsTheBootstrapTokenizer) {
  MAIE_OUTSIDE_DATA(file, "bootstrap-asr/tokenizer.json");
  auto bpe = BpeTokenizer::from_tokenizer_json(file);
  ASSERT_TRUE(bpe.has_value());
  const auto tokenizer = WhisperTokenizer::from_bpe(std::move(*bpe));
  ASSERT_TRUE(tokenizer.has_value());
  EXPECT_EQ(tokenizer->eot(), 512);
  EXPECT_EQ(tokenizer->sot(), 513);
  EXPECT_EQ(tokenizer->no_timestamps(), 514);
  EXPECT_EQ(tokenizer->timestamp_begin(), 515);
  EXPECT_EQ(tokenizer->vocabulary_size(), 2016);
  EXPECT_TRUE(tokenizer->check_fits(2016).ok());
  EXPECT_FALSE(tokenizer->check_fits(51865).ok());
}

TEST(Languages, AreThoseOfTransformers) {
  const Json reference = golden("whisper_reference.json");
  ASSERT_EQ(reference["languages"].size(), whisper_languages().size());
  for (size_t i = 0; i < whisper_languages().size(); ++i) {
    EXPECT_EQ(reference["languages"][i][0], whisper_languages()[i].code);
    EXPECT_EQ(reference["languages"][i][1], whisper_languages()[i].name);
  }
  for (const Json& name : reference["names"]) {
    EXPECT_EQ(language_code(name[0].get<std::string>()), name[1].get<std::string>());
  }
}

TEST(Languages, AreFoundByTagAndInAnyCase) {
  EXPECT_EQ(language_code("pt-BR"), "pt");
  EXPECT_EQ(language_code("zh_TW"), "zh");
  EXPECT_EQ(language_code("EN"), "en");
  EXPECT_EQ(language_code("Vietnamese"), "vi");
  EXPECT_EQ(language_code("yue-HK"), "yue");
  EXPECT_FALSE(language_code("").has_value());
  EXPECT_FALSE(language_code("klingon").has_value());
  EXPECT_FALSE(language_code("-").has_value());
  EXPECT_EQ(language_name("vi"), "vietnamese");
  EXPECT_EQ(language_name("xx"), "xx");
}

}  // namespace
}  // namespace maie::text
