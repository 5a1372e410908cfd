#include "audio/decode_protocol.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace maie::audio {
namespace {

constexpr size_t kHeader = 2 * sizeof(uint32_t);

template <class Number>
void put(std::string& out, Number value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof value);
}

std::string message(DecodeMessage::Type type, std::string_view payload) {
  std::string out;
  out.reserve(kHeader + payload.size());
  put(out, uint32_t(type));
  put(out, uint32_t(payload.size()));
  out += payload;
  return out;
}

/// Reads numbers and texts off the front of a payload; `ok` stays false once something was missing.
class Reader {
 public:
  explicit Reader(std::span<const std::byte> bytes) : bytes_(bytes) {}

  template <class Number>
  Number number() {
    Number value{};
    if (bytes_.size() < sizeof value) {
      ok_ = false;
      return value;
    }
    std::memcpy(&value, bytes_.data(), sizeof value);
    bytes_ = bytes_.subspan(sizeof value);
    return value;
  }
  std::string text(size_t size) {
    if (bytes_.size() < size) {
      ok_ = false;
      return {};
    }
    const std::string_view found(reinterpret_cast<const char*>(bytes_.data()), size);
    bytes_ = bytes_.subspan(size);
    return printable(found, kMaxText);
  }
  std::string rest() { return text(bytes_.size()); }
  /// Everything was there and nothing is left over.
  bool complete() const { return ok_ && bytes_.empty(); }

 private:
  std::span<const std::byte> bytes_;
  bool ok_ = true;
};

Status broken(std::string_view what) {
  return internal_error("the decoder process answered nonsense (" + std::string(what) +
                        "); please report this file");
}

/// Bytes of the UTF-8 character at the start of `text`; 0 when there is none.
size_t utf8_length(std::string_view text) {
  const auto lead = static_cast<unsigned char>(text[0]);
  const size_t length = lead < 0x80   ? 1
                        : lead < 0xC2 ? 0
                        : lead < 0xE0 ? 2
                        : lead < 0xF0 ? 3
                        : lead < 0xF5 ? 4
                                      : 0;
  if (length == 0 || length > text.size()) return 0;
  for (size_t i = 1; i < length; ++i) {
    if ((static_cast<unsigned char>(text[i]) & 0xC0) != 0x80) return 0;
  }
  return length;
}

}  // namespace

std::string printable(std::string_view text, size_t limit) {
  std::string out;
  while (!text.empty()) {
    const size_t length = utf8_length(text);
    const auto lead = static_cast<unsigned char>(text[0]);
    const bool keep = length > 1 || (length == 1 && lead >= 0x20 && lead != 0x7F);
    if (out.size() + (keep ? length : 1) > limit) break;
    if (keep) {
      out += text.substr(0, length);
    } else {
      out += '?';
    }
    text.remove_prefix(std::max<size_t>(length, 1));
  }
  return out;
}

std::string encode_stream(const AudioInfo& info) {
  std::string payload;
  put(payload, int32_t(info.rate_hz));
  put(payload, int32_t(info.channels));
  put(payload, double(info.duration_hint_s));
  const std::string container = printable(info.container, 256);
  put(payload, uint32_t(container.size()));
  payload += container;
  payload += printable(info.codec, 256);
  return message(DecodeMessage::Type::kStream, payload);
}

std::string encode_samples(std::span<const int16_t> samples) {
  check(samples.size_bytes() <= kMaxPayload, "a block of samples fits one message");
  return message(DecodeMessage::Type::kSamples,
                 {reinterpret_cast<const char*>(samples.data()), samples.size_bytes()});
}

std::string encode_warning(std::string_view text) {
  return message(DecodeMessage::Type::kWarning, printable(text, kMaxText));
}

std::string encode_note(std::string_view text) {
  return message(DecodeMessage::Type::kNote, printable(text, kMaxText));
}

std::string encode_end() { return message(DecodeMessage::Type::kEnd, {}); }

std::string encode_error(const Status& error) {
  std::string payload;
  put(payload, uint32_t(error.code()));
  payload += printable(error.message(), kMaxText);
  return message(DecodeMessage::Type::kError, payload);
}

void DecodeMessageParser::push(std::span<const std::byte> bytes) {
  pending_.erase(pending_.begin(), pending_.begin() + int64_t(taken_));
  taken_ = 0;
  pending_.insert(pending_.end(), bytes.begin(), bytes.end());
}

Result<std::optional<DecodeMessage>> DecodeMessageParser::next() {
  const std::span<const std::byte> left = std::span<const std::byte>(pending_).subspan(taken_);
  if (finished_ && !left.empty()) return broken("words after the end");
  if (left.size() < kHeader) return std::optional<DecodeMessage>();
  Reader header(left.first(kHeader));
  const auto type = header.number<uint32_t>();
  const auto size = header.number<uint32_t>();
  if (size > kMaxPayload) return broken("a message too long");
  if (left.size() < kHeader + size) return std::optional<DecodeMessage>();
  taken_ += kHeader + size;
  MAIE_ASSIGN(DecodeMessage parsed, parse(type, left.subspan(kHeader, size)));
  return std::optional<DecodeMessage>(std::move(parsed));
}

Result<DecodeMessage> DecodeMessageParser::parse(uint32_t type,
                                                 std::span<const std::byte> payload) {
  DecodeMessage out;
  Reader reader(payload);
  out.type = DecodeMessage::Type(type);
  switch (out.type) {
    case DecodeMessage::Type::kStream:
      if (has_stream_) return broken("two streams");
      has_stream_ = true;
      out.info.rate_hz = reader.number<int32_t>();
      out.info.channels = reader.number<int32_t>();
      out.info.duration_hint_s = reader.number<double>();
      out.info.container = reader.text(reader.number<uint32_t>());
      out.info.codec = reader.rest();
      if (!reader.complete() || out.info.rate_hz <= 0 || out.info.channels <= 0 ||
          !std::isfinite(out.info.duration_hint_s) || out.info.duration_hint_s < 0) {
        return broken("a bad stream description");
      }
      return out;
    case DecodeMessage::Type::kSamples:
      if (!has_stream_) return broken("samples before the stream");
      if (payload.empty() || payload.size() % sizeof(int16_t) != 0) return broken("half a sample");
      out.samples.resize(payload.size() / sizeof(int16_t));
      std::memcpy(out.samples.data(), payload.data(), payload.size());
      return out;
    case DecodeMessage::Type::kWarning:
    case DecodeMessage::Type::kNote:
      if (++warnings_ > kMaxWarnings) return broken("too many warnings");
      out.text = reader.rest();
      return out;
    case DecodeMessage::Type::kEnd:
      if (!has_stream_ || !payload.empty()) return broken("a bad end");
      finished_ = true;
      return out;
    case DecodeMessage::Type::kError: {
      const auto code = reader.number<uint32_t>();
      if (code == uint32_t(Code::kOk) || code > uint32_t(Code::kInternal)) {
        return broken("an unknown error code");
      }
      out.code = Code(code);
      out.text = reader.rest();
      if (!reader.complete()) return broken("a cut error");
      finished_ = true;
      return out;
    }
  }
  return broken("an unknown message");
}

}  // namespace maie::audio
