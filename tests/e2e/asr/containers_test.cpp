// The same weights from other containers: the same text.
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/e2e/asr/model_writers.h"
#include "tests/e2e/asr/support.h"
#include "tests/support/temporary_folder.h"
#include "text/normalize.h"

namespace maie::e2e {
namespace {

audio::Clip clip_of_some_sentences() {
  const audio::Clip whole = sample("dictation.mp3");
  if (!kSanitized) return whole;
  std::vector<float> samples(12 * audio::Clip::kRate);
  if (!whole.read(0, samples).ok()) throw std::runtime_error("the sample cannot be read");
  return audio::Clip::from_samples(samples);
}

// `source` and `stored` are what the model should be recognised as.
std::string text_from(const std::string& path, ComputeType type, const std::string& source,
                      const std::string& stored) {
  const auto transcriber =
      load({.model_path = path, .vad_model_path = kMiniVad, .compute_type = type});
  EXPECT_EQ(transcriber->info().source, source);
  EXPECT_EQ(transcriber->info().stored_type, stored);
  return text_of(transcribe(*transcriber, clip_of_some_sentences(), {}));
}

std::string text_of_mini(ComputeType type) {
  return text_from(kMiniModel, type, "huggingface", "float16");
}

// The mini weights are published as float16, so a copy in float16 or float32 loses nothing.
TEST(Containers, CTranslate2SaysTheSame) {
  const TemporaryFolder folder;
  const std::string expected = text_of_mini(ComputeType::kFloat32);
  EXPECT_GT(expected.size(), kSanitized ? 50u : 400u);
  for (const std::string type : {"float32", "float16"}) {
    write_ctranslate2(folder.path(type), type);
    EXPECT_EQ(text_from(folder.path(type), ComputeType::kFloat32, "ctranslate2", type), expected)
        << type;
  }
}

// Rows of linear layers come to the same numbers, quantised by us or by the converter's rule; the
// converter rounds the embeddings too. That changes no word of the sample, but may change some of
// the short clip that sanitizers listen to: it ends in the middle of a sentence.
TEST(Containers, CTranslate2Int8SaysTheSameAsInt8OfTheOriginal) {
  const TemporaryFolder folder;
  write_ctranslate2(folder.path("int8"), "int8");
  const std::string text =
      text_from(folder.path("int8"), ComputeType::kInt8, "ctranslate2", "int8");
  const std::string expected = text_of_mini(ComputeType::kInt8);
  if (kSanitized) {
    EXPECT_LE(text::word_error_rate(expected, text).rate(), 0.1) << text << "\n" << expected;
  } else {
    EXPECT_EQ(text, expected);
  }
}

TEST(Containers, GgmlSaysTheSame) {
  const TemporaryFolder folder;
  const std::string expected = text_of_mini(ComputeType::kFloat32);
  for (const std::string type : {"f32", "f16"}) {
    write_ggml(folder.path(type), type);
    EXPECT_EQ(text_from(folder.path(type), ComputeType::kFloat32, "ggml",
                        type == "f32" ? "float32" : "float16"),
              expected)
        << type;
  }
}

TEST(Containers, QuantisedGgmlSaysNearlyTheSame) {
  const TemporaryFolder folder;
  const std::string expected = text_of_mini(ComputeType::kFloat32);
  const std::pair<const char*, double> worst[] = {
      {"q8_0", 0.03}, {"q5_1", 0.05}, {"q5_0", 0.05}, {"q4_0", 0.1}};
  for (const auto& [type, rate] : worst) {
    write_ggml(folder.path(type), type);
    const std::string text = text_from(folder.path(type), ComputeType::kFloat32, "ggml", type);
    const auto got = text::word_error_rate(expected, text);
    RecordProperty(type, std::to_string(got.rate()));
    // One word of the short clip that sanitizers listen to is more than 3 %; one may differ
    // anywhere.
    EXPECT_LE(double(got.errors), std::max(1.0, rate * double(got.reference_words)))
        << type << ":" << text << "\nfloat32:" << expected;
  }
}

}  // namespace
}  // namespace maie::e2e
