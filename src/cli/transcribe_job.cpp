#include "cli/transcribe_job.h"

#include <optional>
#include <utility>

#include "cli/batch.h"
#include "cli/exit_code.h"
#include "cli/json_result.h"
#include "cli/progress.h"
#include "cli/transcript_text.h"

namespace maie::cli {
namespace {

class Job {
 public:
  Job(const TranscribeArguments& arguments, const RecogniserLoader& load, Console& console,
      CancelToken& cancel)
      : arguments_(arguments),
        load_(load),
        console_(console),
        cancel_(cancel),
        batch_(console),
        out_(console, cancel) {}

  int run() {
    choose_destination();
    if (destination_ != Destination::kFiles && formats_.size() != 1) {
      console_.error("usage",
                     "standard output takes one format; name a directory with --output-dir");
      return kExitUsageLater;
    }
    plan();
    if (batch_.works().empty()) return batch_.code();

    Result<std::unique_ptr<Recogniser>> loaded = load_(arguments_.engine);
    if (cancel_.is_cancelled()) return batch_.stopped();
    if (!loaded.has_value()) {
      return batch_.fail_all(loaded.error(), exit_code_of(loaded.error().code()));
    }
    recogniser_ = std::move(*loaded);
    describe_model(recogniser_->info(), console_);
    if (const Status status = recogniser_->validate(arguments_.transcribe); !status.ok()) {
      return batch_.fail_all(status, kExitUsageLater);
    }
    return work_through();
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

  void plan() {
    std::optional<OutputPlan::Options> files;
    if (destination_ == Destination::kFiles) {
      files = {.folder = arguments_.output_folder.empty() ? "." : arguments_.output_folder,
               .formats = formats_,
               .overwrite = arguments_.overwrite};
    }
    batch_.plan(expand_inputs(arguments_.inputs, arguments_.recursive), files);
  }

  int work_through() {
    for (const Batch::Work& work : batch_.works()) {
      if (cancel_.is_cancelled()) return batch_.stopped();
      const int code = transcribe(work);
      if (out_.failed()) return code;
      if (cancel_.is_cancelled() && code != kExitOk) return batch_.stopped();
      if (code == kExitOk) batch_.done(work);
    }
    return batch_.code();
  }

  // The whole way of one recording; returns its exit code.
  int transcribe(const Batch::Work& work) {
    ProgressLine progress(console_, display_name(work.path), int(work.index) + 1,
                          int(batch_.size()));
    const RecogniseCallbacks callbacks = {
        .opened = [&](double duration_s) { progress.opened(duration_s); },
        .progress = [&](double fraction) { progress.update(fraction); },
        .segment = [&](const pipeline::Segment& segment) { show(segment); }};
    const Result<Recognised> result =
        recogniser_->recognise(work.path, arguments_.transcribe, callbacks, cancel_);
    console_.clear();
    if (out_.failed()) return out_.exit_code();
    if (!result.has_value()) {
      // Ctrl-C reaches the decoding child too: once a stop was asked for, how the work ended says
      // nothing.
      if (cancel_.is_cancelled()) return kExitInterrupted;
      return batch_.fail(work, result.error());
    }
    report_warnings(work.path, *result, console_);
    return save(work, *result);
  }

  // A segment as it comes: the result itself, or for someone who watches.
  void show(const pipeline::Segment& segment) {
    const bool watched =
        console_.traits().out_is_terminal || console_.verbosity() == Verbosity::kVerbose;
    const bool is_result = destination_ == Destination::kStdoutLines;
    if (destination_ == Destination::kStdoutDocument) return;
    if (!is_result && (!watched || console_.verbosity() == Verbosity::kQuiet)) return;
    out_.write(watched ? timed_line(segment) : plain_line(segment));
  }

  int save(const Batch::Work& work, const Recognised& result) {
    if (destination_ == Destination::kStdoutLines) return kExitOk;
    if (destination_ == Destination::kStdoutDocument) {
      out_.write(render(formats_[0], work.path, result));
      return out_.failed() ? out_.exit_code() : int(kExitOk);
    }
    std::vector<std::string> contents;
    for (const OutputPlan::File& file : work.files)
      contents.push_back(render(file.format, work.path, result));
    return batch_.write(work, contents);
  }

  std::string render(Format format, const std::string& input, const Recognised& result) {
    if (format != Format::kJson)
      return render_transcript(format, result.transcript, arguments_.subtitles);
    RunInfo run{input, arguments_.engine, arguments_.transcribe, recogniser_->info()};
    run.model.sha256 = recogniser_->model_hash();
    return to_text(result_document(run, result));
  }

  const TranscribeArguments& arguments_;
  const RecogniserLoader& load_;
  Console& console_;
  CancelToken& cancel_;
  Destination destination_ = Destination::kStdoutLines;
  std::vector<Format> formats_;
  Batch batch_;
  StandardOutput out_;
  std::unique_ptr<Recogniser> recogniser_;
};

}  // namespace

void describe_model(const pipeline::ModelInfo& model, Console& console) {
  console.detail("model",
                 "model " + model.path + " (" + model.source + ", stored as " + model.stored_type +
                     ", computed in " + model.compute_type +
                     "), voice activity: " + (model.vad.empty() ? "energy gate" : model.vad));
}

void report_warnings(const std::string& path, const Recognised& result, Console& console) {
  for (const std::string& warning : result.input_warnings) {
    console.warning("audio", naming(path, warning));
  }
  for (const std::string& warning : result.transcript.warnings) {
    console.warning("transcript", naming(path, warning));
  }
}

int run_transcribe(const TranscribeArguments& arguments, const RecogniserLoader& load,
                   Console& console, CancelToken& cancel) {
  return Job(arguments, load, console, cancel).run();
}

}  // namespace maie::cli
