#include "llm/model_files.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>

#include "tests/llm/model_folder.h"
#include "tests/support/random_gguf.h"

namespace maie::llm {
namespace {

using testing::ModelFolder;

prompt::Chat hello() {
  prompt::Chat chat;
  chat.messages = Json::array({{{"role", "user"}, {"content", "hello"}}});
  return chat;
}

std::vector<int32_t> sorted(std::vector<int32_t> ids) {
  std::sort(ids.begin(), ids.end());
  return ids;
}

TEST(ModelFiles, OpensAFolder) {
  const ModelFolder folder;
  folder.write("prompts.json", {{"enhance", "Write well."}, {"notes", "Sum up."}});
  const auto files = open_language_model_files(folder.path());
  ASSERT_TRUE(files.has_value()) << files.error().message();
  EXPECT_EQ(files->source, "huggingface");
  EXPECT_EQ(files->quantization, "bfloat16");
  EXPECT_EQ(files->context, 512);
  EXPECT_EQ(files->name, std::filesystem::path(folder.path()).filename().string());
  EXPECT_EQ(*files->tokenizer.encode("ab<|im_end|>"), (std::vector<int32_t>{4, 5, 1}));
  EXPECT_EQ(*files->chat.render(hello()), "hello|<|im_end|>");
  // 2 and 3 by generation_config.json, 1 by tokenizer_config.json.
  EXPECT_EQ(sorted(files->end_tokens), (std::vector<int32_t>{1, 2, 3}));
  EXPECT_FALSE(files->begin_token.has_value());
  EXPECT_EQ(files->defaults.sampling.temperature, 0.7);
  EXPECT_EQ(files->defaults.sampling.top_p, 0.8);
  EXPECT_EQ(files->defaults.sampling.top_k, 20);
  EXPECT_FALSE(files->defaults.sampling.min_p.has_value());
  EXPECT_FALSE(files->defaults.max_tokens.has_value());
  using Prompts = std::vector<std::pair<std::string, std::string>>;
  EXPECT_EQ(files->prompts, (Prompts{{"enhance", "Write well."}, {"notes", "Sum up."}}));
  EXPECT_EQ(files->files.size(), 6u);
  const TemporaryFolder cache;  // where digests are remembered
  ::setenv("XDG_CACHE_HOME", cache.path().c_str(), 1);
  EXPECT_EQ(files->checkpoint_hash().size(), std::string("sha256:").size() + 64);
}

TEST(ModelFiles, ATemplateFileGoesBeforeTheConfiguration) {
  const ModelFolder folder;
  folder.write_text("chat_template.jinja", "file {{ messages[0].content }} {{ eos_token }}");
  const auto files = open_language_model_files(folder.path());
  ASSERT_TRUE(files.has_value()) << files.error().message();
  EXPECT_EQ(*files->chat.render(hello()), "file hello <|im_end|>");
}

TEST(ModelFiles, AModelWithoutTemplateGetsChatMlWhereItHasTheTokens) {
  const ModelFolder folder;
  folder.remove("tokenizer_config.json");
  const auto files = open_language_model_files(folder.path());
  ASSERT_TRUE(files.has_value()) << files.error().message();
  EXPECT_EQ(*files->chat.render(hello()),
            "<|im_start|>user\nhello<|im_end|>\n<|im_start|>assistant\n");
  Json tokenizer = ModelFolder::tokenizer();
  tokenizer["added_tokens"].erase(0);
  folder.write("tokenizer.json", tokenizer);
  const auto refused = open_language_model_files(folder.path());
  ASSERT_FALSE(refused.has_value());
  EXPECT_NE(refused.error().message().find("no chat template"), std::string::npos)
      << refused.error().message();
}

TEST(ModelFiles, GenerationDefaultsAreTakenWhereTheyMakeSense) {
  const ModelFolder folder;
  folder.write("generation_config.json", {{"max_length", 99},
                                          {"temperature", "hot"},
                                          {"top_k", -1},
                                          {"top_p", 7},
                                          {"min_p", 0.1},
                                          {"repetition_penalty", 1.1},
                                          {"presence_penalty", 0.5},
                                          {"frequency_penalty", nullptr},
                                          {"seed", 5},
                                          {"stop", {"###", "", 3}}});
  auto files = open_language_model_files(folder.path());
  ASSERT_TRUE(files.has_value()) << files.error().message();
  EXPECT_EQ(files->defaults.max_tokens, 99);
  const Sampling& sampling = files->defaults.sampling;
  EXPECT_FALSE(sampling.temperature || sampling.top_k || sampling.top_p);
  EXPECT_FALSE(sampling.frequency_penalty);
  EXPECT_EQ(sampling.min_p, 0.1);
  EXPECT_EQ(sampling.repetition_penalty, 1.1);
  EXPECT_EQ(sampling.presence_penalty, 0.5);
  EXPECT_EQ(sampling.seed, 5u);
  EXPECT_EQ(files->defaults.stops, (std::vector<std::string>{"###"}));
  folder.write("generation_config.json", {{"max_length", 99}, {"max_new_tokens", 7}});
  files = open_language_model_files(folder.path());
  ASSERT_TRUE(files.has_value()) << files.error().message();
  EXPECT_EQ(files->defaults.max_tokens, 7);
}

TEST(ModelFiles, TheCacheOfOtherToolsNamesItsRepositories) {
  const ModelFolder folder;
  const TemporaryFolder cache;
  const std::string snapshot = cache.path("models--owner--tiny-model/snapshots/0a1b");
  std::filesystem::create_directories(snapshot);
  for (const auto& entry : std::filesystem::directory_iterator(folder.path())) {
    std::filesystem::create_symlink(entry.path(),
                                    snapshot + "/" + entry.path().filename().string());
  }
  for (const char* ending : {"", "/"}) {
    const auto files = open_language_model_files(snapshot + ending);
    ASSERT_TRUE(files.has_value()) << files.error().message();
    EXPECT_EQ(files->name, "owner/tiny-model");
  }
}

std::string write_gguf(const TemporaryFolder& folder, const char* name,
                       const support::GgufModelShape& shape) {
  support::GgufWriter file;
  support::add_random_model(file, shape);
  return folder.write(name, file.bytes());
}

TEST(ModelFiles, OpensAGgufFileOrTheFolderOfOne) {
  const TemporaryFolder folder;
  const std::string path = write_gguf(folder, "tiny-q4_0.gguf", {});
  for (const std::string& named : {path, folder.path()}) {
    const auto files = open_language_model_files(named);
    ASSERT_TRUE(files.has_value()) << files.error().message();
    EXPECT_EQ(files->source, "gguf");
    EXPECT_EQ(files->name, "tiny-q4_0");
    EXPECT_EQ(files->quantization, "q4_0");
    EXPECT_EQ(files->context, 4096);
    EXPECT_EQ(files->tokenizer.size(), 512);
    EXPECT_EQ(*files->chat.render(hello()),
              "<|im_start|>user\nhello<|im_end|>\n<|im_start|>assistant\n");
    // <|im_end|> is the file's, <|endoftext|> ends every model's text.
    EXPECT_EQ(sorted(files->end_tokens), (std::vector<int32_t>{507, 509}));
    EXPECT_FALSE(files->begin_token.has_value());
    ASSERT_EQ(files->files.size(), 1u);
    EXPECT_EQ(files->files[0].path, path);
  }
  write_gguf(folder, "other.gguf", {});
  const auto ambiguous = open_language_model_files(folder.path());
  ASSERT_FALSE(ambiguous.has_value());
  EXPECT_NE(ambiguous.error().message().find("2 GGUF files"), std::string::npos);
}

void copy_value(const formats::Gguf& from, std::string_view key, support::GgufWriter& to) {
  const formats::GgufValue& value = *from.find_value(key);
  std::string bytes;
  const auto put = [&](auto number) {
    bytes.append(reinterpret_cast<const char*>(&number), sizeof number);
  };
  if (value.type == formats::GgufType::kArray) put(uint32_t(value.element));
  if (value.type == formats::GgufType::kArray) put(uint64_t{value.count});
  if (value.type == formats::GgufType::kString) put(uint64_t{value.bytes.size()});
  bytes.append(reinterpret_cast<const char*>(value.bytes.data()), value.bytes.size());
  to.add_raw(key, uint32_t(value.type), bytes);
}

// The vocabulary of a published file goes with the metadata and tensors of a tiny network: its keys
// are copied as they are.
class ModelFilesOfPublished : public ::testing::TestWithParam<const char*> {};

TEST_P(ModelFilesOfPublished, OpenWithAPublishedVocabulary) {
  const char* data = std::getenv("MAIE_TEST_DATA");
  if (data == nullptr) GTEST_SKIP() << "MAIE_TEST_DATA is not set";
  const std::string path = std::string(data) + "/gguf-vocab/ggml-vocab-" + GetParam() + ".gguf";
  const auto published = formats::Gguf::open(path);
  if (!published.has_value()) GTEST_SKIP() << published.error().message();
  const int64_t tokens = int64_t((*published)->strings("tokenizer.ggml.tokens")->size());
  support::GgufModelShape shape{.architecture = "llama", .layers = 1, .width = 32};
  shape.heads = shape.kv_heads = 1;
  shape.head_width = shape.ff_width = 32;
  shape.vocabulary = tokens;
  support::GgufWriter file;
  support::add_random_network(file, shape);
  for (const std::string_view key : (*published)->keys()) {
    if (key.starts_with("tokenizer.ggml.")) copy_value(**published, key, file);
  }
  file.add("tokenizer.chat_template", "{{ bos_token }}[{{ messages[0].content }}]");
  const TemporaryFolder folder;
  const auto files = open_language_model_files(folder.write("m.gguf", file.bytes()));
  ASSERT_TRUE(files.has_value()) << files.error().message();
  EXPECT_EQ(files->tokenizer.size(), tokens);
  const auto bos = (*published)->integer("tokenizer.ggml.bos_token_id");
  ASSERT_TRUE(bos.has_value());
  EXPECT_EQ(*files->chat.render(hello()),
            std::string(files->tokenizer.id_to_bytes(int32_t(*bos))) + "[hello]");
  const bool llama = std::string(GetParam()) == "llama-spm";
  EXPECT_EQ(files->begin_token, llama ? std::optional(int32_t(*bos)) : std::nullopt);
  const auto eos = (*published)->integer("tokenizer.ggml.eos_token_id");
  EXPECT_EQ(std::count(files->end_tokens.begin(), files->end_tokens.end(), int32_t(*eos)), 1);
  const auto ids = files->tokenizer.encode("Hello, world");
  ASSERT_TRUE(ids.has_value());
  EXPECT_EQ(files->tokenizer.decode(*ids), "Hello, world");
}

INSTANTIATE_TEST_SUITE_P(Vocabularies, ModelFilesOfPublished,
                         ::testing::Values("llama-spm", "gpt-2", "falcon"), [](const auto& info) {
                           const std::string name = info.param;
                           return name.substr(0, name.find('-'));
                         });

TEST(ModelFiles, WhatIsWrongIsNamed) {
  const auto message_of = [](const ModelFolder& folder) {
    const auto files = open_language_model_files(folder.path());
    return files.has_value() ? std::string() : files.error().message();
  };
  EXPECT_FALSE(open_language_model_files("/no/such/folder").has_value());
  {
    const ModelFolder folder;
    folder.remove("tokenizer.json");
    EXPECT_NE(message_of(folder).find("tokenizer.json: is missing"), std::string::npos);
  }
  {
    const ModelFolder folder;
    Json tokenizer = ModelFolder::tokenizer();
    tokenizer["added_tokens"].push_back({{"id", 101}, {"content", "<|far|>"}, {"special", true}});
    folder.write("tokenizer.json", tokenizer);
    EXPECT_NE(message_of(folder).find("ids up to 101"), std::string::npos) << message_of(folder);
  }
  {
    const ModelFolder folder;
    folder.write("prompts.json", {{"notes", 3}});
    EXPECT_NE(message_of(folder).find("prompts.json"), std::string::npos);
  }
  {
    const ModelFolder folder;
    folder.write_text("chat_template.jinja", "{% for %}");
    EXPECT_NE(message_of(folder).find("chat template"), std::string::npos) << message_of(folder);
  }
}

}  // namespace
}  // namespace maie::llm
