#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <vector>

#include "tests/prompt/testing.h"

namespace maie::prompt {
namespace {

namespace fs = std::filesystem;

class FolderLoader : public testing::Test {
 protected:
  void SetUp() override {
    base_ = fs::temp_directory_path() / ("maie_prompt_" + std::to_string(getpid()));
    write("root/base/layout.jinja", "[{% block body %}{% endblock %}]");
    write("root/notes/prompt.jinja",
          "{% extends \"base/layout.jinja\" %}{% block body %}{{ x }}{% endblock %}");
    write("secret.jinja", "secret");
    fs::create_symlink(base_ / "secret.jinja", base_ / "root/link.jinja");
    fs::create_directory_symlink(base_, base_ / "root/up");
    fs::create_symlink(base_ / "root/base/layout.jinja", base_ / "root/inside.jinja");
  }
  void TearDown() override { fs::remove_all(base_); }

  void write(const std::string& name, const std::string& text) {
    fs::create_directories((base_ / name).parent_path());
    std::ofstream(base_ / name) << text;
  }

  Result<Template> load(std::string_view name) {
    return Template::load(name, folder_loader((base_ / "root").string()));
  }

  fs::path base_;
};

TEST_F(FolderLoader, FindsPromptsByTheirFolder) {
  const auto parsed = load("notes");
  ASSERT_TRUE(parsed.has_value()) << parsed.error().message();
  EXPECT_EQ(*parsed->render(Json{{"x", 1}}), "[1]");
  EXPECT_TRUE(load("base/layout.jinja").has_value());
  EXPECT_TRUE(load("inside.jinja").has_value());
}

TEST_F(FolderLoader, DoesNotLeaveItsRoot) {
  for (const std::string& name :
       std::vector<std::string>{"../secret.jinja", "notes/../../secret.jinja", "/etc/passwd",
                                "link.jinja", "up/secret.jinja", "", ".", "..", "notes/", "./notes",
                                "notes//prompt.jinja", "base", "missing", "..\\secret.jinja",
                                "a\nb", std::string("link.jinja\0x", 12), std::string(300, 'a')}) {
    const auto parsed = load(name);
    ASSERT_FALSE(parsed.has_value()) << name;
    EXPECT_EQ(parsed.error().code(), Code::kNotFound) << name << ": " << parsed.error().message();
  }
  EXPECT_EQ(Template::load("x", folder_loader("/nowhere")).error().code(), Code::kNotFound);
}

TEST_F(FolderLoader, NamesTheFileThatAsked) {
  write("root/bad/prompt.jinja", "\n{% include \"../secret.jinja\" %}");
  EXPECT_EQ(load("bad").error().message().rfind(
                "template \"bad\", line 2: \"../secret.jinja\" is no name", 0),
            0u)
      << load("bad").error().message();
}

TEST_F(FolderLoader, DataCannotChooseFiles) {
  write("root/dynamic/prompt.jinja", "{% include x %}");
  EXPECT_EQ(load("dynamic").error().code(), Code::kInvalidInput);
}

}  // namespace
}  // namespace maie::prompt
