#include "audio/media.h"

extern "C" {
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/log.h>
#include <libavutil/mem.h>
}

#include <algorithm>
#include <array>
#include <cerrno>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "audio/resampler.h"
#include "audio/sample.h"

namespace maie::audio {
namespace {

constexpr int kMinRate = 1000, kMaxRate = 768'000, kMaxChannels = 256;
constexpr size_t kIoBytes = 64 * 1024;
constexpr size_t kHeadBytes = 4096;
constexpr size_t kBlockSamples = 16 * 1024;
// Encoders round up to whole packets and some count their delay: fewer seconds missing say nothing.
constexpr double kUnpromised = 0.25;
// A finite float sample may be any size; beyond this (30 dB over full scale) it is damage, and
// would ring through the resampling filter.
constexpr float kLoudest = 32.0f;
// Packets in a row without a single sample: a demuxer that runs in circles.
constexpr int64_t kMaxBarrenPackets = 1'000'000;

/// Containers and elementary streams that carry sound in the file itself. Playlists (hls, dash,
/// concat, sdp, ...), which name other files, and everything that is not sound stay out.
constexpr std::string_view kContainers =
    "aac,ac3,aiff,amr,amrnb,amrwb,ape,asf,ast,au,avi,caf,daud,dsf,dts,dtshd,dv,eac3,flac,flv,g729,"
    "gsm,gxf,iff,lvf,matroska,webm,mlp,mov,mp4,m4a,3gp,3g2,mj2,mp3,mpc,mpc8,mpeg,mpegts,mxf,nut,"
    "ogg,"
    "oma,rm,sox,tak,truehd,tta,voc,w64,wav,wsd,wtv,wv,xwma";

bool in_list(std::string_view names, std::string_view list) {
  const auto contains = [](std::string_view words, std::string_view word) {
    while (!words.empty()) {
      const size_t comma = words.find(',');
      if (words.substr(0, comma) == word) return true;
      words = comma == std::string_view::npos ? std::string_view() : words.substr(comma + 1);
    }
    return false;
  };
  while (!names.empty()) {
    const size_t comma = names.find(',');
    if (contains(list, names.substr(0, comma))) return true;
    names = comma == std::string_view::npos ? std::string_view() : names.substr(comma + 1);
  }
  return false;
}

/// Names of all audio decoders, comma-separated: with this as the white list FFmpeg never opens a
/// video or subtitle decoder, not even to find out what a stream holds.
std::string audio_decoders() {
  std::string names;
  void* at = nullptr;
  while (const AVCodec* codec = av_codec_iterate(&at)) {
    if (av_codec_is_decoder(codec) == 0 || codec->type != AVMEDIA_TYPE_AUDIO) continue;
    if (!names.empty()) names += ',';
    names += codec->name;
  }
  return names;
}

uint32_t number_at(std::span<const std::byte> bytes, size_t at) {
  uint32_t value = 0;  // little-endian, as every machine we build for
  if (at + sizeof value <= bytes.size()) std::memcpy(&value, bytes.data() + at, sizeof value);
  return value;
}

/// Seconds that the header of a WAV file claims. FFmpeg corrects an impossible claim silently, but
/// the user should hear of a recording that was cut. 0 for anything else, and for the sizes that
/// programs write when they do not know the length.
/// @param head the first bytes of the file.
double wav_claim_s(std::span<const std::byte> head) {
  const auto is = [&](size_t at, std::string_view name) {
    return at + 4 <= head.size() && std::memcmp(head.data() + at, name.data(), 4) == 0;
  };
  if (!is(0, "RIFF") || !is(8, "WAVE")) return 0;
  uint32_t bytes_per_s = 0;
  for (size_t at = 12; at + 8 <= head.size();) {
    const uint32_t size = number_at(head, at + 4);
    if (is(at, "fmt ")) bytes_per_s = number_at(head, at + 16);
    if (is(at, "data")) {
      const auto near = [&](uint32_t placeholder) { return size - (placeholder - 4096) <= 8192; };
      const bool unknown = size == 0 || size >= 0xFFFFF000u || near(0x7FFFFFFFu);
      return unknown || bytes_per_s == 0 ? 0 : double(size) / bytes_per_s;
    }
    at += 8 + size_t{size} + size % 2;
  }
  return 0;
}

std::string av_text(int error) {
  std::array<char, AV_ERROR_MAX_STRING_SIZE> text{};
  av_strerror(error, text.data(), text.size());
  return text.data();
}

int channels_of(const AVCodecParameters& parameters) {
#if LIBAVUTIL_VERSION_MAJOR >= 58 || \
    (LIBAVUTIL_VERSION_MAJOR == 57 && LIBAVUTIL_VERSION_MINOR >= 24)
  return parameters.ch_layout.nb_channels;
#else
  return parameters.channels;
#endif
}

int channels_of(const AVFrame& frame) {
#if LIBAVUTIL_VERSION_MAJOR >= 58 || \
    (LIBAVUTIL_VERSION_MAJOR == 57 && LIBAVUTIL_VERSION_MINOR >= 24)
  return frame.ch_layout.nb_channels;
#else
  return frame.channels;
#endif
}

float to_float(uint8_t sample) { return float(int(sample) - 128) * (1.0f / 128); }
float to_float(int16_t sample) { return from_s16(sample); }
float to_float(int32_t sample) { return float(sample) * (1.0f / 2147483648.0f); }
float to_float(int64_t sample) { return float(sample) * (1.0f / 9223372036854775808.0f); }
float to_float(float sample) { return sample; }
float to_float(double sample) { return float(sample); }

/// One frame to mono: the mean of its channels. A sample that is not finite counts as 0.
template <class Sample>
int64_t mix(const AVFrame& frame, bool planar, int channels, std::vector<float>& mono) {
  const float share = 1.0f / float(channels);
  int64_t bad = 0;
  const auto add = [&](float& sum, float value) {
    if constexpr (std::is_floating_point_v<Sample>) {
      if (!std::isfinite(value)) {
        ++bad;
        return;
      }
      value = std::clamp(value, -kLoudest, kLoudest);
    }
    sum += value;
  };
  const size_t count = size_t(frame.nb_samples);
  mono.assign(count, 0.0f);
  for (size_t channel = 0; channel < size_t(channels); ++channel) {
    const auto* from = reinterpret_cast<const Sample*>(frame.extended_data[planar ? channel : 0]);
    const size_t step = planar ? 1 : size_t(channels);
    const size_t start = planar ? 0 : channel;
    for (size_t i = 0; i < count; ++i) add(mono[i], to_float(from[start + i * step]));
  }
  if (channels > 1) {
    for (float& sample : mono) sample *= share;
  }
  return bad;
}

class MediaDecoder {
 public:
  MediaDecoder(ByteInput& input, int64_t max_samples, PcmSink& sink)
      : input_(input), max_samples_(max_samples), sink_(sink) {}
  ~MediaDecoder();
  MediaDecoder(const MediaDecoder&) = delete;
  MediaDecoder& operator=(const MediaDecoder&) = delete;

  Status run();

 private:
  static int read_packet(void* self, uint8_t* to, int size);
  static int64_t seek(void* self, int64_t offset, int whence);
  static int refuse_to_open(AVFormatContext*, AVIOContext**, const char*, int, AVDictionary**) {
    return AVERROR(EPERM);
  }

  Status open_container();
  Status open_codec();
  Status read_packets();
  Status receive_frames();
  Status take_frame();
  Status emit(bool all);
  Status finish();

  ByteInput& input_;
  const int64_t max_samples_;
  PcmSink& sink_;
  int64_t position_ = 0;
  std::vector<std::byte> head_;  // the first bytes of the file, at most kHeadBytes
  int io_error_ = 0;

  AVIOContext* io_ = nullptr;
  AVFormatContext* format_ = nullptr;
  AVCodecContext* codec_ = nullptr;
  AVPacket* packet_ = nullptr;
  AVFrame* frame_ = nullptr;
  int stream_ = -1;

  AudioInfo info_;
  double promised_s_ = 0;  // stated by the header, not guessed from the bit rate; 0 unknown
  std::optional<Resampler> resampler_;
  int resampler_rate_ = 0;
  std::vector<float> mono_, ready_;
  std::vector<int16_t> block_;
  int64_t source_samples_ = 0, not_finite_ = 0, written_ = 0, barren_packets_ = 0;
  int64_t bad_packets_ = 0;
  std::string read_failure_;
};

MediaDecoder::~MediaDecoder() {
  av_frame_free(&frame_);
  av_packet_free(&packet_);
  avcodec_free_context(&codec_);
  avformat_close_input(&format_);
  if (io_ != nullptr) {
    av_freep(&io_->buffer);
    avio_context_free(&io_);
  }
}

int MediaDecoder::read_packet(void* opaque, uint8_t* to, int size) {
  auto* self = static_cast<MediaDecoder*>(opaque);
  const int64_t count =
      self->input_.read({reinterpret_cast<std::byte*>(to), size_t(std::max(size, 0))});
  if (count < 0) {
    self->io_error_ = int(-count);
    return AVERROR(self->io_error_);
  }
  if (count == 0) return AVERROR_EOF;
  if (self->position_ == int64_t(self->head_.size()) && self->head_.size() < kHeadBytes) {
    const auto* first = reinterpret_cast<const std::byte*>(to);
    self->head_.insert(self->head_.end(), first,
                       first + std::min<int64_t>(count, int64_t(kHeadBytes - self->head_.size())));
  }
  self->position_ += count;
  return int(count);
}

int64_t MediaDecoder::seek(void* opaque, int64_t offset, int whence) {
  auto* self = static_cast<MediaDecoder*>(opaque);
  const int64_t size = self->input_.size();
  whence &= ~AVSEEK_FORCE;
  if (whence == AVSEEK_SIZE) return size;
  int64_t target = offset;
  if (whence == SEEK_CUR) target = self->position_ + offset;
  if (whence == SEEK_END) target = size + offset;
  if (target < 0) return AVERROR(EINVAL);
  self->input_.seek(target);
  self->position_ = target;
  return target;
}

Status MediaDecoder::run() {
  av_log_set_level(AV_LOG_QUIET);
  // One hostile header must not ask for all memory; real packets stay far below.
  av_max_alloc(size_t{512} << 20);
  MAIE_TRY(open_container());
  MAIE_TRY(open_codec());
  MAIE_TRY(sink_.stream(info_));
  MAIE_TRY(read_packets());
  return finish();
}

Status MediaDecoder::open_container() {
  auto* buffer = static_cast<unsigned char*>(av_malloc(kIoBytes));
  if (buffer == nullptr) return resource_exhausted("out of memory while opening it");
  const bool seekable = input_.size() >= 0;
  io_ = avio_alloc_context(buffer, int(kIoBytes), 0, this, read_packet, nullptr,
                           seekable ? seek : nullptr);
  if (io_ == nullptr) {
    av_free(buffer);
    return resource_exhausted("out of memory while opening it");
  }
  io_->seekable = seekable ? AVIO_SEEKABLE_NORMAL : 0;

#if LIBAVFORMAT_VERSION_MAJOR >= 59
  const AVInputFormat* container = nullptr;
#else
  AVInputFormat* container = nullptr;
#endif
  const int score = av_probe_input_buffer2(io_, &container, "", nullptr, 0, 1 << 20);
  if (io_error_ != 0) return errno_status("cannot be read", io_error_);
  if (score < 0 || container == nullptr) {
    if (position_ == 0) return invalid_input("is empty; give a file that holds audio");
    return corrupt(
        "is not an audio or video file that can be read; convert it to WAV, FLAC, MP3 or M4A");
  }
  if (!in_list(container->name, kContainers)) {
    const char* name = container->long_name != nullptr ? container->long_name : container->name;
    return unsupported(std::string("looks like \"") + name +
                       "\", which holds no audio of its own; give the audio file itself");
  }

  format_ = avformat_alloc_context();
  if (format_ == nullptr) return resource_exhausted("out of memory while opening it");
  format_->pb = io_;
  format_->io_open = refuse_to_open;
  format_->flags |= AVFMT_FLAG_CUSTOM_IO;
  AVDictionary* options = nullptr;
  av_dict_set(&options, "codec_whitelist", audio_decoders().c_str(), 0);
  av_dict_set(&options, "format_whitelist", std::string(kContainers).c_str(), 0);
  av_dict_set(&options, "protocol_whitelist", "none", 0);
  int result = avformat_open_input(&format_, "", container, &options);
  av_dict_free(&options);
  if (result >= 0) result = avformat_find_stream_info(format_, nullptr);
  if (io_error_ != 0) return errno_status("cannot be read", io_error_);
  if (result < 0) {
    return corrupt(std::string("is damaged or cut short: ") + container->name + " headers give \"" +
                   av_text(result) + "\"; get a fresh copy of the file");
  }
  info_.container = container->name;
  return {};
}

Status MediaDecoder::open_codec() {
  stream_ = av_find_best_stream(format_, AVMEDIA_TYPE_AUDIO, -1, -1, nullptr, 0);
  if (stream_ < 0) {
    return invalid_input("holds no audio track (" + std::to_string(format_->nb_streams) +
                         " other); give a file with sound");
  }
  for (unsigned i = 0; i < format_->nb_streams; ++i) {
    if (int(i) != stream_) format_->streams[i]->discard = AVDISCARD_ALL;
  }
  const AVStream& stream = *format_->streams[stream_];
  const AVCodecParameters& parameters = *stream.codecpar;
  info_.codec = avcodec_get_name(parameters.codec_id);
  const AVCodec* codec = avcodec_find_decoder(parameters.codec_id);
  if (codec == nullptr) {
    return unsupported("its audio codec \"" + info_.codec +
                       "\" is not known here; convert it to WAV, FLAC, MP3 or M4A");
  }
  codec_ = avcodec_alloc_context3(codec);
  packet_ = av_packet_alloc();
  frame_ = av_frame_alloc();
  if (codec_ == nullptr || packet_ == nullptr || frame_ == nullptr) {
    return resource_exhausted("out of memory while opening it");
  }
  int result = avcodec_parameters_to_context(codec_, &parameters);
  codec_->thread_count = 1;
  codec_->pkt_timebase = stream.time_base;
  if (result >= 0) result = avcodec_open2(codec_, codec, nullptr);
  if (result < 0) {
    return corrupt("its " + info_.codec + " audio cannot be opened (" + av_text(result) +
                   "); get a fresh copy of the file");
  }
  info_.rate_hz = std::max(parameters.sample_rate, 1);
  info_.channels = std::max(channels_of(parameters), 1);
  if (stream.duration > 0) {
    info_.duration_hint_s = double(stream.duration) * av_q2d(stream.time_base);
  } else if (format_->duration > 0) {
    info_.duration_hint_s = double(format_->duration) / AV_TIME_BASE;
  }
  if (!std::isfinite(info_.duration_hint_s) || info_.duration_hint_s < 0) info_.duration_hint_s = 0;
  promised_s_ = wav_claim_s(head_);
  if (promised_s_ == 0 && format_->duration_estimation_method != AVFMT_DURATION_FROM_BITRATE) {
    promised_s_ = info_.duration_hint_s;
  }
  if (info_.duration_hint_s == 0) info_.duration_hint_s = promised_s_;
  return {};
}

Status MediaDecoder::read_packets() {
  while (true) {
    const int result = av_read_frame(format_, packet_);
    if (result < 0) {
      if (io_error_ != 0) return errno_status("cannot be read to its end", io_error_);
      if (result != AVERROR_EOF) read_failure_ = av_text(result);
      break;
    }
    if (packet_->stream_index == stream_) {
      const int sent = avcodec_send_packet(codec_, packet_);
      av_packet_unref(packet_);
      if (sent == AVERROR(ENOMEM)) return resource_exhausted("out of memory while decoding");
      if (sent < 0) ++bad_packets_;
      MAIE_TRY(receive_frames());
    } else {
      av_packet_unref(packet_);
    }
    if (++barren_packets_ > kMaxBarrenPackets) {
      read_failure_ = "a million packets without sound";
      break;
    }
  }
  if (avcodec_send_packet(codec_, nullptr) >= 0) MAIE_TRY(receive_frames());
  return {};
}

Status MediaDecoder::receive_frames() {
  while (true) {
    const int result = avcodec_receive_frame(codec_, frame_);
    if (result == AVERROR(EAGAIN) || result == AVERROR_EOF) return {};
    if (result == AVERROR(ENOMEM)) return resource_exhausted("out of memory while decoding");
    if (result < 0) {
      ++bad_packets_;
      return {};
    }
    const Status taken = take_frame();
    av_frame_unref(frame_);
    MAIE_TRY(taken);
  }
}

/// Mixes, resamples and hands on the decoded frame. Its rate and channels may differ from the
/// last's.
Status MediaDecoder::take_frame() {
  const int rate = frame_->sample_rate, channels = channels_of(*frame_);
  if (frame_->nb_samples <= 0) return {};
  if (rate < kMinRate || rate > kMaxRate || channels < 1 || channels > kMaxChannels) {
    return unsupported("has " + std::to_string(channels) + " channels at " + std::to_string(rate) +
                       " Hz; convert it to 1 to " + std::to_string(kMaxChannels) +
                       " channels at 1 to 768 kHz");
  }
  const auto format = AVSampleFormat(frame_->format);
  const bool planar = av_sample_fmt_is_planar(format) != 0;
  int64_t bad = 0;
  switch (av_get_packed_sample_fmt(format)) {
    case AV_SAMPLE_FMT_U8: bad = mix<uint8_t>(*frame_, planar, channels, mono_); break;
    case AV_SAMPLE_FMT_S16: bad = mix<int16_t>(*frame_, planar, channels, mono_); break;
    case AV_SAMPLE_FMT_S32: bad = mix<int32_t>(*frame_, planar, channels, mono_); break;
    case AV_SAMPLE_FMT_S64: bad = mix<int64_t>(*frame_, planar, channels, mono_); break;
    case AV_SAMPLE_FMT_FLT: bad = mix<float>(*frame_, planar, channels, mono_); break;
    case AV_SAMPLE_FMT_DBL: bad = mix<double>(*frame_, planar, channels, mono_); break;
    default: return unsupported("its sample format is not known here; convert it to WAV");
  }
  barren_packets_ = 0;
  source_samples_ += int64_t{frame_->nb_samples} * channels;
  not_finite_ += bad;

  if (rate != resampler_rate_) {
    if (resampler_) MAIE_TRY(resampler_->finish(ready_));
    MAIE_ASSIGN(resampler_, Resampler::create(rate, Clip::kRate));
    resampler_rate_ = rate;
  }
  MAIE_TRY(resampler_->push(mono_, ready_));
  return emit(false);
}

/// Hands whole blocks of `ready_` to the sink; the rest too when `all`.
Status MediaDecoder::emit(bool all) {
  size_t done = 0;
  while (ready_.size() - done >= kBlockSamples || (all && done < ready_.size())) {
    const size_t now = std::min(kBlockSamples, ready_.size() - done);
    written_ += int64_t(now);
    if (written_ > max_samples_) {
      return invalid_input("is longer than the limit of " +
                           std::to_string(max_samples_ / Clip::kRate / 60) +
                           " minutes; cut it into parts");
    }
    block_.resize(now);
    std::transform(ready_.begin() + int64_t(done), ready_.begin() + int64_t(done + now),
                   block_.begin(), to_s16);
    MAIE_TRY(sink_.samples(block_));
    done += now;
  }
  ready_.erase(ready_.begin(), ready_.begin() + int64_t(done));
  return {};
}

std::string seconds_text(double seconds) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.1f s", seconds);
  return text.data();
}

Status MediaDecoder::finish() {
  if (resampler_) MAIE_TRY(resampler_->finish(ready_));
  MAIE_TRY(emit(true));
  if (written_ == 0) {
    if (bad_packets_ > 0 || !read_failure_.empty() || promised_s_ > kUnpromised) {
      return corrupt("its " + info_.codec +
                     " audio is damaged, nothing could be decoded; get a "
                     "fresh copy of the file");
    }
    return invalid_input("holds no audio samples; the recording is empty");
  }
  if (not_finite_ == source_samples_) {
    return invalid_input(
        "holds no valid sample: every one is NaN or infinite; record or export it again");
  }
  if (not_finite_ > 0) {
    MAIE_TRY(sink_.warning(std::to_string(not_finite_) +
                           " samples are NaN or infinite and count as silence"));
  }
  if (bad_packets_ > 0) {
    MAIE_TRY(sink_.warning(std::to_string(bad_packets_) +
                           " damaged packets were skipped; the times after them may be early"));
  }
  const double decoded_s = double(written_) / Clip::kRate;
  const bool early = decoded_s < promised_s_ - kUnpromised;
  if (early || !read_failure_.empty()) {
    std::string text = "the file ends early: " + seconds_text(decoded_s) + " could be read";
    if (early) text += " of the " + seconds_text(promised_s_) + " its header promises";
    if (!read_failure_.empty()) text += " (" + read_failure_ + ")";
    MAIE_TRY(sink_.warning(text));
  }
  return {};
}

}  // namespace

Status decode_media(ByteInput& input, int64_t max_samples, PcmSink& sink) {
  return MediaDecoder(input, max_samples, sink).run();
}

}  // namespace maie::audio
