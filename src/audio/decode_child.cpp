#include "audio/decode_child.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstring>
#include <exception>
#include <memory>
#include <new>
#include <string_view>

#include "audio/confine.h"
#include "audio/decode_protocol.h"
#include "audio/media.h"

namespace maie::audio {
namespace {

/// Any descriptor with positions, read without moving it.
class FileInput final : public ByteInput {
 public:
  FileInput(int file, int64_t start, int64_t size) : file_(file), start_(start), size_(size) {}

  int64_t read(std::span<std::byte> out) override {
    while (true) {
      const ssize_t count = ::pread(file_, out.data(), out.size(), start_ + position_);
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) return -int64_t{errno};
      position_ += count;
      return count;
    }
  }
  int64_t size() const override { return size_; }
  void seek(int64_t position) override { position_ = position; }

 private:
  int file_;
  int64_t start_, size_, position_ = 0;
};

/// A pipe: `head` was already read from it.
class PipeInput final : public ByteInput {
 public:
  PipeInput(int file, std::span<const std::byte> head) : file_(file), head_(head) {}

  int64_t read(std::span<std::byte> out) override {
    if (!head_.empty()) {
      const size_t count = std::min(out.size(), head_.size());
      std::memcpy(out.data(), head_.data(), count);
      head_ = head_.subspan(count);
      return int64_t(count);
    }
    while (true) {
      const ssize_t count = ::read(file_, out.data(), out.size());
      if (count < 0 && errno == EINTR) continue;
      return count < 0 ? -int64_t{errno} : count;
    }
  }
  int64_t size() const override { return -1; }
  void seek(int64_t) override {}

 private:
  int file_;
  std::span<const std::byte> head_;
};

bool write_all(int file, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::write(file, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return false;
    bytes.remove_prefix(size_t(count));
  }
  return true;
}

class PipeSink final : public PcmSink {
 public:
  Status stream(const AudioInfo& info) override { return send(encode_stream(info)); }
  Status samples(std::span<const int16_t> block) override { return send(encode_samples(block)); }
  Status warning(const std::string& text) override {
    return ++warnings_ < kMaxWarnings ? send(encode_warning(text)) : Status();
  }

 private:
  static Status send(const std::string& message) {
    return write_all(kChildOutput, message) ? Status() : unavailable("the parent is gone");
  }
  size_t warnings_ = 0;
};

/// MP4 and its relatives may keep their index behind the sound.
bool needs_seeking(std::span<const std::byte> head) {
  if (head.size() < 8) return false;
  const std::string_view box(reinterpret_cast<const char*>(head.data()) + 4, 4);
  for (const std::string_view name : {"ftyp", "moov", "mdat", "free", "skip", "wide", "pnot"}) {
    if (box == name) return true;
  }
  return false;
}

Status spool(std::span<const std::byte> head, int64_t& size) {
  const auto store = [&](std::string_view bytes) {
    size += int64_t(bytes.size());
    if (write_all(kChildSpool, bytes)) return Status();
    if (errno == EFBIG) {
      return resource_exhausted("is too long to be read from a pipe; save it to a file first");
    }
    if (errno == ENOSPC || errno == EDQUOT) {
      return resource_exhausted(
          "does not fit the temporary folder, which is full; free some space or "
          "name another folder with TMPDIR");
    }
    return errno_status("cannot be copied to the temporary folder", errno);
  };
  MAIE_TRY(store({reinterpret_cast<const char*>(head.data()), head.size()}));
  std::array<char, 64 * 1024> block;
  while (true) {
    const ssize_t count = ::read(kChildInput, block.data(), block.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return errno_status("cannot be read", errno);
    if (count == 0) return {};
    MAIE_TRY(store({block.data(), size_t(count)}));
  }
}

Status decode_input(int64_t max_samples, PcmSink& sink) {
  struct stat about {};
  const off_t start = ::lseek(kChildInput, 0, SEEK_CUR);
  if (start >= 0 && ::fstat(kChildInput, &about) == 0 && S_ISREG(about.st_mode)) {
    FileInput file(kChildInput, start, std::max<int64_t>(about.st_size - start, 0));
    return decode_media(file, max_samples, sink);
  }
  std::array<std::byte, 16> head;
  size_t size = 0;
  PipeInput first(kChildInput, {});
  while (size < head.size()) {
    const int64_t count = first.read(std::span(head).subspan(size));
    if (count < 0) return errno_status("cannot be read", int(-count));
    if (count == 0) break;
    size += size_t(count);
  }
  const std::span<const std::byte> known = std::span(head).first(size);
  if (!needs_seeking(known)) {
    PipeInput pipe(kChildInput, known);
    return decode_media(pipe, max_samples, sink);
  }
  int64_t spooled = 0;
  MAIE_TRY(spool(known, spooled));
  FileInput file(kChildSpool, 0, spooled);
  return decode_media(file, max_samples, sink);
}

/// The parent's death must end this process even in the middle of a codec. PR_SET_PDEATHSIG would
/// act on the death of the one thread that started us; a pipe whose writer vanishes raises SIGIO
/// instead, whose default is to end the process.
void die_with_parent() {
  (void)std::signal(SIGIO, SIG_DFL);
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGIO);
  sigaddset(&signals, SIGPIPE);
  (void)::sigprocmask(SIG_UNBLOCK, &signals, nullptr);
  (void)std::signal(SIGPIPE, SIG_DFL);
  (void)::fcntl(kChildLifeline, F_SETOWN, ::getpid());
  (void)::fcntl(kChildLifeline, F_SETFL, O_ASYNC | O_NONBLOCK);
  // The parent may have died before the line above; a read then finds the end of the pipe.
  char byte;
  if (::read(kChildLifeline, &byte, 1) == 0) ::_exit(1);
}

int64_t number_or(const char* text, int64_t fallback) {
  int64_t value = 0;
  const std::string_view view(text);
  const auto [end, error] = std::from_chars(view.data(), view.data() + view.size(), value);
  return error == std::errc() && end == view.data() + view.size() && value > 0 ? value : fallback;
}

}  // namespace

bool is_decode_child(int argc, const char* const* argv) {
  return argc >= 2 && std::string_view(argv[1]) == kDecodeChildFlag;
}

int decode_child_main(int argc, const char* const* argv) {
  if (argc != 4 || ::fcntl(kChildOutput, F_GETFD) < 0 || ::fcntl(kChildLifeline, F_GETFD) < 0) {
    constexpr std::string_view kHint = "--decode-child is for the program's own use\n";
    (void)write_all(STDERR_FILENO, kHint);
    return 2;
  }
  die_with_parent();
  const int64_t max_samples = number_or(argv[2], 1), max_spool = number_or(argv[3], 1);
  const std::string missing = confine({.file_bytes = max_spool});
  if (!missing.empty())
    (void)write_all(kChildOutput, encode_note("decoder not fully confined: " + missing));
  PipeSink sink;
  Status status;
  // The last catch of this process: an allocation beyond the limit is the recording's fault.
  try {
    status = decode_input(max_samples, sink);
  } catch (const std::bad_alloc&) {
    status = resource_exhausted("needs too much memory to decode; the file is probably damaged");
  } catch (const std::exception& error) {
    status = internal_error(error.what());
  }
  const bool told = write_all(kChildOutput, status.ok() ? encode_end() : encode_error(status));
  // Nothing is left to flush, and tearing down the whole program could need calls that are refused.
  if (confines_calls()) ::_exit(told ? 0 : 1);
  return told ? 0 : 1;
}

}  // namespace maie::audio
