#include "cli/batch.h"

#include "base/file.h"
#include "cli/exit_code.h"
#include "cli/stop_signals.h"

namespace maie::cli {

std::string display_name(const std::string& path) {
  return path == kStandardInput ? "standard input" : path;
}

std::string naming(const std::string& path, const std::string& message) {
  const std::string name = display_name(path);
  return message.rfind(name + ":", 0) == 0 ? message : name + ": " + message;
}

void Batch::plan(const std::vector<Input>& inputs,
                 const std::optional<OutputPlan::Options>& files) {
  codes_.assign(inputs.size(), kExitOk);
  std::vector<std::string> paths;
  for (const Input& input : inputs) paths.push_back(input.path);
  std::optional<OutputPlan> outputs;
  if (files) outputs.emplace(*files, paths);
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (!inputs[i].status.ok()) {
      fail(i, inputs[i].path, inputs[i].status, exit_code_of(inputs[i].status.code()));
      continue;
    }
    Work work{i, inputs[i].path, {}};
    if (outputs) {
      Result<std::vector<OutputPlan::File>> planned = outputs->files_of(inputs[i].path);
      if (!planned.has_value()) {
        fail(i, inputs[i].path, planned.error(), kExitCannotCreate);
        continue;
      }
      work.files = std::move(*planned);
    }
    works_.push_back(std::move(work));
  }
  if (works_.empty() || !outputs) return;
  if (const Status status = outputs->prepare_folder(); !status.ok()) {
    fail_all(status, kExitCannotCreate);
    works_.clear();
  }
}

int Batch::fail(size_t index, const std::string& path, const Status& status, int code) {
  console_.error(to_string(status.code()), naming(path, status.message()));
  return codes_[index] = code;
}

int Batch::fail(const Work& work, const Status& status, int code) {
  return fail(work.index, work.path, status, code);
}

int Batch::fail(const Work& work, const Status& status) {
  return fail(work, status, exit_code_of(status.code()));
}

int Batch::fail_all(const Status& status, int code) {
  console_.error(to_string(status.code()), status.message());
  for (const Work& work : works_) codes_[work.index] = code;
  return code;
}

int Batch::write(const Work& work, const std::vector<std::string>& contents) {
  const StopSignals::Shield shield;
  for (size_t i = 0; i < work.files.size(); ++i) {
    const std::string& path = work.files[i].path;
    const Status status = write_file_atomically(path, contents[i]);
    if (!status.ok()) {
      const Status named = Status(
          status.code(), status.message() + "; free some space or choose another --output-dir");
      return fail(work, named, exit_code_of_output(status.code()));
    }
    console_.detail("written", "wrote " + path);
  }
  return kExitOk;
}

int Batch::stopped() const {
  console_.info("stopped", "stopped; " + std::to_string(done_) + " of " +
                               std::to_string(codes_.size()) + " inputs are done");
  return kExitInterrupted;
}

int Batch::code() const { return exit_code_of_batch(codes_); }

void StandardOutput::write(const std::string& text) {
  if (failed()) return;
  failure_ = console_.write(text);
  if (failed()) cancel_.cancel();
}

int StandardOutput::exit_code() {
  if (console_.output_closed()) return kExitOk;
  console_.error("io_error",
                 failure_.message() + "; free some space or redirect the output elsewhere");
  return kExitIo;
}

}  // namespace maie::cli
