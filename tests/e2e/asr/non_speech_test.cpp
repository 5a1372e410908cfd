// What is not speech gives no words: with the energy gate, with Silero, and where voice activity is
// off and the recogniser alone has to see that nobody speaks.
//
// MAIE_LONG_TESTS=1 listens to half an hour of every sound instead of sharing it among the sounds
// of a kind.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "tests/e2e/asr/sounds.h"
#include "tests/e2e/asr/support.h"

namespace maie::e2e {
namespace {

void expect_no_words(const pipeline::Transcript& transcript, const std::string& what) {
  for (const pipeline::Segment& segment : transcript.segments) {
    ADD_FAILURE() << what << ": " << segment.start_s << " to " << segment.end_s << " s, "
                  << segment.avg_logprob << ":" << segment.text;
  }
}

audio::Clip recorded(Generator sound, double seconds) {
  Result<audio::Clip> clip = record(std::move(sound), seconds);
  if (!clip.has_value()) throw std::runtime_error(clip.error().message());
  return std::move(*clip);
}

std::unique_ptr<pipeline::Transcriber> load_with_energy_gate() {
  return load({.model_path = {}, .vad_model_path = pipeline::kEnergyGate});
}

class NonSpeech : public ::testing::TestWithParam<NamedSound> {};

TEST_P(NonSpeech, GivesNoWordsThroughTheEnergyGate) {
  const double minutes = kSanitized ? 0.5 : long_tests() ? 30 : GetParam().minutes;
  const pipeline::Transcript transcript =
      transcribe(*load_with_energy_gate(), recorded(GetParam().make(), 60 * minutes), {});
  EXPECT_EQ(transcript.vad, "energy");
  EXPECT_EQ(transcript.duration_s, 60 * minutes);
  expect_no_words(transcript, GetParam().name);
}

TEST_P(NonSpeech, GivesNoWordsThroughTheNetwork) {
  const double minutes = kSanitized ? 0.2 : long_tests() ? 30 : 1;
  const pipeline::Transcript transcript =
      transcribe(*load_mini(), recorded(GetParam().make(), 60 * minutes), {});
  EXPECT_EQ(transcript.vad, "silero");
  expect_no_words(transcript, GetParam().name);
}

TEST_P(NonSpeech, GivesNoWordsWithoutVoiceActivity) {
  pipeline::TranscribeOptions options;
  options.vad = false;
  // The first guess is the surest: without a second one, nothing but the last gate can take it out.
  options.beam_size = 1;
  options.temperatures = {0};
  const pipeline::Transcript transcript =
      transcribe(*load_mini(), recorded(GetParam().make(), kSanitized ? 6 : 15), options);
  EXPECT_EQ(transcript.vad, "off");
  expect_no_words(transcript, GetParam().name);
}

INSTANTIATE_TEST_SUITE_P(Sounds, NonSpeech, ::testing::ValuesIn(steady_sounds()),
                         [](const auto& info) { return info.param.name; });

TEST(NonSpeechAllSounds, GiveNoWordsThroughThePublishedWeights) {
  const char* data = std::getenv("MAIE_TEST_DATA");
  const std::string weights =
      std::string(data != nullptr ? data : "") + "/silero/silero_vad_v6.2_16k.safetensors";
  if (data == nullptr || !std::filesystem::exists(weights)) {
    GTEST_SKIP() << "needs MAIE_TEST_DATA with silero/silero_vad_v6.2_16k.safetensors";
  }
  const auto transcriber = load({.model_path = kMiniModel, .vad_model_path = weights});
  for (const NamedSound& sound : steady_sounds()) {
    const double seconds = long_tests() ? 1800 : kSanitized ? 10 : 60;
    const pipeline::Transcript transcript =
        transcribe(*transcriber, recorded(sound.make(), seconds), {});
    EXPECT_EQ(transcript.vad, "silero");
    expect_no_words(transcript, sound.name);
  }
}

TEST(NonSpeechSomeSounds, GiveNoWordsThroughTheTemperatureLadder) {
  const auto transcriber = load_mini();
  pipeline::TranscribeOptions options;
  options.vad = false;
  expect_no_words(transcribe(*transcriber, recorded(noise(Colour::kWhite, -30, 1), 20), options),
                  "noise");
  if (kSanitized) return;
  expect_no_words(transcribe(*transcriber, recorded(beeps(150, 0.5, -12), 20), options), "beeps");
}

// Chords with a beat wake both detectors now and then: nothing of them may become words.
class Music : public ::testing::TestWithParam<bool> {};

TEST_P(Music, GivesNoWords) {
  const auto transcriber = GetParam() ? load_mini() : load_with_energy_gate();
  for (const double beats_per_minute : {60, 90, 120, 150}) {
    const double seconds = kSanitized ? 20 : 30;
    const pipeline::Transcript transcript = transcribe(
        *transcriber, recorded(chords(beats_per_minute, -20, uint64_t(beats_per_minute)), seconds),
        {});
    expect_no_words(transcript, std::to_string(beats_per_minute) + " beats a minute");
    // What was heard and not believed is said.
    EXPECT_EQ(transcript.dropped.empty(), transcript.speech.empty());
  }
}

INSTANTIATE_TEST_SUITE_P(Detectors, Music, ::testing::Bool(),
                         [](const auto& info) { return info.param ? "Network" : "EnergyGate"; });

}  // namespace
}  // namespace maie::e2e
