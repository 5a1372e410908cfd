#include "audio/decode.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "audio/decode_child.h"
#include "audio/decode_protocol.h"
#include "audio/sample.h"
#include "base/log.h"

namespace maie::audio {
namespace {

constexpr int kPollMs = 50;
constexpr int kPipeBytes = 1 << 20;  // half a minute of sound that the child may be ahead
constexpr const char* kInsideVariable = "MAIE_DECODE_CHILD";

std::string& decoder_program() {
  static std::string path = "/proc/self/exe";
  return path;
}

class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int number) : number_(number) {}
  Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(number_, other.number_);
    return *this;
  }
  ~Descriptor() { close(); }
  void close() {
    if (number_ >= 0) ::close(std::exchange(number_, -1));
  }
  int get() const { return number_; }

 private:
  int number_ = -1;
};

struct Pipe {
  Descriptor read_end, write_end;
};

Result<Pipe> make_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return errno_status("cannot make a pipe", errno);
  Pipe made;
  made.read_end = Descriptor(ends[0]);
  made.write_end = Descriptor(ends[1]);
  return made;
}

/// Between fork and exec of a process with threads only plain system calls are allowed: everything
/// here was prepared before.
[[noreturn]] void become_child(std::array<int, 4> wanted, const char* program,
                               char* const* arguments, char* const* environment) {
  // First out of the way of the target numbers, then onto them.
  for (int& descriptor : wanted) {
    descriptor = ::fcntl(descriptor, F_DUPFD, 16);
    if (descriptor < 0) ::_exit(126);
  }
  const int nothing = ::open("/dev/null", O_RDWR);
  if (nothing < 0 || ::dup2(nothing, 0) < 0 || ::dup2(nothing, 1) < 0) ::_exit(126);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  // FFmpeg's own messages come through the protocol; only sanitizers have more to say.
  if (::dup2(nothing, 2) < 0) ::_exit(126);
#endif
  for (int i = 0; i < 4; ++i) {
    if (::dup2(wanted[size_t(i)], kChildInput + i) < 0) ::_exit(126);
  }
  constexpr unsigned kFirstOther = kChildInput + 4;
  if (::syscall(SYS_close_range, kFirstOther, ~0U, 0) != 0) {
    for (unsigned other = kFirstOther; other < 4096; ++other) ::close(int(other));
  }
  // Ctrl-C goes to the whole group; the parent decides what becomes of this process.
  (void)std::signal(SIGINT, SIG_IGN);
  sigset_t none;
  sigemptyset(&none);
  (void)::sigprocmask(SIG_SETMASK, &none, nullptr);
  (void)::execve(program, arguments, environment);
  ::_exit(127);
}

}  // namespace

void set_decoder_program(std::string path) { decoder_program() = std::move(path); }

struct Decoding::Child {
  std::string name;
  const CancelToken* cancel = nullptr;
  pid_t pid = -1;
  Descriptor messages, lifeline;
  DecodeMessageParser parser;
  AudioInfo info;
  std::vector<std::string> warnings;
  std::vector<int16_t> ready;
  size_t ready_taken = 0;
  bool ended = false;
  Status failure;

  ~Child() { stop(); }

  Status start(int input, const DecodeOptions& options);
  Status wait_for_bytes();
  Result<DecodeMessage> next_message();
  Status death();
  Status fail(Status status) {
    stop();
    failure = status.within(name);
    return failure;
  }
  void stop() {
    if (pid <= 0) return;
    (void)::kill(pid, SIGKILL);
    reap();
  }
  int reap() {
    int result = 0;
    while (::waitpid(pid, &result, 0) < 0 && errno == EINTR) {
    }
    pid = -1;
    return result;
  }
};

Status Decoding::Child::start(int input, const DecodeOptions& options) {
  if (std::getenv(kInsideVariable) != nullptr) {
    return internal_error("this program was started as a decoding child but does not act as one");
  }
  MAIE_ASSIGN(Pipe output, make_pipe());
  MAIE_ASSIGN(Pipe life, make_pipe());
  MAIE_ASSIGN(const int spool_number, open_temporary_file(options.temporary_folder));
  const Descriptor spool(spool_number);
  (void)::fcntl(output.read_end.get(), F_SETPIPE_SZ, kPipeBytes);  // as far as the system allows

  const int64_t max_samples = int64_t(std::clamp(options.max_duration_s, 0.001, 1e9) * Clip::kRate);
  std::string flag = kDecodeChildFlag, samples = std::to_string(max_samples);
  std::string spool_bytes = std::to_string(options.max_spool_bytes);
  std::string program = decoder_program(), title = "maie";
  std::array<char*, 5> arguments = {title.data(), flag.data(), samples.data(), spool_bytes.data(),
                                    nullptr};
  // The secrets in our environment are none of its business.
  std::vector<std::string> kept = {std::string(kInsideVariable) + "=1"};
  for (const char* variable :
       {"LD_LIBRARY_PATH", "ASAN_OPTIONS", "TSAN_OPTIONS", "UBSAN_OPTIONS"}) {
    if (const char* value = std::getenv(variable))
      kept.push_back(std::string(variable) + "=" + value);
  }
  std::vector<char*> environment;
  for (std::string& variable : kept) environment.push_back(variable.data());
  environment.push_back(nullptr);

  const std::array<int, 4> wanted = {input, output.write_end.get(), life.read_end.get(),
                                     spool.get()};
  pid = ::fork();
  if (pid < 0) return errno_status("cannot start the decoder process", errno);
  if (pid == 0) become_child(wanted, program.c_str(), arguments.data(), environment.data());
  messages = std::move(output.read_end);
  lifeline = std::move(life.write_end);
  return {};
}

/// Waits until the child wrote something or ended, looking at the cancel token in between.
Status Decoding::Child::wait_for_bytes() {
  while (true) {
    if (cancel != nullptr) MAIE_TRY(cancel->status());
    pollfd waiting{.fd = messages.get(), .events = POLLIN, .revents = 0};
    const int ready_count = ::poll(&waiting, 1, kPollMs);
    if (ready_count > 0) return {};
    if (ready_count < 0 && errno != EINTR)
      return errno_status("cannot wait for the decoder", errno);
  }
}

/// Why the child's pipe ended before its last message.
Status Decoding::Child::death() {
  const int result = reap();
  if (cancel != nullptr) MAIE_TRY(cancel->status());  // whoever stopped us may have stopped it too
  if (WIFSIGNALED(result)) {
    const int signal = WTERMSIG(result);
    if (signal == SIGKILL) {
      return resource_exhausted(
          "the decoder process was killed, probably because memory ran out; try "
          "again with less running");
    }
    return internal_error("the decoder process was ended by signal " + std::to_string(signal) +
                          " (" + ::strsignal(signal) +
                          "); the file is probably damaged, please report it");
  }
  const int code = WEXITSTATUS(result);
  if (code == 127 || code == 126) {
    return internal_error("the decoder process \"" + decoder_program() + "\" cannot be started");
  }
  return internal_error("the decoder process ended without an answer (exit code " +
                        std::to_string(code) + "); please report this file");
}

Result<DecodeMessage> Decoding::Child::next_message() {
  while (true) {
    MAIE_ASSIGN(std::optional<DecodeMessage> message, parser.next());
    if (message && message->type == DecodeMessage::Type::kNote) {
      log_debug(name + ": " + message->text);
      continue;
    }
    if (message) return std::move(*message);
    MAIE_TRY(wait_for_bytes());
    std::array<std::byte, 64 * 1024> block;
    const ssize_t count = ::read(messages.get(), block.data(), block.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return errno_status("cannot read from the decoder process", errno);
    if (count == 0) return death();
    parser.push(std::span(block).first(size_t(count)));
  }
}

Decoding::Decoding(std::unique_ptr<Child> child) : child_(std::move(child)) {}
Decoding::~Decoding() = default;
const AudioInfo& Decoding::info() const { return child_->info; }
const std::vector<std::string>& Decoding::warnings() const { return child_->warnings; }

Result<size_t> Decoding::read_some(std::span<float> out) {
  Child& child = *child_;
  if (!child.failure.ok()) return child.failure;
  if (out.empty()) return size_t{0};
  while (child.ready_taken == child.ready.size()) {
    if (child.ended) return size_t{0};
    Result<DecodeMessage> message = child.next_message();
    if (!message) return child.fail(message.error());
    switch (message->type) {
      case DecodeMessage::Type::kSamples:
        child.ready = std::move(message->samples);
        child.ready_taken = 0;
        break;
      case DecodeMessage::Type::kWarning: child.warnings.push_back(std::move(message->text)); break;
      case DecodeMessage::Type::kError: return child.fail({message->code, message->text});
      case DecodeMessage::Type::kEnd:
        child.ended = true;
        child.reap();
        break;
      case DecodeMessage::Type::kStream:
      case DecodeMessage::Type::kNote:
        break;  // the parser allows only one, next_message logs the other
    }
  }
  const size_t count = std::min(out.size(), child.ready.size() - child.ready_taken);
  std::transform(child.ready.begin() + int64_t(child.ready_taken),
                 child.ready.begin() + int64_t(child.ready_taken + count), out.begin(), from_s16);
  child.ready_taken += count;
  return count;
}

Result<std::unique_ptr<Decoding>> start_decode_descriptor(int descriptor, std::string name,
                                                          const DecodeOptions& options,
                                                          const CancelToken* cancel) {
  struct stat about {};
  if (::fstat(descriptor, &about) != 0) return errno_status(name, errno);
  if (S_ISDIR(about.st_mode)) {
    return invalid_input(name + ": is a directory; name the audio files in it");
  }
  if (S_ISREG(about.st_mode) && about.st_size == 0) {
    return invalid_input(name + ": is empty; give a file that holds audio");
  }
  auto child = std::make_unique<Decoding::Child>();
  child->name = std::move(name);
  child->cancel = cancel;
  const Status started = child->start(descriptor, options);
  if (!started.ok()) return child->fail(started);
  while (true) {
    Result<DecodeMessage> message = child->next_message();
    if (!message) return child->fail(message.error());
    if (message->type == DecodeMessage::Type::kError) {
      return child->fail({message->code, message->text});
    }
    if (message->type == DecodeMessage::Type::kWarning) {
      child->warnings.push_back(std::move(message->text));
      continue;
    }
    child->info = std::move(message->info);
    return std::unique_ptr<Decoding>(new Decoding(std::move(child)));
  }
}

Result<std::unique_ptr<Decoding>> start_decode(const std::string& path,
                                               const DecodeOptions& options,
                                               const CancelToken* cancel) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0) {
    if (errno == ENOENT) return not_found(path + ": no such file; check the name");
    if (errno == EACCES)
      return permission_denied(path + ": may not be read; check its permissions");
    return errno_status(path, errno);
  }
  return start_decode_descriptor(file.get(), path, options, cancel);
}

namespace {

Result<Clip> collect(Result<std::unique_ptr<Decoding>> started, const std::string& name,
                     const DecodeOptions& options) {
  MAIE_ASSIGN(const std::unique_ptr<Decoding> decoding, std::move(started));
  ClipWriter writer(
      {.memory_limit_s = options.memory_limit_s, .temporary_folder = options.temporary_folder});
  std::vector<float> block(64 * 1024);
  while (true) {
    MAIE_ASSIGN(const size_t count, decoding->read_some(block));
    if (count == 0) return writer.finish(decoding->info(), decoding->warnings());
    const Status stored = writer.append(std::span(block).first(count));
    if (!stored.ok()) return stored.within(name);
  }
}

}  // namespace

Result<Clip> decode(const std::string& path, const DecodeOptions& options,
                    const CancelToken* cancel) {
  return collect(start_decode(path, options, cancel), path, options);
}

Result<Clip> decode_descriptor(int descriptor, std::string name, const DecodeOptions& options,
                               const CancelToken* cancel) {
  return collect(start_decode_descriptor(descriptor, name, options, cancel), name, options);
}

}  // namespace maie::audio
