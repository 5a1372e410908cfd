#include "tests/e2e/cli/process.h"

#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <thread>

namespace maie::e2e {
namespace {

using Clock = std::chrono::steady_clock;
constexpr auto kLongest = std::chrono::seconds(60);

std::string content_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> list;
  for (std::string& text : texts) list.push_back(text.data());
  list.push_back(nullptr);
  return list;
}

void redirect(const std::string& path, int flags, int descriptor) {
  const int file = ::open(path.c_str(), flags, 0600);
  if (file < 0 || ::dup2(file, descriptor) < 0) ::_exit(126);
}

int wait_for_end(pid_t pid, const ProcessOptions& options, ProcessResult& result,
                 const std::function<void()>& drain) {
  const Clock::time_point start = Clock::now();
  Clock::time_point signalled{};
  while (true) {
    int status = 0;
    drain();
    if (::waitpid(pid, &status, WNOHANG) == pid) {
      if (signalled != Clock::time_point{}) {
        result.after_signal_s = std::chrono::duration<double>(Clock::now() - signalled).count();
      }
      return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    }
    const auto elapsed = Clock::now() - start;
    if (options.signal != 0 && signalled == Clock::time_point{} &&
        elapsed >= std::chrono::milliseconds(options.signal_after_ms)) {
      if (options.before_signal) options.before_signal(pid);
      signalled = Clock::now();
      ::kill(pid, options.signal);
    }
    if (elapsed > kLongest) ::kill(pid, SIGKILL);
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
}

// Runs in the new process: everything that is not a system call was prepared by the caller.
void become_maie(std::vector<char*>& arguments, std::vector<char*>& environment,
                 const ProcessOptions& options) {
  if (::chdir(options.folder.c_str()) != 0) ::_exit(126);
  if (options.file_size_limit >= 0) {
    const rlimit limit{rlim_t(options.file_size_limit), rlim_t(options.file_size_limit)};
    if (::setrlimit(RLIMIT_FSIZE, &limit) != 0) ::_exit(126);
  }
  ::execve(MAIE_PROGRAM, arguments.data(), environment.data());
  ::_exit(127);
}

struct CommandLine {
  CommandLine(const std::vector<std::string>& given, const ProcessOptions& options)
      : arguments(given), environment(options.environment) {
    arguments.insert(arguments.begin(), "maie");
    environment.push_back("PATH=/usr/bin:/bin");
    // Sanitizers tell their settings through these.
    for (const char* name : {"ASAN_OPTIONS", "TSAN_OPTIONS", "UBSAN_OPTIONS"}) {
      if (const char* value = std::getenv(name))
        environment.push_back(std::string(name) + "=" + value);
    }
    argument_list = pointers(arguments);
    environment_list = pointers(environment);
  }
  std::vector<std::string> arguments, environment;
  std::vector<char*> argument_list, environment_list;
};

}  // namespace

ProcessResult run_maie(const std::vector<std::string>& arguments, const ProcessOptions& options) {
  CommandLine command(arguments, options);
  const std::string out =
      options.output_file.empty() ? options.folder + "/.out" : options.output_file;
  const std::string err = options.folder + "/.err";
  const std::string in = options.input_file.empty() ? "/dev/null" : options.input_file;
  ProcessResult result;
  const pid_t pid = ::fork();
  if (pid == 0) {
    redirect(in, O_RDONLY, 0);
    redirect(out, O_WRONLY | O_CREAT, 1);
    redirect(err, O_WRONLY | O_CREAT | O_TRUNC, 2);
    become_maie(command.argument_list, command.environment_list, options);
  }
  result.code = wait_for_end(pid, options, result, [] {});
  if (options.output_file.empty()) {
    result.out = content_of(out);
    std::filesystem::remove(out);
  }
  result.err = content_of(err);
  std::filesystem::remove(err);
  return result;
}

ProcessResult run_maie_on_terminal(const std::vector<std::string>& arguments,
                                   const ProcessOptions& options, bool output_too) {
  CommandLine command(arguments, options);
  const std::string out = options.folder + "/.out";
  const winsize size{24, 100, 0, 0};
  ProcessResult result;
  int terminal = -1;
  const pid_t pid = ::forkpty(&terminal, nullptr, nullptr, &size);
  if (pid == 0) {
    if (!output_too) redirect(out, O_WRONLY | O_CREAT | O_TRUNC, 1);
    become_maie(command.argument_list, command.environment_list, options);
  }
  ::fcntl(terminal, F_SETFL, O_NONBLOCK);
  const auto drain = [&] {
    char block[4096];
    for (ssize_t count; (count = ::read(terminal, block, sizeof block)) > 0;)
      result.err.append(block, size_t(count));
  };
  result.code = wait_for_end(pid, options, result, drain);
  drain();
  ::close(terminal);
  if (!output_too) result.out = content_of(out);
  std::filesystem::remove(out);
  return result;
}

std::vector<pid_t> children_of(pid_t parent) {
  std::vector<pid_t> children;
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    const pid_t pid = pid_t(std::atol(entry.path().filename().c_str()));
    if (pid <= 0) continue;
    // "pid (name) state parent ...": the name may hold anything, so look behind its last bracket.
    const std::string stat = content_of(entry.path().string() + "/stat");
    const size_t bracket = stat.rfind(')');
    if (bracket == stat.npos || bracket + 4 > stat.size()) continue;
    if (std::atol(stat.c_str() + bracket + 4) == parent) children.push_back(pid);
  }
  return children;
}

}  // namespace maie::e2e
