#include "cli/text_job.h"

#include <chrono>
#include <filesystem>

#include "cli/batch.h"
#include "cli/document_result.h"
#include "cli/exit_code.h"
#include "cli/stage_progress.h"
#include "cli/text_input.h"

namespace maie::cli {
namespace {

class TextJob {
 public:
  TextJob(const TextArguments& arguments, const DocumentTools& tools, Console& console,
          CancelToken& cancel)
      : arguments_(arguments),
        tools_(tools),
        console_(console),
        cancel_(cancel),
        batch_(console),
        out_(console, cancel),
        models_(arguments.llm, tools.load_language_model) {}

  int run() {
    formats_ = arguments_.formats;
    if (formats_.empty()) formats_ = {wants_summary() ? Format::kJson : Format::kTxt};
    if (const Status status = check_before_work(); !status.ok()) {
      console_.error(to_string(status.code()), status.message());
      return status.code() == Code::kInvalidInput ? int(kExitUsageLater)
                                                  : exit_code_of(status.code());
    }
    plan();
    for (const Batch::Work& work : batch_.works()) {
      if (cancel_.is_cancelled()) return batch_.stopped();
      const int code = work_on(work);
      if (out_.failed()) return code;
      if (code == kExitInterrupted) return batch_.stopped();
      if (code == kExitOk) batch_.done(work);
    }
    return batch_.code();
  }

 private:
  bool to_stdout() const {
    return arguments_.output_folder.empty() || arguments_.output_folder == "-";
  }
  bool wants_summary() const { return pipeline::needs_summary(arguments_.document); }
  bool wants_cleaning() const { return pipeline::needs_enhancement(arguments_.document, ""); }

  Status check_before_work() {
    if (to_stdout() && formats_.size() != 1) {
      return invalid_input("standard output takes one format; name a directory with --output-dir");
    }
    if (wants_summary()) {
      MAIE_ASSIGN(const auto shape,
                  tools_.templates.for_summary(arguments_.document.summary.template_id));
      schema_ = shape->schema;
    }
    return models_.check();
  }

  void plan() {
    std::vector<Input> inputs;
    for (const std::string& path : arguments_.inputs) {
      Status status;
      std::error_code error;
      if (path != kStandardInput && !std::filesystem::exists(path, error)) {
        status = not_found("there is no such file");
      } else if (path != kStandardInput && std::filesystem::is_directory(path, error)) {
        status = invalid_input("a directory, not a text; name the files in it");
      }
      inputs.push_back({path, std::move(status)});
    }
    std::optional<OutputPlan::Options> files;
    if (!to_stdout()) {
      files = {.folder = arguments_.output_folder,
               .formats = formats_,
               .overwrite = arguments_.overwrite};
    }
    batch_.plan(inputs, files);
  }

  int work_on(const Batch::Work& work) {
    const auto start = std::chrono::steady_clock::now();
    const Result<summary::Transcript> text = read_text_input(work.path);
    if (!text.has_value()) return batch_.fail(work, text.error());
    if (const Status status = summary::prepared(*text).status(); !status.ok()) {
      return batch_.fail(work, status);
    }
    DocumentRun run;
    run.input = work.path;
    run.schema = schema_;
    pipeline::DocumentModels models;
    if (const Status status = models_.open(wants_cleaning(), wants_summary(), models);
        !status.ok()) {
      return batch_.fail_all(status, exit_code_of_service(status.code()));
    }
    StageProgress progress(console_, std::filesystem::path(work.path).filename().string(),
                           int(work.index) + 1, int(batch_.size()));
    run.document = pipeline::make_document(*text, "", arguments_.document, models, tools_.templates,
                                           progress.callback(), cancel_);
    console_.clear();
    if (cancel_.is_cancelled()) return kExitInterrupted;
    run.facts.total_s =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    run.llm_hash = models_.hash();
    return save(work, run);
  }

  int save(const Batch::Work& work, const DocumentRun& run) {
    const auto& enhancement = run.document.enhancement;
    if (enhancement && !enhancement->state.ok()) {
      // The whole point of `enhance`, a help on the way to a summary.
      if (!wants_summary() && !enhancement->applied) return fail(work, enhancement->state);
      console_.warning("enhance", naming(work.path, "not all of the text was cleaned: " +
                                                        enhancement->state.message()));
    }
    if (const Status status = run.document.status(); !status.ok()) return fail(work, status);
    if (to_stdout()) {
      out_.write(render(formats_[0], run));
      return out_.failed() ? out_.exit_code() : int(kExitOk);
    }
    std::vector<std::string> contents;
    for (const OutputPlan::File& file : work.files) contents.push_back(render(file.format, run));
    return batch_.write(work, contents);
  }

  int fail(const Batch::Work& work, const Status& status) {
    return batch_.fail(work, status, exit_code_of_service(status.code()));
  }

  // On standard output JSON is the summary itself, for the next program; in a file it is the whole
  // result.
  std::string render(Format format, const DocumentRun& run) const {
    switch (format) {
      case Format::kMd: return document_markdown(run);
      case Format::kJson:
        return to_text(to_stdout() && wants_summary() ? run.document.summary->value
                                                      : document_json(run));
      default: return run.document.clean_text + "\n";
    }
  }

  const TextArguments& arguments_;
  const DocumentTools& tools_;
  Console& console_;
  CancelToken& cancel_;
  std::vector<Format> formats_;
  Batch batch_;
  StandardOutput out_;
  LanguageModels models_;
  Json schema_;
};

}  // namespace

int run_text(const TextArguments& arguments, const DocumentTools& tools, Console& console,
             CancelToken& cancel) {
  return TextJob(arguments, tools, console, cancel).run();
}

}  // namespace maie::cli
