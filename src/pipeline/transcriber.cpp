#include <algorithm>
#include <chrono>
#include <cmath>
#include <deque>

#include "audio/log_mel.h"
#include "base/file.h"
#include "base/guarded.h"
#include "base/log.h"
#include "formats/model_hash.h"
#include "pipeline/align.h"
#include "pipeline/decode_batch.h"
#include "pipeline/sentences.h"
#include "pipeline/tokenizer_of.h"
#include "pipeline/transcribe.h"
#include "pipeline/voice.h"
#include "search/row_math.h"
#include "search/time_map.h"
#include "search/window_segments.h"
#include "text/compression.h"

namespace maie::pipeline {
namespace {

constexpr int64_t kRate = audio::Clip::kRate;
constexpr int64_t kWindowSamples = 30 * kRate;
constexpr int kWindowFrames = audio::LogMel::kSegmentFrames;

// Where silence is likely, text must be likelier than elsewhere to be believed: the gate stands at
// this share of log_prob_threshold for a model without a no-speech token, whose certainty is all
// there is, and where the token's probability is above kSureOfSilence. Measured with two sets of
// mini weights: speech, also short, noisy or of words foreign to them, has an average
// log-probability of -0.25 and above; what they make of noises, hum, tones, chords, handled
// microphones, and of people, whom they do not understand, -0.53 and below.
constexpr double kStrictGate = 0.4;
constexpr double kSureOfSilence = 0.9;

std::string_view stripped(std::string_view text) {
  const size_t first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

std::vector<Word> spoken(std::span<const search::TimedWord> words) {
  std::vector<Word> out;
  for (const search::TimedWord& word : words) {
    if (!word.text.empty()) out.push_back({word.start, word.end, word.text, word.probability});
  }
  return out;
}

double confidence(std::span<const float> log_probs) {
  double sum = 0;
  for (const float log_prob : log_probs) sum += log_prob;
  return log_probs.empty() ? 0 : std::exp(sum / double(log_probs.size()));
}

bool is_candidate(const std::string& code, const TranscribeOptions& options) {
  const std::vector<std::string>& all = options.languages;
  return all.empty() || std::find(all.begin(), all.end(), code) != all.end();
}

// What every window of one recording shares.
struct Settings {
  const TranscribeOptions& options;
  BatchOptions batch;
  std::string language;
  std::vector<int> sot_sequence;
  std::vector<int> initial_prompt;
  std::vector<int> hotwords;
  bool timestamp_tokens = false;  // the model writes them
  bool align = false;             // words are timed by cross-attention
};

}  // namespace

class Transcriber::Engine {
 public:
  static Result<std::unique_ptr<Engine>> load(const TranscriberOptions& options);
  Status validate(const TranscribeOptions& options) const;
  Result<Transcript> transcribe(const audio::Clip& clip, const TranscribeOptions& options,
                                const TranscribeCallbacks& callbacks, const CancelToken& cancel);
  const ModelInfo& info() const { return info_; }
  std::string model_hash();

 private:
  Engine(const TranscriberOptions& options, text::WhisperTokenizer tokenizer)
      : options_(options),
        threads_(options.threads),
        stream_(threads_),
        tokenizer_(std::move(tokenizer)) {}

  search::TokenIds token_ids() const;
  Result<Settings> prepare(const TranscribeOptions& options) const;
  Status choose_language(Settings& settings, Transcript& transcript, ConstTensor mel);
  Status run_batched(const audio::Clip& clip, const Voice& voice, Settings& settings,
                     Transcript& transcript, const TranscribeCallbacks& callbacks,
                     const CancelToken& cancel);
  Status run_sequential(const audio::Clip& clip, const search::TimeMap* map, double offset_s,
                        Settings& settings, Transcript& transcript,
                        const TranscribeCallbacks& callbacks, const CancelToken& cancel);
  Result<WindowOutcome> decode_alone(const Settings& settings, std::vector<int> prompt,
                                     std::unique_ptr<whisper::Window> window, uint64_t seed,
                                     const CancelToken& cancel);
  // Segments of a decoded window with words where asked for; times as in `split`.
  Result<std::vector<Segment>> segments_of(const Settings& settings, const WindowOutcome& outcome,
                                           std::span<const search::TokenSegment> split,
                                           int64_t seek, int frames, double& last_speech);
  bool drop_if_unbelievable(const Settings& settings, const WindowOutcome& outcome, double start_s,
                            double end_s, Transcript& transcript) const;
  std::unique_ptr<whisper::Window> window_for_use();

  TranscriberOptions options_;
  ThreadPool threads_;
  Stream stream_;
  text::WhisperTokenizer tokenizer_;
  std::shared_ptr<const whisper::Weights> weights_;
  std::unique_ptr<whisper::Model> model_;
  std::optional<VoiceDetector> voice_;
  std::optional<audio::LogMel> log_mel_;
  std::vector<std::unique_ptr<whisper::Window>> spare_windows_;
  ModelInfo info_;
};

Result<std::unique_ptr<Transcriber::Engine>> Transcriber::Engine::load(
    const TranscriberOptions& options) {
  if (options.threads < 0 || options.threads > 1024) {
    return invalid_input("threads: from 1 to 1024, or 0 for one per core");
  }
  if (options.batch_size < 1 || options.max_rows < 1) {
    return invalid_input("batch size: at least 1");
  }
  MAIE_ASSIGN(std::shared_ptr<const whisper::Weights> weights,
              whisper::Weights::open(options.model_path));
  MAIE_ASSIGN(text::WhisperTokenizer tokenizer, tokenizer_of(*weights));
  MAIE_TRY(tokenizer.check_fits(weights->config().vocabulary).within(options.model_path));

  std::unique_ptr<Engine> engine(new Engine(options, std::move(tokenizer)));
  engine->weights_ = weights;
  MAIE_ASSIGN(engine->model_, whisper::Model::load(engine->stream_, weights,
                                                   {.compute_type = options.compute_type,
                                                    .max_rows = options.max_rows}));
  std::string vad = options.vad_model_path;
  if (vad.empty()) {
    vad = find_vad_weights(options.model_path);
  } else if (vad == kEnergyGate) {
    vad.clear();
  }
  MAIE_ASSIGN(engine->voice_, VoiceDetector::load(engine->stream_, vad));
  engine->log_mel_.emplace(weights->config().mel_bins);
  engine->info_ = {.path = options.model_path,
                   .source = weights->source_kind(),
                   .stored_type = weights->stored_type(),
                   .compute_type = std::string(to_string(engine->model_->compute_type())),
                   .vad = vad,
                   .sha256 = {},
                   .weight_bytes = engine->model_->weight_bytes()};
  return engine;
}

search::TokenIds Transcriber::Engine::token_ids() const {
  return {.vocabulary = model_->config().vocabulary,
          .eot = tokenizer_.eot(),
          .sot = tokenizer_.sot(),
          .start_of_prev = tokenizer_.start_of_previous().value_or(-1),
          .no_timestamps = tokenizer_.no_timestamps().value_or(-1),
          .no_speech = tokenizer_.no_speech().value_or(-1),
          .timestamp_begin = tokenizer_.timestamp_begin().value_or(-1)};
}

Status Transcriber::Engine::validate(const TranscribeOptions& options) const {
  if (options.task != "transcribe" && options.task != "translate") {
    return invalid_input("task \"" + options.task + "\": transcribe or translate");
  }
  if (options.beam_size < 1 || options.best_of < 1 ||
      std::max(options.beam_size, options.best_of) > options_.max_rows) {
    return invalid_input("beam size and best-of: from 1 to " + std::to_string(options_.max_rows));
  }
  if (options.temperatures.empty()) return invalid_input("temperature: at least one value");
  for (const double temperature : options.temperatures) {
    if (!(temperature >= 0 && temperature <= 2)) {
      return invalid_input("temperature: each from 0 to 2");
    }
  }
  if (options.without_timestamps && !tokenizer_.no_timestamps()) {
    return unsupported("this model cannot be told to leave out timestamps");
  }
  if (!options.language.empty() && !tokenizer_.is_multilingual() && options.language != "en") {
    return invalid_input("language \"" + options.language +
                         "\": this model knows one language only and takes no --language");
  }
  const auto& known = tokenizer_.languages();
  if (options.language.empty() && tokenizer_.is_multilingual() &&
      std::none_of(known.begin(), known.end(),
                   [&](const auto& language) { return is_candidate(language.code, options); })) {
    return invalid_input("languages: this model knows none of them");
  }
  const text::WhisperTask task =
      options.task == "translate" ? text::WhisperTask::kTranslate : text::WhisperTask::kTranscribe;
  if (task == text::WhisperTask::kTranslate && !tokenizer_.translate()) {
    return unsupported("this model cannot translate; leave out --task");
  }
  const std::string language = options.language.empty() && tokenizer_.is_multilingual()
                                   ? tokenizer_.languages().front().code
                                   : options.language;
  return tokenizer_.sot_sequence(language, task).status();
}

Result<Settings> Transcriber::Engine::prepare(const TranscribeOptions& options) const {
  MAIE_TRY(validate(options));
  Settings settings{.options = options,
                    .batch = {},
                    .language = options.language,
                    .sot_sequence = {},
                    .initial_prompt = {},
                    .hotwords = {}};
  const bool sequential = !options.batched || !options.vad;
  settings.timestamp_tokens =
      tokenizer_.timestamp_begin() && !options.without_timestamps &&
      (sequential || options.timestamp_tokens || !tokenizer_.no_timestamps());
  settings.align =
      options.word_timestamps || (!settings.timestamp_tokens && !options.without_timestamps);
  BatchOptions& batch = settings.batch;
  batch.ids = token_ids();
  batch.temperatures = options.temperatures;
  batch.gates = {.compression_ratio = options.compression_ratio_threshold,
                 .log_prob = options.log_prob_threshold,
                 .no_speech = options.no_speech_threshold};
  batch.search.beam_size = options.beam_size;
  batch.search.best_of = options.best_of;
  batch.search.patience = float(options.patience);
  batch.search.length_penalty = float(options.length_penalty);
  batch.search.max_length = model_->config().text_context;
  batch.search.rules.suppress = tokenizer_.suppressed_tokens(options.suppress_tokens);
  if (options.suppress_blank) {
    // What the model was published with, as CTranslate2 takes it; the usual two where it is silent.
    const std::vector<int>& published = model_->config().begin_suppress_ids;
    batch.search.rules.suppress_begin = published.empty() ? tokenizer_.blank_tokens() : published;
  }
  batch.search.rules.max_initial_timestamp_index = model_->config().max_initial_timestamp_index;
  batch.search.rules.repetition_penalty = float(options.repetition_penalty);
  batch.search.rules.no_repeat_ngram_size = options.no_repeat_ngram_size;
  batch.search.repetition_stop.enabled = options.stop_repetition;
  batch.compression_ratio = [this](std::span<const int> tokens) {
    return text::compression_ratio(stripped(tokenizer_.decode(tokens)));
  };
  const auto encoded = [&](const std::string& text) -> Result<std::vector<int>> {
    if (stripped(text).empty()) return std::vector<int>();
    return tokenizer_.encode(" " + std::string(stripped(text)));
  };
  MAIE_ASSIGN(settings.initial_prompt, encoded(options.initial_prompt));
  MAIE_ASSIGN(settings.hotwords, encoded(options.hotwords));
  return settings;
}

// Sets language and sot sequence; listens to the first window when nobody named the language.
Status Transcriber::Engine::choose_language(Settings& settings, Transcript& transcript,
                                            ConstTensor mel) {
  const text::WhisperTask task = settings.options.task == "translate"
                                     ? text::WhisperTask::kTranslate
                                     : text::WhisperTask::kTranscribe;
  transcript.language_probability = 1;
  if (!tokenizer_.is_multilingual()) {
    // An English-only model by Whisper's definition, unless it has no idea of languages at all.
    settings.language = tokenizer_.languages().empty() ? settings.language : "en";
  } else if (settings.language.empty()) {
    const std::unique_ptr<whisper::Window> window = window_for_use();
    MAIE_TRY(model_->encode(mel, *window));
    const int32_t cell = int32_t(model_->cells());
    const whisper::DecoderRow row{tokenizer_.sot(), 0, {&cell, 1}, window.get()};
    const OwnedTensor logits({}, DType::kF32, {1, model_->config().vocabulary});
    MAIE_TRY(model_->decode({&row, 1}, std::vector<int>{0}, logits.view()));
    std::vector<float> scores;
    std::vector<std::string> codes;
    for (const text::LanguageToken& language : tokenizer_.languages()) {
      if (!is_candidate(language.code, settings.options)) continue;
      scores.push_back(logits.view().data<float>()[language.id]);
      codes.push_back(language.code);
    }
    const size_t best = size_t(std::max_element(scores.begin(), scores.end()) - scores.begin());
    settings.language = codes[best];
    transcript.language_probability = std::exp(scores[best] - search::log_sum_exp(scores));
  }
  transcript.language = settings.language;
  MAIE_ASSIGN(settings.sot_sequence, tokenizer_.sot_sequence(settings.language, task));
  return {};
}

std::unique_ptr<whisper::Window> Transcriber::Engine::window_for_use() {
  if (spare_windows_.empty()) return std::make_unique<whisper::Window>(model_->new_window());
  std::unique_ptr<whisper::Window> window = std::move(spare_windows_.back());
  spare_windows_.pop_back();
  return window;
}

Result<std::vector<Segment>> Transcriber::Engine::segments_of(
    const Settings& settings, const WindowOutcome& outcome,
    std::span<const search::TokenSegment> split, int64_t seek, int frames, double& last_speech) {
  const int eot = tokenizer_.eot();
  std::vector<Segment> segments;
  std::vector<search::TimedSegment> timed;
  std::vector<int> text;         // of all segments
  std::vector<float> log_probs;  // of `text`
  size_t at = 0;                 // of the segment's tokens among the window's
  for (const search::TokenSegment& part : split) {
    const size_t before = text.size();
    for (size_t i = 0; i < part.tokens.size(); ++i, ++at) {
      if (part.tokens[i] >= eot) continue;
      text.push_back(part.tokens[i]);
      log_probs.push_back(outcome.decoded.token_log_probs[at]);
    }
    const size_t count = text.size() - before;
    segments.push_back({.start_s = part.start,
                        .end_s = part.end,
                        .text = tokenizer_.decode(part.tokens),
                        .tokens = part.tokens,
                        .words = {},
                        .temperature = outcome.temperature,
                        .avg_logprob = outcome.decoded.avg_log_prob,
                        .confidence = confidence(std::span(log_probs).last(count)),
                        .compression_ratio = outcome.compression_ratio,
                        .no_speech_probability = outcome.decoded.no_speech_prob});
    timed.push_back({part.start, part.end, seek, count, {}});
  }
  if (!settings.align || text.empty()) return segments;

  MAIE_ASSIGN(std::vector<search::TimedWord> words,
              align_words(*model_, tokenizer_, *outcome.window, settings.sot_sequence, text, frames,
                          settings.language));
  if (words.empty()) return segments;
  const search::DurationLimits limits = search::limit_durations(words);
  search::merge_punctuation(words);
  last_speech = search::attach_words(words, limits, last_speech, timed);
  if (settings.timestamp_tokens) {
    for (size_t i = 0; i < segments.size(); ++i) {
      segments[i].start_s = timed[i].start;
      segments[i].end_s = timed[i].end;
      segments[i].words = spoken(timed[i].words);
      // The reference's rule for long first words may leave one that begins before its segment.
      if (!segments[i].words.empty()) {
        segments[i].start_s = std::min(segments[i].start_s, segments[i].words.front().start_s);
      }
    }
    return segments;
  }

  // One segment without timestamps to cut it at: sentences and pauses do.
  check(timed.size() == 1, "a window without timestamps is one segment");
  std::vector<Segment> sentences;
  size_t said = 0;  // tokens
  for (const WordRange range : sentences_of(timed[0].words)) {
    const std::span<const search::TimedWord> sentence(timed[0].words.data() + range.first,
                                                      range.last - range.first);
    Segment part = segments[0];
    part.tokens.clear();
    for (const search::TimedWord& word : sentence) {
      part.tokens.insert(part.tokens.end(), word.tokens.begin(), word.tokens.end());
    }
    part.text = tokenizer_.decode(part.tokens);
    part.words = spoken(sentence);
    part.start_s = sentence.front().start;
    part.end_s = part.words.back().end_s;
    part.confidence = confidence(std::span(log_probs).subspan(said, part.tokens.size()));
    said += part.tokens.size();
    sentences.push_back(std::move(part));
  }
  return sentences;
}

// Silence, and text that no temperature made likely, are taken out, and the transcript says so.
bool Transcriber::Engine::drop_if_unbelievable(const Settings& settings,
                                               const WindowOutcome& outcome, double start_s,
                                               double end_s, Transcript& transcript) const {
  const search::Attempt attempt{.avg_log_prob = outcome.decoded.avg_log_prob,
                                .compression_ratio = outcome.compression_ratio,
                                .no_speech_prob = outcome.decoded.no_speech_prob,
                                .stopped_repetition = outcome.decoded.stopped_repetition};
  std::string reason;
  if (search::is_silent(attempt, settings.batch.gates)) {
    reason = "no_speech";
  } else if (outcome.decoded.no_speech_prob >
                 std::max(kSureOfSilence, settings.options.no_speech_threshold) &&
             outcome.decoded.avg_log_prob < kStrictGate * settings.options.log_prob_threshold) {
    reason = "no_speech";
  } else if (outcome.failed_gates &&
             outcome.decoded.avg_log_prob < settings.options.log_prob_threshold) {
    reason = "low_confidence";
  } else if (!tokenizer_.no_speech() &&
             outcome.decoded.avg_log_prob < kStrictGate * settings.options.log_prob_threshold) {
    reason = "low_confidence";
  } else if (outcome.failed_gates && outcome.decoded.stopped_repetition) {
    reason = "repetition";
  }
  if (reason.empty()) return false;
  transcript.dropped.push_back(
      {start_s, end_s, reason, std::string(stripped(tokenizer_.decode(outcome.decoded.tokens)))});
  return true;
}

Result<WindowOutcome> Transcriber::Engine::decode_alone(const Settings& settings,
                                                        std::vector<int> prompt,
                                                        std::unique_ptr<whisper::Window> window,
                                                        uint64_t seed, const CancelToken& cancel) {
  DecodeBatch batch(*model_, threads_, settings.batch);
  batch.add({.index = 0, .prompt = std::move(prompt), .window = std::move(window), .seed = seed});
  while (true) {
    MAIE_TRY(cancel.status());
    MAIE_ASSIGN(std::vector<WindowOutcome> done, batch.step());
    if (!done.empty()) return std::move(done.front());
  }
}

// Voice regions packed into windows of at most 30 s, decoded as one batch. Segments are given out
// in the order of the recording, whatever order the windows finish in.
Status Transcriber::Engine::run_batched(const audio::Clip& clip, const Voice& voice,
                                        Settings& settings, Transcript& transcript,
                                        const TranscribeCallbacks& callbacks,
                                        const CancelToken& cancel) {
  std::vector<SampleSpan> regions;
  for (const SampleSpan& span : voice.regions) {
    // A region that no pause could cut below one window is cut hard: nothing is left out.
    for (int64_t begin = span.begin; begin < span.end; begin += kWindowSamples) {
      regions.push_back({begin, std::min(span.end, begin + kWindowSamples)});
    }
  }
  const std::vector<search::SpeechGroup> groups = search::group_regions(regions, kWindowSamples);
  if (groups.empty()) return {};

  const OwnedTensor mel({}, DType::kF32, {kWindowFrames, log_mel_->n_mels()});
  std::vector<float> samples;
  const auto load_mel = [&](const search::SpeechGroup& group) -> Status {
    samples.resize(size_t(group.size));
    size_t at = 0;
    for (const SampleSpan& region : group.regions) {
      MAIE_TRY(clip.read(region.begin, std::span(samples).subspan(at, size_t(region.size()))));
      at += size_t(region.size());
    }
    log_mel_->region(samples, mel.view(), threads_);
    return {};
  };
  MAIE_TRY(load_mel(groups.front()));
  MAIE_TRY(choose_language(settings, transcript, mel.view()));
  const std::vector<int> prompt =
      search::build_prompt({.previous = settings.initial_prompt,
                            .hotwords = settings.hotwords,
                            .sot_sequence = settings.sot_sequence,
                            .prefix = {},
                            .without_timestamps = !settings.timestamp_tokens,
                            .max_length = model_->config().text_context},
                           settings.batch.ids);

  const int rows_each = std::max(settings.options.beam_size, settings.options.best_of);
  const size_t together = size_t(std::clamp(options_.max_rows / rows_each, 1, options_.batch_size));
  DecodeBatch batch(*model_, threads_, settings.batch);
  std::vector<std::optional<std::vector<Segment>>> finished(groups.size());
  size_t next = 0;
  size_t emitted = 0;
  while (emitted < groups.size()) {
    MAIE_TRY(cancel.status());
    while (next < groups.size() && batch.size() < together) {
      MAIE_TRY(cancel.status());
      if (next > 0) MAIE_TRY(load_mel(groups[next]));
      std::unique_ptr<whisper::Window> window = window_for_use();
      MAIE_TRY(model_->encode(mel.view(), *window));
      batch.add({.index = next,
                 .prompt = prompt,
                 .window = std::move(window),
                 .seed = search::derive_seed(settings.options.seed, next)});
      ++next;
    }
    MAIE_ASSIGN(std::vector<WindowOutcome> done, batch.step());
    for (WindowOutcome& outcome : done) {
      const search::SpeechGroup& group = groups[outcome.index];
      const search::TimeMap map(group.regions);
      const double length_s = double(group.size) / kRate;
      std::vector<Segment>& segments = finished[outcome.index].emplace();
      if (!drop_if_unbelievable(settings, outcome, double(group.regions.front().begin) / kRate,
                                double(group.regions.back().end) / kRate, transcript)) {
        const int frames = std::min(kWindowFrames, int(std::ceil(length_s)) * 100);
        search::SplitWindow split =
            search::split_window(outcome.decoded.tokens, settings.batch.ids, 0, frames);
        // What follows the last pair of timestamps belongs, in the sequential loop, to the next
        // window. Here there is none: it is the last segment of this one.
        size_t used = 0;
        for (const search::TokenSegment& part : split.segments) used += part.tokens.size();
        if (used < outcome.decoded.tokens.size()) {
          split.segments.push_back(
              {double(split.seek) / 100.0,
               length_s,
               {outcome.decoded.tokens.begin() + long(used), outcome.decoded.tokens.end()}});
        }
        double last_speech = 0;
        MAIE_ASSIGN(segments,
                    segments_of(settings, outcome, split.segments, 0, frames, last_speech));
        std::erase_if(segments, [](const Segment& s) { return stripped(s.text).empty(); });
        for (Segment& segment : segments) {
          for (Word& word : segment.words) {
            // Alignment looks at whole seconds, the last of which may go on after the voice.
            const search::TimeSpan span = without_silence(
                search::restore_word(
                    map, {std::min(word.start_s, length_s), std::min(word.end_s, length_s)}),
                voice.sounding);
            word.start_s = span.start;
            word.end_s = span.end;
          }
          const search::TimeSpan span = search::restore_segment(
              map, {std::min(segment.start_s, length_s), std::min(segment.end_s, length_s)});
          segment.start_s = segment.words.empty() ? span.start : segment.words.front().start_s;
          segment.end_s = segment.words.empty() ? span.end : segment.words.back().end_s;
          if (!settings.options.word_timestamps) segment.words.clear();
        }
      }
      spare_windows_.push_back(std::move(outcome.window));
    }
    for (; emitted < groups.size() && finished[emitted]; ++emitted) {
      for (Segment& segment : *finished[emitted]) {
        if (callbacks.segment) callbacks.segment(segment);
        transcript.segments.push_back(std::move(segment));
      }
      if (callbacks.progress && transcript.duration_s > 0) {
        const double heard = double(groups[emitted].regions.back().end) / kRate;
        callbacks.progress(std::min(1.0, heard / transcript.duration_s));
      }
    }
  }
  return {};
}

// The reference's loop: one window after the other, each starting where the last one's timestamps
// say it was understood to, told what was said before if the user wants that.
Status Transcriber::Engine::run_sequential(const audio::Clip& clip, const search::TimeMap* map,
                                           double offset_s, Settings& settings,
                                           Transcript& transcript,
                                           const TranscribeCallbacks& callbacks,
                                           const CancelToken& cancel) {
  const TranscribeOptions& options = settings.options;
  const int64_t total = audio::LogMel::frames_of(clip.size_samples() + audio::LogMel::kEndZeros);
  const int64_t content_frames = total - 1;
  if (content_frames <= 0) return {};
  const double length_s = clip.duration_s();
  MAIE_ASSIGN(const float largest, log_mel_->scan_max(clip, audio::LogMel::kEndZeros, threads_));
  const OwnedTensor mel({}, DType::kF32, {kWindowFrames, log_mel_->n_mels()});
  const auto load_mel = [&](int64_t first, int size) -> Status {
    const Tensor head = mel.view().rows(0, size);
    MAIE_TRY(log_mel_->clip_frames(clip, audio::LogMel::kEndZeros, first, head, threads_));
    audio::LogMel::normalise(head, largest);
    const std::span<float> rest = mel.view().rows(size, kWindowFrames - size).span<float>();
    std::fill(rest.begin(), rest.end(), 0.0f);  // the reference pads in feature space, with zeros
    return {};
  };

  search::LoopState state;
  state.all_tokens = settings.initial_prompt;
  bool language_known = false;
  uint64_t windows = 0;
  while (state.seek < content_frames) {
    MAIE_TRY(cancel.status());
    const int size = int(std::min<int64_t>(kWindowFrames, content_frames - state.seek));
    const int64_t seek = state.seek;
    const double start_s = double(seek) / 100.0;
    MAIE_TRY(load_mel(seek, size));
    if (!language_known) {
      MAIE_TRY(choose_language(settings, transcript, mel.view()));
      language_known = true;
    }
    std::unique_ptr<whisper::Window> window = window_for_use();
    MAIE_TRY(model_->encode(mel.view(), *window));
    std::vector<int> prompt =
        search::build_prompt({.previous = state.previous(),
                              .hotwords = settings.hotwords,
                              .sot_sequence = settings.sot_sequence,
                              .prefix = {},
                              .without_timestamps = !settings.timestamp_tokens,
                              .max_length = model_->config().text_context},
                             settings.batch.ids);
    MAIE_ASSIGN(WindowOutcome outcome,
                decode_alone(settings, std::move(prompt), std::move(window),
                             search::derive_seed(options.seed, windows++), cancel));
    const auto restored = [&](double time_s, bool is_end) {
      return (map != nullptr ? map->restore(time_s, is_end) : time_s) + offset_s;
    };
    if (drop_if_unbelievable(settings, outcome, restored(start_s, false),
                             restored(start_s + size / 100.0, true), transcript)) {
      state.seek += size;
      spare_windows_.push_back(std::move(outcome.window));
      continue;
    }
    const search::SplitWindow split =
        search::split_window(outcome.decoded.tokens, settings.batch.ids, seek, size);
    state.seek = split.seek;
    double last_speech = state.last_speech;
    MAIE_ASSIGN(std::vector<Segment> segments,
                segments_of(settings, outcome, split.segments, seek, size, last_speech));
    if (options.word_timestamps) {
      std::vector<search::TimedSegment> timed;
      double last_end = 0;
      for (const Segment& segment : segments) {
        search::TimedSegment one{segment.start_s, segment.end_s, seek, 0, {}};
        for (const Word& word : segment.words) {
          one.words.push_back({word.text, {0}, word.start_s, word.end_s, word.probability});
          last_end = word.end_s;
        }
        timed.push_back(std::move(one));
      }
      if (!split.single_timestamp_ending && last_end > start_s) {
        state.seek = int64_t(std::llround(last_end * 100));
      }
      if (options.hallucination_silence_s) {
        const search::SilenceVerdict verdict =
            search::judge_silence(timed, {seek, size, content_frames},
                                  *options.hallucination_silence_s, state.last_speech);
        if (verdict.seek) state.seek = *verdict.seek;
        for (size_t i = verdict.drop_window ? 0 : verdict.keep; i < segments.size(); ++i) {
          transcript.dropped.push_back({restored(segments[i].start_s, false),
                                        restored(segments[i].end_s, true), "hallucination",
                                        std::string(stripped(segments[i].text))});
        }
        segments.resize(verdict.drop_window ? 0 : verdict.keep);
        if (verdict.drop_window) last_speech = state.last_speech;
      }
      state.last_speech = last_speech;
    }
    state.seek = std::max(state.seek, seek + 1);  // whatever the times say, the loop moves on
    for (Segment& segment : segments) {
      if (segment.start_s == segment.end_s || stripped(segment.text).empty()) continue;
      // A timestamp may point into the padding of the last window, where nobody speaks.
      if (segment.start_s >= length_s) {
        const double end_s = restored(length_s, true);
        transcript.dropped.push_back(
            {end_s, end_s, "hallucination", std::string(stripped(segment.text))});
        continue;
      }
      segment.end_s = std::min(segment.end_s, length_s);
      for (Word& word : segment.words) {
        word.start_s = std::min(word.start_s, length_s);
        word.end_s = std::min(word.end_s, length_s);
      }
      state.emit(segment.tokens);
      if (map != nullptr) {
        for (Word& word : segment.words) {
          const search::TimeSpan span = search::restore_word(*map, {word.start_s, word.end_s});
          word.start_s = span.start;
          word.end_s = span.end;
        }
        const search::TimeSpan span =
            search::restore_segment(*map, {segment.start_s, segment.end_s});
        segment.start_s = segment.words.empty() ? span.start : segment.words.front().start_s;
        segment.end_s = segment.words.empty() ? span.end : segment.words.back().end_s;
      }
      segment.start_s += offset_s;
      segment.end_s += offset_s;
      for (Word& word : segment.words) {
        word.start_s += offset_s;
        word.end_s += offset_s;
      }
      if (callbacks.segment) callbacks.segment(segment);
      transcript.segments.push_back(std::move(segment));
    }
    state.close_window(options.condition_on_previous_text, outcome.temperature);
    spare_windows_.push_back(std::move(outcome.window));
    if (callbacks.progress) {
      callbacks.progress(std::min(1.0, double(state.seek) / double(content_frames)));
    }
  }
  return {};
}

namespace {

// Voice regions that no segment of the transcript touches.
std::vector<TimeSpan> uncovered_speech(const Transcript& transcript) {
  std::vector<TimeSpan> uncovered;
  for (const TimeSpan& region : transcript.speech) {
    const bool covered = std::any_of(
        transcript.segments.begin(), transcript.segments.end(), [&](const Segment& segment) {
          return segment.start_s < region.end_s && segment.end_s > region.start_s;
        });
    if (!covered) uncovered.push_back(region);
  }
  return uncovered;
}

}  // namespace

Result<Transcript> Transcriber::Engine::transcribe(const audio::Clip& clip,
                                                   const TranscribeOptions& options,
                                                   const TranscribeCallbacks& callbacks,
                                                   const CancelToken& cancel) {
  const auto begun = std::chrono::steady_clock::now();
  MAIE_ASSIGN(Settings settings, prepare(options));
  Transcript transcript;
  transcript.duration_s = clip.duration_s();
  transcript.warnings = clip.warnings();
  transcript.vad = options.vad ? voice_->name() : "off";
  const int64_t size = clip.size_samples();
  int64_t begin = 0;
  int64_t end = size;
  if (options.clip) {
    begin = std::clamp<int64_t>(std::llround(options.clip->start_s * double(kRate)), 0, size);
    if (options.clip->end_s > 0) {
      end = std::clamp<int64_t>(std::llround(options.clip->end_s * double(kRate)), begin, size);
    }
  }

  Voice voice{{{begin, end}}, {}};
  if (options.vad) {
    MAIE_ASSIGN(voice, voice_->find(stream_, clip, begin, end, options.vad_options, cancel));
  }
  const std::vector<SampleSpan>& speech = voice.regions;
  int64_t speech_samples = 0;
  for (const SampleSpan& span : speech) {
    speech_samples += span.size();
    transcript.speech.push_back({double(span.begin) / kRate, double(span.end) / kRate});
  }
  transcript.duration_after_vad_s = double(speech_samples) / kRate;

  if (!speech.empty() && speech_samples > 0) {
    if (options.batched && options.vad) {
      MAIE_TRY(run_batched(clip, voice, settings, transcript, callbacks, cancel));
    } else {
      // The loop runs over the voice put end to end (without voice activity: over all of it).
      const bool whole = begin == 0 && end == size && !options.vad;
      audio::ClipWriter writer({});
      std::vector<float> samples;
      for (const SampleSpan& span : speech) {
        for (int64_t at = span.begin; at < span.end && !whole; at += kWindowSamples) {
          samples.resize(size_t(std::min(kWindowSamples, span.end - at)));
          MAIE_TRY(clip.read(at, samples));
          MAIE_TRY(writer.append(samples));
        }
      }
      const audio::Clip packed = whole ? clip : writer.finish({}, {});
      const search::TimeMap map(speech);
      MAIE_TRY(run_sequential(packed, options.vad ? &map : nullptr,
                              options.vad ? 0.0 : double(begin) / kRate, settings, transcript,
                              callbacks, cancel));
    }
  }
  if (callbacks.progress) callbacks.progress(1.0);
  std::sort(transcript.dropped.begin(), transcript.dropped.end(),
            [](const DroppedRegion& a, const DroppedRegion& b) { return a.start_s < b.start_s; });
  if (options.vad) transcript.uncovered = uncovered_speech(transcript);
  transcript.wall_s =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
  return transcript;
}

std::string Transcriber::Engine::model_hash() {
  if (info_.sha256.empty()) info_.sha256 = formats::hash_of_files(weights_->files());
  return info_.sha256;
}

Transcriber::Transcriber(std::unique_ptr<Engine> engine) : engine_(std::move(engine)) {}
Transcriber::~Transcriber() = default;

Result<std::unique_ptr<Transcriber>> Transcriber::load(const TranscriberOptions& options) {
  MAIE_ASSIGN(std::unique_ptr<Engine> engine, guarded([&] { return Engine::load(options); }));
  return std::unique_ptr<Transcriber>(new Transcriber(std::move(engine)));
}

Status Transcriber::validate(const TranscribeOptions& options) const {
  return engine_->validate(options);
}

Result<Transcript> Transcriber::transcribe(const audio::Clip& clip,
                                           const TranscribeOptions& options,
                                           const TranscribeCallbacks& callbacks,
                                           const CancelToken& cancel) {
  return guarded([&] { return engine_->transcribe(clip, options, callbacks, cancel); });
}

const ModelInfo& Transcriber::info() const { return engine_->info(); }
std::string Transcriber::model_hash() { return engine_->model_hash(); }

}  // namespace maie::pipeline
