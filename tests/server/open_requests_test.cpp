// What a request with an open connection leaves behind when it was answered.
#include "tests/server/openai_fixture.h"

namespace maie::server {
namespace {

TEST_F(OpenAiRoutes, ARequestThatIsClearedAwayIsCountedOnce) {
  begin([](FakeWorker::Run& run) { run.fail("ASR_PROCESSING_ERROR", "it broke"); });
  std::atomic<int> told{0};
  service_->task_ended = [&](const queue::Task& task) {
    EXPECT_EQ(task.state, queue::TaskState::kFailed);
    ++told;
    metrics_.task_ended(task, nullptr);
  };
  {
    // As the service has it: who follows the queue counts too.
    const auto all = events_->watch_all([this](const queue::Task& task) {
      if (queue::is_final(task.state)) metrics_.task_ended(task, nullptr);
    });
    const Client client = transcribe({});
    ASSERT_TRUE(client->wait());
    EXPECT_EQ(client->status(), 500);
    ASSERT_TRUE(wait_for_tasks(0));
  }
  EXPECT_EQ(told, 1);
  const std::string page = metrics_.render(*queue_, false);
  EXPECT_NE(page.find("maie_jobs_total{kind=\"transcription\",outcome=\"failed\"} 1\n"), page.npos)
      << page;
}

}  // namespace
}  // namespace maie::server
