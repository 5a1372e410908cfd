// A conversation of the OpenAI routes: one request to the language model, its answer as it comes.
#include <algorithm>

#include "worker/job_context.h"

namespace maie::worker {
namespace {

// Characters of an answer wait so long for those behind them: a model may write hundreds of pieces
// a second, and each event is a write to the queue.
constexpr std::chrono::milliseconds kPatience{30};

class TextTeller {
 public:
  explicit TextTeller(TaskRun& run) : run_(run) {}

  void add(std::string_view text) {
    waiting_ += text;
    run_.alive();
    if (std::chrono::steady_clock::now() - told_ >= kPatience) tell();
  }
  void tell() {
    if (waiting_.empty()) return;
    run_.tell(jobs::TextEvent{std::exchange(waiting_, {})});
    told_ = std::chrono::steady_clock::now();
  }

 private:
  TaskRun& run_;
  std::string waiting_;
  std::chrono::steady_clock::time_point told_{};
};

// The prompt is the first tenth; the rest goes by the answer's limit, where there is one.
double fraction_of(const llm::Progress& progress, int64_t max_tokens) {
  const double read = progress.prompt_tokens > 0
                          ? double(progress.prompt_read) / double(progress.prompt_tokens)
                          : 1;
  const double most = double(max_tokens > 0 ? max_tokens : 2048);
  return 0.1 * read + 0.9 * std::min(1.0, double(progress.answer_tokens) / most);
}

}  // namespace

Result<jobs::StoredResult> run_chat_job(JobContext& job, const jobs::ChatJob& chat) {
  const Models& models = job.tools.models;
  job.run.plan({{jobs::kStageSummarise, 1}});
  job.step = Step::kAnswer;
  MAIE_TRY(job.run.begin(jobs::kStageSummarise));
  const std::string name = chat.model == models.enhancer ? models.enhancer : models.language_model;
  MAIE_ASSIGN(const ModelPool::Loan loan,
              job.borrow(name, Step::kFitLanguageModel, Step::kLoadLanguageModel));
  llm::LanguageModel& model = loan.as<PooledLanguageModel>().model();
  job.step = Step::kAnswer;
  job.run.tell(jobs::ReadyEvent{});

  const auto start = std::chrono::steady_clock::now();
  TextTeller teller(job.run);
  llm::Control control;
  control.cancel = &job.run.cancel();
  control.stall_limit_s = job.settings().llm.stall_s;
  control.on_text = [&teller](std::string_view text) { teller.add(text); };
  control.on_progress = [&](const llm::Progress& progress) {
    job.run.progress(fraction_of(progress, chat.request.max_tokens));
  };
  MAIE_ASSIGN(llm::Completion completion, model.complete(chat.request, control));
  teller.tell();

  jobs::StoredResult result;
  result.completion = std::move(completion);
  result.model = name;
  result.times.summarise_s =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return result;
}

}  // namespace maie::worker
