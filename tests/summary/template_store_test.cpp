#include "summary/template_store.h"

#include <sys/stat.h>

#include <chrono>
#include <thread>

#include "summary/schema_rules.h"
#include "summary/template_checks.h"
#include "tests/summary/testing.h"

namespace maie::summary {
namespace {

namespace fs = std::filesystem;

Json small_schema() {
  return *parse_json(R"({"type":"object","properties":{
    "title":{"type":"string","maxLength":20},
    "tags":{"type":"array","items":{"type":"string"},"minItems":1,"maxItems":5}},
    "required":["title","tags"],"additionalProperties":false})");
}

TemplateParts parts(std::string prompt = "Say it. {{ schema }}") {
  TemplateParts out;
  out.schema_data = small_schema();
  out.prompt_template = std::move(prompt);
  return out;
}

class Store : public testing::Test {
 protected:
  TemporaryFolder own;
  TemplateStore store{{own.path() + "/mine", {source_folder("templates")}}};
};

TEST_F(Store, CreatesShowsChangesAndRemoves) {
  TemplateParts given = parts();
  given.example = *parse_json(R"({"title":"a","tags":["b"]})");
  const auto created = store.create("my-notes_1", given);
  ASSERT_TRUE(created) << created.error().message();
  EXPECT_EQ(created->name, "My-Notes 1");
  EXPECT_EQ(created->description, "Template");
  EXPECT_EQ(created->prompt_template, "Say it. {{ schema }}");
  EXPECT_EQ(created->schema_data, small_schema());
  EXPECT_EQ(created->parameters, Json::object());
  EXPECT_TRUE(created->warnings.empty());
  EXPECT_FALSE(created->shipped);

  const auto items = store.list();
  ASSERT_EQ(items.size(), 7u);
  const auto item = std::find_if(items.begin(), items.end(),
                                 [](const TemplateItem& one) { return one.id == "my-notes_1"; });
  ASSERT_NE(item, items.end());
  EXPECT_EQ(item->parameters, small_schema()["properties"]);
  EXPECT_EQ(item->description, "Auto-discovered template based on JSON schema.");
  EXPECT_EQ(item->example["title"], "a");

  TemplateParts change;
  change.prompt_template = "Other.";
  const auto updated = store.update("my-notes_1", change);
  ASSERT_TRUE(updated) << updated.error().message();
  EXPECT_EQ(updated->prompt_template, "Other.");
  EXPECT_EQ(updated->example["title"], "a") << "what was not given stays";
  change = {};
  change.example = Json::object();
  EXPECT_TRUE(store.update("my-notes_1", change)->example.is_null());

  EXPECT_TRUE(store.remove("my-notes_1").ok());
  EXPECT_EQ(store.get("my-notes_1").error().code(), Code::kNotFound);
  EXPECT_EQ(store.remove("my-notes_1").code(), Code::kNotFound);
  EXPECT_TRUE(fs::is_empty(own.path() + "/mine")) << "no temporary folder stays behind";
}

TEST_F(Store, FilesHaveRawUnicodeAndTwoSpaces) {
  TemplateParts given = parts();
  (*given.schema_data)["title"] = "Họp";
  ASSERT_TRUE(store.create("a", given));
  EXPECT_EQ(own.read("mine/a/schema.json").find("{\n  \"type\": \"object\""), 0u);
  EXPECT_NE(own.read("mine/a/schema.json").find("\"Họp\""), std::string::npos);
  EXPECT_FALSE(fs::exists(own.path() + "/mine/a/example.json"));
}

TEST_F(Store, NamesAreComposed) {
  TemplateParts given = parts();
  given.schema_data->at("properties")["ho\xCC\xA3p"] = {{"type", "string"}};
  ASSERT_TRUE(store.create("a", given));
  EXPECT_TRUE((*store.schema("a"))["properties"].contains("họp"));
}

TEST_F(Store, RefusesBadIds) {
  for (const char* id : {"", ".", "..", "../x", "a/b", "a b", "é", ".hidden", "base", "schemas"}) {
    EXPECT_EQ(store.create(id, parts()).error().code(), Code::kInvalidInput) << id;
  }
  for (const char* id : {"", "..", "../templates", "a/b"}) {
    EXPECT_EQ(store.get(id).error().message(), "Invalid template ID") << id;
    EXPECT_EQ(store.schema(id).error().code(), Code::kNotFound);
    EXPECT_EQ(store.update(id, parts()).error().code(), Code::kNotFound);
    EXPECT_EQ(store.remove(id).code(), Code::kNotFound);
    EXPECT_EQ(store.for_summary(id).error().code(), Code::kNotFound);
  }
  EXPECT_EQ(store.get("unknown").error().message(), "Template unknown not found");
}

TEST_F(Store, RefusesWhatExists) {
  EXPECT_EQ(store.create("meeting_notes_v2", parts()).error().message(),
            "Template meeting_notes_v2 already exists");
  ASSERT_TRUE(store.create("a", parts()));
  EXPECT_EQ(store.create("a", parts()).error().message(), "Template a already exists");
}

TEST_F(Store, RefusesSchemasThatNoSummaryCanKeep) {
  const auto refusal = [&](const char* schema) {
    TemplateParts given = parts();
    given.schema_data = *parse_json(schema);
    const auto created = store.create("a", given);
    EXPECT_FALSE(created) << schema;
    return created ? std::string() : created.error().message();
  };
  EXPECT_NE(refusal("[]").find("must be a JSON object, got array"), std::string::npos);
  EXPECT_NE(refusal("{}").find("missing 'type' field"), std::string::npos);
  EXPECT_NE(refusal(R"({"type":"array"})").find("must be type 'object', got 'array'"),
            std::string::npos);
  EXPECT_NE(refusal(R"({"type":"object","not":{}})").find("not"), std::string::npos);
  EXPECT_NE(refusal(R"({"type":"object","properties":{"a":{"type":"string","minLength":5,
      "maxLength":2}},"required":["a"]})")
                .find("schema: "),
            std::string::npos)
      << "nothing keeps it";
  EXPECT_NE(refusal(R"({"type":"object","properties":{"a":{"$ref":"#"}},"required":["a"]})"), "")
      << "it never ends";
  EXPECT_FALSE(fs::exists(own.path() + "/mine/a"));
}

TEST_F(Store, WarnsOfMissingTagsAndWrongExamples) {
  TemplateParts given = parts();
  given.schema_data->at("properties").erase("tags");
  given.schema_data->at("required") = {"title"};
  given.example = *parse_json(R"({"title":1})");
  const auto created = store.create("a", given);
  ASSERT_TRUE(created);
  ASSERT_EQ(created->warnings.size(), 2u);
  EXPECT_NE(created->warnings[0].find("'tags' or 'thẻ'"), std::string::npos);
  EXPECT_NE(created->warnings[1].find("example: "), std::string::npos);
  EXPECT_FALSE(store.for_summary("a"));
}

TEST_F(Store, RefusesPromptsThatFail) {
  const auto refusal = [&](const std::string& prompt) {
    const auto start = std::chrono::steady_clock::now();
    const auto created = store.create("a", parts(prompt));
    EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(20));
    EXPECT_FALSE(created) << prompt;
    EXPECT_EQ(created.status().code(), Code::kInvalidInput);
    return created ? std::string() : created.error().message();
  };
  EXPECT_NE(refusal("{% if %}").find("prompt_template"), std::string::npos);
  EXPECT_NE(refusal("{{ 'open }}"), "");
  EXPECT_NE(refusal("{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}"
                    "{% endfor %}"),
            "")
      << "an endless loop";
  EXPECT_NE(refusal("{% for a in range(99999) %}a long line of text{% endfor %}")
                .find("a prompt may have a million"),
            std::string::npos)
      << "huge output";
  EXPECT_NE(refusal("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}"), "");
  own.write("secret.jinja", "secret");
  for (const char* name : {"../secret.jinja", "../../etc/passwd", "/etc/passwd", "missing"}) {
    EXPECT_NE(refusal("{% include '" + std::string(name) + "' %}"), "") << name;
  }
}

TEST_F(Store, ValuesAreTextNotTemplates) {
  ASSERT_TRUE(store.create("a", parts("{{ transcript }}|{{ input_text }}")));
  const auto text = store.prompt("a")->render(prompt_variables("", "{{ schema }} <b> & \"q\""));
  EXPECT_EQ(*text, "{{ schema }} <b> & \"q\"|{{ schema }} <b> & \"q\"");
}

TEST_F(Store, ShippedTemplatesAreShadowedNotChanged) {
  const std::string before = store.get("meeting_notes_v2")->prompt_template;
  EXPECT_EQ(store.remove("meeting_notes_v2").code(), Code::kPermissionDenied);
  TemplateParts change;
  change.prompt_template = "{% extends 'base/structured_output_v1.jinja' %}";
  const auto updated = store.update("meeting_notes_v2", change);
  ASSERT_TRUE(updated) << updated.error().message();
  EXPECT_FALSE(updated->shipped);
  EXPECT_EQ(updated->name, "Biên bản cuộc họp") << "the schema was copied";
  EXPECT_FALSE(updated->example.is_null());
  EXPECT_TRUE(store.for_summary("meeting_notes_v2"));
  EXPECT_TRUE(store.remove("meeting_notes_v2").ok());
  EXPECT_EQ(store.get("meeting_notes_v2")->prompt_template, before);
}

TEST_F(Store, OlderIdsMeanTheNewerTemplates) {
  EXPECT_EQ(store.get("meeting_notes_v1")->id, "meeting_notes_v2");
  EXPECT_EQ((*store.for_summary("generic_summary_v1"))->id, "generic_summary_v2");
  EXPECT_EQ(store.get("structured_analysis_v1")->id, "structured_analysis_v1");
  EXPECT_FALSE(store.get("text_enhancement_v2"));
}

TEST_F(Store, SeesEditsByHand) {
  own.write("mine/a/schema.json", small_schema().dump());
  own.write("mine/a/prompt.jinja", "{% extends 'mine_base/p.jinja' %}");
  own.write("mine/mine_base/p.jinja", "first");
  EXPECT_EQ(*store.prompt("a")->render({}), "first");
  own.write("mine/mine_base/p.jinja", "second, longer");
  EXPECT_EQ(*store.prompt("a")->render({}), "second, longer") << "a parent counts too";
  own.write("mine/a/prompt.jinja", "own");
  EXPECT_EQ(*store.prompt("a")->render({}), "own");
  Json schema = small_schema();
  schema["title"] = "New";
  own.write("mine/a/schema.json", schema.dump());
  EXPECT_EQ(store.get("a")->name, "New");
  EXPECT_EQ((*store.for_summary("a"))->schema["title"], "New");
  fs::remove_all(own.path() + "/mine/a");
  EXPECT_FALSE(store.get("a"));
}

TEST_F(Store, ListLeavesOutWhatCannotBeRead) {
  own.write("mine/broken/schema.json", "{");
  own.write("mine/.hidden/schema.json", small_schema().dump());
  own.write("mine/prompts/schema.json", small_schema().dump());
  own.write("mine/nothing/prompt.jinja", "a");
  own.write("mine/fine/schema.json", small_schema().dump());
  std::vector<std::string> ids;
  for (const auto& item : store.list()) {
    if (!item.shipped) ids.push_back(item.id);
  }
  EXPECT_EQ(ids, std::vector<std::string>{"fine"});
  EXPECT_NE(store.get("broken").error().message().find("Invalid JSON in template file"),
            std::string::npos);
  TemplateStore empty({own.path() + "/absent", {own.path() + "/absent2"}});
  EXPECT_TRUE(empty.list().empty());
}

TEST_F(Store, FollowsNoLinks) {
  own.write("outside/schema.json", small_schema().dump());
  own.write("mine/real/schema.json", small_schema().dump());
  own.write("outside/prompt.jinja", "secret");
  fs::create_directory_symlink(own.path() + "/outside", own.path() + "/mine/linked");
  fs::create_symlink(own.path() + "/outside/prompt.jinja", own.path() + "/mine/real/prompt.jinja");
  EXPECT_EQ(store.get("linked").error().code(), Code::kNotFound);
  EXPECT_EQ(store.get("real")->prompt_template, "");
  EXPECT_EQ(store.remove("linked").code(), Code::kNotFound);
  TemplateParts change;
  change.prompt_template = "new";
  ASSERT_TRUE(store.update("real", change));
  EXPECT_EQ(own.read("outside/prompt.jinja"), "secret") << "the link was replaced, not followed";
  EXPECT_EQ(store.get("real")->prompt_template, "new");
  EXPECT_EQ(store.create("linked", parts()).error().code(), Code::kInvalidInput);
}

TEST_F(Store, PipesDoNotHoldItUp) {
  own.write("mine/a/schema.json", small_schema().dump());
  ASSERT_EQ(::mkfifo((own.path() + "/mine/a/prompt.jinja").c_str(), 0600), 0);
  EXPECT_EQ(store.get("a")->prompt_template, "");
}

TEST_F(Store, LoadingForASummarySaysWhatIsMissing) {
  EXPECT_EQ(store.for_summary("nope").error().message(),
            "Template file not found: nope/schema.json");
  own.write("mine/a/schema.json", "[1]");
  EXPECT_NE(store.for_summary("a").error().message().find("must be a JSON object, got array"),
            std::string::npos);
  own.write("mine/a/schema.json", R"({"properties":{}})");
  EXPECT_NE(store.for_summary("a").error().message().find("missing 'type' field"),
            std::string::npos);
  Json impossible = small_schema();
  impossible["properties"]["title"] = {{"type", "string"}, {"minLength", 5}, {"maxLength", 2}};
  own.write("mine/a/schema.json", impossible.dump());
  EXPECT_EQ(store.for_summary("a").error().message().find("a: schema: "), 0u);
  own.write("mine/a/schema.json", R"({"type":"object","properties":{"tags":{"type":"array"}}})");
  EXPECT_NE(store.for_summary("a").error().message().find(
                "Template schema missing required 'tags' or 'thẻ' field"),
            std::string::npos);
}

TEST_F(Store, HashDoesNotDependOnTheOrderOfKeys) {
  const Json a = *parse_json(R"({"b":[1,{"y":2,"x":1}],"a":"ư"})");
  const Json b = *parse_json(R"({"a":"ư","b":[1,{"x":1,"y":2}]})");
  EXPECT_EQ(hash_of(a), hash_of(b));
  // python3 -c 'import hashlib,json;
  // print(hashlib.sha256(json.dumps({"b":[1,{"y":2,"x":1}],"a":"ư"},
  //   sort_keys=True, separators=(",",":"), ensure_ascii=False).encode()).hexdigest())'
  EXPECT_EQ(hash_of(a), "sha256:440d07d126229aab990cab7abbfd1e8870b6fb1b555ea52108fb003b6baa5e5d");
}

TEST_F(Store, PhrasesOfTheUserJoin) {
  EXPECT_EQ(store.hallucinations()->size(), 7u);
  own.write("mine/hallucinations.json", R"({"exact":["Thanks for watching"]})");
  EXPECT_EQ(store.hallucinations()->size(), 8u);
  own.write("mine/hallucinations.json", "broken!");
  EXPECT_EQ(store.hallucinations()->size(), 7u);
}

TEST_F(Store, WithoutAFolderOfItsOwnNothingIsWritten) {
  TemplateStore shipped(shipped_only());
  EXPECT_EQ(shipped.create("a", parts()).error().code(), Code::kPermissionDenied);
  EXPECT_EQ(shipped.update("meeting_notes_v2", parts()).error().code(), Code::kPermissionDenied);
  EXPECT_EQ(shipped.remove("meeting_notes_v2").code(), Code::kPermissionDenied);
}

TEST_F(Store, AFolderThatCannotBeWrittenIsAnError) {
  own.write("file", "");
  TemplateStore blocked({own.path() + "/file", {}});
  EXPECT_FALSE(blocked.create("a", parts()));
}

TEST_F(Store, ServesManyThreads) {
  std::vector<std::thread> threads;
  std::atomic<int> failures{0};
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      const std::string id = "t" + std::to_string(t);
      for (int round = 0; round < 10; ++round) {
        if (!store.create(id, parts())) ++failures;
        if (!store.for_summary(id) || !store.for_summary("meeting_notes_v2")) ++failures;
        if (store.list().size() < 7) ++failures;
        if (!store.remove(id).ok()) ++failures;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(failures, 0);
}

// Readers never see a template without its schema, or half a file.
TEST_F(Store, ReadersSeeTheOldOrTheNew) {
  ASSERT_TRUE(store.create("a", parts(std::string(20'000, 'x'))));
  TemplateStore reader({own.path() + "/mine", {}});
  std::atomic<bool> stop{false};
  std::atomic<int> wrong{0};
  std::thread watching([&] {
    while (!stop) {
      const auto detail = reader.get("a");
      const std::string text = detail ? detail->prompt_template : "";
      if (text.empty() || text.find_first_not_of(text[0]) != std::string::npos ||
          text.size() != 20'000) {
        ++wrong;
      }
    }
  });
  for (int round = 0; round < 50; ++round) {
    TemplateParts change;
    change.prompt_template = std::string(20'000, char('a' + round % 26));
    EXPECT_TRUE(store.update("a", change));
  }
  stop = true;
  watching.join();
  EXPECT_EQ(wrong, 0);
}

// The template that docs/templates.md shows, typed in as it stands there.
TEST_F(Store, TheTemplateOfTheManualWorks) {
  std::ostringstream page;
  page << std::ifstream(source_folder("docs/templates.md")).rdbuf();
  const auto typed = [&](const std::string& file) {
    const std::string text = page.str(), end = "    EOF\n";
    const size_t start = text.find("standup/" + file + " <<'EOF'\n");
    check(start != std::string::npos, "the page shows that file");
    const size_t first = text.find('\n', start) + 1;
    std::istringstream lines(text.substr(first, text.find(end, first) - first));
    std::string out;
    for (std::string line; std::getline(lines, line);) out += line.substr(4) + "\n";
    return out;
  };
  TemplateParts given;
  given.schema_data = *parse_json(typed("schema.json"));
  given.prompt_template = typed("prompt.jinja");
  const auto created = store.create("standup", given);
  ASSERT_TRUE(created) << created.error().message();
  EXPECT_TRUE(created->warnings.empty());
  EXPECT_TRUE(store.for_summary("standup"));
}

}  // namespace
}  // namespace maie::summary
