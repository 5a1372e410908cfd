// The program `maie`: what has to be set up once per process, and the last catch.
#include <unistd.h>

#include <exception>
#include <new>
#include <string>

#include "audio/decode_child.h"
#include "cli/app.h"
#include "cli/exit_code.h"
#include "cli/stop_signals.h"

namespace {

using namespace maie::cli;

int run(int argc, char** argv) {
  StopSignals stop;
  Console console(STDOUT_FILENO, STDERR_FILENO,
                  TerminalTraits::of_process(STDOUT_FILENO, STDERR_FILENO));
  Context context{.console = console,
                  .cancel = stop.token(),
                  .load = load_recogniser,
                  .load_language_model = language_model_loader()};
  try {
    const int code = run_app({argv + 1, argv + argc}, context);
    return code == kExitInterrupted && stop.signal() != 0 ? 128 + stop.signal() : code;
  } catch (const std::bad_alloc&) {
    console.error("resource_exhausted", "out of memory; try a smaller model or --batch-size 1");
    return kExitSystem;
  } catch (const std::exception& error) {
    console.error("internal",
                  std::string("this is a fault of the program, please report it: ") + error.what());
    return kExitInternal;
  }
}

}  // namespace

int main(int argc, char** argv) {
  // Media files are decoded in a process of their own, which is this program again.
  if (maie::audio::is_decode_child(argc, argv)) return maie::audio::decode_child_main(argc, argv);
  return run(argc, argv);
}
