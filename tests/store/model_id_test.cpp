#include "store/model_id.h"

#include <gtest/gtest.h>

namespace maie::store {
namespace {

TEST(ModelId, ReadsNamesRevisionsAndFiles) {
  const auto plain = parse_model_id("Qwen/Qwen3-4B-Instruct-2507-AWQ");
  ASSERT_TRUE(plain) << plain.error().message();
  EXPECT_EQ(plain->repo, "Qwen/Qwen3-4B-Instruct-2507-AWQ");
  EXPECT_EQ(plain->revision_or_main(), "main");
  EXPECT_EQ(parse_model_id("gpt2")->repo, "gpt2");
  const auto file = parse_model_id("org/name/sub/model.gguf@refs/pr/1");
  ASSERT_TRUE(file) << file.error().message();
  EXPECT_EQ(file->repo, "org/name");
  EXPECT_EQ(file->file, "sub/model.gguf");
  EXPECT_EQ(file->revision, "refs/pr/1");
}

TEST(ModelId, RefusesWhatCouldBecomeAnotherPathOrUrl) {
  for (const char* text : {"",
                           "/",
                           "org/",
                           "/name",
                           "../name",
                           "org/..",
                           "org/.name",
                           "org/na me",
                           "org/name@",
                           "org/name@../x",
                           "org/name@a@b",
                           "org/name/../x",
                           "org/name/",
                           "org/name//x",
                           "org--x/name",
                           "org/na%2fme",
                           "org/name?x",
                           "org/name#x",
                           "a\nb/c",
                           "https://host/org/name",
                           "-o/name",
                           "org/name/a\\b"}) {
    EXPECT_EQ(parse_model_id(text).status().code(), Code::kInvalidInput) << text;
  }
  EXPECT_FALSE(parse_model_id(std::string(200, 'a')));
}

TEST(ModelId, FoldersOfTheCacheAndBack) {
  EXPECT_EQ(folder_of_repo("org/name"), "models--org--name");
  EXPECT_EQ(repo_of_folder("models--org--name"), "org/name");
  EXPECT_EQ(repo_of_folder("models--gpt2"), "gpt2");
  for (const char* other : {"datasets--org--name", "models--", "models--a--b--c", "models--..--x",
                            "models--org/x", "version.txt"})
    EXPECT_EQ(repo_of_folder(other), "") << other;
}

TEST(ModelId, SafePathsStayBelowTheirFolder) {
  for (const char* good : {"a", "a/b.json", "..a/b..", "\xc3\xa9.json", "a b"})
    EXPECT_TRUE(is_safe_path(good)) << good;
  for (const char* bad : {"", "/", "/a", "a/", "a//b", ".", "..", "a/..", "a/./b", "a\\b", "a\tb"})
    EXPECT_FALSE(is_safe_path(bad)) << bad;
  EXPECT_FALSE(is_safe_path(std::string(201, 'a')));
  EXPECT_FALSE(is_safe_path(std::string_view("a\0b", 3)));
}

TEST(ModelId, HashesAndUrls) {
  EXPECT_TRUE(is_content_tag(std::string(40, 'a')));
  EXPECT_TRUE(is_content_tag(std::string(64, '0')));
  for (const std::string& bad : {std::string(40, 'A'), std::string(41, 'a'), std::string()})
    EXPECT_FALSE(is_content_tag(bad));
  EXPECT_EQ(percent_encoded("a b/\xc3\xa9?", true), "a%20b/%C3%A9%3F");
  EXPECT_EQ(percent_encoded("refs/pr/1", false), "refs%2Fpr%2F1");
}

}  // namespace
}  // namespace maie::store
