#include "cli/progress.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <limits>

#include "cli/printable.h"

namespace maie::cli {
namespace {

TEST(Progress, ShowsShareTimesAndSpeed) {
  const ProgressState state{
      .name = "talk.mp3", .fraction = 0.25, .elapsed_s = 10, .duration_s = 600};
  EXPECT_EQ(render_progress(state, 120, false),
            "talk.mp3 [######..................]  25%  0:10 elapsed, 0:30 left, 15.0x real time");
}

TEST(Progress, CountsRecordingsAndSaysWhenItReads) {
  const ProgressState state{.name = "talk.mp3", .index = 2, .count = 5};
  EXPECT_EQ(render_progress(state, 120, false),
            "2/5 talk.mp3 [........................]   0%  reading");
}

TEST(Progress, NeverFillsTheLastColumn) {
  const ProgressState state{.name = std::string(200, 'n'),
                            .index = 2,
                            .count = 5,
                            .fraction = 0.5,
                            .elapsed_s = 4000,
                            .duration_s = 90000};
  for (int columns = 0; columns <= 300; ++columns) {
    EXPECT_LT(int(character_count(render_progress(state, columns, false))), std::max(columns, 1))
        << columns;
  }
}

TEST(Progress, SurvivesImpossibleNumbers) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  for (const double value : {-1.0, 0.0, 1.0, 7.0, nan, 1e300}) {
    const ProgressState state{.name = "a", .fraction = value, .elapsed_s = value, .duration_s = 10};
    EXPECT_FALSE(render_progress(state, 100, false).empty());
  }
}

TEST(Progress, ColoursOnlyWhenAllowed) {
  const ProgressState state{.name = "a\x1b[31m", .fraction = 0.5, .elapsed_s = 1, .duration_s = 10};
  EXPECT_EQ(render_progress(state, 100, false).find('\x1b'), std::string::npos);
  EXPECT_NE(render_progress(state, 100, true).find("\x1b[32m"), std::string::npos);
}

TEST(Progress, DurationsReadLikeAClock) {
  EXPECT_EQ(format_duration(7.4), "0:07");
  EXPECT_EQ(format_duration(59.6), "1:00");
  EXPECT_EQ(format_duration(725), "12:05");
  EXPECT_EQ(format_duration(3723), "1:02:03");
  EXPECT_EQ(format_duration(-1), "--:--");
  EXPECT_EQ(format_duration(std::numeric_limits<double>::infinity()), "--:--");
}

TEST(ProgressLine, DrawsAtMostTenTimesASecondAndCleansUp) {
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_NONBLOCK), 0);
  Console console(-1, ends[1], {.err_is_terminal = true});
  ProgressLine::Clock::time_point now{};
  {
    ProgressLine line(console, "talk.mp3", 1, 1, [&now] { return now; });
    line.opened(100);
    for (int i = 1; i <= 100; ++i) {
      now += std::chrono::milliseconds(10);
      line.update(i / 100.0);
    }
  }
  char bytes[65536];
  const ssize_t count = ::read(ends[0], bytes, sizeof bytes);
  ::close(ends[0]);
  ::close(ends[1]);
  ASSERT_GT(count, 0);
  const std::string drawn(bytes, size_t(count));
  size_t lines = 0;
  for (size_t at = drawn.find("talk.mp3"); at != drawn.npos; at = drawn.find("talk.mp3", at + 1))
    ++lines;
  EXPECT_EQ(lines, 12u);  // when made, when opened, and ten in the second
  EXPECT_NE(drawn.find("100%"), drawn.npos);
  EXPECT_EQ(drawn.substr(drawn.size() - 4), "\r\x1b[K");
}

TEST(Printable, TakesTheTeethOutOfNames) {
  EXPECT_EQ(printable("a\x1b[2Jb\r\n\x7f"), "a?[2Jb???");
  EXPECT_EQ(printable("b\xc2\x9bk"), "b?k");    // a C1 control
  EXPECT_EQ(printable("\xff\xc3"), "??");       // not UTF-8
  EXPECT_EQ(printable("\xed\xa0\x80"), "???");  // a surrogate
  EXPECT_EQ(printable("Tiếng Việt 日本 🎧"), "Tiếng Việt 日本 🎧");
}

TEST(Printable, ShortensInTheMiddle) {
  EXPECT_EQ(shorten("recording.wav", 20), "recording.wav");
  EXPECT_EQ(shorten("recording.wav", 9), "reco..wav");
  EXPECT_EQ(shorten("ếếếếếế", 4), "ế..ế");
  EXPECT_EQ(shorten("abcdef", 1), ".");
  EXPECT_EQ(shorten("abcdef", 0), "");
}

}  // namespace
}  // namespace maie::cli
