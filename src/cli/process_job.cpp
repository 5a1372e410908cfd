#include "cli/process_job.h"

#include <chrono>
#include <filesystem>
#include <list>

#include "cli/batch.h"
#include "cli/document_result.h"
#include "cli/exit_code.h"
#include "cli/progress.h"
#include "cli/stage_progress.h"
#include "cli/transcribe_job.h"
#include "cli/transcript_text.h"

namespace maie::cli {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

class ProcessJob {
 public:
  ProcessJob(const ProcessArguments& arguments, const DocumentTools& tools, Console& console,
             CancelToken& cancel)
      : arguments_(arguments),
        tools_(tools),
        console_(console),
        cancel_(cancel),
        batch_(console),
        out_(console, cancel),
        models_(arguments.llm, tools.load_language_model) {}

  int run() {
    choose_formats();
    if (const Status status = check_before_work(); !status.ok()) {
      console_.error(to_string(status.code()), status.message());
      return status.code() == Code::kInvalidInput ? int(kExitUsageLater)
                                                  : exit_code_of(status.code());
    }
    plan();
    if (batch_.works().empty()) return batch_.code();
    if (const int code = recognise_all(); code != kExitOk) return code;
    if (const int code = write_documents(); code != kExitOk) return code;
    return batch_.code();
  }

 private:
  // A recording that was recognised and waits for the rest.
  struct Recording {
    const Batch::Work* work;
    RunInfo info;
    Recognised recognised;
    double transcribe_s = 0;
  };

  const TranscribeArguments& recognition() const { return arguments_.recognition; }
  bool to_stdout() const { return recognition().output_folder == "-"; }
  bool wants_summary() const { return pipeline::needs_summary(arguments_.document); }
  bool wants_cleaning() const {
    return pipeline::needs_enhancement(arguments_.document, kRecogniser);
  }

  void choose_formats() {
    formats_ = recognition().formats;
    if (!formats_.empty()) return;
    if (to_stdout()) {
      formats_ = {Format::kJson};
    } else {
      formats_ = {Format::kJson, Format::kTxt, Format::kSrt, Format::kVtt};
      if (wants_summary()) formats_.push_back(Format::kMd);
    }
  }

  // What would be a pity to find out after an hour of recognition.
  Status check_before_work() {
    if (to_stdout() && formats_.size() != 1) {
      return invalid_input("standard output takes one format; name a directory with --output-dir");
    }
    const bool page = std::find(formats_.begin(), formats_.end(), Format::kMd) != formats_.end();
    if (page && !wants_summary()) {
      return invalid_input("the format md is the summary's; name its --template");
    }
    if (wants_summary()) {
      MAIE_ASSIGN(const auto shape,
                  tools_.templates.for_summary(arguments_.document.summary.template_id));
      schema_ = shape->schema;
    }
    if (wants_summary() || wants_cleaning()) MAIE_TRY(models_.check());
    return {};
  }

  void plan() {
    std::optional<OutputPlan::Options> files;
    if (!to_stdout()) {
      const std::string& folder = recognition().output_folder;
      files = {.folder = folder.empty() ? "." : folder,
               .formats = formats_,
               .overwrite = recognition().overwrite};
    }
    batch_.plan(expand_inputs(recognition().inputs, recognition().recursive), files);
  }

  // The first half; the recogniser and its memory go when it ends.
  int recognise_all() {
    Result<std::unique_ptr<Recogniser>> loaded = tools_.load_recogniser(recognition().engine);
    if (cancel_.is_cancelled()) return batch_.stopped();
    if (!loaded.has_value()) {
      return batch_.fail_all(loaded.error(), exit_code_of(loaded.error().code()));
    }
    Recogniser& recogniser = **loaded;
    describe_model(recogniser.info(), console_);
    if (const Status status = recogniser.validate(recognition().transcribe); !status.ok()) {
      return batch_.fail_all(status, kExitUsageLater);
    }
    RunInfo info{"", recognition().engine, recognition().transcribe, recogniser.info()};
    info.model.sha256 = recogniser.model_hash();
    for (const Batch::Work& work : batch_.works()) {
      if (cancel_.is_cancelled()) return batch_.stopped();
      info.input = work.path;
      recognise(recogniser, work, info);
      if (cancel_.is_cancelled()) return batch_.stopped();
    }
    return kExitOk;
  }

  void recognise(Recogniser& recogniser, const Batch::Work& work, const RunInfo& info) {
    const auto start = Clock::now();
    ProgressLine progress(console_, "transcribe " + short_name(work), int(work.index) + 1,
                          int(batch_.size()));
    Result<Recognised> result =
        recogniser.recognise(work.path, recognition().transcribe,
                             {.opened = [&](double duration_s) { progress.opened(duration_s); },
                              .progress = [&](double fraction) { progress.update(fraction); },
                              .segment = [](const pipeline::Segment&) {}},
                             cancel_);
    console_.clear();
    if (!result.has_value()) {
      if (!cancel_.is_cancelled()) batch_.fail(work, result.error());
      return;
    }
    report_warnings(work.path, *result, console_);
    recordings_.push_back({&work, info, std::move(*result), seconds_since(start)});
    if (wants_summary() || wants_cleaning()) keep_transcript(recordings_.back());
  }

  // What there is already, in the files that hold nothing else.
  void keep_transcript(const Recording& recording) {
    Batch::Work only = *recording.work;
    std::erase_if(only.files, [](const OutputPlan::File& file) {
      return file.format == Format::kJson || file.format == Format::kMd;
    });
    std::vector<std::string> contents;
    for (const OutputPlan::File& file : only.files) {
      contents.push_back(
          render_transcript(file.format, recording.recognised.transcript, recognition().subtitles));
    }
    batch_.write(only, contents);
  }

  int write_documents() {
    for (Recording& recording : recordings_) {
      if (cancel_.is_cancelled()) return batch_.stopped();
      const int code = write_document(recording);
      if (out_.failed()) return code;
      if (code == kExitInterrupted) return batch_.stopped();
      if (code == kExitOk) batch_.done(*recording.work);
      recording.recognised = {};
    }
    return kExitOk;
  }

  int write_document(Recording& recording) {
    const Batch::Work& work = *recording.work;
    DocumentRun run;
    run.input = work.path;
    run.recognition = &recording.info;
    run.recognised = &recording.recognised;
    run.schema = schema_;
    const pipeline::Transcript& transcript = recording.recognised.transcript;
    const summary::Transcript turns = pipeline::turns_of(transcript);
    pipeline::DocumentModels models;
    pipeline::DocumentOptions options = arguments_.document;
    if (Status status = models_.open(wants_cleaning(), wants_summary(), models); !status.ok()) {
      return batch_.fail(work, status.within("the transcript is kept, but"),
                         exit_code_of_service(status.code()));
    }
    StageProgress progress(console_, short_name(work), int(work.index) + 1, int(batch_.size()));
    run.document = pipeline::make_document(turns, kRecogniser, options, models, tools_.templates,
                                           progress.callback(), cancel_);
    console_.clear();
    if (cancel_.is_cancelled()) return kExitInterrupted;
    run.facts = {transcript.duration_s, transcript.wall_s,
                 recording.transcribe_s + run.document.wall_s};
    run.llm_hash = models_.hash();
    return save(work, run);
  }

  int save(const Batch::Work& work, const DocumentRun& run) {
    int code = kExitOk;
    if (to_stdout()) {
      out_.write(render(formats_[0], run));
      if (out_.failed()) return out_.exit_code();
    } else {
      std::vector<std::string> contents;
      for (const OutputPlan::File& file : work.files) contents.push_back(render(file.format, run));
      code = batch_.write(work, contents);
    }
    if (run.document.enhancement && !run.document.enhancement->state.ok()) {
      console_.warning("enhance", naming(work.path, "not all of the text was cleaned: " +
                                                        run.document.enhancement->state.message()));
    }
    const Status status = run.document.status();
    if (!status.ok())
      return batch_.fail(work, status.within("no summary"), exit_code_of_service(status.code()));
    return code;
  }

  std::string render(Format format, const DocumentRun& run) {
    switch (format) {
      case Format::kJson: return to_text(document_json(run));
      case Format::kMd: return document_markdown(run);
      case Format::kTxt:
        if (run.document.enhancement && run.document.enhancement->applied)
          return run.document.clean_text + "\n";
        [[fallthrough]];
      default:
        return render_transcript(format, run.recognised->transcript, recognition().subtitles);
    }
  }

  static std::string short_name(const Batch::Work& work) {
    return work.path == kStandardInput ? "standard input"
                                       : std::filesystem::path(work.path).filename().string();
  }

  static constexpr std::string_view kRecogniser = "whisper";

  const ProcessArguments& arguments_;
  const DocumentTools& tools_;
  Console& console_;
  CancelToken& cancel_;
  std::vector<Format> formats_;
  Batch batch_;
  StandardOutput out_;
  LanguageModels models_;
  Json schema_;
  std::list<Recording> recordings_;
};

}  // namespace

int run_process(const ProcessArguments& arguments, const DocumentTools& tools, Console& console,
                CancelToken& cancel) {
  return ProcessJob(arguments, tools, console, cancel).run();
}

}  // namespace maie::cli
