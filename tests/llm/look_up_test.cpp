#include "llm/look_up.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>

#include "tests/llm/number_spelling.h"

namespace maie::llm {
namespace {

// A text in tokens of one word or mark each, numbered as they come.
class Words {
 public:
  std::vector<int32_t> tokens(const std::string& text) {
    std::vector<int32_t> out;
    for (size_t at = 0; at < text.size();) {
      size_t end = at + 1;
      const auto is_mark = [&](size_t i) {
        return std::string(".,?!").find(text[i]) != std::string::npos;
      };
      if (!is_mark(at)) {
        while (end < text.size() && text[end] != ' ' && !is_mark(end)) ++end;
      }
      const std::string word = text.substr(at, end - at);
      const auto found = std::find(words_.begin(), words_.end(), word);
      out.push_back(int32_t(found - words_.begin()));
      if (found == words_.end()) words_.push_back(word);
      at = end;
    }
    return out;
  }
  Spelling spelling() {
    return {[this](int32_t token) -> std::string_view { return words_[size_t(token)]; },
            [this](const std::string& text) { return tokens(text); }};
  }

 private:
  std::deque<std::string> words_;
};

// Passes that an answer takes when guesses are checked as an engine does.
size_t passes(Words& words, const std::string& prompt, const std::string& answer) {
  LookUp look_up(words.tokens(prompt), words.spelling(), 15);
  const std::vector<int32_t> tokens = words.tokens(answer);
  look_up.push(tokens[0]);
  size_t written = 1, count = 1;
  while (written < tokens.size()) {
    const auto guess = look_up.propose(15);
    EXPECT_LE(guess.size(), 15u);
    size_t accepted = 0;
    bool came_true = true;
    ++count;
    while (came_true && written < tokens.size()) {
      came_true = accepted < guess.size() && guess[accepted] == tokens[written];
      look_up.push(tokens[written++]);
      accepted += came_true ? 1 : 0;
    }
    look_up.judge(guess.size(), accepted);
  }
  return count;
}

TEST(LookUp, GuessesWhatFollowedBefore) {
  Words words;
  LookUp look_up(words.tokens("the cat sat on the mat and the dog"), words.spelling(), 3);
  look_up.push(words.tokens("one cat")[1]);  // " cat": one token is not enough
  EXPECT_TRUE(look_up.propose(8).empty());
  look_up.push(words.tokens("a sat")[1]);
  EXPECT_EQ(look_up.propose(8), words.tokens(" on the mat"));
  EXPECT_EQ(look_up.propose(2).size(), 2u);
  EXPECT_TRUE(look_up.propose(0).empty());
}

TEST(LookUp, ACopyIsFollowedThroughCapitalsAndMarks) {
  Words words;
  const std::string heard =
      "go: so the meeting starts now we have seen the numbers of march and they are good does anna "
      "want to say something yes đà nẵng was late but the hà nội office sent all of it on monday "
      "we should thank them and go on with the plan for april which is nearly done";
  const std::string written =
      "so the meeting starts now. We have seen the numbers of March, and they are good. Does Anna "
      "want to say something? Yes, Đà Nẵng was late, but the Hà Nội office sent all of it on "
      "Monday. "
      "We should thank them, and go on with the plan for April, which is nearly done.";
  const size_t count = words.tokens(written).size();
  EXPECT_LT(3 * passes(words, heard, written), count + 8);
  // Word for word it goes much faster.
  EXPECT_LT(6 * passes(words, heard, heard.substr(4)), count);
}

TEST(LookUp, WordsAreGuessedAsTheyWereWrittenLast) {
  Words words;
  const std::string heard = "go: we met anna in lyon yes anna likes lyon so we go to lyon again";
  const std::string written = "We met Anna in Lyon. Yes Anna likes Lyon so we go";
  LookUp look_up(words.tokens(heard), words.spelling(), 15);
  for (const int32_t token : words.tokens(written)) look_up.push(token);
  EXPECT_EQ(look_up.propose(3), words.tokens(" to Lyon again"));
  for (const int32_t token : words.tokens(" to Lyon.")) look_up.push(token);
  EXPECT_EQ(look_up.propose(3), words.tokens(" Again"));
}

// Tokens of the answer that cut words elsewhere than those of the source.
TEST(LookUp, AWordThatIsCutOtherwiseIsFinished) {
  const std::vector<std::string> spelt = {" phoe", "be", " is",   " here",
                                          "Ph",    "oe", "be is", " hello"};
  const Spelling spelling{[&](int32_t token) -> std::string_view { return spelt[size_t(token)]; },
                          [&](const std::string& text) {
                            EXPECT_EQ(text, "oebe is here");
                            return std::vector<int32_t>{5, 1, 2, 3};
                          }};
  LookUp look_up(std::vector<int32_t>{7, 0, 1, 2, 3}, spelling, 15);
  look_up.push(7);  // " hello": five letters are too few to be sure
  EXPECT_TRUE(look_up.propose(8).empty());
  LookUp longer(std::vector<int32_t>{7, 7, 0, 1, 2, 3}, spelling, 15);
  longer.push(7);
  longer.push(7);
  EXPECT_EQ(longer.propose(8), (std::vector<int32_t>{0, 1, 2, 3}));
  longer.push(4);
  EXPECT_EQ(longer.propose(8), (std::vector<int32_t>{5, 1, 2, 3}));
}

TEST(LookUp, GuessesRarelyWhereNothingIsCopied) {
  // Pairs come again, what follows them never does.
  std::vector<int32_t> prompt;
  for (int32_t i = 0; i < 200; ++i) prompt.insert(prompt.end(), {1, 2, 1000 + i});
  LookUp look_up(prompt, testing::number_spelling(), 15);
  size_t guessed = 0;
  for (int32_t i = 0; i < 300; ++i) {
    look_up.push(i % 3 == 0 ? 1 : i % 3 == 1 ? 2 : 2000 + i);
    if (i % 3 != 1) continue;
    const auto guess = look_up.propose(15);
    guessed += guess.size();
    look_up.judge(guess.size(), 0);
  }
  EXPECT_LT(guessed, 60u);  // of 100 chances, four tokens each without a pause
}

TEST(LookUp, LettersAreThoseOfAnyCaseAndNoMarks) {
  EXPECT_EQ(letters_of(" Hello,"), "hello");
  EXPECT_EQ(letters_of("ĐÀ Nẵng 12"), "đànẵng12");
  EXPECT_EQ(letters_of("“…” – ."), "");
  EXPECT_EQ(letters_of("\xBA\xBF"), "\xBA\xBF");
  EXPECT_EQ(letters_of(""), "");
}

}  // namespace
}  // namespace maie::llm
