// Any bytes through demuxer, decoder, mixing and resampling, in this process.
#include <cstdint>
#include <cstring>

#include "audio/media.h"

namespace {

class MemoryInput final : public maie::audio::ByteInput {
 public:
  MemoryInput(std::span<const std::byte> bytes, bool seekable)
      : bytes_(bytes), seekable_(seekable) {}
  int64_t read(std::span<std::byte> out) override {
    if (position_ >= int64_t(bytes_.size())) return 0;
    const size_t count = std::min(out.size(), bytes_.size() - size_t(position_));
    std::memcpy(out.data(), bytes_.data() + position_, count);
    position_ += int64_t(count);
    return int64_t(count);
  }
  int64_t size() const override { return seekable_ ? int64_t(bytes_.size()) : -1; }
  void seek(int64_t position) override { position_ = position; }

 private:
  std::span<const std::byte> bytes_;
  bool seekable_;
  int64_t position_ = 0;
};

struct NoSink final : maie::audio::PcmSink {
  maie::Status stream(const maie::audio::AudioInfo&) override { return {}; }
  maie::Status samples(std::span<const int16_t>) override { return {}; }
  maie::Status warning(const std::string&) override { return {}; }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  // The first byte says whether it comes as a file or through a pipe.
  MemoryInput input(std::as_bytes(std::span(data + 1, size - 1)), data[0] % 2 == 0);
  NoSink sink;
  const maie::Status status = maie::audio::decode_media(input, 16000 * 60, sink);
  if (!status.ok() && status.message().empty()) __builtin_trap();
  return 0;
}
