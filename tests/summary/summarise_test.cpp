#include "summary/summarise.h"

#include <chrono>
#include <optional>
#include <set>

#include "summary/answer.h"
#include "summary/budget.h"
#include "summary/schema_rules.h"
#include "tests/summary/testing.h"

namespace maie::summary {
namespace {

constexpr char kTemplate[] = "generic_summary_en_v2";

Transcript short_talk() {
  return {{{"S0", 0, 10, "Good morning, we talk about the spring budget."},
           {"S1", 10, 20, "Let us raise it to 40 thousand."}},
          false};
}

std::string small_summary(const std::string& topic = "Spring budget raised to 40 thousand") {
  return Json{{"title", "Budget"},
              {"summary", "It is raised."},
              {"key_topics", {topic}},
              {"tags", {"budget"}}}
      .dump();
}

ScriptedModel answering(std::vector<std::string> answers, int64_t context = 32768) {
  return ScriptedModel(
      [answers = std::move(answers)](const llm::Request&, int number) -> Result<std::string> {
        return answers[std::min(size_t(number), answers.size() - 1)];
      },
      context);
}

SummaryOptions options(const std::string& id = kTemplate) {
  SummaryOptions out;
  out.template_id = id;
  return out;
}

class Summarise : public testing::Test {
 protected:
  TemporaryFolder own;
  TemplateStore store{{own.path(), {source_folder("templates")}}};
};

TEST_F(Summarise, AsksAsTheSpecificationSays) {
  auto model = answering({small_summary()});
  const Summary out = summarise(short_talk(), options(), store, model);
  ASSERT_TRUE(out.state.ok()) << out.state.message();
  EXPECT_EQ(out.value["title"], "Budget");
  EXPECT_EQ(out.attempts, 1);
  EXPECT_EQ(out.retry_count(), 0);
  EXPECT_EQ(out.raw_output, small_summary());
  EXPECT_EQ(out.schema_hash, hash_of(*store.schema(kTemplate)));
  const auto requests = model.requests();
  ASSERT_EQ(requests.size(), 1u);
  const std::string& system = requests[0].messages[0].content;
  EXPECT_NE(system.find(to_indented(*store.schema(kTemplate))), std::string::npos);
  EXPECT_EQ(requests[0].messages[1].content,
            "Transcript to analyze:\nS0: Good morning, we talk about the spring budget.\n"
            "S1: Let us raise it to 40 thousand.");
  EXPECT_EQ(requests[0].recurring_messages, 1u);
  EXPECT_EQ(*requests[0].sampling.temperature, 0.5);
  EXPECT_EQ(*parse_json(requests[0].schema), *store.schema(kTemplate));
  EXPECT_EQ(requests[0].schema_name, kTemplate);
  const int64_t prompt = *model.count_tokens(system + "\n" + requests[0].messages[1].content);
  EXPECT_EQ(requests[0].max_tokens, *tokens_to_ask(Task::kSummary, prompt, 32768, 0));
  ASSERT_EQ(out.parts.size(), 1u);
  EXPECT_EQ(out.parts[0].last_turn, 1u);
  EXPECT_EQ(out.parts[0].end_s, 20);
}

TEST_F(Summarise, ItemsCarryTheTimeTheyCameFrom) {
  auto model = answering({small_summary()});
  const Summary out = summarise(short_talk(), options(), store, model);
  ASSERT_FALSE(out.sources.empty());
  EXPECT_EQ(out.sources[0].pointer, "/key_topics/0");
  EXPECT_EQ(out.sources[0].start_s, 0);
  EXPECT_EQ(out.sources[0].end_s, 20);
  EXPECT_EQ(out.sources[1].pointer, "/tags/0");
  EXPECT_EQ(out.sources[1].end_s, 10);
  EXPECT_EQ(to_json(out.sources)[0]["parts"], Json::array({0}));
  EXPECT_EQ(to_json(out.parts)[0]["state"], "ok");
}

TEST_F(Summarise, ModelsKnowTheirOwnPrompt) {
  auto model = answering({"{}", small_summary()});
  model.change_info().prompts = {{kTemplate, "Fill the template generic_summary_en_v2."}};
  ASSERT_TRUE(summarise(short_talk(), options(), store, model).state.ok());
  EXPECT_EQ(model.requests()[0].messages[0].content, "Fill the template generic_summary_en_v2.");
  EXPECT_EQ(model.requests()[1].messages[0].content, "Fill the template generic_summary_en_v2.")
      << "no feedback that it was not trained with";
}

TEST_F(Summarise, TheSecondAttemptIsToldWhatWasWrongAndIsCooler) {
  auto model = answering({"{\"title\":1}", "```json\n" + small_summary() + "\n```"});
  const Summary out = summarise(short_talk(), options(), store, model);
  ASSERT_TRUE(out.state.ok()) << out.state.message();
  EXPECT_EQ(out.retry_count(), 1);
  const llm::Request second = model.requests()[1];
  EXPECT_NE(second.messages[0].content.find(
                "\n\n[RETRY FEEDBACK]\nIMPORTANT: Previous attempt failed validation with error: "
                "Schema validation failed: "),
            std::string::npos);
  EXPECT_TRUE(second.messages[0].content.ends_with(
      "\nPlease ensure the output is valid JSON that strictly matches the provided schema."));
  EXPECT_DOUBLE_EQ(*second.sampling.temperature, 0.25);
  EXPECT_EQ(second.recurring_messages, 0u);
}

TEST_F(Summarise, TemperaturesFallButNotBelowATenth) {
  auto model = answering({"no"});
  SummaryOptions given = options();
  given.attempts = 4;
  EXPECT_FALSE(summarise(short_talk(), given, store, model).state.ok());
  std::vector<double> seen;
  for (const auto& request : model.requests()) seen.push_back(*request.sampling.temperature);
  EXPECT_EQ(seen, (std::vector<double>{0.5, 0.25, 0.125, 0.1}));
}

TEST_F(Summarise, FailsAfterTwoAttempts) {
  auto model = answering({"not json"});
  const Summary out = summarise(short_talk(), options(), store, model);
  EXPECT_EQ(
      out.state.message().find("Schema validation failed after 2 attempts: JSON decode error"), 0u)
      << out.state.message();
  EXPECT_TRUE(out.value.is_null());
  EXPECT_EQ(out.raw_output, "not json");
  EXPECT_EQ(model.requests().size(), 2u);
  EXPECT_EQ(out.parts[0].attempts, 2);
  auto wrong = answering({"{\"title\":\"a\"}"});
  EXPECT_EQ(summarise(short_talk(), options(), store, wrong)
                .state.message()
                .find("Schema validation failed after 2 attempts: "),
            0u);
}

TEST_F(Summarise, FailuresOfTheModelAreRetriedUnlessItRefuses) {
  auto failing = ScriptedModel([](const llm::Request&, int number) -> Result<std::string> {
    if (number == 0) return unavailable("server hung up");
    return small_summary();
  });
  const Summary recovered = summarise(short_talk(), options(), store, failing);
  EXPECT_TRUE(recovered.state.ok());
  EXPECT_EQ(*failing.requests()[1].sampling.temperature, 0.5)
      << "nothing was wrong with the answer";
  auto gone = ScriptedModel(
      [](const llm::Request&, int) -> Result<std::string> { return unavailable("gone"); });
  const Summary failed = summarise(short_talk(), options(), store, gone);
  EXPECT_EQ(failed.state.message(), "Generation failed after 2 attempts: gone");
  EXPECT_EQ(failed.state.code(), Code::kUnavailable);
  auto refusing = ScriptedModel(
      [](const llm::Request&, int) -> Result<std::string> { return invalid_input("too long"); });
  EXPECT_EQ(summarise(short_talk(), options(), store, refusing).state.message(),
            "Generation failed: too long");
  EXPECT_EQ(refusing.requests().size(), 1u);
}

TEST_F(Summarise, MadeUpPhrasesAreTakenOutAndTheRestMustStillBeValid) {
  own.write("hallucinations.json", R"({"exact":["Thanks for watching"]})");
  Json answer = *parse_json(small_summary());
  answer["key_topics"].push_back("thanks for  watching");
  auto model = answering({answer.dump()});
  const Summary out = summarise(short_talk(), options(), store, model);
  ASSERT_TRUE(out.state.ok());
  EXPECT_EQ(out.value["key_topics"].size(), 1u);
  answer["title"] = "Thanks for watching";  // null is no title
  auto worse = answering({answer.dump(), small_summary()});
  EXPECT_EQ(summarise(short_talk(), options(), store, worse).retry_count(), 1);
  auto whole = answering({"Thanks for watching"});
  EXPECT_FALSE(summarise(short_talk(), options(), store, whole).state.ok());
}

TEST_F(Summarise, CustomTemplatesGetTheSchemaAndTheTranscriptOnce) {
  TemplateParts parts;
  parts.schema_data = *store.schema(kTemplate);
  parts.prompt_template = "Sum up.";
  ASSERT_TRUE(store.create("plain", parts));
  parts.prompt_template = "Sum up under {{ schema }}: {{ transcript }}";
  ASSERT_TRUE(store.create("inline", parts));
  parts.prompt_template.reset();
  ASSERT_TRUE(store.create("none", parts));
  const std::string schema = to_indented(*parts.schema_data);
  for (const char* id : {"plain", "inline", "none"}) {
    auto model = answering({small_summary()});
    ASSERT_TRUE(summarise(from_text("Only <once> & here"), options(id), store, model).state.ok())
        << id;
    const auto messages = model.requests()[0].messages;
    const std::string all = messages[0].content + "\n" + messages[1].content;
    for (const std::string& what : {schema, std::string("Only <once> & here")}) {
      const size_t first = all.find(what);
      ASSERT_NE(first, std::string::npos) << id;
      EXPECT_EQ(all.find(what, first + 1), std::string::npos) << id;
    }
  }
}

TEST_F(Summarise, ATranscriptThatIsPartOfThePromptIsStillHandedOver) {
  auto model = answering({small_summary()});
  ASSERT_TRUE(summarise(from_text("Text"), options(), store, model).state.ok());
  EXPECT_EQ(model.requests()[0].messages[1].content, "Transcript to analyze:\nText");
}

TEST_F(Summarise, RefusalsNameTheirReason) {
  auto model = answering({small_summary()});
  const auto message = [&](const Transcript& transcript, const std::string& id) {
    const Summary out = summarise(transcript, options(id), store, model);
    EXPECT_FALSE(out.state.ok());
    EXPECT_TRUE(out.value.is_null());
    return out.state.message();
  };
  EXPECT_EQ(message(short_talk(), ""), "template_id required when summary feature requested");
  EXPECT_EQ(message(short_talk(), "nope"),
            "Template schema error: Template file not found: nope/schema.json");
  EXPECT_EQ(message(from_text(" \n\t"), kTemplate).find("Input text is empty or invalid"), 0u);
  own.write("bad/schema.json", R"({"type":"object"})");
  EXPECT_EQ(
      message(short_talk(), "bad")
          .find("Template schema error: Template schema missing required 'tags' or 'thẻ' field"),
      0u);
  own.write("endless/schema.json", store.schema(kTemplate)->dump());
  own.write("endless/prompt.jinja",
            "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}");
  EXPECT_NE(message(short_talk(), "endless").find("endless/prompt.jinja"), std::string::npos);
  EXPECT_TRUE(model.requests().empty());
  auto small = answering({small_summary()}, 700);
  EXPECT_EQ(summarise(short_talk(), options(), store, small)
                .state.message()
                .find("Input exceeds model context"),
            0u);
}

TEST_F(Summarise, ParticipantsThatNobodyNamedGoWhenAskedFor) {
  Json answer = store.get("meeting_notes_v2")->example;
  answer["người_tham_gia"] = {"Hà", "Minh", "Tuấn"};
  const Transcript talk = from_text("chị hà ơi hỏi anh MINH nhé");
  for (const bool only : {false, true}) {
    auto model = answering({answer.dump()});
    SummaryOptions given = options("meeting_notes_v2");
    given.only_named_participants = only;
    const Summary out = summarise(talk, given, store, model);
    ASSERT_TRUE(out.state.ok()) << out.state.message();
    EXPECT_EQ(out.value["người_tham_gia"].size(), only ? 2u : 3u);
    for (const Source& source : out.sources) {
      EXPECT_TRUE(out.value.contains(Json::json_pointer(source.pointer))) << source.pointer;
    }
  }
}

// ---- longer than the context

Transcript long_talk(int turns) {
  Transcript out;
  for (int i = 0; i < turns; ++i) {
    out.turns.push_back(
        {"S" + std::to_string(i % 3), i * 10.0, i * 10.0 + 9,
         "Now we come to subject number " + std::to_string(i) + " of our long agenda."});
  }
  return out;
}

// The subjects in a text, in order.
std::vector<int> subjects(const std::string& text) {
  std::vector<int> out;
  const std::string mark = "subject number ";
  for (size_t at = text.find(mark); at != std::string::npos; at = text.find(mark, at + 1)) {
    out.push_back(std::stoi(text.substr(at + mark.size())));
  }
  return out;
}

// Sums a part up by its first and last subject; makes one of partial texts.
ScriptedModel part_model(int64_t context) {
  return ScriptedModel(
      [](const llm::Request& request, int) -> Result<std::string> {
        if (request.messages[1].content.starts_with("Partial results to merge:\n")) {
          const Json schema = *parse_json(request.schema);
          Json out = Json::object();
          for (const auto& [name, member] : schema["properties"].items())
            out[name] = "Whole " + name;
          return out.dump();
        }
        const std::vector<int> seen = subjects(request.messages[1].content);
        Json out = *parse_json(small_summary());
        out["title"] = "From " + std::to_string(seen.front());
        out["summary"] =
            "From " + std::to_string(seen.front()) + " to " + std::to_string(seen.back());
        out["key_topics"] = {"Subject number " + std::to_string(seen.front()),
                             "Subject number " + std::to_string(seen.back())};
        return out.dump();
      },
      context);
}

TEST_F(Summarise, LongTranscriptsGoInOverlappingPartsThatHoldEveryTurn) {
  for (const int parallel : {1, 3}) {
    auto model = part_model(4096);
    std::vector<double> progress;
    Control control;
    control.on_progress = [&](double fraction) { progress.push_back(fraction); };
    SummaryOptions given = options();
    given.parallel = parallel;
    const Transcript talk = long_talk(400);
    const Summary out = summarise(talk, given, store, model, control);
    ASSERT_TRUE(out.state.ok()) << out.state.message();
    ASSERT_GE(out.parts.size(), 3u);
    EXPECT_EQ(out.parts.front().first_turn, 0u);
    EXPECT_EQ(out.parts.back().last_turn, 399u);
    for (size_t i = 1; i < out.parts.size(); ++i) {
      EXPECT_LE(out.parts[i].first_turn, out.parts[i - 1].last_turn) << "parts overlap";
      EXPECT_GT(out.parts[i].first_turn, out.parts[i - 1].first_turn);
      EXPECT_EQ(out.parts[i].start_s, double(out.parts[i].first_turn) * 10);
    }
    for (const SummaryPart& part : out.parts) EXPECT_GT(part.items, 0);
    std::set<int> seen;
    for (const llm::Request& request : model.requests()) {
      for (const int subject : subjects(request.messages[1].content)) seen.insert(subject);
      const int64_t prompt =
          *model.count_tokens(request.messages[0].content + "\n" + request.messages[1].content);
      EXPECT_LE(prompt + request.max_tokens + 128, 4096);
      EXPECT_GE(request.max_tokens, 512);
    }
    EXPECT_EQ(seen.size(), 400u) << "the model has read every turn";
    EXPECT_TRUE(check_schema(*store.schema(kTemplate), out.value).ok());
    EXPECT_EQ(out.value["title"], "Whole title");
    EXPECT_EQ(out.value["summary"], "Whole summary");
    EXPECT_TRUE(out.merged_by_model);
    EXPECT_TRUE(out.warnings.empty()) << out.warnings[0];
    EXPECT_EQ(out.model.requests, int(out.parts.size()) + 1);
    EXPECT_TRUE(std::is_sorted(progress.begin(), progress.end()));
    EXPECT_DOUBLE_EQ(progress.back(), 1);
    // An item of a later part is found where it was said.
    const Source& last = out.sources[out.value["key_topics"].size() - 1];
    EXPECT_EQ(last.pointer, "/key_topics/" + std::to_string(out.value["key_topics"].size() - 1));
    EXPECT_EQ(last.parts.back(), out.parts.size() - 1);
    EXPECT_GT(last.score, 0.5);
    EXPECT_GT(last.start_s, out.parts.back().start_s - 1);
  }
}

TEST_F(Summarise, TheMergeRequestAsksForTheTextsThatDifferOnly) {
  auto model = part_model(4096);
  SummaryOptions given = options();
  given.parallel = 1;
  ASSERT_TRUE(summarise(long_talk(400), given, store, model).state.ok());
  const llm::Request merge = model.requests().back();
  EXPECT_EQ((*parse_json(merge.schema))["required"], Json::array({"title", "summary"}));
  EXPECT_NE(merge.messages[0].content.find("[PARTS]"), std::string::npos);
  EXPECT_NE(merge.messages[1].content.find("Part 2: {\"title\":\"From "), std::string::npos);
}

TEST_F(Summarise, WhenMergingFailsTheTextsArePutTogetherByRule) {
  auto parts = part_model(4096);
  auto model = ScriptedModel(
      [&](const llm::Request& request, int) -> Result<std::string> {
        if (request.messages[1].content.starts_with("Partial")) return unavailable("gone");
        return parts.complete(request, {})->text;
      },
      4096);
  const Summary out = summarise(long_talk(400), options(), store, model);
  ASSERT_TRUE(out.state.ok()) << out.state.message();
  EXPECT_FALSE(out.merged_by_model);
  EXPECT_EQ(out.value["title"], "From 0");
  const std::string text = out.value["summary"];
  for (const SummaryPart& part : out.parts) {
    EXPECT_NE(text.find(part.summary["summary"].get<std::string>()), std::string::npos);
  }
  ASSERT_EQ(out.warnings.size(), 1u);
  EXPECT_NE(out.warnings[0].find("by rule: Generation failed after 2 attempts: gone"),
            std::string::npos);
}

TEST_F(Summarise, AModelThatRepeatsItselfOrKnowsTranscriptsOnlyLeavesMergingToTheRule) {
  auto parts = part_model(4096);
  std::string again;
  for (int i = 0; i < 10; ++i) again += "Trevor signs the contract. ";
  auto model = ScriptedModel(
      [&](const llm::Request& request, int) -> Result<std::string> {
        if (request.messages[1].content.starts_with("Partial")) {
          return Json{{"title", "T"}, {"summary", again}}.dump();
        }
        return parts.complete(request, {})->text;
      },
      4096);
  const Summary repeating = summarise(long_talk(400), options(), store, model);
  ASSERT_TRUE(repeating.state.ok()) << repeating.state.message();
  EXPECT_FALSE(repeating.merged_by_model);
  EXPECT_NE(repeating.warnings.at(0).find("repeats itself"), std::string::npos);
  auto trained = part_model(2048);
  trained.change_info().prompts = {{kTemplate, "Fill it."}};
  const Summary out = summarise(long_talk(400), options(), store, trained);
  ASSERT_TRUE(out.state.ok()) << out.state.message();
  EXPECT_GT(out.parts.size(), 1u);
  EXPECT_FALSE(out.merged_by_model);
  EXPECT_EQ(out.model.requests, int(out.parts.size())) << "nothing but transcripts is asked about";
  EXPECT_EQ(*trained.requests()[0].sampling.temperature, 0) << "as it was trained";
}

TEST_F(Summarise, TextsThatDoNotFitTogetherAreMergedInGroups) {
  auto model = ScriptedModel(
      [](const llm::Request& request, int) -> Result<std::string> {
        if (request.messages[1].content.starts_with("Partial")) {
          return Json{{"title", "T"}, {"summary", std::string(1500, 'm')}}.dump();
        }
        Json out = *parse_json(small_summary());
        out["title"] = std::to_string(subjects(request.messages[1].content)[0]);
        out["summary"] = out["title"].get<std::string>() + std::string(1900, 'x');
        return out.dump();
      },
      4096);
  const Summary out = summarise(long_talk(1500), options(), store, model);
  ASSERT_TRUE(out.state.ok()) << out.state.message();
  EXPECT_TRUE(out.merged_by_model) << (out.warnings.empty() ? "" : out.warnings[0]);
  EXPECT_EQ(out.value["summary"], std::string(1500, 'm'));
  EXPECT_GT(out.model.requests, int(out.parts.size()) + 1);
}

TEST_F(Summarise, APartThatFailsFailsTheWholeAndIsNamed) {
  auto parts = part_model(4096);
  auto model = ScriptedModel(
      [&](const llm::Request& request, int) -> Result<std::string> {
        for (const int subject : subjects(request.messages[1].content)) {
          if (subject == 399) return std::string("no");
        }
        return parts.complete(request, {})->text;
      },
      4096);
  const Summary out = summarise(long_talk(400), options(), store, model);
  const std::string last = std::to_string(out.parts.size());
  EXPECT_EQ(out.state.message().find("part " + last + " of " + last + " ("), 0u)
      << out.state.message();
  EXPECT_NE(out.state.message().find("to 66:39"), std::string::npos) << out.state.message();
  EXPECT_TRUE(out.value.is_null());
  EXPECT_TRUE(out.parts[0].state.ok()) << "what was made is still there";
}

TEST_F(Summarise, PartsThatWereNotAskedForSaySo) {
  auto model = ScriptedModel(
      [](const llm::Request&, int) -> Result<std::string> { return invalid_input("no"); }, 4096);
  SummaryOptions given = options();
  given.parallel = 1;
  given.halvings = 0;
  const Summary out = summarise(long_talk(400), given, store, model);
  EXPECT_EQ(model.requests().size(), 1u);
  EXPECT_EQ(out.parts[0].state.message(), "Generation failed: no");
  EXPECT_EQ(out.parts.back().state.message(), "not asked for");
  EXPECT_EQ(out.parts.back().last_turn, 399u);
}

// Every turn is in the parts, which overlap by less than one of them.
void expect_all_turns(const Summary& out, size_t turns) {
  ASSERT_FALSE(out.parts.empty());
  EXPECT_EQ(out.parts.front().first_turn, 0u);
  EXPECT_EQ(out.parts.back().last_turn, turns - 1);
  for (size_t i = 1; i < out.parts.size(); ++i) {
    EXPECT_LE(out.parts[i].first_turn, out.parts[i - 1].last_turn + 1) << i;
    EXPECT_GT(out.parts[i].first_turn, out.parts[i - 1].first_turn) << i;
    EXPECT_GT(out.parts[i].last_turn, out.parts[i - 1].last_turn) << i;
  }
}

// What part_model answers, unless `fails` says what happens to the subjects of a request.
ScriptedModel failing_model(
    std::function<std::optional<Result<std::string>>(const std::vector<int>&)> fails,
    int64_t context) {
  return ScriptedModel(
      [fails = std::move(fails), context](const llm::Request& request, int) -> Result<std::string> {
        const std::vector<int> seen = subjects(request.messages[1].content);
        if (!request.messages[1].content.starts_with("Partial")) {
          if (auto failure = fails(seen)) return std::move(*failure);
        }
        return part_model(context).complete(request, {})->text;
      },
      context);
}

bool has(const std::vector<int>& all, int wanted) {
  return std::find(all.begin(), all.end(), wanted) != all.end();
}

TEST_F(Summarise, APartThatFailsIsSummedUpInHalves) {
  for (const int parallel : {1, 3}) {
    // Subject 200 cannot be summed up along with more than 40 others.
    auto model = failing_model(
        [](const std::vector<int>& seen) -> std::optional<Result<std::string>> {
          if (has(seen, 200) && seen.size() > 40) return Result<std::string>("no");
          return {};
        },
        4096);
    std::vector<double> progress;
    Control control;
    control.on_progress = [&](double fraction) { progress.push_back(fraction); };
    SummaryOptions given = options();
    given.parallel = parallel;
    const Summary out = summarise(long_talk(400), given, store, model, control);
    ASSERT_TRUE(out.state.ok()) << out.state.message();
    EXPECT_TRUE(check_schema(*store.schema(kTemplate), out.value).ok());
    expect_all_turns(out, 400);
    EXPECT_EQ(out.attempts, 2);
    std::set<int> seen;
    int hard = 0;  // requests for the hard passage, and how far they were split
    for (const llm::Request& request : model.requests()) {
      const std::vector<int> now = subjects(request.messages[1].content);
      seen.insert(now.begin(), now.end());
      hard += has(now, 200);
    }
    EXPECT_EQ(seen.size(), 400u);
    EXPECT_GE(hard, 5) << "two attempts at a part and at a half, then one at a quarter";
    for (const SummaryPart& part : out.parts) {
      EXPECT_TRUE(part.state.ok());
      EXPECT_GT(part.items, 0);
      if (part.first_turn <= 200 && part.last_turn >= 200) {
        EXPECT_LE(part.last_turn - part.first_turn, 40u);
      }
    }
    EXPECT_GE(out.warnings.size(), 2u) << "for the part and for the half";
    for (const std::string& warning : out.warnings) {
      EXPECT_NE(warning.find(" was summed up in halves: Schema validation failed after 2 attempts"),
                std::string::npos)
          << warning;
    }
    EXPECT_TRUE(std::is_sorted(progress.begin(), progress.end()));
    EXPECT_DOUBLE_EQ(progress.back(), 1);
    EXPECT_TRUE(out.merged_by_model);
  }
}

TEST_F(Summarise, HalvingHasAnEnd) {
  for (const int halvings : {0, 1, 3}) {
    auto model = failing_model(
        [](const std::vector<int>& seen) -> std::optional<Result<std::string>> {
          if (has(seen, 399)) return Result<std::string>("no");
          return {};
        },
        4096);
    SummaryOptions given = options();
    given.parallel = 1;
    given.halvings = halvings;
    const Summary out = summarise(long_talk(400), given, store, model);
    const std::string last = std::to_string(out.parts.size());
    EXPECT_EQ(out.state.code(), Code::kUnavailable);
    EXPECT_EQ(out.state.message().find("part " + last + " of " + last + " ("), 0u)
        << out.state.message();
    EXPECT_TRUE(out.value.is_null());
    expect_all_turns(out, 400);
    int asked = 0;
    for (const llm::Request& request : model.requests()) {
      asked += has(subjects(request.messages[1].content), 399);
    }
    EXPECT_EQ(asked, 2 * (halvings + 1)) << "two attempts at each size";
    EXPECT_EQ(int(out.warnings.size()), halvings);
    for (size_t i = 0; i + 1 < out.parts.size(); ++i) EXPECT_TRUE(out.parts[i].state.ok());
  }
}

TEST_F(Summarise, WhatTheModelDoesNotTakeIsHalvedToo) {
  // It holds less than it says: a refusal is not asked for again as it is.
  auto model = failing_model(
      [](const std::vector<int>& seen) -> std::optional<Result<std::string>> {
        if (seen.size() > 60) return Result<std::string>(invalid_input("too long"));
        return {};
      },
      4096);
  SummaryOptions given = options();
  given.parallel = 1;
  const Summary out = summarise(long_talk(400), given, store, model);
  ASSERT_TRUE(out.state.ok()) << out.state.message();
  expect_all_turns(out, 400);
  std::set<std::string> prompts;
  for (const llm::Request& request : model.requests()) {
    EXPECT_TRUE(prompts.insert(request.messages[1].content).second) << "asked for twice";
  }
}

TEST_F(Summarise, AModelThatIsGoneIsNotAskedForEverything) {
  auto model = ScriptedModel(
      [](const llm::Request&, int) -> Result<std::string> { return unavailable("gone"); });
  SummaryOptions given = options();
  given.parallel = 1;
  const Summary out = summarise(long_talk(400), given, store, model);
  EXPECT_EQ(model.requests().size(), 5u) << "two attempts, then one at each of three sizes";
  EXPECT_EQ(out.state.code(), Code::kUnavailable);
  EXPECT_EQ(out.state.message().find("part 1 of 4 (0:00 to "), 0u) << out.state.message();
  EXPECT_NE(out.state.message().find("Generation failed: gone"), std::string::npos);
  EXPECT_EQ(out.parts[1].state.message(), "not asked for");
  expect_all_turns(out, 400);
}

TEST_F(Summarise, ATranscriptThatFitsIsHalvedWhereItFails) {
  // One line of text without turns is cut at its sentences.
  std::string line;
  for (const Turn& turn : long_talk(60).turns) line += turn.text + " ";
  for (const Transcript& talk : {long_talk(60), from_text(line)}) {
    auto model = failing_model(
        [](const std::vector<int>& seen) -> std::optional<Result<std::string>> {
          if (seen.size() > 40) return Result<std::string>(unavailable("nothing came"));
          return {};
        },
        32768);
    SummaryOptions given = options();
    given.parallel = 1;
    const Summary out = summarise(talk, given, store, model);
    ASSERT_TRUE(out.state.ok()) << out.state.message();
    EXPECT_EQ(out.parts.size(), 2u);
    EXPECT_EQ(out.value["key_topics"].front(), "Subject number 0");
    EXPECT_EQ(out.value["key_topics"].back(), "Subject number 59");
    EXPECT_EQ(out.model.requests, 3) << "two halves, and what merges them";
  }
}

TEST_F(Summarise, EntriesThatAreRepeatedGo) {
  Json answer = *parse_json(small_summary("Spring budget"));
  for (int i = 0; i < 9; ++i) answer["key_topics"].push_back("spring  budget");
  answer["tags"] = {"budget", "Budget", "spring"};
  auto model = answering({answer.dump()});
  const Summary out = summarise(short_talk(), options(), store, model);
  ASSERT_TRUE(out.state.ok()) << out.state.message();
  EXPECT_EQ(out.value["key_topics"], Json::array({"Spring budget"}));
  EXPECT_EQ(out.value["tags"], Json::array({"budget", "spring"}));
  EXPECT_EQ(out.parts[0].repeated, 10);
  EXPECT_EQ(out.parts[0].items, 3);
  ASSERT_EQ(out.warnings.size(), 1u);
  EXPECT_EQ(out.warnings[0], "10 entries of lists that repeated others went");
  for (const Source& source : out.sources) {
    EXPECT_TRUE(out.value.contains(Json::json_pointer(source.pointer))) << source.pointer;
  }
  EXPECT_EQ(model.requests().size(), 1u);
}

TEST_F(Summarise, EntriesThatAreRepeatedInOneOrSeveralPartsGo) {
  auto model = ScriptedModel(
      [](const llm::Request& request, int) -> Result<std::string> {
        if (request.messages[1].content.starts_with("Partial")) return unavailable("gone");
        const std::vector<int> seen = subjects(request.messages[1].content);
        Json out = *parse_json(small_summary("The long agenda"));
        const std::string own = "Subject number " + std::to_string(seen.back());
        for (const std::string& topic : {own, own, std::string("the long AGENDA"), own}) {
          out["key_topics"].push_back(topic);
        }
        return out.dump();
      },
      4096);
  const Summary out = summarise(long_talk(400), options(), store, model);
  ASSERT_TRUE(out.state.ok()) << out.state.message();
  EXPECT_EQ(out.value["key_topics"].size(), out.parts.size() + 1);
  EXPECT_EQ(out.value["tags"], Json::array({"budget"}));
  for (const SummaryPart& part : out.parts) EXPECT_EQ(part.repeated, 3);
}

TEST_F(Summarise, FeedbackTakesItsRoomFromTheAnswer) {
  // The prompt leaves 512 tokens for the answer and not one more.
  auto counting = answering({small_summary()});
  ASSERT_TRUE(summarise(short_talk(), options(), store, counting).state.ok());
  const auto first = counting.requests()[0].messages;
  const int64_t prompt = *counting.count_tokens(first[0].content + "\n" + first[1].content);
  auto model = answering({std::string(100, 'x'), small_summary()}, prompt + 128 + 512);
  const Summary out = summarise(short_talk(), options(), store, model);
  ASSERT_TRUE(out.state.ok()) << out.state.message();
  EXPECT_EQ(model.requests()[0].max_tokens, 512);
  EXPECT_LT(model.requests()[1].max_tokens, 512);
  EXPECT_GE(model.requests()[1].max_tokens, 256);
}

TEST_F(Summarise, StopsWhenCancelled) {
  CancelToken cancel;
  auto parts = part_model(4096);
  auto model = ScriptedModel(
      [&](const llm::Request& request, int) -> Result<std::string> {
        cancel.cancel();
        return parts.complete(request, {})->text;
      },
      4096);
  Control control;
  control.cancel = &cancel;
  SummaryOptions given = options();
  given.parallel = 1;
  const Summary out = summarise(long_talk(400), given, store, model, control);
  EXPECT_EQ(out.state.code(), Code::kCancelled);
  EXPECT_EQ(model.requests().size(), 1u);
}

TEST_F(Summarise, OneLongTurnIsSplitAtSentences) {
  const Transcript talk = long_talk(400);
  std::string text;
  for (const Turn& turn : talk.turns) text += turn.text + " ";
  auto model = part_model(4096);
  const Summary out = summarise({{{"", 0, 4000, text}}, false}, options(), store, model);
  ASSERT_TRUE(out.state.ok()) << out.state.message();
  ASSERT_GE(out.parts.size(), 3u);
  EXPECT_GT(out.parts[1].start_s, 500);
  EXPECT_LT(out.parts[1].start_s, out.parts[0].end_s);
  std::set<int> seen;
  for (const llm::Request& request : model.requests()) {
    for (const int subject : subjects(request.messages[1].content)) seen.insert(subject);
  }
  EXPECT_EQ(seen.size(), 400u);
}

TEST_F(Summarise, TwoMillionCharactersTakeSeconds) {
  const auto start = std::chrono::steady_clock::now();
  for (const std::string& unit :
       {std::string("a"), std::string("các bạn ơi hôm nay mình bàn về ngân sách ")}) {
    std::string text;
    while (text.size() < 2'000'000) text += unit;
    auto model = answering({small_summary()});
    const Summary out = summarise(from_text(text), options(), store, model);
    EXPECT_TRUE(out.state.ok()) << out.state.message();
    EXPECT_GT(out.parts.size(), 5u);
  }
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(60));
}

TEST_F(Summarise, BrokenCharactersAreRepairedFirst) {
  auto model = answering({small_summary()});
  ASSERT_TRUE(summarise(from_text("a\xED\xA0\x80 b\x01z"), options(), store, model).state.ok());
  EXPECT_EQ(body_of(model.requests()[0]), "a\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD b z");
}

}  // namespace
}  // namespace maie::summary
