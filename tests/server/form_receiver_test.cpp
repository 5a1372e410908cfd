#include "server/http/form_receiver.h"
#include "tests/support/temporary_folder.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <sstream>

namespace maie::http {
namespace {

namespace fs = std::filesystem;

class FormReceiverTest : public testing::Test {
 protected:
  size_t files() const {
    return static_cast<size_t>(
        std::distance(fs::directory_iterator(folder_), fs::directory_iterator()));
  }
  static std::string file(const std::string& bytes) {
    return "--B\r\nContent-Disposition: form-data; name=\"file\"; filename=\"../../x.wav\"\r\n"
           "Content-Type: audio/wav\r\n\r\n" +
           bytes + "\r\n";
  }
  static std::string field(const std::string& name, const std::string& value) {
    return "--B\r\nContent-Disposition: form-data; name=\"" + name + "\"\r\n\r\n" + value + "\r\n";
  }
  std::string refused(const std::string& body, const FormLimits& limits = {}) {
    FormReceiver form("B", limits, folder_);
    auto refusal = form.receive(body);
    if (!refusal) refusal = form.finish();
    return refusal ? std::to_string(refusal->status) + " " + refusal->code : "taken";
  }
  const TemporaryFolder home_;
  const std::string folder_ = home_.path();
};

TEST_F(FormReceiverTest, WritesFilesAndKeepsFields) {
  const std::string bytes("RIFF\0\r\n--", 9);
  {
    FormReceiver form("B", {}, folder_);
    const std::string body = file(bytes) + field("a", "1") + field("a", "2") + "--B--\r\n";
    for (const char byte : body) ASSERT_FALSE(form.receive({&byte, 1}));
    ASSERT_FALSE(form.finish());
    const Form taken = form.take();
    EXPECT_EQ(taken.fields,
              (std::vector<std::pair<std::string, std::string>>{{"a", "1"}, {"a", "2"}}));
    ASSERT_EQ(taken.files.size(), 1U);
    const FormFile& kept = taken.files[0];
    EXPECT_EQ(kept.name, "file");
    EXPECT_EQ(kept.file_name, "../../x.wav");
    EXPECT_EQ(kept.content_type, "audio/wav");
    EXPECT_EQ(kept.bytes, 9U);
    EXPECT_EQ(kept.sha256, "d92288bad38902356bf1da6f689fdcc92ad04be25ae9cb490fed4c8512663284");
    EXPECT_EQ(fs::path(kept.path).parent_path(), folder_);
    std::stringstream content;
    content << std::ifstream(kept.path).rdbuf();
    EXPECT_EQ(content.str(), bytes);
    struct stat found {};
    ASSERT_EQ(::stat(kept.path.c_str(), &found), 0);
    EXPECT_EQ(found.st_mode & 0777, 0600U);
  }
  EXPECT_EQ(files(), 0U);
}

TEST_F(FormReceiverTest, LeavesWhatWasRenamed) {
  {
    FormReceiver form("B", {}, folder_);
    ASSERT_FALSE(form.receive(file("1") + file("2") + "--B--"));
    const Form taken = form.take();
    fs::rename(taken.files[0].path, folder_ + "/kept");
  }
  EXPECT_EQ(files(), 1U);
  EXPECT_TRUE(fs::exists(folder_ + "/kept"));
}

TEST_F(FormReceiverTest, RemovesTheFileOfAFormThatBreaksOff) {
  {
    FormReceiver form("B", {}, folder_);
    ASSERT_FALSE(form.receive(file("half of it").substr(0, 120)));
    EXPECT_EQ(files(), 1U);
    EXPECT_TRUE(form.finish());
  }
  EXPECT_EQ(files(), 0U);
}

TEST_F(FormReceiverTest, IsBounded) {
  const FormLimits limits{.max_parts = 3, .max_field_bytes = 100};
  EXPECT_EQ(refused(field("a", std::string(100, 'x')) + "--B--", limits), "taken");
  EXPECT_EQ(refused(field("a", std::string(101, 'x')) + "--B--", limits), "413 too_large");
  EXPECT_EQ(refused(field("a", std::string(90, 'x')) + field("b", std::string(90, 'x')) +
                        field("c", std::string(90, 'x')) + "--B--",
                    limits),
            "413 too_large");
  EXPECT_EQ(refused(field(std::string(201, 'n'), "") + "--B--", limits), "413 too_large");
  EXPECT_EQ(
      refused(field("a", "") + field("a", "") + field("a", "") + field("a", "") + "--B--", limits),
      "400 too_many_parts");
  EXPECT_EQ(refused(file(std::string(1000, 'x')) + "--B--", limits), "taken");  // files are not
  EXPECT_EQ(files(), 0U);
}

TEST_F(FormReceiverTest, SaysThatTheDiskIsFull) {
  rlimit before{};
  ::getrlimit(RLIMIT_FSIZE, &before);
  ::signal(SIGXFSZ, SIG_IGN);
  const rlimit small{.rlim_cur = 4096, .rlim_max = before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  EXPECT_EQ(refused(file(std::string(10'000, 'x')) + "--B--"), "507 disk_full");
  ::setrlimit(RLIMIT_FSIZE, &before);
  EXPECT_EQ(refused(file(std::string(10'000, 'x')) + "--B--"), "taken");
  EXPECT_EQ(files(), 0U);
}

TEST_F(FormReceiverTest, ToldNothingOfThisMachineWhenTheFolderIsGone) {
  FormReceiver form("B", {}, folder_ + "/absent");
  const auto refusal = form.receive(file("x"));
  ASSERT_TRUE(refusal);
  EXPECT_EQ(refusal->code, "internal");
  EXPECT_EQ(refusal->message.find("absent"), std::string::npos);
}

TEST_F(FormReceiverTest, SweepsWhatAnEarlierProcessLeft) {
  const std::string spool = folder_ + "/a/spool";
  ASSERT_TRUE(prepare_spool(spool).ok());
  std::ofstream(spool + "/upload-1") << "old";
  std::ofstream(spool + "/other") << "not ours";
  fs::create_directory(spool + "/upload-folder");
  ASSERT_TRUE(prepare_spool(spool).ok());
  EXPECT_FALSE(fs::exists(spool + "/upload-1"));
  EXPECT_TRUE(fs::exists(spool + "/other"));
  EXPECT_TRUE(fs::exists(spool + "/upload-folder"));
  std::ofstream(folder_ + "/file") << "";
  EXPECT_FALSE(prepare_spool(folder_ + "/file/spool").ok());
}

}  // namespace
}  // namespace maie::http
