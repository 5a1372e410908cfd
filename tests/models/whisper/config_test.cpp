#include "models/whisper/config.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "models/whisper/vocabulary.h"
#include "tests/formats/hostile.h"

namespace maie::whisper {
namespace {

std::string published(int width, int heads, int encoder_layers, int decoder_layers,
                      int vocabulary) {
  return R"({"model_type":"whisper","activation_function":"gelu","d_model":)" +
         std::to_string(width) + R"(,"encoder_layers":)" + std::to_string(encoder_layers) +
         R"(,"decoder_layers":)" + std::to_string(decoder_layers) +
         R"(,"encoder_attention_heads":)" + std::to_string(heads) +
         R"(,"decoder_attention_heads":)" + std::to_string(heads) + R"(,"vocab_size":)" +
         std::to_string(vocabulary) + "}";
}

// `text` with the first `from` replaced by `to`.
std::string with(std::string text, const std::string& from, const std::string& to) {
  const size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

void expect_refused(const std::string& config, Code code, const std::string& words) {
  const Status status = config_from_huggingface(config, "", "", "dir").status();
  EXPECT_EQ(status.code(), code) << status.message();
  EXPECT_NE(status.message().find(words), std::string::npos) << status.message();
  EXPECT_TRUE(status.message().starts_with("dir/config.json")) << status.message();
}

TEST(WhisperConfig, FillsInWhatSmallerFilesLeaveOut) {
  const auto config = config_from_huggingface(published(512, 8, 6, 6, 51865), "", "", "dir");
  ASSERT_TRUE(config.has_value()) << config.error().message();
  EXPECT_EQ(config->mel_bins, 80);
  EXPECT_EQ(config->encoder_ffn, 2048);
  EXPECT_EQ(config->audio_context, 1500);
  EXPECT_EQ(config->text_context, 448);
  EXPECT_TRUE(config->is_multilingual);
  EXPECT_EQ(config->max_initial_timestamp_index, 50);
}

TEST(WhisperConfig, KnowsTheAlignmentHeadsOfPublishedSizes) {
  struct Known {
    int width, heads, encoder_layers, decoder_layers, vocabulary;
    size_t count;
    AlignmentHead first, last;
  };
  for (const Known& known : {Known{384, 6, 4, 4, 51864, 8, {1, 0}, {3, 4}},
                             Known{384, 6, 4, 4, 51865, 6, {2, 2}, {3, 5}},
                             Known{512, 8, 6, 6, 51864, 5, {3, 3}, {5, 7}},
                             Known{512, 8, 6, 6, 51865, 8, {3, 1}, {5, 6}},
                             Known{768, 12, 12, 12, 51864, 19, {6, 6}, {11, 4}},
                             Known{768, 12, 12, 12, 51865, 10, {5, 3}, {10, 5}},
                             Known{1024, 16, 24, 24, 51864, 18, {11, 4}, {21, 12}},
                             Known{1024, 16, 24, 24, 51865, 6, {13, 15}, {23, 4}},
                             Known{1280, 20, 32, 32, 51865, 23, {10, 12}, {27, 15}},
                             Known{1280, 20, 32, 32, 51866, 10, {7, 0}, {25, 6}},
                             Known{1280, 20, 32, 4, 51866, 6, {2, 4}, {3, 14}}}) {
    const auto config =
        config_from_huggingface(published(known.width, known.heads, known.encoder_layers,
                                          known.decoder_layers, known.vocabulary),
                                "", "", "d");
    ASSERT_TRUE(config.has_value());
    ASSERT_EQ(config->alignment_heads.size(), known.count)
        << known.width << " " << known.vocabulary;
    EXPECT_EQ(config->alignment_heads.front(), known.first);
    EXPECT_EQ(config->alignment_heads.back(), known.last);
    for (const auto& head : config->alignment_heads) {
      EXPECT_LT(head.layer, config->decoder_layers);
      EXPECT_LT(head.head, config->decoder_heads);
    }
  }
}

TEST(WhisperConfig, TakesTheUpperHalfOfAnUnknownDecoder) {
  const auto config = config_from_huggingface(published(1280, 20, 32, 2, 51865), "", "", "d");
  ASSERT_TRUE(config.has_value());
  ASSERT_EQ(config->alignment_heads.size(), 20u);  // every head of layer 1
  EXPECT_EQ(config->alignment_heads.front(), (AlignmentHead{1, 0}));
}

TEST(WhisperConfig, PrefersWhatTheGenerationFileSays) {
  const std::string generation =
      R"({"alignment_heads":[[1,2],[3,4]],"suppress_tokens":[-1,5,99999999],"begin_suppress_tokens":[220],)"
      R"("max_initial_timestamp_index":25,"lang_to_id":{"<|en|>":50259,"<|zh|>":50260,"bad":1,"<|xx|>":-4},)"
      R"("eos_token_id":50257,"is_multilingual":true,"no_timestamps_token_id":50363})";
  const auto config = config_from_huggingface(published(384, 6, 4, 4, 51865), generation, "", "d");
  ASSERT_TRUE(config.has_value()) << config.error().message();
  EXPECT_EQ(config->alignment_heads, (std::vector<AlignmentHead>{{1, 2}, {3, 4}}));
  EXPECT_EQ(config->suppress_ids, std::vector<int>{5});
  EXPECT_EQ(config->begin_suppress_ids, std::vector<int>{220});
  EXPECT_EQ(config->max_initial_timestamp_index, 25);
  EXPECT_EQ(config->language_ids, (std::map<std::string, int>{{"en", 50259}, {"zh", 50260}}));
  EXPECT_EQ(config->end_of_text_id, 50257);
  EXPECT_EQ(config->no_timestamps_id, 50363);
  EXPECT_EQ(config->start_of_transcript_id, -1);
}

TEST(WhisperConfig, FallsBackFromHeadsTheDecoderDoesNotHave) {
  const auto config = config_from_huggingface(published(384, 6, 4, 4, 51865),
                                              R"({"alignment_heads":[[0,1],[30,4]]})", "", "d");
  ASSERT_TRUE(config.has_value());
  EXPECT_EQ(config->alignment_heads.front(), (AlignmentHead{2, 2}));  // those of tiny
}

TEST(WhisperConfig, RefusesOtherArchitectures) {
  const std::string good = published(384, 6, 4, 4, 51865);
  expect_refused(with(good, "whisper", "llama"), Code::kUnsupported, "model_type is \"llama\"");
  expect_refused(with(good, "gelu", "relu"), Code::kUnsupported, "activation_function is \"relu\"");
  expect_refused(with(good, "\"d_model\"", "\"scale_embedding\":true,\"d_model\""),
                 Code::kUnsupported, "scale_embedding");
  expect_refused("{}", Code::kUnsupported, "model_type is \"\"");
  const Status status =
      config_from_huggingface(good, "", R"({"feature_size":80,"sampling_rate":8000})", "dir")
          .status();
  EXPECT_EQ(status.code(), Code::kUnsupported);
  EXPECT_NE(status.message().find("sampling_rate is 8000"), std::string::npos);
}

TEST(WhisperConfig, RefusesSizesThatCannotBe) {
  const std::string good = published(384, 6, 4, 4, 51865);
  for (const char* width : {"0", "-384", "9999999999999", "1e3", "\"384\"", "null"}) {
    expect_refused(with(good, "384", width), Code::kCorrupt, "");
  }
  expect_refused(with(good, "384", "390000"), Code::kCorrupt, "width of 390000");
  expect_refused(with(good, "\"decoder_attention_heads\":6", "\"decoder_attention_heads\":5"),
                 Code::kCorrupt, "does not divide into 5 heads");
  expect_refused(with(good, "\"encoder_layers\":4", "\"encoder_layers\":1000000000"),
                 Code::kCorrupt, "encoder layers");
  expect_refused(with(good, "\"vocab_size\"", "\"other\""), Code::kCorrupt,
                 "lacks the number vocab_size");
  expect_refused("[]", Code::kCorrupt, "not a JSON object");
  expect_refused("{", Code::kCorrupt, "not valid JSON");
}

TEST(WhisperConfig, SurvivesDamage) {
  const std::string good = published(384, 6, 4, 4, 51865);
  formats::parse_damaged_copies(good, good.size(), 3000, [&](const std::string& damaged) {
    const auto config = config_from_huggingface(damaged, damaged, damaged, "d");
    if (config) {
      EXPECT_EQ(config->width % config->encoder_heads, 0);
    }
  });
}

TEST(WhisperVocabulary, ImpliesThePublishedSpecialTokens) {
  struct Known {
    size_t size, ordinary, languages;
    std::string last_language;
  };
  for (const Known& known : {Known{51864, 50256, 99, "su"}, Known{51865, 50257, 99, "su"},
                             Known{51866, 50257, 100, "yue"}}) {
    const auto names = implied_special_tokens(known.size, known.ordinary);
    ASSERT_TRUE(names.has_value()) << names.error().message();
    ASSERT_EQ(names->size(), known.size - known.ordinary);
    const auto id = [&](const std::string& name) {
      return known.ordinary +
             size_t(std::find(names->begin(), names->end(), name) - names->begin());
    };
    EXPECT_EQ(id("<|endoftext|>"), known.ordinary);
    EXPECT_EQ(id("<|startoftranscript|>"), known.ordinary + 1);
    EXPECT_EQ(id("<|en|>"), known.ordinary + 2);
    EXPECT_EQ(id(std::string("<|").append(known.last_language).append("|>")),
              known.ordinary + 1 + known.languages);
    EXPECT_EQ(id("<|translate|>"), known.ordinary + 2 + known.languages);
    EXPECT_EQ(id("<|notimestamps|>"), known.size - 1502);
    EXPECT_EQ(id("<|0.00|>"), known.size - 1501);
    EXPECT_EQ(id("<|0.02|>"), known.size - 1500);
    EXPECT_EQ(id("<|30.00|>"), known.size - 1);
  }
  // The table of section 1.5 of the model specification, spelled out once.
  const auto names = *implied_special_tokens(51866, 50257);
  EXPECT_EQ(names[50360 - 50257], "<|transcribe|>");
  EXPECT_EQ(names[50361 - 50257], "<|startoflm|>");
  EXPECT_EQ(names[50362 - 50257], "<|startofprev|>");
  EXPECT_EQ(names[50363 - 50257], "<|nospeech|>");
  EXPECT_EQ(names[50364 - 50257], "<|notimestamps|>");
}

TEST(WhisperVocabulary, ImpliesTheBareLayout) {
  const auto names = implied_special_tokens(2016, 512);
  ASSERT_TRUE(names.has_value());
  EXPECT_EQ((*names)[0], "<|endoftext|>");
  EXPECT_EQ((*names)[2], "<|notimestamps|>");
  EXPECT_EQ((*names)[3], "<|0.00|>");
  EXPECT_EQ(implied_special_tokens(2017, 512).status().code(), Code::kUnsupported);
  EXPECT_EQ(implied_special_tokens(72, 66).status().code(), Code::kUnsupported);
  EXPECT_EQ(implied_special_tokens(10, 1'000'000).status().code(), Code::kUnsupported);
}

TEST(WhisperVocabulary, ReadsBothFilesOfCtranslate2) {
  const auto json =
      parse_vocabulary_json("[\"a\",\"\\u0120b\",\"<|endoftext|>\",\"<|0.00|>\"]", "v");
  const auto text = parse_vocabulary_text(
      "a\n\xc4\xa0"
      "b\n<|endoftext|>\n<|0.00|>\n",
      "v");
  ASSERT_TRUE(json.has_value() && text.has_value());
  EXPECT_EQ(json->tokens, text->tokens);
  EXPECT_EQ(json->tokens.size(), 4u);
  EXPECT_EQ(json->ordinary, 2u);
  EXPECT_TRUE(json->byte_level_form);
  EXPECT_EQ(parse_vocabulary_json("{\"a\":1}", "v").status().code(), Code::kCorrupt);
  EXPECT_EQ(parse_vocabulary_json("[\"a\",1]", "v").status().code(), Code::kCorrupt);
}

}  // namespace
}  // namespace maie::whisper
