// `maie process`, `maie summarize` and `maie enhance` from their command lines to their files and
// exit codes, with a recogniser and a language model without weights.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>

#include "base/file.h"
#include "base/json.h"
#include "cli/app.h"
#include "cli/exit_code.h"
#include "tests/cli/fake_language_model.h"
#include "tests/cli/fake_recogniser.h"
#include "tests/cli/schema_check.h"
#include "tests/support/temporary_folder.h"

namespace maie::cli {
namespace {

constexpr const char* kSummary =
    R"({"title":"First talk","summary":"Somebody said first, then second.",)"
    R"("key_topics":["first","second"],"tags":["talk"]})";

class DocumentJob : public ::testing::Test {
 protected:
  DocumentJob() {
    std::signal(SIGPIPE, SIG_IGN);
    script_.answer = [](const llm::Request& request) -> Result<std::string> {
      if (!request.schema.empty()) return std::string(kSummary);
      const std::string& text = request.messages.back().content;
      return "Cleaned: " + text.substr(text.find('\n') + 1);
    };
  }

  int run(std::vector<std::string> arguments) {
    const int out = ::open(folder_.path(".out").c_str(), O_CREAT | O_TRUNC | O_WRONLY, 0600);
    const int err = ::open(folder_.path(".err").c_str(), O_CREAT | O_TRUNC | O_WRONLY, 0600);
    Console console(out, err, {});
    Context context{
        .console = console,
        .cancel = cancel_,
        .load =
            [this](const pipeline::TranscriberOptions&) {
              return Result<std::unique_ptr<Recogniser>>(std::make_unique<FakeRecogniser>(heard_));
            },
        .load_language_model = FakeLanguageModel::loader(script_)};
    const int code = run_app(arguments, context);
    ::close(out);
    ::close(err);
    out_ = folder_.read(".out");
    err_ = folder_.read(".err");
    std::filesystem::remove(folder_.path(".out"));
    std::filesystem::remove(folder_.path(".err"));
    return code;
  }
  int process(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"process", "--model", "m", "--llm", "fake"});
    return run(std::move(arguments));
  }
  Json document(const std::string& name) {
    const auto parsed = parse_json(folder_.read(name));
    EXPECT_TRUE(parsed.has_value()) << folder_.read(name);
    return parsed.has_value() ? *parsed : Json();
  }

  TemporaryFolder folder_;
  FakeRecogniser::Script heard_;
  FakeLanguageModel::Script script_;
  CancelToken cancel_;
  std::string out_, err_;
};

TEST_F(DocumentJob, WritesTranscriptSubtitlesAndSummary) {
  const std::string talk = folder_.write("talk.wav");
  EXPECT_EQ(process({talk, "--template", "generic_summary_en_v2", "-o", folder_.path("out")}),
            kExitOk)
      << err_;
  EXPECT_EQ(folder_.read("out/talk.txt"), "first\nsecond\n");
  EXPECT_NE(folder_.read("out/talk.srt").find("00:00:01,000 --> 00:00:03,500"), std::string::npos);
  EXPECT_TRUE(folder_.has("out/talk.vtt"));
  const Json result = document("out/talk.json");
  EXPECT_EQ(result["status"], "COMPLETE");
  EXPECT_EQ(result["results"]["summary"], *parse_json(kSummary));
  EXPECT_EQ(result["results"]["raw_transcript"], result["results"]["clean_transcript"]);
  EXPECT_EQ(result["results"]["segments"].size(), 2u);
  EXPECT_EQ(result["versions"]["llm"]["checkpoint_hash"], "sha256:fake");
  EXPECT_EQ(result["versions"]["asr_backend"]["checkpoint_hash"], std::string(64, 'a'));
  EXPECT_EQ(result["metrics"]["input_duration_seconds"], 10.0);
  EXPECT_EQ(result["metrics"]["vad_coverage"], 0.8);
  const std::string page = folder_.read("out/talk.md");
  EXPECT_NE(page.find("# First talk\n"), page.npos) << page;
  EXPECT_NE(page.find("- second (0:04)\n"), page.npos) << page;
}

TEST_F(DocumentJob, ResultsFitTheirSchema) {
  const auto text = read_file(std::string(MAIE_SOURCE_DIR) + "/docs/process.schema.json", 1 << 20);
  ASSERT_TRUE(text.has_value());
  const auto schema = parse_json(*text);
  ASSERT_TRUE(schema.has_value());
  const std::string talk = folder_.write("talk.wav");
  ASSERT_EQ(process({talk, "-t", "generic_summary_en_v2", "--clean", "always", "-o",
                     folder_.path("out"), "-f", "json"}),
            kExitOk)
      << err_;
  EXPECT_EQ(schema_faults(*schema, document("out/talk.json")), std::vector<std::string>());
  ASSERT_EQ(process({talk, "-o", folder_.path("bare"), "-f", "json"}), kExitOk);
  EXPECT_EQ(schema_faults(*schema, document("bare/talk.json")), std::vector<std::string>());
}

TEST_F(DocumentJob, AsksNoModelWhenNothingIsWantedOfIt) {
  EXPECT_EQ(process({folder_.write("talk.wav"), "-o", folder_.path("out")}), kExitOk);
  EXPECT_TRUE(script_.checked.empty());
  EXPECT_TRUE(script_.opened.empty());
  EXPECT_EQ(document("out/talk.json")["versions"]["llm"], Json());
  EXPECT_FALSE(folder_.has("out/talk.md"));
}

TEST_F(DocumentJob, CleansWhenAskedTo) {
  const std::string talk = folder_.write("talk.wav");
  EXPECT_EQ(process({talk, "--clean", "always", "-o", folder_.path("out")}), kExitOk) << err_;
  const Json results = document("out/talk.json")["results"];
  EXPECT_NE(results["clean_transcript"], results["raw_transcript"]);
  EXPECT_EQ(folder_.read("out/talk.txt"), results["clean_transcript"].get<std::string>() + "\n");
}

TEST_F(DocumentJob, KeepsTheTranscriptWhenTheSummaryFails) {
  script_.answer = [](const llm::Request&) -> Result<std::string> {
    return unavailable("the model is asleep");
  };
  const std::string talk = folder_.write("talk.wav");
  EXPECT_EQ(process({talk, "-t", "generic_summary_en_v2", "-o", folder_.path("out")}),
            kExitUnavailable);
  EXPECT_NE(err_.find("the model is asleep"), std::string::npos) << err_;
  const Json result = document("out/talk.json");
  EXPECT_EQ(result["status"], "FAILED");
  EXPECT_EQ(result["error"]["stage"], "summarise");
  EXPECT_EQ(result["results"]["summary"], Json());
  EXPECT_EQ(result["results"]["segments"].size(), 2u);
  EXPECT_EQ(folder_.read("out/talk.txt"), "first\nsecond\n");
}

TEST_F(DocumentJob, KeepsTheTranscriptWhenTheModelDoesNotLoad) {
  script_.load_failure = corrupt("fake: cut short");
  const std::string talk = folder_.write("talk.wav");
  EXPECT_EQ(process({talk, "-t", "generic_summary_en_v2", "-o", folder_.path("out")}),
            kExitBadData);
  EXPECT_EQ(folder_.read("out/talk.txt"), "first\nsecond\n");
  EXPECT_TRUE(folder_.has("out/talk.srt"));
}

TEST_F(DocumentJob, FindsOutBeforeTheWorkWhatCannotWork) {
  const std::string talk = folder_.write("talk.wav");
  EXPECT_EQ(process({talk, "-t", "no_such_template"}), kExitNoInput);
  EXPECT_NE(err_.find("no_such_template"), std::string::npos);
  EXPECT_EQ(process({talk, "-f", "md"}), kExitUsageLater);
  script_.check_failure = not_found("fake: no such model");
  EXPECT_EQ(process({talk, "-t", "generic_summary_en_v2", "-o", folder_.path("out")}),
            kExitNoInput);
  EXPECT_TRUE(heard_.heard.empty());
  EXPECT_FALSE(folder_.has("out"));
}

TEST_F(DocumentJob, OneBadRecordingLeavesTheOthersAlone) {
  heard_.failures["bad.wav"] = corrupt("no audio in it");
  EXPECT_EQ(process({folder_.write("bad.wav"), folder_.write("talk.wav"), "-t",
                     "generic_summary_en_v2", "-o", folder_.path("out")}),
            kExitSomeFailed);
  EXPECT_EQ(document("out/talk.json")["status"], "COMPLETE");
  EXPECT_FALSE(folder_.has("out/bad.json"));
}

TEST_F(DocumentJob, CancelledDuringTheSummaryKeepsTheTranscript) {
  script_.answer = [this](const llm::Request&) -> Result<std::string> {
    cancel_.cancel();
    return cancelled("stopped on request");
  };
  EXPECT_EQ(process({folder_.write("talk.wav"), "-t", "generic_summary_en_v2", "-o",
                     folder_.path("out")}),
            kExitInterrupted);
  EXPECT_EQ(folder_.read("out/talk.txt"), "first\nsecond\n");
}

TEST_F(DocumentJob, SummarizePrintsTheSummary) {
  const std::string notes = folder_.write(
      "notes.txt",
      "\xEF\xBB\xBFWe said first.\r\nThen the second point.\r\n");  // as Notepad writes
  EXPECT_EQ(run({"summarize", notes, "-t", "generic_summary_en_v2", "--llm", "fake"}), kExitOk)
      << err_;
  EXPECT_EQ(*parse_json(out_), *parse_json(kSummary));
  ASSERT_FALSE(script_.asked.empty());
  EXPECT_EQ(script_.asked[0].messages.back().content,
            "Transcript to analyze:\nWe said first.\nThen the second point.");
  EXPECT_EQ(run({"summarize", notes, "-t", "generic_summary_en_v2", "--llm", "fake", "-f", "md"}),
            kExitOk);
  EXPECT_EQ(out_.rfind("# First talk\n", 0), 0u) << out_;
}

TEST_F(DocumentJob, SummarizeTakesTheTimesOfATranscript) {
  const std::string talk = folder_.write("talk.wav");
  ASSERT_EQ(run({"transcribe", "--model", "m", talk, "-f", "json", "-o", folder_.path("t")}),
            kExitOk);
  EXPECT_EQ(run({"summarize", folder_.path("t/talk.json"), "-t", "generic_summary_en_v2", "--llm",
                 "fake", "-f", "json,md", "-o", folder_.path("out")}),
            kExitOk)
      << err_;
  EXPECT_NE(folder_.read("out/talk.md").find("(0:04)"), std::string::npos)
      << folder_.read("out/talk.md");
  EXPECT_EQ(document("out/talk.json")["versions"]["asr_backend"]["name"], "text_input");
}

TEST_F(DocumentJob, TheTemperatureIsTheOptionsElseTheModelsElseTheUsualOne) {
  const std::string notes = folder_.write("notes.txt", "We said first.");
  const auto temperature = [&](std::vector<std::string> more) {
    more.insert(more.begin(), {"summarize", notes, "-t", "generic_summary_en_v2", "--llm", "fake"});
    script_.asked.clear();
    EXPECT_EQ(run(more), kExitOk) << err_;
    return script_.asked.at(0).sampling.temperature.value_or(-1);
  };
  EXPECT_EQ(temperature({}), 0.5);
  script_.sampling.temperature = 0;
  EXPECT_EQ(temperature({}), 0);
  EXPECT_EQ(temperature({"--summary-temperature", "0.9"}), 0.9);
}

TEST_F(DocumentJob, EnhancePrintsTheCleanText) {
  EXPECT_EQ(run({"enhance", folder_.write("raw.txt", "so we said first and then second"), "--llm",
                 "fake"}),
            kExitOk)
      << err_;
  EXPECT_EQ(out_, "Cleaned: so we said first and then second\n");
}

TEST_F(DocumentJob, FilesMayFollowTheFormats) {
  EXPECT_EQ(run({"enhance", "--llm", "fake", "-o", folder_.path("out"), "-f", "json,txt",
                 folder_.write("a.txt", "one word follows another here"),
                 folder_.write("b.txt", "two words follow one another here")}),
            kExitOk)
      << err_;
  EXPECT_EQ(folder_.read("out/b.txt"), "Cleaned: two words follow one another here\n");
  EXPECT_EQ(document("out/a.json")["results"]["raw_transcript"], "one word follows another here");
}

TEST_F(DocumentJob, EmptyAndMissingTextsAreRefused) {
  EXPECT_EQ(run({"enhance", folder_.write("empty.txt", ""), "--llm", "fake"}), kExitBadData);
  EXPECT_NE(err_.find("Input text is empty or invalid"), std::string::npos) << err_;
  EXPECT_EQ(run({"summarize", folder_.write("blank.txt", " \n\t "), "-t", "generic_summary_en_v2",
                 "--llm", "fake"}),
            kExitBadData);
  EXPECT_EQ(run({"enhance", folder_.path("gone.txt"), "--llm", "fake"}), kExitNoInput);
  EXPECT_EQ(run({"enhance", folder_.path(), "--llm", "fake"}), kExitBadData);
  EXPECT_TRUE(script_.asked.empty());
}

TEST_F(DocumentJob, CleaningMayHaveAModelOfItsOwn) {
  EXPECT_EQ(process({folder_.write("talk.wav"), "-t", "generic_summary_en_v2", "--clean", "always",
                     "--enhance-llm", "other", "-o", folder_.path("out")}),
            kExitOk)
      << err_;
  EXPECT_EQ(script_.opened, (std::vector<std::string>{"other", "fake"}));
}

}  // namespace
}  // namespace maie::cli
