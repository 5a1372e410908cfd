#include "server/upload.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include "tests/support/temporary_folder.h"

namespace maie::server {
namespace {

namespace fs = std::filesystem;
using namespace std::string_literals;

class Upload : public ::testing::Test {
 protected:
  Upload() {
    settings_.paths.audio_dir = folder_.path("audio");
    fs::create_directories(settings_.paths.audio_dir);
  }

  http::FormFile file(const std::string& bytes, const std::string& name = "a.wav",
                      const std::string& type = "") {
    const std::string path = folder_.path("spool");
    std::ofstream(path, std::ios::binary) << bytes;
    return {.name = "file",
            .file_name = name,
            .content_type = type,
            .path = path,
            .bytes = bytes.size()};
  }
  // The status of the refusal; 0: taken.
  int verdict(const http::FormFile& file) {
    const auto error = check_upload(file);
    EXPECT_TRUE(!error || error->status != 415 || error->code == "UNSUPPORTED_FORMAT");
    return error ? error->status : 0;
  }
  int of_bytes(const std::string& bytes) { return verdict(file(bytes, "a.mp3", "audio/mpeg")); }

  TemporaryFolder folder_;
  config::Settings settings_;
};

const std::string kSound = "RIFF\x10\0\0\0WAVEfmt "s;

// docs/spec/service.md, 3.
TEST_F(Upload, NameOrTypeMustSayAudio) {
  EXPECT_EQ(verdict(file(kSound, "a.wav", "")), 0);
  EXPECT_EQ(verdict(file(kSound, "A.WAV", "application/octet-stream")), 0);
  EXPECT_EQ(verdict(file(kSound, "a.flac", "text/plain")), 0);
  EXPECT_EQ(verdict(file(kSound, "recording", "audio/anything; codecs=opus")), 0);
  EXPECT_EQ(verdict(file(kSound, "a.txt", "Audio/WAV")), 0);
  EXPECT_EQ(verdict(file(kSound, "a.txt", "text/plain")), 415);
  EXPECT_EQ(verdict(file(kSound, "a.txt", "application/octet-stream")), 415);
  EXPECT_EQ(verdict(file(kSound, "recording", "")), 415);
  EXPECT_EQ(verdict(file(kSound, "a.wav", "image/png")), 415);
  EXPECT_EQ(verdict(file("", "a.wav", "audio/wav")), 422);
}

TEST_F(Upload, TheRefusalSaysWhatIsAllowed) {
  const auto error = check_upload(file(kSound, "../notes.txt", "text/plain"));
  ASSERT_TRUE(error);
  EXPECT_EQ(error->message, "Unsupported file type: notes.txt");
  EXPECT_EQ(error->details["filename"], "notes.txt");
  EXPECT_EQ(error->details["extension"], ".txt");
  EXPECT_EQ(error->details["mime_type"], "text/plain");
  EXPECT_EQ(error->details["allowed_extensions"][0], ".wav");
  EXPECT_EQ(check_upload(file(kSound, "a.wav", "image/png"))->message,
            "File MIME type must be audio/*, got: image/png");
}

TEST_F(Upload, TextIsRefusedByItsContent) {
  for (const std::string& text :
       {"Dear Ms. Nguyen,\r\n\tthank you for your letter."s, "Kính gửi bà Nguyễn,\n"s,
        "\xef\xbb\xbfwith a mark in front"s, "<p>no head</p>"s, "<!DOCTYPE html><html>"s,
        "  \n<?xml version=\"1.0\"?><svg/>"s, "{\"json\": true}"s, "[1, 2, 3]"s,
        "#EXTM3U\nhttp://example.org/a.mp3\n"s, std::string(10'000, 'x')}) {
    EXPECT_EQ(of_bytes(text), 415) << text.substr(0, 60);
  }
  // The look ends within a character.
  for (int shift = 0; shift < 3; ++shift) {
    std::string text(size_t(shift), 'x');
    while (text.size() < 6000) text += "ế";
    EXPECT_EQ(of_bytes(text), 415) << shift;
  }
}

TEST_F(Upload, DocumentsPicturesAndArchivesAreRefused) {
  for (const std::string& head :
       {"%PDF-1.7\n%\xe2\xe3"s, "\x89PNG\r\n\x1a\n"s, "\xff\xd8\xff\xe0"s, "GIF89a\x01\0"s,
        "PK\x03\x04\x14\0"s, "\x1f\x8b\x08\0"s, "7z\xbc\xaf\x27"s, "Rar!\x1a\x07\0"s,
        "\x7f"s + "ELF\x02\x01"s, "SQLite format 3\0"s, "\xd0\xcf\x11\xe0\xa1\xb1"s,
        "RIFF\x10\0\0\0WEBPVP8 "s}) {
    EXPECT_EQ(of_bytes(head + "\0\x01\x02"s), 415) << head;
  }
}

TEST_F(Upload, SoundIsTaken) {
  for (const std::string& head :
       {kSound, "fLaC\0\0\0\""s, "OggS\0\x02"s, "ID3\x04\0\0"s, "\xff\xfb\x90\x64"s,
        "\xff\xf1\x50\x80"s, "\0\0\0 ftypM4A "s, "\x1a\x45\xdf\xa3"s, "#!AMR\n"s,
        "FORM\0\0\0\0AIFF"s, "caff\0\x01\0\0"s}) {
    EXPECT_EQ(of_bytes(head), 0) << head;
    EXPECT_EQ(of_bytes(head + "\0\x01\x80\xff"s), 0) << head;
  }
  // Nothing known, and no text: the decoder decides.
  EXPECT_EQ(of_bytes("\x01\x02\x03\x04"s), 0);
  EXPECT_EQ(of_bytes("words, then\xff\xfe bytes that are none"s), 0);
}

TEST_F(Upload, IsMovedIntoTheFolderOfItsTask) {
  const std::string id = new_task_id();
  const http::FormFile given = file(kSound, "../../etc/x.FLAC");
  const Result<std::string> kept = keep_upload(settings_, id, given);
  ASSERT_TRUE(kept.has_value()) << kept.error().message();
  EXPECT_EQ(*kept, id + "/raw.flac");
  EXPECT_TRUE(fs::exists(folder_ / "audio" / *kept));
  EXPECT_FALSE(fs::exists(given.path));
  EXPECT_EQ(fs::status(folder_ / "audio" / id).permissions(), fs::perms::owner_all);
  remove_task_folder(settings_, id);
  EXPECT_FALSE(fs::exists(folder_ / "audio" / id));
}

TEST_F(Upload, ExtensionsAreOursAlone) {
  for (const char* name : {"a.exe", "a", "a.wav/../../b", "a.\nwav", ""}) {
    const std::string id = new_task_id();
    const Result<std::string> kept = keep_upload(settings_, id, file(kSound, name));
    ASSERT_TRUE(kept.has_value());
    EXPECT_EQ(*kept, id + "/raw.wav") << name;
  }
}

TEST_F(Upload, AnUploadThatCannotBeKeptLeavesNothing) {
  http::FormFile gone = file(kSound);
  fs::remove(gone.path);
  const std::string id = new_task_id();
  EXPECT_FALSE(keep_upload(settings_, id, gone).has_value());
  EXPECT_FALSE(fs::exists(folder_ / "audio" / id));
}

TEST(FileName, IsSanitisedAsClientsKnowIt) {
  const std::pair<std::string, std::string> rows[] = {
      {"../../etc/passwd", "etc_passwd"},
      {"..\\..\\x.mp3", "x.mp3"},
      {"file<>.txt", "file__.txt"},
      {"a b:c*.wav ", "a b_c_.wav"},
      {"....", "__"},
      {"", "unnamed_file"},
      {" . ", "unnamed_file"},
      {"Cuộc họp.m4a", "Cuộc họp.m4a"},
      {"a\nb.wav", "a_b.wav"},
  };
  for (const auto& [given, want] : rows) EXPECT_EQ(sanitised_file_name(given), want) << given;
}

TEST(FileName, LongOnesKeepTheirExtension) {
  const std::string name = sanitised_file_name(std::string(400, 'a') + ".flac");
  EXPECT_EQ(name.size(), 255u);
  EXPECT_TRUE(name.ends_with("a.flac"));
  std::string accents;
  for (int i = 0; i < 200; ++i) accents += "ế";
  const std::string cut = sanitised_file_name(accents + ".wav");
  EXPECT_LE(cut.size(), 255u);
  EXPECT_TRUE(cut.ends_with("ế.wav")) << cut;
}

TEST(TaskId, HasTheFormOfARandomUuid) {
  const std::string id = new_task_id();
  EXPECT_TRUE(is_task_id(id));
  EXPECT_EQ(id[14], '4');
  EXPECT_NE(std::string("89ab").find(id[19]), std::string::npos);
  EXPECT_NE(new_task_id(), id);
  EXPECT_FALSE(is_task_id(""));
  EXPECT_FALSE(is_task_id(id + "0"));
  EXPECT_FALSE(is_task_id("../" + id.substr(3)));
  std::string upper = id;
  upper[0] = 'A';
  EXPECT_FALSE(is_task_id(upper));
}

}  // namespace
}  // namespace maie::server
