#include "base/log.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <thread>

#include "base/json.h"
#include "base/log_line.h"
#include "tests/support/temporary_folder.h"

namespace maie {
namespace {

namespace fs = std::filesystem;

class Logs : public ::testing::Test {
 protected:
  ~Logs() override { configure_log(LogLevel::kInfo, false); }
  std::string read(const std::string& name) const {
    std::ifstream file(folder_ / name, std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(file), {});
  }
  LogOptions to_files(bool json = false) const {
    return {.least = LogLevel::kInfo, .json = json, .to_stderr = false, .dir = folder_ / "logs"};
  }
  template <class Work>
  static std::string stderr_of(const Work& work) {
    ::testing::internal::CaptureStderr();
    work();
    return ::testing::internal::GetCapturedStderr();
  }
  TemporaryFolder folder_;
};

const LogIds kNobody;

LogRecord record_of(std::string_view message, LogFields fields = {}, const LogIds& ids = kNobody) {
  return {LogLevel::kWarning, message, fields, ids,
          std::chrono::system_clock::time_point(std::chrono::milliseconds(1'750'000'000'007))};
}

TEST(LogLine, HasATimeALevelIdsAndFields) {
  const LogIds ids{.request_id = "r1", .task_id = "t 1"};
  EXPECT_EQ(line_of(record_of("went well", {{"status", 200}, {"path", "/v1 x"}, {"ok", true}}, ids),
                    LineForm::kText),
            "2025-06-15T15:06:40.007Z WARNING went well request_id=r1 task_id=\"t 1\" status=200 "
            "path=\"/v1 x\" ok=true");
  EXPECT_EQ(line_of(record_of("went well", {{"seconds", 0.5}}), LineForm::kJournalText),
            "<4>went well seconds=0.5");
}

TEST(LogLine, IsJsonForPrograms) {
  const LogIds ids{.request_id = "r1", .task_id = "", .trace_id = "tr", .span_id = "sp"};
  const auto json = parse_json(
      line_of(record_of("a \"b\"\n", {{"n", 3}, {"level", "mine"}}, ids), LineForm::kJson));
  ASSERT_TRUE(json.has_value());
  EXPECT_EQ(*json, Json({{"ts", "2025-06-15T15:06:40.007Z"},
                         {"level", "warning"},
                         {"msg", "a \"b\"\n"},
                         {"request_id", "r1"},
                         {"trace_id", "tr"},
                         {"span_id", "sp"},
                         {"n", 3}}));
  EXPECT_EQ(line_of(record_of("x"), LineForm::kJournalJson),
            "<4>{\"level\":\"warning\",\"msg\":\"x\"}");
}

TEST(LogLine, IsOneLineWhateverTheMessageHolds) {
  const std::string hostile = "a\nb\r\x1b[2J\x7f\xff \"q\" \\";
  for (const LineForm form : {LineForm::kText, LineForm::kJson, LineForm::kJournalText}) {
    const std::string line = line_of(record_of(hostile, {{"field", hostile}}), form);
    for (const char c : line) EXPECT_GE(uint8_t(c), 0x20) << line;
  }
  EXPECT_EQ(line_of(record_of(hostile), LineForm::kJournalText),
            "<4>a\\nb\\r\\u001b[2J\\u007f\xEF\xBF\xBD \"q\" \\");
}

TEST_F(Logs, OfTheCommandLineKeepTheirForm) {
  EXPECT_EQ(stderr_of([] {
              configure_log(LogLevel::kWarning, false);
              log_info("not seen");
              log_warning("seen");
              configure_log(LogLevel::kDebug, true);
              log_debug("as \"JSON\"");
            }),
            "maie: seen\n{\"level\":\"debug\",\"message\":\"as \\\"JSON\\\"\"}\n");
}

TEST_F(Logs, GoToFilesAndErrorsToOneOfTheirOwn) {
  ASSERT_TRUE(configure_log(to_files()).ok());
  log_debug("debug");
  log_info("info");
  log_error("error", {{"code", 7}});
  const std::string all = read("logs/app.log"), errors = read("logs/errors.log");
  EXPECT_EQ(std::count(all.begin(), all.end(), '\n'), 2);
  EXPECT_EQ(std::count(errors.begin(), errors.end(), '\n'), 1);
  EXPECT_NE(errors.find("ERROR   error code=7"), errors.npos);
}

TEST_F(Logs, ChangeTheirLevelWhileTheyRun) {
  ASSERT_TRUE(configure_log(to_files()).ok());
  set_log_level(LogLevel::kError);
  EXPECT_EQ(log_level(), LogLevel::kError);
  log_warning("hidden");
  set_log_level(LogLevel::kDebug);
  log_debug("shown");
  EXPECT_EQ(read("logs/app.log").find("hidden"), std::string::npos);
  EXPECT_NE(read("logs/app.log").find("shown"), std::string::npos);
}

TEST_F(Logs, RotateBySizeAndKeepSoManyFiles) {
  LogOptions options = to_files();
  options.rotation_bytes = 5000;
  options.rotated_files = 2;
  ASSERT_TRUE(configure_log(options).ok());
  for (int i = 0; i < 40; ++i) log_info(std::string(1000, 'x'));
  EXPECT_TRUE(fs::exists(folder_ / "logs/app.1.log"));
  EXPECT_TRUE(fs::exists(folder_ / "logs/app.2.log"));
  EXPECT_FALSE(fs::exists(folder_ / "logs/app.3.log"));
  EXPECT_LE(fs::file_size(folder_ / "logs/app.log"), 5000u);
}

TEST_F(Logs, RotateOnRequestAndForgetOldFiles) {
  ASSERT_TRUE(configure_log(to_files()).ok());
  log_info("first");
  const fs::path ancient = folder_ / "logs/app.7.log", other = folder_ / "logs/worker.7.log";
  for (const fs::path& path : {ancient, other}) {
    std::ofstream(path) << "old";
    fs::last_write_time(path, fs::file_time_type::clock::now() - std::chrono::hours(24 * 40));
  }
  ASSERT_TRUE(rotate_log().ok());
  log_info("second");
  EXPECT_NE(read("logs/app.1.log").find("first"), std::string::npos);
  EXPECT_EQ(read("logs/app.log").find("first"), std::string::npos);
  EXPECT_NE(read("logs/app.log").find("second"), std::string::npos);
  EXPECT_FALSE(fs::exists(ancient));
  EXPECT_TRUE(fs::exists(other));
}

TEST_F(Logs, OpenAgainWhatSomebodyMovedAway) {
  ASSERT_TRUE(configure_log(to_files()).ok());
  log_info("first");
  fs::rename(folder_ / "logs/app.log", folder_ / "logs/app.log-20250101");
  ASSERT_TRUE(rotate_log().ok());
  log_info("second");
  EXPECT_NE(read("logs/app.log").find("second"), std::string::npos);
  EXPECT_FALSE(fs::exists(folder_ / "logs/app.1.log"));
}

TEST_F(Logs, GoOnWithoutAFullDisk) {
  fs::create_directories(folder_ / "logs");
  fs::create_symlink("/dev/full", folder_ / "logs/app.log");
  LogOptions options = to_files();
  options.to_stderr = true;
  const std::string said = stderr_of([&] {
    ASSERT_TRUE(configure_log(options).ok());
    for (int i = 0; i < 100; ++i) log_error(std::string(1000, 'x'));
    log_error("end");
  });
  EXPECT_NE(said.find("end"), said.npos);
  EXPECT_NE(read("logs/errors.log").find("end"), std::string::npos);
}

TEST_F(Logs, SayWhenAFolderCannotBeMade) {
  std::ofstream(folder_ / "logs") << "a file";
  const std::string said = stderr_of([&] {
    LogOptions options = to_files();
    options.to_stderr = true;
    const Status status = configure_log(options);
    EXPECT_FALSE(status.ok());
    EXPECT_NE(status.message().find("logs"), std::string::npos);
    log_info("still here");
  });
  EXPECT_NE(said.find("still here"), said.npos);
}

TEST_F(Logs, OfAnotherProcessHaveTheirOwnFiles) {
  LogOptions options = to_files(true);
  options.stem = "worker-1";
  ASSERT_TRUE(configure_log(options).ok());
  log_error("broken");
  EXPECT_NE(read("logs/worker-1.log").find("\"msg\":\"broken\""), std::string::npos);
  EXPECT_NE(read("logs/errors.worker-1.log").find("broken"), std::string::npos);
}

TEST_F(Logs, LeaveTheTimeToTheJournal) {
  const std::string said = stderr_of([] {
    struct stat info {};
    ASSERT_EQ(::fstat(STDERR_FILENO, &info), 0);
    const std::string stream = std::to_string(info.st_dev) + ":" + std::to_string(info.st_ino);
    ::setenv("JOURNAL_STREAM", stream.c_str(), 1);
    ASSERT_TRUE(configure_log(LogOptions{}).ok());
    log_info("in the journal");
    ::setenv("JOURNAL_STREAM", "1:2", 1);  // of somebody else
    ASSERT_TRUE(configure_log(LogOptions{}).ok());
    log_info("elsewhere");
    ::unsetenv("JOURNAL_STREAM");
  });
  EXPECT_EQ(said.substr(0, 18), "<6>in the journal\n");
  EXPECT_NE(said.find("Z INFO    elsewhere"), said.npos) << said;
}

TEST_F(Logs, KnowWhoseWorkTheyAreAbout) {
  EXPECT_EQ(LogScope::current().request_id, "");
  {
    const LogScope request({.request_id = "r1"});
    const LogScope task({.task_id = "t1"});
    EXPECT_EQ(LogScope::current().request_id, "r1");
    EXPECT_EQ(LogScope::current().task_id, "t1");
    std::thread([] { EXPECT_EQ(LogScope::current().request_id, ""); }).join();
  }
  EXPECT_EQ(LogScope::current().task_id, "");
}

TEST_F(Logs, TakeWholeLinesOfManyThreads) {
  ASSERT_TRUE(configure_log(to_files(true)).ok());
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([t] {
      const LogScope scope({.request_id = "r" + std::to_string(t)});
      for (int i = 0; i < 200; ++i) {
        log_info("line", {{"i", i}});
        if (i == 100) {
          EXPECT_TRUE(rotate_log().ok());
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  int lines = 0;
  for (const auto& entry : fs::directory_iterator(folder_ / "logs")) {
    std::ifstream file(entry.path());
    for (std::string line; std::getline(file, line); ++lines)
      EXPECT_TRUE(parse_json(line).has_value()) << line;
  }
  EXPECT_EQ(lines, 800);
}

TEST(LogLevels, HaveNames) {
  for (const char* name : {"debug", "info", "warning", "error", "off"})
    EXPECT_EQ(to_string(*parse_log_level(name)), name);
  EXPECT_FALSE(parse_log_level("loud").has_value());
}

}  // namespace
}  // namespace maie
