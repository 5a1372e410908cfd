#include "net/sse_reader.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace maie::net {
namespace {

struct Read {
  std::vector<ServerEvent> events;
  Status status;
};

Read read(std::string_view stream, size_t piece = SIZE_MAX, size_t bound = 1000) {
  Read out;
  SseReader reader(
      [&](const ServerEvent& event) {
        out.events.push_back(event);
        return true;
      },
      bound);
  for (size_t at = 0; at < stream.size() && out.status.ok();) {
    const std::string_view part = stream.substr(at, piece);
    out.status = reader.feed(part);
    at += part.size();
  }
  return out;
}

std::vector<std::string> data_of(const Read& read) {
  std::vector<std::string> out;
  for (const ServerEvent& event : read.events) out.push_back(event.data);
  return out;
}

using Texts = std::vector<std::string>;

TEST(SseReader, JoinsLinesOfData) {
  EXPECT_EQ(data_of(read("data: a\ndata: b\n\ndata: c\n\n")), (Texts{"a\nb", "c"}));
}

// The examples of WHATWG HTML 9.2.6.
TEST(SseReader, ReadsTheStandardsExamples) {
  EXPECT_EQ(data_of(read("data: YHOO\ndata: +2\ndata: 10\n\n")), (Texts{"YHOO\n+2\n10"}));
  const Read ids = read(
      ": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third\n\n");
  EXPECT_EQ(data_of(ids), (Texts{"first event", "second event", " third"}));
  EXPECT_EQ(ids.events[0].id, "1");
  EXPECT_EQ(ids.events[1].id, "");
  EXPECT_EQ(data_of(read("data\n\ndata\ndata\n\ndata:")), (Texts{"", "\n"}));
  EXPECT_EQ(data_of(read("data:test\n\ndata: test\n\n")), (Texts{"test", "test"}));
}

TEST(SseReader, KnowsEveryLineEnd) {
  for (const char* stream :
       {"data: a\ndata: b\n\ndata: c\n\n", "data: a\rdata: b\r\rdata: c\r\r",
        "data: a\r\ndata: b\r\n\r\ndata: c\r\n\r\n", "data: a\rdata: b\r\n\ndata: c\n\r"}) {
    EXPECT_EQ(data_of(read(stream)), (Texts{"a\nb", "c"})) << stream;
  }
}

TEST(SseReader, PassesOverAByteOrderMarkCommentsAndStrangers) {
  EXPECT_EQ(data_of(read("\xEF\xBB\xBF"
                         "data: a\n: ping\nretry: 10\nstrange: x\nDATA: y\n data: z\n\n")),
            (Texts{"a"}));
}

TEST(SseReader, NamesTheTypeOfOneEventOnly) {
  const Read both = read("event: error\ndata: a\n\ndata: b\n\nevent: lost\n\ndata: c\n\n");
  ASSERT_EQ(both.events.size(), 3u);
  EXPECT_EQ(both.events[0].type, "error");
  EXPECT_EQ(both.events[1].type, "");
  EXPECT_EQ(both.events[2].type, "");
}

TEST(SseReader, WhatIsNotEndedIsNoEvent) {
  EXPECT_TRUE(read("data: a").events.empty());
  EXPECT_TRUE(read("data: a\n").events.empty());
}

TEST(SseReader, StopsWhenToldTo) {
  int events = 0;
  SseReader reader([&](const ServerEvent&) { return ++events < 2; });
  ASSERT_TRUE(reader.feed("data: a\n\ndata: b\n\ndata: c\n\n").ok());
  EXPECT_EQ(events, 2);
}

TEST(SseReader, RefusesEndlessLinesAndEvents) {
  EXPECT_EQ(read(std::string(2000, 'x'), 7).status.code(), Code::kResourceExhausted);
  std::string lines;
  for (int i = 0; i < 300; ++i) lines += "data: xxxxxxx\n";
  EXPECT_EQ(read(lines, 5).status.code(), Code::kResourceExhausted);
  EXPECT_TRUE(read("data: " + std::string(994, 'x') + "\n\n").status.ok());
  EXPECT_FALSE(read("data: " + std::string(995, 'x') + "\n\n").status.ok());
}

TEST(SseReader, CutsMakeNoDifference) {
  std::mt19937 random(1);
  const std::string alphabet[] = {"data: x",      "data:",    "data", "id: 7", "event: e",
                                  ": c",          "\n",       "\r",   "\r\n",  "\n\n",
                                  "\xEF\xBB\xBF", "\xC3\xA9", " ",    ":"};
  for (int round = 0; round < 500; ++round) {
    std::string stream;
    for (int i = int(random() % 40); i > 0; --i) stream += alphabet[random() % std::size(alphabet)];
    const Read whole = read(stream);
    for (const size_t piece : {size_t{1}, size_t{2}, size_t{3}, size_t{1} + random() % 20}) {
      const Read cut = read(stream, piece);
      ASSERT_EQ(data_of(cut), data_of(whole)) << "round " << round;
    }
  }
}

}  // namespace
}  // namespace maie::net
