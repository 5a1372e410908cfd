// The document of the whole service, not of a fixture.
#include <gtest/gtest.h>

#include <atomic>
#include <regex>

#include "server/event_hub.h"
#include "server/metrics.h"
#include "server/openapi.h"
#include "server/service.h"
#include "tests/server/openapi_rules.h"
#include "tests/server/scripted_queue.h"

namespace maie::server {
namespace {

class WholeTable : public ::testing::Test {
 protected:
  WholeTable() {
    add_root_routes(router_, service_);
    add_submit_routes(router_, service_);
    add_task_routes(router_, service_);
    add_template_routes(router_, service_);
    add_model_routes(router_, service_);
    add_speech_routes(router_, service_);
    add_chat_routes(router_, service_);
    add_metrics_routes(router_, service_);
    add_openapi_routes(router_, service_);
  }

  static config::Settings with_all_routes() {
    config::Settings settings;
    settings.api.process_sync = true;
    return settings;
  }

  config::Settings settings_ = with_all_routes();
  ScriptedQueue queue_;
  summary::TemplateStore templates_{summary::TemplateRoots{}};
  EventHub events_{queue_};
  Metrics metrics_{"1", ""};
  std::atomic<bool> draining_{false};
  Service service_{settings_, queue_, templates_, events_, metrics_, "1", draining_, nullptr};
  http::Router router_;
};

TEST_F(WholeTable, KeepsTheRulesOfTheFormat) {
  for (const std::string& problem : openapi_problems(openapi_document(router_.routes())))
    ADD_FAILURE() << problem;
}

TEST_F(WholeTable, EveryRouteSaysWhatItIs) {
  for (const http::Route& route : router_.routes()) {
    const std::string name = route.method + " " + route.path;
    if (!route.documented) continue;
    EXPECT_FALSE(route.doc.summary.empty()) << name;
    EXPECT_FALSE(route.doc.tag.empty()) << name;
    bool good = false;
    for (const http::RouteDoc::Answer& answer : route.doc.answers)
      good = good || (answer.status >= 200 && answer.status < 300);
    EXPECT_TRUE(good) << name << " has no answer of success";
    EXPECT_EQ(route.body != http::BodyKind::kNone, !route.doc.body_type.empty()) << name;
  }
}

TEST_F(WholeTable, HoldsWhatClientsAreToldOf) {
  const Json document = openapi_document(router_.routes());
  const std::pair<const char*, const char*> promised[] = {{"/", "get"},
                                                          {"/health", "get"},
                                                          {"/v1/process", "post"},
                                                          {"/v1/process_text", "post"},
                                                          {"/v1/process-sync", "post"},
                                                          {"/v1/status/{task_id}", "get"},
                                                          {"/v1/models", "get"},
                                                          {"/v1/templates", "post"},
                                                          {"/v1/audio/transcriptions", "post"},
                                                          {"/v1/audio/translations", "post"},
                                                          {"/v1/chat/completions", "post"},
                                                          {"/v1/limits", "get"},
                                                          {"/metrics", "get"},
                                                          {"/schema/openapi.json", "get"}};
  for (const auto& [path, verb] : promised) {
    ASSERT_TRUE(document["paths"].contains(path)) << path;
    EXPECT_TRUE(document["paths"][path].contains(verb)) << verb << " " << path;
  }
}

}  // namespace
}  // namespace maie::server
