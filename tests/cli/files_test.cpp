// Which recordings a command line means, and which files their transcripts go to.
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "cli/inputs.h"
#include "cli/outputs.h"
#include "tests/support/temporary_folder.h"

namespace maie::cli {
namespace {

namespace fs = std::filesystem;

std::string paths_of(const std::vector<Input>& inputs, const TemporaryFolder& folder) {
  std::string out;
  for (const Input& input : inputs) {
    std::string path = input.path;
    if (path.rfind(folder.path() + "/", 0) == 0) path = path.substr(folder.path().size() + 1);
    if (!out.empty()) out += " ";
    out += path;
    if (!input.status.ok()) out.append("!").append(to_string(input.status.code()));
  }
  return out;
}

TEST(Inputs, DirectoryGivesItsMediaFilesSorted) {
  const TemporaryFolder folder;
  for (const char* name : {"b.mp3", "a.WAV", "notes.txt", ".hidden.wav", "sub/c.ogg", "wav"})
    folder.write(name);
  EXPECT_EQ(paths_of(expand_inputs({folder.path()}, false), folder), "a.WAV b.mp3");
  EXPECT_EQ(paths_of(expand_inputs({folder.path()}, true), folder), "a.WAV b.mp3 sub/c.ogg");
}

TEST(Inputs, DirectoryWithoutAudioIsNotFound) {
  const TemporaryFolder folder;
  folder.write("sub/notes.txt");
  const std::vector<Input> inputs = expand_inputs({folder.path()}, false);
  ASSERT_EQ(inputs.size(), 1u);
  EXPECT_EQ(inputs[0].status.code(), Code::kNotFound);
  EXPECT_NE(inputs[0].status.message().find("--recursive"), std::string::npos);
  EXPECT_EQ(expand_inputs({folder.path()}, true)[0].status.code(), Code::kNotFound);
}

TEST(Inputs, PatternsMatchSortedAndNamesWithBracketsStayNames) {
  const TemporaryFolder folder;
  for (const char* name : {"b.mp3", "a.mp3", "c.txt", "talk [1].wav"}) folder.write(name);
  EXPECT_EQ(paths_of(expand_inputs({folder.path("*.mp3")}, false), folder), "a.mp3 b.mp3");
  EXPECT_EQ(paths_of(expand_inputs({folder.path("talk [1].wav")}, false), folder), "talk [1].wav");
  EXPECT_EQ(paths_of(expand_inputs({folder.path("*.ogg")}, false), folder), "*.ogg!not_found");
}

TEST(Inputs, MissingEmptyAndRepeatedFiles) {
  const TemporaryFolder folder;
  folder.write("a.wav");
  folder.write("empty.wav", "");
  const std::vector<std::string> arguments = {folder.path("a.wav"),
                                              folder.path("no.wav"),
                                              folder.path("empty.wav"),
                                              folder.path("./a.wav"),
                                              "-",
                                              folder.path()};
  EXPECT_EQ(paths_of(expand_inputs(arguments, false), folder),
            "a.wav no.wav!not_found empty.wav!corrupt -");
}

TEST(Inputs, UnreadableFileIsAQuestionOfRights) {
  if (::geteuid() == 0) GTEST_SKIP() << "root may read everything";
  const TemporaryFolder folder;
  fs::permissions(folder.write("a.wav"), fs::perms::none);
  EXPECT_EQ(expand_inputs({folder.path("a.wav")}, false)[0].status.code(), Code::kPermissionDenied);
}

std::string files_of(OutputPlan& plan, const std::string& input) {
  const auto files = plan.files_of(input);
  std::string out;
  if (!files.has_value()) return out.append("!").append(files.error().message());
  for (const OutputPlan::File& file : *files) {
    if (!out.empty()) out += " ";
    out += fs::path(file.path).filename().string();
  }
  return out;
}

TEST(Outputs, SameBaseNamesDoNotMeet) {
  const TemporaryFolder folder;
  OutputPlan plan({.folder = folder.path(), .formats = {Format::kSrt, Format::kJson}}, {});
  EXPECT_EQ(files_of(plan, "a/talk.wav"), "talk.srt talk.json");
  EXPECT_EQ(files_of(plan, "a/talk.mp3"), "talk.mp3.srt talk.mp3.json");
  EXPECT_EQ(files_of(plan, "b/talk.mp3"), "talk-2.srt talk-2.json");
  EXPECT_EQ(files_of(plan, "c/talk.mp3"), "talk-3.srt talk-3.json");
  EXPECT_EQ(files_of(plan, "-"), "stdin.srt stdin.json");
}

TEST(Outputs, ExistingFilesNeedPermissionToBeReplaced) {
  const TemporaryFolder folder;
  folder.write("talk.json");
  OutputPlan careful({.folder = folder.path(), .formats = {Format::kSrt, Format::kJson}}, {});
  EXPECT_EQ(files_of(careful, "talk.wav"),
            std::string("!")
                .append(folder.path("talk.json"))
                .append(": already exists; add --overwrite to replace it"));
  EXPECT_EQ(files_of(careful, "talk.mp3"), "talk.mp3.srt talk.mp3.json");
  OutputPlan bold({.folder = folder.path(), .formats = {Format::kJson}, .overwrite = true}, {});
  EXPECT_EQ(files_of(bold, "talk.wav"), "talk.json");
}

TEST(Outputs, AnInputIsNeverOverwritten) {
  const TemporaryFolder folder;
  const std::string input = folder.write("talk.txt");
  OutputPlan plan({.folder = folder.path(), .formats = {Format::kTxt}, .overwrite = true}, {input});
  EXPECT_NE(files_of(plan, input).find("is an input of this call"), std::string::npos);
}

TEST(Outputs, FolderIsMadeOrRefused) {
  const TemporaryFolder folder;
  EXPECT_TRUE(OutputPlan({.folder = folder.path("x/y")}, {}).prepare_folder().ok());
  EXPECT_TRUE(fs::is_directory(folder.path("x/y")));
  folder.write("file");
  EXPECT_FALSE(OutputPlan({.folder = folder.path("file")}, {}).prepare_folder().ok());
  EXPECT_FALSE(OutputPlan({.folder = folder.path("file/below")}, {}).prepare_folder().ok());
}

}  // namespace
}  // namespace maie::cli
