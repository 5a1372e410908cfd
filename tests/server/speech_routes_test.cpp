#include <random>

#include "server/openapi.h"
#include "tests/server/openai_fixture.h"
#include "tests/server/openapi_rules.h"
#include "text/utf8.h"

namespace maie::server {
namespace {

using namespace std::chrono_literals;
using jobs::ReadyEvent;
using jobs::SegmentEvent;
using FakeRun = FakeWorker::Run;

pipeline::Transcript transcript_of(const std::vector<std::string>& texts) {
  pipeline::Transcript transcript;
  transcript.language = "en";
  transcript.language_probability = 1;
  transcript.duration_s = double(texts.size());
  for (const std::string& text : texts) {
    pipeline::Segment segment;
    segment.start_s = double(transcript.segments.size());
    segment.end_s = segment.start_s + 1;
    segment.text = text;
    segment.tokens = {1, 2};
    transcript.segments.push_back(segment);
  }
  return transcript;
}

jobs::StoredResult result_of(const pipeline::Transcript& transcript) {
  jobs::StoredResult result;
  result.transcript = transcript;
  result.model = "whisper";
  return result;
}

void say(FakeRun& run, const std::vector<std::string>& texts) {
  const pipeline::Transcript transcript = transcript_of(texts);
  run.tell(ReadyEvent{transcript.duration_s});
  for (const pipeline::Segment& segment : transcript.segments) run.tell(SegmentEvent{segment});
  run.succeed(result_of(transcript));
}

const std::vector<std::string> kTalk = {" Good morning.", " All here?", " Yes."};

void say_the_talk(FakeRun& run) { say(run, kTalk); }

TEST_F(OpenAiRoutes, TranscribeInEveryForm) {
  begin(say_the_talk);
  EXPECT_EQ(json_of(transcribe({}))["text"], "Good morning. All here? Yes.");
  EXPECT_EQ(json_of(transcribe({}))["usage"], Json::parse(R"({"type": "duration", "seconds": 3})"));
  const Json verbose = json_of(transcribe({{"response_format", "verbose_json"}}));
  EXPECT_EQ(verbose["segments"].size(), 3u);
  EXPECT_EQ(verbose["language"], "english");
  const Client text = transcribe({{"response_format", "text"}});
  ASSERT_TRUE(text->wait());
  EXPECT_EQ(text->body(), "Good morning. All here? Yes.\n");
  const Client vtt = transcribe({{"response_format", "vtt"}});
  ASSERT_TRUE(vtt->wait());
  EXPECT_EQ(vtt->head().content_type, "text/vtt; charset=utf-8");
  EXPECT_TRUE(vtt->body().starts_with("WEBVTT\n\n"));
  const Client srt = transcribe({{"response_format", "srt"}});
  ASSERT_TRUE(srt->wait());
  EXPECT_EQ(srt->head().content_type, "text/plain; charset=utf-8");
}

TEST_F(OpenAiRoutes, TheTaskIsWhatTheFormSaid) {
  std::optional<jobs::SpeechJob> job;
  std::string kind, content;
  begin([&](FakeRun& run) {
    job = run.job<jobs::SpeechJob>();
    kind = run.task().kind;
    content = read_file(settings_.paths.audio_dir + "/" + job->audio, 1000).value();
    say_the_talk(run);
  });
  const Client client = transcribe({{"language", "Vietnamese"},
                                    {"model", "whisper-1"},
                                    {"temperature", "0.5"},
                                    {"prompt", "Xin chào"}},
                                   "RIFF bytes");
  ASSERT_TRUE(client->wait());
  EXPECT_EQ(kind, "transcription");
  EXPECT_EQ(content, "RIFF bytes");
  EXPECT_TRUE(job->audio.ends_with("/raw.mp3"));
  EXPECT_EQ(job->file_name, "talk.mp3");
  EXPECT_EQ(job->options.language, "vi");
  EXPECT_EQ(job->options.initial_prompt, "Xin chào");
  EXPECT_EQ(job->options.temperatures, std::vector<double>{0.5});
}

TEST_F(OpenAiRoutes, Translate) {
  std::string kind;
  begin([&](FakeRun& run) {
    kind = run.task().kind;
    if (run.job<jobs::SpeechJob>().options.language == "ja") {
      return run.fail("VALIDATION_ERROR", "this model cannot translate; leave out --task");
    }
    say_the_talk(run);
  });
  const std::string path = "/v1/audio/translations";
  EXPECT_EQ(json_of(send(upload({}, "RIFF a", path))),
            Json::parse(R"({"text": "Good morning. All here? Yes."})"));
  EXPECT_EQ(kind, "translation");
  const Json verbose = json_of(send(upload({{"response_format", "verbose_json"}}, "RIFF a", path)));
  EXPECT_EQ(verbose["task"], "translate");
  EXPECT_EQ(refusal(send(upload({{"language", "ja"}}, "RIFF a", path))),
            "400 \"unsupported_value\" \"model\"");
}

TEST_F(OpenAiRoutes, StreamsAreTheTextInPieces) {
  std::mt19937 random(3);
  const std::u32string text = text::decode_utf8(
      " Xin chào các bạn. 大家好，我们开始吧。 Emoji 👩‍👩‍👧 and 🎉 "
      "too! "
      " "
      "Last "
      "words.");
  std::vector<std::string> cut;
  begin([&](FakeRun& run) { say(run, cut); });
  for (int round = 0; round < 40; ++round) {
    cut.clear();
    for (size_t at = 0; at < text.size();) {
      const size_t size = std::min<size_t>(1 + random() % 9, text.size() - at);
      cut.push_back(text::encode_utf8(text.substr(at, size)));
      at += size;
    }
    const Client client = transcribe({{"stream", "true"}}, "RIFF " + std::to_string(round));
    ASSERT_TRUE(client->wait());
    EXPECT_EQ(client->head().content_type, "text/event-stream; charset=utf-8");
    EXPECT_EQ(client->head().headers.get("Cache-Control"), "no-store");
    EXPECT_EQ(client->head().headers.get("X-Accel-Buffering"), "no");
    const std::vector<Json> events = events_of(client->body());
    ASSERT_FALSE(events.empty());
    std::string sent;
    for (size_t i = 0; i + 1 < events.size(); ++i) {
      ASSERT_EQ(events[i]["type"], "transcript.text.delta");
      sent += events[i]["delta"].get<std::string>();
    }
    EXPECT_EQ(events.back()["type"], "transcript.text.done");
    EXPECT_EQ(events.back()["text"], sent);
    EXPECT_EQ(sent, text::strip(text::encode_utf8(text)));
    EXPECT_EQ(events.back()["usage"]["type"], "tokens");
    EXPECT_EQ(client->body().find("[DONE]"), std::string::npos);
  }
}

TEST_F(OpenAiRoutes, SilenceStreamsOneEvent) {
  begin([](FakeRun& run) { say(run, {}); });
  const Client client = transcribe({{"stream", "true"}});
  ASSERT_TRUE(client->wait());
  const std::vector<Json> events = events_of(client->body());
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0]["text"], "");
}

TEST_F(OpenAiRoutes, AStreamBeginsWhenTheRecordingIsDecoded) {
  std::atomic<bool> go{false};
  begin([&](FakeRun& run) {
    while (!go) std::this_thread::sleep_for(5ms);
    run.tell(ReadyEvent{1});
    std::this_thread::sleep_for(200ms);
    say_the_talk(run);
  });
  const Client client = transcribe({{"stream", "true"}});
  EXPECT_FALSE(client->wait_for_head(300ms));
  go = true;
  ASSERT_TRUE(client->wait_for_head(2s));
  EXPECT_FALSE(client->is_complete());
  EXPECT_EQ(client->status(), 200);
  ASSERT_TRUE(client->wait());
}

TEST_F(OpenAiRoutes, ASilentStreamIsKeptAlive) {
  settings_.server.event_keep_alive_s = 0.4;
  std::atomic<bool> go{false};
  begin([&](FakeRun& run) {
    run.tell(ReadyEvent{1});
    while (!go) std::this_thread::sleep_for(5ms);
    say_the_talk(run);
  });
  const Client client = transcribe({{"stream", "true"}});
  ASSERT_TRUE(client->wait_for_head());
  EXPECT_TRUE(client->wait_for_text(": keep-alive\n\n", 1s));
  go = true;
  ASSERT_TRUE(client->wait());
  EXPECT_EQ(events_of(client->body()).back()["type"], "transcript.text.done");
}

TEST_F(OpenAiRoutes, FailuresAreErrorsOfTheApi) {
  std::string code, message;
  begin([&](FakeRun& run) { run.fail(code, message); });
  code = "AUDIO_VALIDATION_ERROR";
  message = "Audio validation failed: no audio";
  for (const char* stream : {"true", "false"}) {
    const Client client = transcribe({{"stream", stream}});
    EXPECT_EQ(refusal(client), "400 \"audio_unreadable\" \"file\"");
    EXPECT_EQ(client->answers(), 1);
  }
  code = "MODEL_MEMORY_ERROR";
  const Client memory = transcribe({});
  EXPECT_EQ(refusal(memory), "503 \"insufficient_memory\" null");
  EXPECT_TRUE(memory->head().headers.has("Retry-After"));
  code = "ASR_PROCESSING_ERROR";
  const Client fault = transcribe({});
  EXPECT_EQ(refusal(fault), "500 \"internal\" null");
  EXPECT_EQ(fault->head().headers.get("x-should-retry"), "false");
  EXPECT_TRUE(wait_for_tasks(0)) << "what failed and was told is gone";
  EXPECT_EQ(recordings(), 0u);
}

TEST_F(OpenAiRoutes, AFailureInMidStreamIsItsLastEvent) {
  begin([](FakeRun& run) {
    run.tell(ReadyEvent{3});
    run.tell(SegmentEvent{transcript_of(kTalk).segments[0]});
    run.fail("ASR_PROCESSING_ERROR", "the recogniser failed");
  });
  const Client client = transcribe({{"stream", "true"}});
  ASSERT_TRUE(client->wait());
  EXPECT_EQ(client->status(), 200);
  const std::vector<Json> events = events_of(client->body());
  ASSERT_EQ(events.size(), 2u);
  EXPECT_EQ(events[0]["delta"], "Good morning.");
  EXPECT_EQ(events[1]["error"]["message"], "the recogniser failed");
  EXPECT_EQ(events[1]["error"]["type"], "server_error");
  EXPECT_EQ(events[1]["error"]["code"], "internal");
}

TEST_F(OpenAiRoutes, ALostWorkerIsNotSeenInTheStream) {
  begin([](FakeRun& run) {
    if (run.task().attempts > 1) return say_the_talk(run);
    run.tell(ReadyEvent{3});
    run.tell(SegmentEvent{transcript_of(kTalk).segments[0]});
    run.tell(SegmentEvent{transcript_of(kTalk).segments[1]});
    std::this_thread::sleep_for(100ms);
    run.fail("WORKER_LOST", "the worker died", true);
  });
  const Client client = transcribe({{"stream", "true"}});
  ASSERT_TRUE(client->wait());
  std::string sent;
  const std::vector<Json> events = events_of(client->body());
  for (const Json& event : events) sent += json_string(event, "delta", "");
  EXPECT_EQ(sent, "Good morning. All here? Yes.");
  EXPECT_EQ(events.back()["text"], sent);
  EXPECT_EQ(worker_->tasks(), 2);
}

TEST_F(OpenAiRoutes, AClientThatLeavesStopsItsTask) {
  std::atomic<bool> stopped{false};
  begin([&](FakeRun& run) {
    run.tell(ReadyEvent{3});
    stopped = run.stop_when_asked();
  });
  for (const char* stream : {"true", "false"}) {
    stopped = false;
    const Client client = transcribe({{"stream", stream}}, "RIFF " + std::string(stream));
    std::this_thread::sleep_for(100ms);
    const auto start = std::chrono::steady_clock::now();
    client->disconnect();
    EXPECT_TRUE(wait_for_tasks(0));
    EXPECT_TRUE(stopped);
    EXPECT_LT(std::chrono::steady_clock::now() - start, 2s);
    EXPECT_EQ(recordings(), 0u);
  }
}

TEST_F(OpenAiRoutes, AClientThatLeavesBeforeTheWorkTakesItOutOfTheQueue) {
  begin(nullptr);
  const Client client = transcribe({});
  EXPECT_EQ(tasks().size(), 1u);
  client->disconnect();
  EXPECT_TRUE(wait_for_tasks(0));
  EXPECT_EQ(recordings(), 0u);
}

TEST_F(OpenAiRoutes, ARepeatedSubmitJoinsTheFirst) {
  std::atomic<bool> go{false};
  begin([&](FakeRun& run) {
    while (!go) std::this_thread::sleep_for(5ms);
    say_the_talk(run);
  });
  const Client first = transcribe({}), second = transcribe({}), leaving = transcribe({});
  const Client other = transcribe({{"temperature", "0.1"}});
  EXPECT_EQ(tasks().size(), 2u);
  EXPECT_EQ(recordings(), 2u);
  leaving->disconnect();
  go = true;
  EXPECT_EQ(json_of(first), json_of(second));
  EXPECT_EQ(json_of(first)["text"], "Good morning. All here? Yes.");
  ASSERT_TRUE(other->wait());
  EXPECT_EQ(worker_->tasks(), 2);
  // The answer that was lost on its way costs no second run either.
  EXPECT_EQ(json_of(transcribe({})), json_of(first));
  EXPECT_EQ(worker_->tasks(), 2);
}

TEST_F(OpenAiRoutes, WhatFailedIsTriedAnewWhenItIsSubmittedAnew) {
  std::atomic<int> runs{0};
  begin([&](FakeRun& run) {
    if (++runs == 1) return run.fail("ASR_PROCESSING_ERROR", "no luck");
    say_the_talk(run);
  });
  EXPECT_EQ(refusal(transcribe({})), "500 \"internal\" null");
  EXPECT_EQ(json_of(transcribe({}))["text"], "Good morning. All here? Yes.");
}

TEST_F(OpenAiRoutes, AnIdempotencyKeyIsForOneRequest) {
  begin(say_the_talk);
  const auto with_key = [&](const std::string& key, const std::string& bytes) {
    http::Request request = upload({}, "RIFF " + bytes);
    request.headers.set("Idempotency-Key", key);
    return send(std::move(request));
  };
  EXPECT_EQ(json_of(with_key("k1", "a"))["text"], "Good morning. All here? Yes.");
  EXPECT_EQ(json_of(with_key("k1", "a"))["text"], "Good morning. All here? Yes.");
  EXPECT_EQ(worker_->tasks(), 1);
  const Client conflict = with_key("k1", "b");
  EXPECT_EQ(refusal(conflict), "409 \"idempotency_conflict\" null");
  EXPECT_EQ(conflict->head().headers.get("x-should-retry"), "false");
  EXPECT_EQ(refusal(with_key("k 1", "a")), "400 \"invalid_value\" \"Idempotency-Key\"");
  EXPECT_EQ(refusal(with_key(std::string(256, 'k'), "a")),
            "400 \"invalid_value\" \"Idempotency-Key\"");
}

TEST_F(OpenAiRoutes, RespondAsyncMakesAJob) {
  begin(say_the_talk);
  http::Request request = upload({});
  request.headers.set("prefer", "wait=10, Respond-Async");
  const Client client = send(std::move(request));
  ASSERT_TRUE(client->wait(0ms));
  EXPECT_EQ(client->status(), 202);
  EXPECT_EQ(client->head().headers.get("Preference-Applied"), "respond-async");
  ASSERT_EQ(tasks().size(), 1u);
  const queue::Task task = tasks()[0];
  EXPECT_EQ(client->head().headers.get("Location"), "/v1/tasks/" + task.id);
  EXPECT_EQ(json_of(client)["task_id"], task.id);
  EXPECT_EQ(task.lane, queue::Lane::kBatch);
  EXPECT_EQ(task.kind, "transcription");
  EXPECT_EQ(task.owner, "key-1");
  client->disconnect();
  std::this_thread::sleep_for(50ms);
  EXPECT_EQ(tasks()[0].state, queue::TaskState::kQueued) << "a job outlives its client";
}

TEST_F(OpenAiRoutes, WrongRequestsAreRefusedBeforeTheyAreQueued) {
  settings_.queue.max_depth = 2;
  settings_.api.max_file_size_mb = 0.001;
  begin(nullptr);
  EXPECT_EQ(refusal(transcribe({{"model", "nobody/nothing"}})),
            "404 \"model_not_found\" \"model\"");
  EXPECT_EQ(refusal(transcribe({{"model", "lm"}})), "404 \"model_not_found\" \"model\"");
  EXPECT_EQ(refusal(transcribe({{"model", "gpt-4o-transcribe-diarize"}})),
            "400 \"unsupported_value\" \"model\"");
  EXPECT_EQ(refusal(transcribe({{"language", "xx"}})), "400 \"invalid_value\" \"language\"");
  EXPECT_EQ(refusal(transcribe({}, "\x89PNG\r\n and so on")), "400 \"audio_unreadable\" \"file\"");
  EXPECT_EQ(refusal(transcribe({}, "RIFF" + std::string(2000, 'x'))),
            "413 \"file_too_large\" \"file\"");
  EXPECT_EQ(refusal(transcribe({}, "")), "400 \"audio_unreadable\" \"file\"");
  EXPECT_EQ(tasks().size(), 0u);
  EXPECT_EQ(recordings(), 0u);

  const Client one = transcribe({}, "RIFF 1"), two = transcribe({}, "RIFF 2"),
               three = transcribe({}, "RIFF 3");
  EXPECT_EQ(refusal(three), "429 \"queue_full\" null");
  EXPECT_TRUE(three->head().headers.has("Retry-After"));
  EXPECT_EQ(recordings(), 2u);
}

TEST_F(OpenAiRoutes, ATaskThatIsRemovedByOthersIsAnAnswer) {
  begin(nullptr);
  const Client client = transcribe({});
  ASSERT_EQ(tasks().size(), 1u);
  ASSERT_TRUE(queue_->cancel(tasks()[0].id).has_value());
  EXPECT_EQ(refusal(client), "409 \"state_conflict\" null");
}

// The hub's thread may be at the end of a task when the routes go.
TEST_F(OpenAiRoutes, GoWhenNothingOfThemRunsAnyMore) {
  begin(nullptr);
  std::atomic<bool> told{false}, left{false};
  service_->task_ended = [&](const queue::Task&) {
    told = true;
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
    left = true;
  };
  const Client client = transcribe({});
  ASSERT_EQ(tasks().size(), 1u);
  ASSERT_TRUE(queue_->cancel(tasks()[0].id).has_value());
  for (int i = 0; i < 500 && !told; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  ASSERT_TRUE(told);
  router_.reset();
  EXPECT_TRUE(left);
}

TEST_F(OpenAiRoutes, AreDocumented) {
  begin(nullptr);
  const Json document = openapi_document(router_->routes());
  for (const std::string& problem : openapi_problems(document)) ADD_FAILURE() << problem;
  EXPECT_TRUE(document["paths"].contains("/v1/audio/transcriptions"));
  EXPECT_TRUE(document["paths"].contains("/v1/chat/completions"));
  for (const http::Route& route : router_->routes()) {
    EXPECT_EQ(route.errors, http::ErrorStyle::kOpenAi);
    EXPECT_EQ(route.needs_key, route.method == "POST");
  }
}

}  // namespace
}  // namespace maie::server
