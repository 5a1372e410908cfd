#include "store/file_choice.h"

#include <gtest/gtest.h>

namespace maie::store {
namespace {

std::string chosen(const std::vector<std::string>& paths, const FileChoice& choice = {}) {
  std::vector<HubFile> files;
  for (const std::string& path : paths) files.push_back({path, 1, ""});
  const auto result = choose_files(files, choice);
  if (!result.has_value()) return "!" + result.error().message();
  std::string out;
  for (const HubFile& file : *result) out += (out.empty() ? "" : " ") + file.path;
  return out;
}

TEST(FileChoice, TakesSafetensorsAndSideFilesAndNoPickles) {
  EXPECT_EQ(chosen({".gitattributes", "README.md", "chat_template.jinja", "config.json",
                    "flax_model.msgpack", "merges.txt", "model-00001-of-00002.safetensors",
                    "model-00002-of-00002.safetensors", "model.safetensors.index.json",
                    "onnx/model.onnx", "original/consolidated.00.pth", "pytorch_model.bin",
                    "pytorch_model.bin.index.json", "tokenizer.json", "training_args.bin"}),
            "chat_template.jinja config.json merges.txt model-00001-of-00002.safetensors "
            "model-00002-of-00002.safetensors model.safetensors.index.json tokenizer.json");
  // Copies of the same weights under other names stay behind.
  EXPECT_EQ(chosen({"config.json", "model.fp16.safetensors", "model.safetensors"}),
            "config.json model.safetensors");
  EXPECT_EQ(chosen({"config.json", "silero_vad.safetensors"}),
            "config.json silero_vad.safetensors");
}

TEST(FileChoice, OtherLayouts) {
  EXPECT_EQ(chosen({"config.json", "model.bin", "tokenizer.json", "vocabulary.txt"}),
            "config.json model.bin tokenizer.json vocabulary.txt");
  EXPECT_EQ(chosen({"README.md", "a-Q4_0.gguf"}), "a-Q4_0.gguf");
  EXPECT_EQ(chosen({"a-00001-of-00002.gguf", "a-00002-of-00002.gguf"}),
            "a-00001-of-00002.gguf a-00002-of-00002.gguf");
  EXPECT_EQ(chosen({"ggml-tiny.bin"}), "ggml-tiny.bin");
}

TEST(FileChoice, AsksWhichOfSeveral) {
  const std::string answer = chosen({"a-Q4_0.gguf", "a-Q8_0.gguf"});
  EXPECT_NE(answer.find("name one"), std::string::npos);
  EXPECT_NE(answer.find("a-Q4_0.gguf, a-Q8_0.gguf"), std::string::npos) << answer;
  EXPECT_EQ(chosen({"a-Q4_0.gguf", "a-Q8_0.gguf"}, {.file = "a-Q8_0.gguf"}), "a-Q8_0.gguf");
}

TEST(FileChoice, PicklesOnlyWhenAskedFor) {
  const std::vector<std::string> files = {"config.json", "pytorch_model.bin"};
  EXPECT_NE(chosen(files).find("--include"), std::string::npos) << chosen(files);
  EXPECT_EQ(chosen(files, {.include = {"*.bin"}}), "pytorch_model.bin");
}

TEST(FileChoice, Patterns) {
  const std::vector<std::string> files = {"a.json", "b.safetensors", "sub/c.json"};
  EXPECT_EQ(chosen(files, {.include = {"*.json"}}), "a.json sub/c.json");
  EXPECT_EQ(chosen(files, {.include = {"*.json"}, .exclude = {"sub/*"}}), "a.json");
  EXPECT_EQ(chosen(files, {.exclude = {"a.*"}}), "b.safetensors");
  EXPECT_EQ(chosen(files, {.include = {"*.gguf"}}).front(), '!');
  EXPECT_EQ(chosen(files, {.file = "x"}).front(), '!');
}

}  // namespace
}  // namespace maie::store
