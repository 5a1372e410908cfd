// POST /v1/process and /v1/process-sync: what is checked in which order, and what a repeated
// request gets.
#include <fstream>

#include "tests/server/openai_fixture.h"

namespace maie::server {
namespace {

class Submission : public OpenAiRoutes {
 protected:
  Submission() { with_job_api_ = settings_.api.process_sync = true; }

  http::Request recording(Fields fields, const std::string& bytes = "RIFF and some audio",
                          const std::string& path = "/v1/process") {
    return upload(std::move(fields), bytes, path);
  }
  Client submit(Fields fields, const std::string& bytes = "RIFF and some audio") {
    return send(recording(std::move(fields), bytes));
  }
  http::Request with_key(http::Request request, const std::string& key) {
    request.headers.set("Idempotency-Key", key);
    return request;
  }
  std::string count_of(const std::string& sample) {
    const std::string page = metrics_.render(*queue_, false);
    const size_t at = page.find(sample + " ");
    if (at == page.npos) return "none";
    return page.substr(at + sample.size() + 1, page.find('\n', at) - at - sample.size() - 1);
  }
  void fill_queue(queue::Lane lane) {
    settings_.queue.max_depth = 1;
    ASSERT_TRUE(
        queue_->submit({.id = new_task_id(), .kind = "text", .lane = lane}, {}).has_value());
  }
};

const std::string kFull = "maie_admission_rejections_total{reason=\"queue_full\"}";

// docs/spec/service.md, 1.5: schema, backend, file, its kind, template, queue, size.
TEST_F(Submission, ChecksInTheOrderOfTheSpecification) {
  settings_.api.max_file_size_mb = 1e-5;  // ten bytes
  fill_queue(queue::Lane::kBatch);
  begin(nullptr);
  const Fields no_template = {{"features", "summary"}};
  const auto and_backend = [](Fields fields) {
    fields.emplace_back("asr_backend", "nope");
    return fields;
  };
  const auto and_vad = [](Fields fields) {
    fields.emplace_back("vad_threshold", "2");
    return fields;
  };
  EXPECT_EQ(refusal(submit(and_vad(and_backend(no_template)), "%PDF-1.4")),
            "422 \"VALIDATION_ERROR\" \"vad_threshold\"");
  EXPECT_EQ(refusal(submit(and_backend(no_template), "%PDF-1.4")),
            "422 \"UNKNOWN_BACKEND\" \"asr_backend\"");
  http::Request fileless = recording(no_template);
  fileless.form.files.clear();
  EXPECT_EQ(refusal(send(std::move(fileless))), "422 \"VALIDATION_ERROR\" \"file\"");
  EXPECT_EQ(refusal(submit(no_template, "%PDF-1.4")), "415 \"UNSUPPORTED_FORMAT\" \"file\"");
  EXPECT_EQ(refusal(submit(no_template)), "422 \"VALIDATION_ERROR\" \"template_id\"");
  EXPECT_EQ(refusal(submit({})), "429 \"QUEUE_FULL\" null");
  settings_.queue.max_depth = 2;
  EXPECT_EQ(refusal(submit({})), "413 \"FILE_TOO_LARGE\" \"file\"");
  settings_.api.max_file_size_mb = 1;
  EXPECT_EQ(json_of(submit({}))["status"], "PENDING");
  EXPECT_EQ(recordings(), 1u);
}

TEST_F(Submission, SyncLooksForRoomBeforeItKeepsTheUpload) {
  fill_queue(queue::Lane::kInteractive);
  begin(nullptr);
  settings_.paths.audio_dir = folder_ / "nowhere";  // keeping anything fails with 404 or 503
  EXPECT_EQ(refusal(send(recording({}, "RIFF", "/v1/process-sync"))), "429 \"QUEUE_FULL\" null");
  EXPECT_EQ(count_of(kFull), "1");
  EXPECT_EQ(refusal(submit({}, "%PDF-1.4")), "415 \"UNSUPPORTED_FORMAT\" \"file\"");
  EXPECT_EQ(count_of(kFull), "1");
}

TEST_F(Submission, SyncRepeatedUnderItsKeyGetsTheFirstResult) {
  begin([](FakeWorker::Run& run) { run.succeed({}); });
  const auto ask = [this](const std::string& bytes) {
    return send(with_key(recording({}, bytes, "/v1/process-sync"), "once"));
  };
  const Json first = json_of(ask("RIFF one"));
  EXPECT_EQ(first["status"], "COMPLETE") << first;
  EXPECT_EQ(json_of(ask("RIFF one"))["task_id"], first["task_id"]);
  EXPECT_EQ(worker_->tasks(), 1);
  EXPECT_EQ(refusal(ask("RIFF two")), "409 \"IDEMPOTENCY_CONFLICT\" null");
  EXPECT_EQ(recordings(), 0u);  // neither of the answered, nor of the repeated, nor of the refused
}

TEST_F(Submission, WithoutKeyEveryRequestIsWorkOfItsOwn) {
  begin([](FakeWorker::Run& run) { run.succeed({}); });
  const Json first = json_of(send(recording({}, "RIFF", "/v1/process-sync")));
  const Json second = json_of(send(recording({}, "RIFF", "/v1/process-sync")));
  EXPECT_NE(first["task_id"], second["task_id"]);
  EXPECT_EQ(worker_->tasks(), 2);
}

TEST_F(Submission, KeysAreVisibleText) {
  begin(nullptr);
  for (const char* path : {"/v1/process", "/v1/process-sync"}) {
    for (const std::string& key : {std::string(), std::string(256, 'x'), std::string("a b")}) {
      EXPECT_EQ(refusal(send(with_key(recording({}, "RIFF", path), key))),
                "422 \"VALIDATION_ERROR\" \"Idempotency-Key\"")
          << path << " '" << key << "'";
    }
  }
  EXPECT_EQ(recordings(), 0u);
  EXPECT_TRUE(tasks().empty());
}

TEST_F(Submission, AKeyIsAnsweredAlsoByAFullQueue) {
  settings_.queue.max_depth = 1;
  begin(nullptr);
  const Json first = json_of(send(with_key(recording({}), "again")));
  EXPECT_EQ(json_of(send(with_key(recording({}), "again")))["task_id"], first["task_id"]);
  EXPECT_EQ(refusal(send(with_key(recording({}), "new"))), "429 \"QUEUE_FULL\" null");
  EXPECT_EQ(count_of(kFull), "1");
  EXPECT_EQ(recordings(), 1u);
}

}  // namespace
}  // namespace maie::server
