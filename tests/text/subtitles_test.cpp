#include "text/subtitles.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>
#include <sstream>

#include "text/subtitle_layout.h"
#include "text/utf8.h"

namespace maie::text {
namespace {

Cue cue(double start_s, double end_s, std::string text, std::string speaker = "") {
  return {start_s, end_s, std::move(text), std::move(speaker), {}};
}

Cue spoken(double start_s, double end_s, std::string text, std::vector<CueWord> words) {
  return {start_s, end_s, std::move(text), "", std::move(words)};
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

// Cues of an SRT file, read back without help of the writer.
struct Parsed {
  int64_t start_ms, end_ms;
  std::vector<std::string> lines;
};
int64_t parse_time(const std::string& text) {
  long long h = 0, m = 0, s = 0, ms = 0;
  EXPECT_EQ(std::sscanf(text.c_str(), "%lld:%2lld:%2lld,%3lld", &h, &m, &s, &ms), 4) << text;
  EXPECT_LT(m, 60);
  EXPECT_LT(s, 60);
  return ((h * 60 + m) * 60 + s) * 1000 + ms;
}
std::vector<Parsed> parse_srt(const std::string& srt) {
  std::vector<Parsed> cues;
  const auto lines = lines_of(srt);
  for (size_t i = 0; i < lines.size();) {
    EXPECT_EQ(lines[i], std::to_string(cues.size() + 1));
    const size_t arrow = lines.at(i + 1).find(" --> ");
    EXPECT_NE(arrow, std::string::npos);
    Parsed parsed{
        parse_time(lines[i + 1].substr(0, arrow)), parse_time(lines[i + 1].substr(arrow + 5)), {}};
    for (i += 2; i < lines.size() && !lines[i].empty(); ++i) parsed.lines.push_back(lines[i]);
    EXPECT_FALSE(parsed.lines.empty());
    cues.push_back(std::move(parsed));
    ++i;
  }
  return cues;
}

TEST(Srt, WritesNumberedBlocks) {
  EXPECT_EQ(to_srt(std::vector<Cue>{cue(0, 1.5, " Good morning."), cue(2, 3661.25, "Bye.")},
                   {.max_cue_s = 0}),
            "1\n00:00:00,000 --> 00:00:01,500\nGood morning.\n\n"
            "2\n00:00:02,000 --> 01:01:01,250\nBye.\n");
  EXPECT_EQ(to_srt({}), "");
  EXPECT_EQ(to_srt(std::vector<Cue>{cue(0, 1, "  "), cue(1, 2, ""), cue(2, 3, "\x01\n")}), "");
}

TEST(Srt, HoursTakeMoreDigitsWhenNeeded) {
  const std::string srt = to_srt(std::vector<Cue>{cue(360000, 360001, "late")});
  EXPECT_NE(srt.find("100:00:00,000 --> 100:00:01,000"), std::string::npos) << srt;
}

TEST(Srt, PutsTheSpeakerInFront) {
  EXPECT_EQ(to_srt(std::vector<Cue>{cue(0, 1, "Hi.", "Ann\nLee")}),
            "1\n00:00:00,000 --> 00:00:01,000\nAnn Lee: Hi.\n");
}

TEST(Times, AreRoundedOnceHalfUp) {
  const auto start = [](double s) {
    return parse_srt(to_srt(std::vector<Cue>{cue(s, s + 1, "x")})).at(0).start_ms;
  };
  EXPECT_EQ(start(59.9996), 60000);
  EXPECT_EQ(start(59.9994), 59999);
  EXPECT_EQ(start(3599.9996), 3600000);
  EXPECT_EQ(start(0.0005), 1);
  EXPECT_EQ(start(0.0004), 0);
  EXPECT_EQ(start(-3), 0);
  EXPECT_EQ(start(std::nan("")), 0);
  EXPECT_NE(to_srt(std::vector<Cue>{cue(59.9996, 61, "x")}).find("00:01:00,000"),
            std::string::npos);
}

TEST(Times, ACueLastsAtLeastAMillisecond) {
  const SubtitleOptions options{.min_cue_s = 0};
  auto got = parse_srt(to_srt(std::vector<Cue>{cue(1, 1, "a"), cue(5, 4, "b")}, options));
  ASSERT_EQ(got.size(), 2u);
  EXPECT_EQ(got[0].end_ms, 1001);
  EXPECT_EQ(got[1].end_ms, 5001);
}

TEST(Times, RiseAndOverlapsOfASpeakerAreCut) {
  const auto got =
      parse_srt(to_srt(std::vector<Cue>{cue(4, 6, "late", "A"), cue(1, 5, "first", "A"),
                                        cue(2, 5, "other", "B"), cue(2, 3, "same instant", "B")}));
  ASSERT_EQ(got.size(), 4u);
  EXPECT_EQ(got[0].start_ms, 1000);
  EXPECT_EQ(got[0].end_ms, 4000);  // cut where A speaks again, not where B does
  EXPECT_EQ(got[1].start_ms, 2000);
  EXPECT_EQ(got[1].end_ms, 2001);
  EXPECT_EQ(got[2].start_ms, 2001);
  EXPECT_EQ(got[3].start_ms, 4000);
}

TEST(Times, ShortCuesStayUpWhereNothingFollows) {
  const auto got =
      parse_srt(to_srt(std::vector<Cue>{cue(1, 1.1, "a"), cue(1.5, 1.6, "b"), cue(9, 9.1, "c")}));
  EXPECT_EQ(got.at(0).end_ms, 1500);
  EXPECT_EQ(got.at(1).end_ms, 2200);
  EXPECT_EQ(got.at(2).end_ms, 9700);
}

TEST(CueText, IsCleaned) {
  EXPECT_EQ(clean_cue_text(" a\tb\r\n\n c\x01\x7F "), "a b c");
  EXPECT_EQ(clean_cue_text("a --> b ----> c -- > d"), "a -> b -> c -- > d");
  EXPECT_EQ(clean_cue_text("-\x02-\x03>"), "->");  // not to be smuggled in by what is removed
  EXPECT_EQ(clean_cue_text("a\xFF"
                           "b\xC2"),
            "a\uFFFDb\uFFFD");
  EXPECT_EQ(clean_cue_text("\u00a0\u3000"), "");
  EXPECT_EQ(clean_cue_text("a\u2028b\u0085c\ufeff"), "a b c");
}

TEST(Layout, WrapsAtTheWidthOfTheDisplay) {
  const std::string text = "the quick brown fox jumps over the lazy dog and then sleeps";
  const auto got = parse_srt(to_srt(std::vector<Cue>{cue(0, 4, text)}));
  ASSERT_EQ(got.size(), 1u);
  EXPECT_EQ(got[0].lines, (std::vector<std::string>{"the quick brown fox jumps over the lazy",
                                                    "dog and then sleeps"}));
  EXPECT_EQ(display_width("ab日本"), 6);
  EXPECT_EQ(display_width("e\u0301"), 1);
  EXPECT_EQ(display_width("👨‍👩‍👧"), 2);
  const auto wide = parse_srt(
      to_srt(std::vector<Cue>{cue(0, 4, "日本語日本語日本語日本語")}, {.max_line_width = 12}));
  ASSERT_EQ(wide.size(), 1u);
  EXPECT_EQ(wide[0].lines, (std::vector<std::string>{"日本語日本語", "日本語日本語"}));
  const auto closed =
      parse_srt(to_srt(std::vector<Cue>{cue(0, 4, "日本語日本語。日本")}, {.max_line_width = 12}));
  EXPECT_EQ(closed.at(0).lines.at(0), "日本語日本");  // a line does not begin with its full stop
}

TEST(Layout, CountsTheSpeakerIntoTheFirstLine) {
  for (const Parsed& parsed :
       parse_srt(to_srt(std::vector<Cue>{cue(0, 6, "one two three four five six seven", "Annabel")},
                        {.max_line_width = 20}))) {
    EXPECT_TRUE(parsed.lines[0].starts_with("Annabel: "));
    for (const std::string& line : parsed.lines) EXPECT_LE(line.size(), 20u);
  }
}

TEST(Layout, SplitsBetweenWordsInProportionWithoutWordTimes) {
  const auto got = parse_srt(to_srt(std::vector<Cue>{cue(10, 20, "aaaa bbbb cccc dddd")},
                                    {.max_line_width = 9, .max_line_count = 1, .max_cue_s = 0}));
  ASSERT_EQ(got.size(), 2u);
  EXPECT_EQ(got[0].lines[0], "aaaa bbbb");
  EXPECT_EQ(got[1].lines[0], "cccc dddd");
  EXPECT_EQ(got[0].start_ms, 10000);
  EXPECT_NEAR(static_cast<double>(got[1].start_ms), 15000, 300);
  EXPECT_EQ(got[1].end_ms, 20000);
}

TEST(Layout, SplitsAtWordTimesWherePresent) {
  const Cue timed =
      spoken(0, 12, " one two three four",
             {{0.5, 1, " one"}, {1, 2, " two"}, {9, 10, " three"}, {10, 11, " four"}});
  const auto got = parse_srt(to_srt(std::vector<Cue>{timed}));
  ASSERT_EQ(got.size(), 2u);  // 12 s are more than 7
  EXPECT_EQ(got[0].lines[0], "one two");
  EXPECT_EQ(got[0].start_ms, 0);  // the first cue keeps its true start
  EXPECT_EQ(got[0].end_ms, 2000);
  EXPECT_EQ(got[1].lines[0], "three four");
  EXPECT_EQ(got[1].start_ms, 9000);
  EXPECT_EQ(got[1].end_ms, 12000);
}

TEST(Layout, IgnoresWordsThatDoNotSpellTheText) {
  Cue odd = spoken(0, 10, "one two three four", {{0, 1, "one"}, {1, 2, "TWO"}});
  EXPECT_EQ(parse_srt(to_srt(std::vector<Cue>{odd})).size(), 2u);
  odd.words = {{0, std::nan(""), "one"}, {1, 2, "two"}, {2, 3, "three"}, {3, 4, "four"}};
  EXPECT_EQ(parse_srt(to_srt(std::vector<Cue>{odd})).size(), 2u);
}

TEST(Layout, ObeysMaximumWords) {
  const auto got = parse_srt(to_srt(std::vector<Cue>{cue(0, 5, "a b c d e")}, {.max_words = 2}));
  ASSERT_EQ(got.size(), 3u);
  EXPECT_EQ(got[0].lines[0], "a b");
  EXPECT_EQ(got[2].lines[0], "e");
}

TEST(Layout, AvoidsALonelyLastWord) {
  const auto got = parse_srt(to_srt(std::vector<Cue>{cue(0, 6, "aaaa bbbb cccc dddd eeee")},
                                    {.max_line_width = 19, .max_line_count = 1}));
  ASSERT_EQ(got.size(), 2u);
  EXPECT_EQ(got[0].lines[0], "aaaa bbbb cccc");
  EXPECT_EQ(got[1].lines[0], "dddd eeee");
}

TEST(Layout, CutsWhatNoLineCanHold) {
  const auto got = parse_srt(to_srt(std::vector<Cue>{cue(0, 4, std::string(100, 'x'))}));
  std::string all;
  for (const Parsed& parsed : got) {
    for (const std::string& line : parsed.lines) {
      EXPECT_LE(line.size(), 42u);
      all += line;
    }
  }
  EXPECT_EQ(all, std::string(100, 'x'));
}

TEST(Srt, UnderlinesOneWordAfterTheOther) {
  const Cue timed = spoken(0, 2, "Hi <b> you", {{0.1, 0.5, "Hi"}, {0.5, 1, "<b>"}, {1, 2, "you"}});
  EXPECT_EQ(to_srt(std::vector<Cue>{timed}, {.highlight_words = true}),
            "1\n00:00:00,000 --> 00:00:00,500\n<u>Hi</u> <b> you\n\n"
            "2\n00:00:00,500 --> 00:00:01,000\nHi <u><b></u> you\n\n"
            "3\n00:00:01,000 --> 00:00:02,000\nHi <b> <u>you</u>\n");
  // Without measured times nothing is highlighted.
  EXPECT_EQ(to_srt(std::vector<Cue>{cue(0, 2, "Hi you")}, {.highlight_words = true}),
            to_srt(std::vector<Cue>{cue(0, 2, "Hi you")}));
}

TEST(Vtt, WritesHeaderCuesAndEscapes) {
  EXPECT_EQ(to_vtt({}), "WEBVTT\n\n");
  EXPECT_EQ(to_vtt(std::vector<Cue>{cue(1.25, 2, "a < b && c > d"), cue(3, 4, "x --> y")}),
            "WEBVTT\n\n00:00:01.250 --> 00:00:02.000\na &lt; b &amp;&amp; c &gt; d\n\n"
            "00:00:03.000 --> 00:00:04.000\nx -&gt; y\n");
  EXPECT_EQ(to_vtt(std::vector<Cue>{cue(0, 1, "a")}, {.identifiers = true}),
            "WEBVTT\n\n1\n00:00:00.000 --> 00:00:01.000\na\n");
}

TEST(Vtt, NamesTheVoice) {
  EXPECT_EQ(to_vtt(std::vector<Cue>{cue(0, 1, "Hi.", "Ann >\n& Bob")}),
            "WEBVTT\n\n00:00:00.000 --> 00:00:01.000\n<v Ann  &amp; Bob>Hi.</v>\n");
  EXPECT_EQ(to_vtt(std::vector<Cue>{cue(0, 1, "Hi.", ">")}),
            "WEBVTT\n\n00:00:00.000 --> 00:00:01.000\nHi.\n");
}

TEST(Vtt, StampsWordsAfterTheFirst) {
  const Cue timed =
      spoken(0, 3, "one two three", {{0, 1, "one"}, {1.25, 2, "two"}, {1.25, 3, "three"}});
  EXPECT_EQ(to_vtt(std::vector<Cue>{timed}, {.highlight_words = true}),
            "WEBVTT\n\n00:00:00.000 --> 00:00:03.000\none <00:00:01.250>two three\n");
}

TEST(Tsv, WritesMillisecondsAndSpeakers) {
  EXPECT_EQ(to_tsv({}), "start\tend\ttext\n");
  EXPECT_EQ(
      to_tsv(std::vector<Cue>{cue(0, 1.5, " a\tb\nc \"q\""), cue(2, 100, std::string(90, 'x'))}),
      "start\tend\ttext\n0\t1500\ta b c \"q\"\n2000\t100000\t" + std::string(90, 'x') + "\n");
  EXPECT_EQ(to_tsv(std::vector<Cue>{cue(0, 1, "a", "S\t1"), cue(2, 3, "b")}),
            "start\tend\tspeaker\ttext\n0\t1000\tS 1\ta\n2000\t3000\t\tb\n");
}

TEST(Txt, WritesALinePerSegmentOrAParagraphPerTurn) {
  EXPECT_EQ(to_txt({}), "");
  EXPECT_EQ(to_txt(std::vector<Cue>{cue(0, 1, " a "), cue(1, 2, ""), cue(2, 3, "b")}), "a\nb\n");
  EXPECT_EQ(to_txt(std::vector<Cue>{cue(0, 1, "a", "X"), cue(1, 2, "b", "X"), cue(2, 3, "c", "Y"),
                                    cue(3, 4, "d")}),
            "X: a b\n\nY: c\n\nd\n");
}

TEST(Subtitles, KeepTheirPromisesOnRandomInput) {
  std::mt19937 random(23);
  const auto uniform = [&](double low, double high) {
    return low +
           (high - low) * static_cast<double>(random()) / static_cast<double>(std::mt19937::max());
  };
  const char* alphabet[] = {"a",    "word",     " ", " ",      "\n", "日", "。", "-->",
                            "\xFF", "\xE6\x97", "👩", "\u0301", "<",  "&",  "ก",  "\t"};
  for (int round = 0; round < 2000; ++round) {
    std::vector<Cue> cues;
    for (size_t n = random() % 6; n > 0; --n) {
      Cue one;
      const double around[] = {0, 59.9995, 3599.9995, 359999.9995};
      one.start_s = around[random() % 4] + uniform(-2, 20);
      one.end_s = one.start_s + uniform(-1, 30);
      for (size_t i = random() % 30; i > 0; --i)
        one.text += alphabet[random() % std::size(alphabet)];
      if (random() % 2 == 0) one.speaker = alphabet[random() % std::size(alphabet)];
      if (random() % 2 == 0) {
        std::istringstream words(one.text);
        double at = one.start_s;
        for (std::string w; words >> w; at += uniform(-0.5, 3))
          one.words.push_back({at, at + uniform(0, 4), w});
      }
      if (random() % 50 == 0) one.end_s = std::numeric_limits<double>::infinity();
      cues.push_back(std::move(one));
    }
    const SubtitleOptions options{.max_line_width = static_cast<int>(random() % 30),
                                  .max_line_count = static_cast<int>(random() % 4),
                                  .max_cue_s = random() % 3 == 0 ? 0 : uniform(0.5, 8),
                                  .max_words = static_cast<int>(random() % 5),
                                  .highlight_words = random() % 3 == 0};
    const std::string srt = to_srt(cues, options);
    EXPECT_EQ(repair_utf8(srt), srt);
    int64_t before = 0;
    const bool speakers =
        std::any_of(cues.begin(), cues.end(), [](const Cue& c) { return !c.speaker.empty(); });
    for (const Parsed& parsed : parse_srt(srt)) {
      EXPECT_GE(parsed.start_ms, before);
      EXPECT_GT(parsed.end_ms, parsed.start_ms);
      before = parsed.start_ms;
      EXPECT_LE(parsed.lines.size(), static_cast<size_t>(std::max(options.max_line_count, 1)));
      for (const std::string& line : parsed.lines) {
        EXPECT_EQ(line.find("-->"), std::string::npos);
        if (!speakers && !options.highlight_words) {
          EXPECT_LE(display_width(line), std::max(options.max_line_width, 2)) << line;
        }
      }
    }
    const std::string vtt = to_vtt(cues, options);
    EXPECT_TRUE(vtt.starts_with("WEBVTT\n\n"));
    EXPECT_TRUE(vtt.ends_with('\n'));
    EXPECT_EQ(repair_utf8(vtt), vtt);
    for (const std::string& line : lines_of(to_tsv(cues, options))) {
      const auto tabs = std::count(line.begin(), line.end(), '\t');
      EXPECT_TRUE(tabs == 2 || tabs == 3) << line;
    }
    (void)to_txt(cues, options);
  }
}

}  // namespace
}  // namespace maie::text
