// The decoding child for tests, and for any test of another folder that decodes: started by
// audio::start_decode after set_decoder_program(MAIE_BINARY_DIR "/bin/maie_decode_child").
// `maie_decode_child --try-to-escape` confines itself and reports what it can still do.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <string>

#include "audio/confine.h"
#include "audio/decode_child.h"

namespace {

int try_to_escape() {
  const std::string missing = maie::audio::confine({});
  std::string escapes;
  if (::open("/etc/passwd", O_RDONLY) >= 0) escapes += " open";
  if (::open("/tmp/maie-escape", O_WRONLY | O_CREAT, 0600) >= 0) escapes += " create";
  if (::socket(AF_INET, SOCK_STREAM, 0) >= 0) escapes += " socket";
  if (::socket(AF_UNIX, SOCK_STREAM, 0) >= 0) escapes += " unix-socket";
  if (const pid_t child = ::fork(); child >= 0) {
    if (child == 0) ::_exit(0);
    escapes += " fork";
  }
  char name[] = "/bin/true";
  char* const arguments[] = {name, nullptr};
  if (::access("/bin/true", X_OK) == 0) escapes += " access";
  (void)::execv(name, arguments);
  void* code =
      ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (code != MAP_FAILED) escapes += " executable-memory";
  void* huge = ::mmap(nullptr, size_t{8} << 30, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (huge != MAP_FAILED) escapes += " huge-memory";
  const std::string answer = "missing:" + missing + "\nescapes:" + escapes + "\n";
  const bool told = ::write(1, answer.data(), answer.size()) == ssize_t(answer.size());
  ::_exit(told ? 0 : 1);
}

}  // namespace

int main(int argc, char** argv) {
  if (maie::audio::is_decode_child(argc, argv)) return maie::audio::decode_child_main(argc, argv);
  if (argc == 2 && std::strcmp(argv[1], "--try-to-escape") == 0) return try_to_escape();
  std::fputs("for the tests only\n", stderr);
  return 2;
}
