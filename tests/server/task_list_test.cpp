// GET /v1/tasks: filters and pages; and the options of GET /v1/tasks/{id}/result.*
#include <algorithm>

#include "server/status_view.h"
#include "tests/server/openai_fixture.h"

namespace maie::server {
namespace {

class TaskList : public OpenAiRoutes {
 protected:
  TaskList() {
    with_job_api_ = true;
    begin(nullptr);
  }

  std::string submit(const std::string& owner) {
    const std::string id = new_task_id();
    EXPECT_TRUE(queue_->submit({.id = id, .kind = "text", .owner = owner}, {}).has_value());
    return id;
  }
  Client ask(Fields query, const std::string& path = "/v1/tasks") {
    http::Request request;
    request.method = "GET";
    request.path = path;
    request.query = std::move(query);
    return send(std::move(request));
  }
  // Ids of the page.
  std::vector<std::string> list(Fields query) {
    std::vector<std::string> ids;
    const Json page = json_of(ask(std::move(query)));
    for (const Json& task : page["tasks"]) ids.push_back(task["task_id"]);
    return ids;
  }
  // Submits something in a later millisecond than everything before.
  std::string submit_later(const std::string& owner) {
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
    return submit(owner);
  }
};

TEST_F(TaskList, OfOneOwner) {
  const std::string mine = submit("key-1"), yours = submit("key-2");
  EXPECT_EQ(list({{"owner", "key-1"}}), std::vector<std::string>{mine});
  EXPECT_EQ(list({{"owner", "key-2"}}), std::vector<std::string>{yours});
  EXPECT_EQ(list({{"owner", "key-3"}}), std::vector<std::string>{});
  EXPECT_EQ(list({}), (std::vector<std::string>{yours, mine}));
  EXPECT_EQ(json_of(ask({{"owner", "key-2"}}))["tasks"][0]["owner"], "key-2");
}

TEST_F(TaskList, OfASpanOfTime) {
  const std::string first = submit("a");
  const std::string second = submit_later("a");
  const std::string third = submit_later("a");
  const std::string middle = json_of(ask({}, "/v1/tasks/" + second))["submitted_at"];
  EXPECT_EQ(list({{"created_after", middle}}), std::vector<std::string>{third});
  EXPECT_EQ(list({{"created_before", middle}}), std::vector<std::string>{first});
  const int64_t at = *time_from(middle);
  EXPECT_EQ(list({{"created_after", time_of(at - 1)}, {"created_before", time_of(at + 1)}}),
            std::vector<std::string>{second});
  EXPECT_EQ(list({{"created_after", "2020-01-01"}}).size(), 3u);
  EXPECT_EQ(list({{"created_before", "2020-01-01"}}).size(), 0u);
}

TEST_F(TaskList, FilteredPagesMeetEachTaskOnce) {
  std::vector<std::string> expected;
  for (int i = 0; i < 7; ++i) {
    submit("other");
    expected.insert(expected.begin(), submit("me"));
  }
  std::vector<std::string> seen;
  Fields query = {{"owner", "me"}, {"limit", "3"}};
  for (int pages = 0; pages < 10; ++pages) {
    const Json page = json_of(ask(query));
    for (const Json& task : page["tasks"]) seen.push_back(task["task_id"]);
    if (!page["has_more"].get<bool>()) break;
    query = {{"owner", "me"}, {"limit", "3"}, {"after", page["next"].get<std::string>()}};
  }
  EXPECT_EQ(seen, expected);
}

TEST_F(TaskList, ATimeThatIsNoneIsRefused) {
  for (const char* name : {"created_after", "created_before"}) {
    EXPECT_EQ(refusal(ask({{name, "yesterday"}})),
              "422 \"VALIDATION_ERROR\" \"" + std::string(name) + "\"");
  }
}

TEST_F(TaskList, AWatcherLearnsThatItsTaskWasRemoved) {
  const std::string id = submit("a");
  const Client watcher = ask({}, "/v1/tasks/" + id + "/events");
  ASSERT_TRUE(watcher->wait_for_text("event: state"));
  http::Request removal;
  removal.method = "DELETE";
  removal.path = "/v1/tasks/" + id;
  EXPECT_EQ(send(std::move(removal))->status(), 204);
  ASSERT_TRUE(watcher->wait());  // without waiting for a keep-alive
  const std::string body = watcher->body();
  EXPECT_NE(body.find("event: removed\ndata: {\"task_id\":\"" + id + "\"}\n\n"), body.npos) << body;
  EXPECT_EQ(body.find("REMOVED"), body.npos) << body;
}

class SubtitleOptions : public TaskList {
 protected:
  // A finished recording of three segments: one long, one of 0.2 s, one at the end.
  std::string finish() {
    const std::string id = submit("a");
    jobs::StoredResult result;
    result.transcript.emplace();
    result.transcript->segments.resize(2);
    pipeline::Segment& slow = result.transcript->segments[0];
    slow.start_s = 0;
    slow.end_s = 10;
    slow.text = " One two three four five six.";
    slow.words = {{0, 5, " One two three"}, {5, 10, " four five six."}};
    pipeline::Segment& quick = result.transcript->segments[1];
    quick.start_s = 20;
    quick.end_s = 20.2;
    quick.text = " Yes.";
    const auto leased = queue_->claim({.worker = "w"}).value();
    EXPECT_TRUE(leased && queue_->succeed(leased->lease, jobs::to_bytes(result)).ok());
    return id;
  }
  std::string get_as(const std::string& id, const char* form, Fields query) {
    const Client client = ask(std::move(query), "/v1/tasks/" + id + "/result." + form);
    EXPECT_TRUE(client->wait());
    EXPECT_EQ(client->status(), 200) << client->body();
    return client->body();
  }
};

TEST_F(SubtitleOptions, BoundTheSecondsOfACue) {
  const std::string id = finish();
  const std::string usual = get_as(id, "srt", {});
  EXPECT_NE(usual.find("00:00:20,000 --> 00:00:20,700"), usual.npos) << usual;
  EXPECT_EQ(usual.find("00:00:00,000 --> 00:00:10,000"), usual.npos) << usual;  // 7 s at most
  const std::string wide =
      get_as(id, "srt", {{"max_cue_seconds", "0"}, {"min_cue_seconds", "1.5"}});
  EXPECT_NE(wide.find("00:00:00,000 --> 00:00:10,000"), wide.npos) << wide;
  EXPECT_NE(wide.find("00:00:20,000 --> 00:00:21,500"), wide.npos) << wide;
}

TEST_F(SubtitleOptions, MarkWordsAndNumberCues) {
  const std::string id = finish();
  EXPECT_EQ(get_as(id, "srt", {}).find("<u>"), std::string::npos);
  EXPECT_NE(get_as(id, "srt", {{"highlight_words", "yes"}}).find("<u>"), std::string::npos);
  EXPECT_EQ(get_as(id, "vtt", {}).find("WEBVTT\n\n00:"), 0u);
  EXPECT_EQ(get_as(id, "vtt", {{"identifiers", "true"}}).find("WEBVTT\n\n1\n00:"), 0u);
}

TEST_F(SubtitleOptions, WrongOnesAreNamed) {
  const std::string id = finish();
  for (const auto& [name, value] : Fields{{"max_line_width", "1"},
                                          {"max_line_count", "0"},
                                          {"max_words", "-1"},
                                          {"max_cue_seconds", "nan"},
                                          {"min_cue_seconds", "3601"},
                                          {"highlight_words", "perhaps"}}) {
    EXPECT_EQ(refusal(ask({{name, value}}, "/v1/tasks/" + id + "/result.srt")),
              "422 \"VALIDATION_ERROR\" \"" + name + "\"");
  }
}

}  // namespace
}  // namespace maie::server
