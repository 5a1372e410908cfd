#include "summary/enhance.h"

#include <chrono>
#include <random>

#include "summary/answer.h"
#include "summary/realign.h"
#include "tests/summary/testing.h"
#include "text/edit_distance.h"

namespace maie::summary {
namespace {

// What a good model does: a capital letter and a full stop for each line, the label kept.
std::string corrected(const std::string& text) {
  std::string out;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    const size_t label = line.find(": ");
    const size_t at = label == std::string::npos ? 0 : label + 2;
    if (at < line.size() && line[at] >= 'a' && line[at] <= 'z') line[at] = char(line[at] - 32);
    out += (out.empty() ? "" : "\n") + line + ".";
  }
  return out;
}

ScriptedModel good_model(int64_t context = 32768) {
  return ScriptedModel([](const llm::Request& request, int) { return corrected(body_of(request)); },
                       context);
}

Transcript meeting(int turns, int words = 12) {
  Transcript out;
  for (int i = 0; i < turns; ++i) {
    std::string text;
    for (int w = 0; w < words; ++w) {
      text += (w ? " " : "") + std::string("word") + std::to_string(i) + "x" + std::to_string(w);
    }
    out.turns.push_back({"S" + std::to_string(i % 2), i * 5.0, i * 5.0 + 4, text});
  }
  return out;
}

class Enhance : public testing::Test {
 protected:
  TemplateStore store{shipped_only()};
};

TEST_F(Enhance, AsksAsTheSpecificationSaysAndKeepsTheTurns) {
  auto model = good_model();
  const Enhancement out = enhance(
      {{{"S0", 0, 2, "hello there"}, {"S1", 2, 3, "good morning"}}, false}, {}, store, model);
  EXPECT_TRUE(out.state.ok()) << out.state.message();
  EXPECT_TRUE(out.applied);
  EXPECT_EQ(out.text, "S0: Hello there.\nS1: Good morning.");
  EXPECT_EQ(out.original, "S0: hello there\nS1: good morning");
  EXPECT_EQ(out.transcript.turns[1].text, "Good morning.");
  EXPECT_EQ(out.transcript.turns[1].start_s, 2);
  EXPECT_EQ(out.edit_distance, 4);
  EXPECT_DOUBLE_EQ(out.edit_rate, 4.0 / 34);
  const auto requests = model.requests();
  ASSERT_EQ(requests.size(), 1u);
  EXPECT_EQ(requests[0].messages[1].content, "Text to enhance:\nS0: hello there\nS1: good morning");
  EXPECT_EQ(requests[0].messages[0].content,
            *store.prompt("text_enhancement_v1")->render(Json::object()));
  EXPECT_EQ(requests[0].recurring_messages, 1u);
  EXPECT_EQ(requests[0].enable_thinking, false);
  EXPECT_TRUE(requests[0].schema.empty());
  EXPECT_GE(requests[0].max_tokens, 256);
  EXPECT_EQ(out.model.requests, 1);
  EXPECT_EQ(out.model.name, "scripted");
  EXPECT_GT(out.model.usage.prompt_tokens, 0);
}

TEST_F(Enhance, ModelsKnowTheirOwnPrompt) {
  auto model = good_model(2048);
  model.change_info().prompts = {{"text_enhancement_v1", "Restore."}};
  EXPECT_TRUE(enhance(from_text("hello"), {}, store, model).state.ok());
  EXPECT_EQ(model.requests()[0].messages[0].content, "Restore.");
}

TEST_F(Enhance, LongTextsGoInPiecesThatFitAndComeBackInOrder) {
  const Transcript long_meeting = meeting(400);
  for (const int parallel : {1, 4}) {
    auto model = good_model(2048);
    model.change_info().prompts = {{"text_enhancement_v1", "Restore."}};
    std::vector<double> progress;
    Control control;
    control.on_progress = [&](double fraction) { progress.push_back(fraction); };
    EnhanceOptions options;
    options.parallel = parallel;
    const Enhancement out = enhance(long_meeting, options, store, model, control);
    ASSERT_TRUE(out.state.ok()) << out.state.message();
    EXPECT_EQ(out.text, corrected(to_text(long_meeting)));
    EXPECT_GT(model.requests().size(), 10u);
    EXPECT_EQ(out.pieces.size(), model.requests().size());
    size_t next = 0;
    for (const EnhancedPiece& piece : out.pieces) {
      EXPECT_EQ(piece.first_turn, next) << "turns this short are never cut";
      next = piece.last_turn + 1;
    }
    EXPECT_EQ(next, 400u);
    for (const llm::Request& request : model.requests()) {
      const int64_t prompt =
          *model.count_tokens(request.messages[0].content + "\n" + request.messages[1].content);
      EXPECT_LE(prompt + request.max_tokens + 128, 2048);
      EXPECT_GE(double(request.max_tokens), 1.1 * double(prompt)) << "room for the whole answer";
    }
    EXPECT_TRUE(std::is_sorted(progress.begin(), progress.end()));
    EXPECT_DOUBLE_EQ(progress.back(), 1);
  }
}

TEST_F(Enhance, OneLongTurnIsCutAtSentencesAndPutTogether) {
  std::string text;
  for (int i = 0; i < 600; ++i) text += "so this is sentence number " + std::to_string(i) + ".  ";
  auto model =
      ScriptedModel([](const llm::Request& request, int) { return body_of(request); }, 32768);
  const Enhancement out = enhance({{{"S0", 0, 600, text}}, false}, {}, store, model);
  ASSERT_TRUE(out.state.ok()) << out.state.message();
  EXPECT_EQ(out.transcript.turns[0].text, out.original.substr(4));
  EXPECT_GT(model.requests().size(), 3u);
  for (const llm::Request& request : model.requests()) {
    EXPECT_EQ(body_of(request).find("S0: so this is"), 0u) << "each piece has the label";
  }
}

TEST_F(Enhance, AnswersInJsonAndFencesAreUnderstood) {
  auto model = ScriptedModel([](const llm::Request&, int) -> Result<std::string> {
    return std::string(
        "```json\n{\"văn_bản_gốc\":\"hello\",\"văn_bản_cải_thiện\":\"Hello.\"}\n```");
  });
  EXPECT_EQ(enhance(from_text("hello"), {}, store, model).text, "Hello.");
}

TEST_F(Enhance, AnswersThatRunAwayAreNotUsed) {
  const std::string raw = "one two three four five six seven eight nine ten";
  for (const std::string& answer :
       {std::string("One two."), raw + " and then he said a great many things that nobody had said",
        std::string("Completely different words stand here now, as many as before."),
        std::string("Cảm ơn các bạn đã theo dõi"), std::string(), std::string("   ")}) {
    auto model =
        ScriptedModel([&](const llm::Request&, int) -> Result<std::string> { return answer; });
    const Enhancement out = enhance(from_text(raw), {}, store, model);
    EXPECT_EQ(out.text, raw) << answer;
    EXPECT_FALSE(out.applied);
    EXPECT_EQ(out.state.code(), Code::kUnavailable);
    EXPECT_NE(out.state.message().find("1 of 1 pieces"), std::string::npos) << out.state.message();
    ASSERT_EQ(out.pieces.size(), 1u);
    EXPECT_FALSE(out.pieces[0].reason.empty());
    EXPECT_EQ(out.edit_distance, 0);
    EXPECT_EQ(out.edit_rate, 0);
  }
}

TEST_F(Enhance, OtherPiecesAreUsedWhenOneIsNot) {
  auto model = ScriptedModel([](const llm::Request& request, int) -> Result<std::string> {
    const std::string body = body_of(request);
    return body.find("word100x") != std::string::npos ? "No." : corrected(body);
  });
  const Enhancement out = enhance(meeting(200), {}, store, model);
  EXPECT_TRUE(out.applied);
  EXPECT_EQ(out.state.code(), Code::kUnavailable);
  EXPECT_EQ(out.transcript.turns[0].text.back(), '.');
  EXPECT_EQ(out.transcript.turns[100].text, meeting(200).turns[100].text);
  EXPECT_EQ(out.edit_distance, text::edit_distance(out.original, out.text));
}

// Small models lose their way in long texts.
TEST_F(Enhance, APieceTooLongForTheModelIsAskedForInHalves) {
  auto model = ScriptedModel([](const llm::Request& request, int) -> Result<std::string> {
    const std::string body = body_of(request);
    return std::count(body.begin(), body.end(), ' ') > 60 ? "And so on and so on."
                                                          : corrected(body);
  });
  const Transcript text = meeting(30);
  const Enhancement out = enhance(text, {}, store, model);
  EXPECT_TRUE(out.state.ok()) << out.state.message();
  ASSERT_EQ(out.transcript.turns.size(), text.turns.size());
  for (size_t i = 0; i < text.turns.size(); ++i) {
    std::string wanted = text.turns[i].text + ".";
    wanted[0] = 'W';
    EXPECT_EQ(out.transcript.turns[i].text, wanted);
    EXPECT_EQ(out.transcript.turns[i].speaker, text.turns[i].speaker);
  }
  for (const EnhancedPiece& piece : out.pieces) EXPECT_EQ(piece.reason, "");
}

TEST_F(Enhance, AnUnpunctuatedTurnIsHalvedBetweenWords) {
  auto model = ScriptedModel([](const llm::Request& request, int) -> Result<std::string> {
    const std::string body = body_of(request);
    return std::count(body.begin(), body.end(), ' ') > 60 ? "And so on and so on."
                                                          : corrected(body);
  });
  const Transcript text = meeting(1, 150);
  const Enhancement out = enhance(text, {}, store, model);
  EXPECT_TRUE(out.state.ok()) << out.state.message();
  std::string bare = out.transcript.turns[0].text;
  EXPECT_GE(std::count(bare.begin(), bare.end(), '.'), 3);
  std::erase(bare, '.');
  for (char& c : bare) c = c == 'W' ? 'w' : c;
  EXPECT_EQ(bare, text.turns[0].text);
}

TEST_F(Enhance, WhatFailsInSmallPartsStaysRawAlone) {
  auto model = ScriptedModel([](const llm::Request& request, int) -> Result<std::string> {
    const std::string body = body_of(request);
    return body.find("word7x") != std::string::npos ? "No." : corrected(body);
  });
  const Transcript text = meeting(24);
  const Enhancement out = enhance(text, {}, store, model);
  EXPECT_EQ(out.state.code(), Code::kUnavailable);
  EXPECT_NE(out.state.message().find("in part"), std::string::npos) << out.state.message();
  EXPECT_EQ(out.transcript.turns[7].text, text.turns[7].text);
  EXPECT_EQ(out.transcript.turns[0].text.back(), '.');
  EXPECT_EQ(out.transcript.turns[20].text.back(), '.');
  EXPECT_TRUE(out.pieces[0].applied);
  EXPECT_FALSE(out.pieces[0].reason.empty());
}

TEST_F(Enhance, AFailingModelLeavesTheRawTextAndIsAskedNoFurther) {
  auto model = ScriptedModel([](const llm::Request&, int number) -> Result<std::string> {
    if (number == 0) return std::string("x");
    return unavailable("the server is gone");
  });
  EnhanceOptions options;
  options.parallel = 1;
  const Transcript raw = meeting(300);
  const Enhancement out = enhance(raw, options, store, model);
  EXPECT_EQ(out.text, to_text(raw));
  EXPECT_EQ(out.state.message(), "the server is gone");
  EXPECT_EQ(model.requests().size(), 2u);
  EXPECT_EQ(out.pieces.back().reason, "not asked for");
}

TEST_F(Enhance, StopsWhenCancelled) {
  CancelToken cancel;
  auto model = ScriptedModel([&](const llm::Request& request, int) -> Result<std::string> {
    cancel.cancel();
    return body_of(request);
  });
  Control control;
  control.cancel = &cancel;
  EnhanceOptions options;
  options.parallel = 1;
  const Enhancement out = enhance(meeting(300), options, store, model, control);
  EXPECT_EQ(out.state.code(), Code::kCancelled);
  EXPECT_EQ(model.requests().size(), 1u);
  EXPECT_EQ(out.transcript.turns.size(), 300u);
}

TEST_F(Enhance, RefusesWhatHoldsNoTextAndModelsThatAreTooSmall) {
  auto model = good_model();
  EXPECT_EQ(enhance(from_text(" \n"), {}, store, model).state.code(), Code::kInvalidInput);
  EXPECT_TRUE(model.requests().empty());
  auto small = good_model(600);
  const Enhancement out = enhance(from_text("hello"), {}, store, small);
  EXPECT_EQ(out.state.message().find("Input exceeds model context"), 0u) << out.state.message();
  EXPECT_EQ(out.text, "hello");
}

TEST_F(Enhance, TextInNoLanguageStaysAsItIs) {
  auto model = good_model();
  const Enhancement out = enhance(from_text("... !!! ---"), {}, store, model);
  EXPECT_TRUE(out.state.ok());
  EXPECT_EQ(out.text, "... !!! ---");
  EXPECT_TRUE(model.requests().empty());
}

TEST_F(Enhance, BrokenCharactersAreRepairedFirst) {
  auto model = good_model();
  const Enhancement out =
      enhance(from_text(std::string("a\xED\xA0\x80\0b\xFF c", 9)), {}, store, model);
  EXPECT_TRUE(out.state.ok()) << out.state.message();
  EXPECT_EQ(body_of(model.requests()[0]), "a\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD b\xEF\xBF\xBD c");
}

TEST_F(Enhance, TwoMillionCharactersTakeSeconds) {
  const auto start = std::chrono::steady_clock::now();
  std::string text;
  while (text.size() < 2'000'000) text += "các bạn ơi hôm nay mình bàn về ngân sách ";
  auto model = ScriptedModel([](const llm::Request& request, int) -> Result<std::string> {
    return body_of(request) + ".";
  });
  const Enhancement out = enhance(from_text(text), {}, store, model);
  EXPECT_TRUE(out.state.ok()) << out.state.message();
  EXPECT_GT(out.edit_distance, 100);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(60));
}

TEST(NeedsEnhancement, OnlyWhereTheRecogniserDoesNotPunctuate) {
  for (const char* name : {"whisper", "WHISPER", "whisper-large-v3", "whisper_vi"}) {
    EXPECT_FALSE(needs_enhancement(true, name)) << name;
  }
  for (const char* name : {"chunkformer", "", "whispe", "other"}) {
    EXPECT_TRUE(needs_enhancement(true, name)) << name;
    EXPECT_FALSE(needs_enhancement(false, name)) << name;
  }
}

using Texts = std::vector<std::string>;

TEST(Realign, KeepsLinesThatAreThere) {
  EXPECT_EQ(*realign({{"S0", "hi all"}, {"S1", "bye"}}, "S0: Hi all!\n\nS1: Bye.", 0.4),
            (Texts{"Hi all!", "Bye."}));
  EXPECT_EQ(*realign({{"", "a b"}, {"", ""}, {"", "c d"}}, "A b.\nC d.", 0.4),
            (Texts{"A b.", "", "C d."}));
}

TEST(Realign, FindsLinesThatWereLost) {
  const std::vector<LabelledLine> lines{
      {"S0", "so where are we with the new page"}, {"S1", "the front is done"}, {"S0", "good"}};
  const Texts wanted{"So where are we with the new page?", "The front is done.", "Good."};
  for (const char* answer : {"So where are we with the new page? The front is done. Good.",
                             "S0: So where are we with the new page? The front is done.\nS0: Good.",
                             "So where are we\nwith the new page?\nThe front is done.\nGood."}) {
    const auto out = realign(lines, answer, 0.4);
    ASSERT_TRUE(out) << answer;
    EXPECT_EQ(*out, wanted) << answer;
  }
}

TEST(Realign, MendedWordsMayChangeTheirNumber) {
  const auto out =
      realign({{"", "hôm nay mình lai trim trên phây búc"}, {"", "các bạn nhớ xem nhé"}},
              "Hôm nay mình livestream trên Facebook. Các bạn nhớ xem nhé!", 0.5);
  ASSERT_TRUE(out) << out.error().message();
  EXPECT_EQ(*out, (Texts{"Hôm nay mình livestream trên Facebook.", "Các bạn nhớ xem nhé!"}));
}

TEST(Realign, AFillerThatWasDroppedStays) {
  const auto out = realign({{"S0", "um"}, {"S1", "we start at nine in the morning"}},
                           "We start at nine in the morning.", 0.4);
  ASSERT_TRUE(out);
  EXPECT_EQ(*out, (Texts{"um", "We start at nine in the morning."}));
}

TEST(Realign, PunctuationAloneBelongsToTheWordBefore) {
  const auto out =
      realign({{"", "yes or no"}, {"", "maybe later on"}}, "Yes - or no . Maybe later on", 0.4);
  EXPECT_EQ(*out, (Texts{"Yes - or no .", "Maybe later on"}));
}

// Bytes changed, cut out and put in at random: every line comes back, or a reason does.
TEST(Realign, AnyAnswerGivesEveryLineOrAReason) {
  const std::vector<LabelledLine> lines{{"S0", "so where are we with the new page"},
                                        {"", ""},
                                        {"S1", "phần đầu xong rồi"},
                                        {"S0", "tốt"}};
  const std::string good =
      "S0: So where are we with the new page?\n\nS1: Phần đầu xong rồi.\nS0: Tốt.";
  std::mt19937 random(4);
  for (int round = 0; round < 5000; ++round) {
    std::string answer = good;
    for (size_t edits = 1 + random() % 6; edits > 0 && !answer.empty(); --edits) {
      const size_t at = random() % answer.size();
      switch (random() % 3) {
        case 0: answer[at] = char(random()); break;
        case 1: answer.erase(at, 1 + random() % 9); break;
        default: answer.insert(at, std::string(1 + random() % 3, "S0: \n{`\xFF"[random() % 8]));
      }
    }
    const auto out = realign(lines, clean_characters(enhanced_text(answer)), 0.4);
    if (!out) {
      EXPECT_FALSE(out.error().message().empty());
      continue;
    }
    ASSERT_EQ(out->size(), lines.size()) << answer;
    EXPECT_EQ((*out)[1], "");
    for (const size_t i : {0, 2, 3}) EXPECT_FALSE((*out)[i].empty()) << answer;
  }
}

}  // namespace
}  // namespace maie::summary
