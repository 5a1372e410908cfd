#include "server/status_view.h"

#include <gtest/gtest.h>

#include "jobs/job.h"

namespace maie::server {
namespace {

using queue::Task;
using queue::TaskState;

Task task_in(TaskState state, std::string_view stage = "", std::string kind = "audio") {
  Task task;
  task.id = "5f0c31d2-0000-4000-8000-000000000000";
  task.kind = std::move(kind);
  task.state = state;
  task.stage = stage;
  return task;
}

TEST(StatusView, NamesStatesAsClientsKnowThem) {
  EXPECT_EQ(status_of(task_in(TaskState::kQueued)), "PENDING");
  EXPECT_EQ(status_of(task_in(TaskState::kRunning)), "PREPROCESSING");
  EXPECT_EQ(status_of(task_in(TaskState::kRunning, jobs::kStageDecode)), "PREPROCESSING");
  EXPECT_EQ(status_of(task_in(TaskState::kRunning, jobs::kStageRecognise)), "PROCESSING_ASR");
  EXPECT_EQ(status_of(task_in(TaskState::kRunning, jobs::kStageEnhance)), "PROCESSING_LLM");
  EXPECT_EQ(status_of(task_in(TaskState::kRunning, jobs::kStageSummarise)), "PROCESSING_LLM");
  EXPECT_EQ(status_of(task_in(TaskState::kRunning, "", "text")), "PROCESSING_LLM");
  EXPECT_EQ(status_of(task_in(TaskState::kSucceeded, jobs::kStageSummarise)), "COMPLETE");
  EXPECT_EQ(status_of(task_in(TaskState::kFailed)), "FAILED");
  EXPECT_EQ(status_of(task_in(TaskState::kCancelled)), "CANCELLED");
}

TEST(StatusView, ReadsEveryStateItWrites) {
  for (const TaskState state : {TaskState::kQueued, TaskState::kRunning, TaskState::kSucceeded,
                                TaskState::kFailed, TaskState::kCancelled}) {
    EXPECT_EQ(states_of(status_of(task_in(state))), std::vector{state});
  }
  EXPECT_TRUE(states_of("REMOVED").empty());
  EXPECT_TRUE(states_of("pending").empty());
  EXPECT_TRUE(states_of("").empty());
}

TEST(StatusView, TimesAreReadBack) {
  EXPECT_TRUE(time_of(std::nullopt).is_null());
  EXPECT_EQ(time_of(0), "1970-01-01T00:00:00.000Z");
  for (const queue::WallMs time :
       {int64_t{0}, int64_t{1'767'323'045'678}, int64_t{951'782'400'000}}) {
    EXPECT_EQ(time_from(time_of(time).get<std::string>()), time);
  }
}

TEST(StatusView, TimesComeInEveryOffset) {
  const auto want = time_from("2026-01-02T03:04:05Z");
  ASSERT_TRUE(want);
  EXPECT_EQ(*want, 1'767'323'045'000);
  EXPECT_EQ(time_from("2026-01-02T10:04:05+07:00"), want);
  EXPECT_EQ(time_from("2026-01-01T22:34:05-04:30"), want);
  EXPECT_EQ(time_from("2026-01-02t03:04:05.0z"), want);
  EXPECT_EQ(time_from("2026-01-02T03:04:05.6789Z"), *want + 678);
  EXPECT_EQ(time_from("2026-01-02"), time_from("2026-01-02T00:00:00Z"));
  EXPECT_TRUE(time_from("2024-02-29"));
}

TEST(StatusView, WhatIsNoTimeIsNone) {
  for (const char* text : {"",
                           "now",
                           "2026",
                           "2026-13-01",
                           "2026-00-01",
                           "2025-02-29",
                           "2026-01-32",
                           "26-01-02",
                           "2026-01-02T",
                           "2026-01-02T24:00:00Z",
                           "2026-01-02T03:60:00Z",
                           "2026-01-02T03:04:05",
                           "2026-01-02T03:04:05.Z",
                           "2026-01-02T03:04:05Zx",
                           "2026-01-02T03:04:05+7",
                           "-026-01-02",
                           "2026-01-02T03:04:05+07:00Z",
                           "2026-1-2",
                           " 2026-01-02",
                           "1767323045"}) {
    EXPECT_FALSE(time_from(text)) << text;
  }
}

TEST(StatusView, ErrorsShowOfFailedTasksAlone) {
  Task task = task_in(TaskState::kFailed, jobs::kStageRecognise);
  task.error = {"ASR_PROCESSING_ERROR", "it broke", "asr"};
  Json head = task_head(task);
  EXPECT_EQ(head["error"], "it broke");
  EXPECT_EQ(head["error_code"], "ASR_PROCESSING_ERROR");
  EXPECT_EQ(head["stage"], "asr");
  task.state = TaskState::kQueued;  // offered again: why stands in last_error
  head = task_head(task);
  EXPECT_TRUE(head["error"].is_null());
  EXPECT_TRUE(head["error_code"].is_null());
  EXPECT_EQ(task_view(task, std::nullopt)["last_error"], "it broke");
  task.state = TaskState::kSucceeded;
  EXPECT_TRUE(task_view(task, std::nullopt)["last_error"].is_null());
}

TEST(StatusView, ProgressShowsWhileRunning) {
  const queue::LiveProgress progress{"transcribe", 0.123456, 7.04};
  const Json running = task_view(task_in(TaskState::kRunning), progress)["progress"];
  EXPECT_EQ(running["stage"], "transcribe");
  EXPECT_DOUBLE_EQ(running["fraction"], 0.1235);
  EXPECT_DOUBLE_EQ(running["seconds_left"], 7.0);
  EXPECT_TRUE(task_view(task_in(TaskState::kSucceeded), progress)["progress"].is_null());
  EXPECT_TRUE(task_view(task_in(TaskState::kRunning), std::nullopt)["progress"].is_null());
  const Json view = task_view(task_in(TaskState::kRunning), queue::LiveProgress{"decode", 0, {}});
  EXPECT_TRUE(view["progress"]["seconds_left"].is_null());
}

TEST(StatusView, KeysOfResults) {
  EXPECT_EQ(result_keys_of("en"), jobs::ResultKeys::kEnglish);
  EXPECT_EQ(result_keys_of("vi"), jobs::ResultKeys::kVietnamese);
  EXPECT_EQ(result_keys_of("both"), jobs::ResultKeys::kBoth);
  EXPECT_FALSE(result_keys_of("EN"));
  EXPECT_FALSE(result_keys_of(""));
}

}  // namespace
}  // namespace maie::server
