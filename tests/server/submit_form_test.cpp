#include "server/submit_form.h"

#include <gtest/gtest.h>

namespace maie::server {
namespace {

using Fields = std::vector<std::pair<std::string, std::string>>;

std::variant<jobs::AudioJob, ApiError> read(Fields fields) {
  http::Form form;
  form.fields = std::move(fields);
  return audio_job_of(form, config::Settings());
}
jobs::AudioJob job_of(Fields fields) {
  auto job = read(std::move(fields));
  if (const auto* error = std::get_if<ApiError>(&job)) {
    ADD_FAILURE() << error->message;
    return {};
  }
  return std::get<jobs::AudioJob>(std::move(job));
}
// "status CODE param", or "accepted".
template <class Job>
std::string verdict(const std::variant<Job, ApiError>& job) {
  const auto* error = std::get_if<ApiError>(&job);
  if (error == nullptr) return "accepted";
  return std::to_string(error->status) + " " + error->code + " " + error->param;
}

TEST(SubmitForm, WithoutFieldsTheSettingsCount) {
  const jobs::AudioJob job = job_of({});
  EXPECT_EQ(job.asr_backend, "whisper");
  EXPECT_TRUE(job.features.clean_transcript);
  EXPECT_FALSE(job.features.summary);
  EXPECT_FALSE(job.vad.has_value());
  EXPECT_FALSE(job.vad_threshold.has_value());
  EXPECT_EQ(job.language, "");
}

TEST(SubmitForm, TakesTheFields) {
  const jobs::AudioJob job = job_of({{"features", "summary"},
                                     {"features", "raw_transcript"},
                                     {"template_id", " meeting_notes_v2 "},
                                     {"asr_backend", " WhisPer "},
                                     {"enable_vad", "Off"},
                                     {"vad_threshold", "0.25"},
                                     {"language", "vi-VN"}});
  EXPECT_TRUE(job.features.summary && job.features.raw_transcript);
  EXPECT_FALSE(job.features.clean_transcript);
  EXPECT_EQ(job.template_id, "meeting_notes_v2");
  EXPECT_EQ(job.asr_backend, "whisper");
  EXPECT_EQ(job.vad, false);
  EXPECT_EQ(job.vad_threshold, 0.25);
  EXPECT_EQ(job.language, "vi");
}

TEST(SubmitForm, BooleansComeInManyWords) {
  for (const char* yes : {"true", "1", "YES", "on", "t", "Y"}) {
    EXPECT_EQ(job_of({{"enable_vad", yes}}).vad, true) << yes;
  }
  for (const char* no : {"False", "0", "no", "OFF", "f", "n"}) {
    EXPECT_EQ(job_of({{"enable_vad", no}}).vad, false) << no;
  }
  EXPECT_FALSE(job_of({{"enable_vad", ""}}).vad.has_value());
  for (const char* neither : {"perhaps", "2", "{}", "tru"}) {
    EXPECT_EQ(verdict(read({{"enable_vad", neither}})), "422 VALIDATION_ERROR enable_vad");
  }
}

TEST(SubmitForm, ThresholdsAreFrom0To1) {
  for (const char* good : {"0", "1", "0.5", "1e-3"}) {
    EXPECT_TRUE(job_of({{"vad_threshold", good}}).vad_threshold.has_value()) << good;
  }
  for (const char* bad : {"-0.1", "1.01", "nan", "inf", "half", "0,5", "0.5x"}) {
    EXPECT_EQ(verdict(read({{"vad_threshold", bad}})), "422 VALIDATION_ERROR vad_threshold") << bad;
  }
}

TEST(SubmitForm, WhatIsNotThereIsRefusedAndNotIgnored) {
  EXPECT_EQ(verdict(read({{"enable_diarization", "yes"}})),
            "422 VALIDATION_ERROR enable_diarization");
  EXPECT_EQ(verdict(read({{"enable_diarization", "no"}})), "accepted");
  EXPECT_EQ(verdict(read({{"enable_diarization", "x"}})),
            "422 VALIDATION_ERROR enable_diarization");
  EXPECT_EQ(verdict(read({{"asr_backend", "chunkformer"}})), "422 UNKNOWN_BACKEND asr_backend");
  EXPECT_EQ(verdict(read({{"language", "klingon"}})), "422 VALIDATION_ERROR language");
}

TEST(SubmitForm, AnUnknownBackendIsToldWhichThereAre) {
  const auto job = read({{"asr_backend", std::string(1000, 'x')}});
  const auto& error = std::get<ApiError>(job);
  EXPECT_EQ(error.message, "Invalid 'asr_backend'");
  EXPECT_EQ(error.details["allowed"], Json({"whisper"}));
  EXPECT_EQ(error.details["received"].get<std::string>().size(), 100u);
}

TEST(SubmitForm, ASummaryNeedsATemplate) {
  jobs::AudioJob job = job_of({{"features", "summary"}});
  const auto error = missing_template(job);
  ASSERT_TRUE(error);
  EXPECT_EQ(error->status, 422);
  EXPECT_EQ(error->message, "template_id is required when summary is in features");
  EXPECT_EQ(error->details["required_field"], "template_id");
  job.template_id = "x";
  EXPECT_FALSE(missing_template(job));
  EXPECT_FALSE(missing_template(job_of({{"features", "raw_transcript"}})));
  EXPECT_FALSE(missing_template(job_of({{"template_id", "x"}})));
}

TEST(SubmitText, TakesItsMembers) {
  const auto read = text_job_of(
      R"({"text": " Xin chào ", "features": ["clean_transcript"], "template_id": null, "more": 1})");
  ASSERT_EQ(verdict(read), "accepted");
  const auto& job = std::get<jobs::TextJob>(read);
  EXPECT_EQ(job.text, " Xin chào ");
  EXPECT_TRUE(job.features.clean_transcript);
  EXPECT_FALSE(job.features.summary);
}

TEST(SubmitText, IsSummedUpWithoutFeatures) {
  for (const char* features :
       {"", R"(, "features": null)", R"(, "features": [])", R"(, "features": "")"}) {
    const std::string body = R"({"text": "a", "template_id": "t")" + std::string(features) + "}";
    const auto read = text_job_of(body);
    ASSERT_EQ(verdict(read), "accepted") << body;
    EXPECT_TRUE(std::get<jobs::TextJob>(read).features.summary) << body;
    EXPECT_EQ(verdict(text_job_of(R"({"text": "a")" + std::string(features) + "}")),
              "422 VALIDATION_ERROR template_id");
  }
}

TEST(SubmitText, WrongBodiesAreRefusedWithTheirMember) {
  const std::pair<const char*, const char*> rows[] = {
      {"", "body"},
      {"{", "body"},
      {"[]", "body"},
      {"5", "body"},
      {"{}", "text"},
      {R"({"text": 5})", "text"},
      {R"({"text": ""})", "text"},
      {R"({"text": " \n\t "})", "text"},
      {R"({"text": "a", "features": 5})", "features"},
      {R"({"text": "a", "features": ["x"]})", "features"},
      {R"({"text": "a", "template_id": 5})", "template_id"},
  };
  for (const auto& [body, member] : rows) {
    const auto read = text_job_of(body);
    EXPECT_EQ(verdict(read), "422 VALIDATION_ERROR " + std::string(member)) << body;
    const auto* error = std::get_if<ApiError>(&read);
    ASSERT_NE(error, nullptr);
    EXPECT_EQ(error->extra[0]["key"], member) << body;
    EXPECT_EQ(error->extra[0]["source"], "body");
  }
}

}  // namespace
}  // namespace maie::server
