#include "audio/voice_activity.h"

#include <algorithm>
#include <cmath>

namespace maie::audio {
namespace {

constexpr double kSamplesPerMs = 16.0;

// Where speech is, before padding. The state machine of silero 6.2 and of faster-whisper, which
// differ only in where over-long speech is cut. Positions are sample numbers and 0 means "none", as
// in the references: a pause that starts at sample 0 is therefore not seen, and must not be.
class SpanFinder {
 public:
  SpanFinder(const VadParameters& p)
      : threshold_(p.threshold),
        neg_threshold_(p.neg_threshold.value_or(std::max(p.threshold - 0.15, 0.01))),
        min_speech_(p.min_speech_ms * kSamplesPerMs),
        max_speech_(16000.0 * p.max_speech_s - double(kVadWindow) -
                    2 * p.speech_pad_ms * kSamplesPerMs),
        min_silence_(p.min_silence_ms * kSamplesPerMs),
        min_cut_silence_(p.min_silence_at_max_speech_ms * kSamplesPerMs),
        longest_(p.cut_in_longest_silence) {}

  void push(double probability) {
    const int64_t now = position_;
    position_ += kVadWindow;
    const bool speech = probability >= threshold_;
    if (speech && silence_start_ != 0) resume(now);
    if (speech && !speaking_) {
      speaking_ = true;
      start_ = now;
      return;
    }
    if (speaking_ && double(now - start_) > max_speech_ && !cut(now)) return;
    if (probability < neg_threshold_ && speaking_) silence(now);
  }

  std::vector<SampleSpan> finish(int64_t length) {
    if (start_ != kNone && double(length - start_) > min_speech_) out_.push_back({start_, length});
    return std::move(out_);
  }

 private:
  static constexpr int64_t kNone = -1;
  struct Pause {
    int64_t start;
    int64_t length;
  };

  // Speech goes on after a pause that was too short to end it.
  void resume(int64_t now) {
    const int64_t length = now - silence_start_;
    if (longest_ && double(length) > min_cut_silence_) pauses_.push_back({silence_start_, length});
    silence_start_ = 0;
    if (next_start_ < cut_end_) next_start_ = now;
  }

  // Ends a span that became too long; false when this window is dealt with.
  bool cut(int64_t now) {
    if (longest_ && !pauses_.empty()) {
      const Pause pause =
          *std::max_element(pauses_.begin(), pauses_.end(),
                            [](const Pause& a, const Pause& b) { return a.length < b.length; });
      close(pause.start);
      start_ = pause.start + pause.length;  // there is speech behind every pause in the list
      forget_pauses();
      return true;
    }
    if (cut_end_ != 0) {
      close(cut_end_);
      if (next_start_ < cut_end_) {
        speaking_ = false;
      } else {
        start_ = next_start_;
      }
      forget_pauses();
      return true;
    }
    close(now);
    speaking_ = false;
    // silence_start_ is reset like the rest: the next span has nothing to do with it.
    forget_pauses();
    return false;
  }

  void silence(int64_t now) {
    if (silence_start_ == 0) silence_start_ = now;
    const int64_t length = now - silence_start_;
    if (!longest_ && double(length) > min_cut_silence_) cut_end_ = silence_start_;
    if (double(length) < min_silence_) return;
    if (double(silence_start_ - start_) > min_speech_) {
      close(silence_start_);
    } else {
      start_ = kNone;
    }
    speaking_ = false;
    forget_pauses();
  }

  void close(int64_t end) {
    out_.push_back({start_, end});
    start_ = kNone;
  }

  void forget_pauses() {
    cut_end_ = next_start_ = silence_start_ = 0;
    pauses_.clear();
  }

  const double threshold_, neg_threshold_;
  const double min_speech_, max_speech_, min_silence_, min_cut_silence_;
  const bool longest_;

  int64_t position_ = 0;
  bool speaking_ = false;
  int64_t start_ = kNone;      // of the span being built; 0 is a place here
  int64_t silence_start_ = 0;  // of the pause being watched
  int64_t cut_end_ = 0;        // start of the last pause long enough to cut in
  int64_t next_start_ = 0;     // where speech went on after it
  std::vector<Pause> pauses_;  // long enough to cut in, within this span
  std::vector<SampleSpan> out_;
};

// Widens spans by `pad` on both sides; a gap too small for two pads is shared half and half.
void pad_spans(std::vector<SampleSpan>& spans, double pad, int64_t length) {
  const auto end_padded = [&](int64_t end) {
    return int64_t(std::min(double(length), double(end) + pad));
  };
  const auto start_padded = [&](int64_t start) {
    return int64_t(std::max(0.0, double(start) - pad));
  };
  for (size_t i = 0; i < spans.size(); ++i) {
    if (i == 0) spans[i].begin = start_padded(spans[i].begin);
    if (i + 1 == spans.size()) {
      spans[i].end = end_padded(spans[i].end);
      break;
    }
    SampleSpan& next = spans[i + 1];
    const int64_t gap = next.begin - spans[i].end;
    if (double(gap) < 2 * pad) {
      spans[i].end += gap / 2;
      next.begin = std::max<int64_t>(0, next.begin - gap / 2);
    } else {
      spans[i].end = end_padded(spans[i].end);
      next.begin = start_padded(next.begin);
    }
  }
}

}  // namespace

std::vector<SampleSpan> speech_spans(std::span<const float> probabilities, int64_t length_samples,
                                     const VadParameters& parameters) {
  SpanFinder finder(parameters);
  for (const float probability : probabilities) finder.push(double(probability));
  std::vector<SampleSpan> spans = finder.finish(length_samples);
  pad_spans(spans, parameters.speech_pad_ms * kSamplesPerMs, length_samples);
  return spans;
}

SpeechIterator::SpeechIterator(const VadParameters& p)
    : threshold_(p.threshold),
      neg_threshold_(p.neg_threshold.value_or(p.threshold - 0.15)),
      min_silence_(p.min_silence_ms * kSamplesPerMs),
      pad_(p.speech_pad_ms * kSamplesPerMs) {}

std::optional<SpeechIterator::Event> SpeechIterator::push(float probability) {
  consumed_ += kVadWindow;
  const double p = double(probability);
  if (p >= threshold_) {
    silence_start_ = 0;
    if (speaking_) return std::nullopt;
    speaking_ = true;
    const double start = std::max(0.0, double(consumed_) - pad_ - double(kVadWindow));
    return Event{Event::Kind::kStart, int64_t(start)};
  }
  if (p >= neg_threshold_ || !speaking_) return std::nullopt;
  if (silence_start_ == 0) silence_start_ = consumed_;
  if (double(consumed_ - silence_start_) < min_silence_) return std::nullopt;
  const double end = double(silence_start_) + pad_ - double(kVadWindow);
  silence_start_ = 0;
  speaking_ = false;
  return Event{Event::Kind::kEnd, int64_t(end)};
}

}  // namespace maie::audio
