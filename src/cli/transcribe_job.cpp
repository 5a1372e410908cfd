#include "cli/transcribe_job.h"

#include <optional>
#include <utility>

#include "base/file.h"
#include "cli/exit_code.h"
#include "cli/inputs.h"
#include "cli/json_result.h"
#include "cli/progress.h"
#include "cli/stop_signals.h"
#include "cli/transcript_text.h"

namespace maie::cli {
namespace {

using Files = std::vector<OutputPlan::File>;

// One recording that is going to be worked on.
struct Work {
  size_t index;  // among all inputs
  std::string path;
  Files files;  // empty: the result goes to standard output
};

std::string display_name(const std::string& path) {
  return path == kStandardInput ? "standard input" : path;
}

// A sentence that names the file once, whether or not the part that failed already did.
std::string naming(const std::string& path, const std::string& message) {
  const std::string name = display_name(path);
  return message.rfind(name + ":", 0) == 0 ? message : name + ": " + message;
}

class Job {
 public:
  Job(const TranscribeArguments& arguments, const RecogniserLoader& load, Console& console,
      CancelToken& cancel)
      : arguments_(arguments), load_(load), console_(console), cancel_(cancel) {}

  int run() {
    choose_destination();
    if (const Status status = check_destination(); !status.ok()) return usage_failure(status);
    const std::vector<Input> inputs = expand_inputs(arguments_.inputs, arguments_.recursive);
    codes_.assign(inputs.size(), kExitOk);
    const std::vector<Work> works = plan(inputs);
    if (works.empty()) return exit_code_of_batch(codes_);

    Result<std::unique_ptr<Recogniser>> loaded = load_(arguments_.engine);
    if (cancel_.is_cancelled()) return stopped(0);
    if (!loaded.has_value())
      return fail_all(works, loaded.error(), exit_code_of(loaded.error().code()));
    recogniser_ = std::move(*loaded);
    describe_model();
    if (const Status status = recogniser_->validate(arguments_.transcribe); !status.ok()) {
      return fail_all(works, status, kExitUsageLater);
    }
    return work_through(works, inputs.size());
  }

 private:
  enum class Destination { kFiles, kStdoutLines, kStdoutDocument };

  void choose_destination() {
    formats_ = arguments_.formats;
    const bool given = !formats_.empty();
    if (!given) formats_ = {Format::kTxt};
    const std::string& folder = arguments_.output_folder;
    const bool only_pipe = arguments_.inputs.size() == 1 && arguments_.inputs[0] == kStandardInput;
    const bool to_stdout =
        folder == "-" || (folder.empty() && (!given || (only_pipe && formats_.size() == 1)));
    if (!to_stdout) {
      destination_ = Destination::kFiles;
    } else {
      destination_ =
          formats_[0] == Format::kTxt ? Destination::kStdoutLines : Destination::kStdoutDocument;
    }
  }

  Status check_destination() const {
    if (destination_ != Destination::kFiles && formats_.size() != 1) {
      return invalid_input("standard output takes one format; name a directory with --output-dir");
    }
    return {};
  }

  int usage_failure(const Status& status) {
    console_.error("usage", status.message());
    return kExitUsageLater;
  }

  // Everything that can be known before the work: which inputs exist, which outputs may be written.
  std::vector<Work> plan(const std::vector<Input>& inputs) {
    std::vector<std::string> paths;
    for (const Input& input : inputs) paths.push_back(input.path);
    OutputPlan outputs({.folder = arguments_.output_folder.empty() ? "." : arguments_.output_folder,
                        .formats = formats_,
                        .overwrite = arguments_.overwrite},
                       paths);
    std::vector<Work> works;
    for (size_t i = 0; i < inputs.size(); ++i) {
      if (!inputs[i].status.ok()) {
        fail(i, inputs[i].path, inputs[i].status, exit_code_of(inputs[i].status.code()));
        continue;
      }
      Files files;
      if (destination_ == Destination::kFiles) {
        Result<Files> planned = outputs.files_of(inputs[i].path);
        if (!planned.has_value()) {
          fail(i, inputs[i].path, planned.error(), kExitCannotCreate);
          continue;
        }
        files = std::move(*planned);
      }
      works.push_back({i, inputs[i].path, std::move(files)});
    }
    if (works.empty() || destination_ != Destination::kFiles) return works;
    if (const Status status = outputs.prepare_folder(); !status.ok()) {
      console_.error(to_string(status.code()), status.message());
      for (const Work& work : works) codes_[work.index] = kExitCannotCreate;
      works.clear();
    }
    return works;
  }

  void describe_model() {
    const pipeline::ModelInfo& model = recogniser_->info();
    console_.detail(
        "model", "model " + model.path + " (" + model.source + ", stored as " + model.stored_type +
                     ", computed in " + model.compute_type +
                     "), voice activity: " + (model.vad.empty() ? "energy gate" : model.vad));
  }

  int work_through(const std::vector<Work>& works, size_t count) {
    size_t done = 0;
    for (const Work& work : works) {
      if (cancel_.is_cancelled()) return stopped(done);
      const int code = transcribe(work, count);
      if (!write_failure_.ok()) return code;
      if (cancel_.is_cancelled() && code != kExitOk) return stopped(done);
      codes_[work.index] = code;
      if (code == kExitOk) ++done;
    }
    return exit_code_of_batch(codes_);
  }

  // The whole way of one recording; returns its exit code.
  int transcribe(const Work& work, size_t count) {
    ProgressLine progress(console_, display_name(work.path), int(work.index) + 1, int(count));
    const RecogniseCallbacks callbacks = {
        .opened = [&](double duration_s) { progress.opened(duration_s); },
        .progress = [&](double fraction) { progress.update(fraction); },
        .segment = [&](const pipeline::Segment& segment) { show(segment); }};
    const Result<Recognised> result =
        recogniser_->recognise(work.path, arguments_.transcribe, callbacks, cancel_);
    console_.clear();
    if (!write_failure_.ok()) return fail_stdout();
    if (!result.has_value()) {
      // Ctrl-C reaches the decoding child too: once a stop was asked for, how the work ended says
      // nothing.
      if (cancel_.is_cancelled()) return kExitInterrupted;
      return fail(work.index, work.path, result.error(), exit_code_of(result.error().code()));
    }
    report(work.path, *result);
    return save(work, *result);
  }

  void report(const std::string& path, const Recognised& result) {
    for (const std::string& warning : result.input_warnings) {
      console_.warning("audio", naming(path, warning));
    }
    for (const std::string& warning : result.transcript.warnings) {
      console_.warning("transcript", naming(path, warning));
    }
  }

  // A segment as it comes: the result itself, or for someone who watches.
  void show(const pipeline::Segment& segment) {
    const bool watched =
        console_.traits().out_is_terminal || console_.verbosity() == Verbosity::kVerbose;
    const bool is_result = destination_ == Destination::kStdoutLines;
    if (destination_ == Destination::kStdoutDocument) return;
    if (!is_result && (!watched || console_.verbosity() == Verbosity::kQuiet)) return;
    write_out(watched ? timed_line(segment) : plain_line(segment));
  }

  void write_out(const std::string& text) {
    if (!write_failure_.ok()) return;
    write_failure_ = console_.write(text);
    if (!write_failure_.ok()) {
      cancel_.cancel();  // nobody reads any more
    }
  }

  int fail_stdout() {
    if (console_.output_closed()) return kExitOk;
    console_.error("io_error",
                   write_failure_.message() + "; free some space or redirect the output elsewhere");
    return kExitIo;
  }

  int save(const Work& work, const Recognised& result) {
    if (destination_ == Destination::kStdoutLines) return kExitOk;
    if (destination_ == Destination::kStdoutDocument) {
      write_out(render(formats_[0], work.path, result));
      return write_failure_.ok() ? int(kExitOk) : fail_stdout();
    }
    std::vector<std::string> contents;
    for (const OutputPlan::File& file : work.files)
      contents.push_back(render(file.format, work.path, result));
    // Should the user stop the program right now, the files of this recording are still finished.
    const StopSignals::Shield shield;
    for (size_t i = 0; i < work.files.size(); ++i) {
      const OutputPlan::File& file = work.files[i];
      const Status status = write_file_atomically(file.path, contents[i]);
      if (!status.ok()) {
        const Status named = Status(
            status.code(), status.message() + "; free some space or choose another --output-dir");
        return fail(work.index, work.path, named, exit_code_of_output(status.code()));
      }
      console_.detail("written", "wrote " + file.path);
    }
    return kExitOk;
  }

  std::string render(Format format, const std::string& input, const Recognised& result) {
    if (format != Format::kJson)
      return render_transcript(format, result.transcript, arguments_.subtitles);
    RunInfo run{input, arguments_.engine, arguments_.transcribe, recogniser_->info()};
    run.model.sha256 = recogniser_->model_hash();
    return to_text(result_document(run, result));
  }

  int fail(size_t index, const std::string& path, const Status& status, int code) {
    console_.error(to_string(status.code()), naming(path, status.message()));
    return codes_[index] = code;
  }

  // What stops every recording: the model or an option it cannot serve.
  int fail_all(const std::vector<Work>& works, const Status& status, int code) {
    console_.error(to_string(status.code()), status.message());
    for (const Work& work : works) codes_[work.index] = code;
    return code;
  }

  int stopped(size_t done) {
    console_.info("stopped", "stopped; " + std::to_string(done) + " of " +
                                 std::to_string(codes_.size()) + " recordings are done");
    return kExitInterrupted;
  }

  const TranscribeArguments& arguments_;
  const RecogniserLoader& load_;
  Console& console_;
  CancelToken& cancel_;
  Destination destination_ = Destination::kStdoutLines;
  std::vector<Format> formats_;
  std::unique_ptr<Recogniser> recogniser_;
  std::vector<int> codes_;  // one per input
  Status write_failure_;    // of standard output
};

}  // namespace

int run_transcribe(const TranscribeArguments& arguments, const RecogniserLoader& load,
                   Console& console, CancelToken& cancel) {
  return Job(arguments, load, console, cancel).run();
}

}  // namespace maie::cli
