// `maie bench --llm`: what a language model takes, asked through the engine as any other caller
// asks.
//
// The roof of reading a prompt is its products at the measured 8-bit rate; that of writing is the
// bytes of weights a pass reads, once, at the measured read bandwidth.

#include "cli/bench_llm.h"

#include <algorithm>
#include <chrono>
#include <functional>
#include <optional>
#include <random>
#include <thread>

#include "base/file.h"
#include "grammar/matcher.h"
#include "kernels/cpu/roof.h"
#include "llm/local_model.h"
#include "llm/model_files.h"
#include "summary/template_store.h"

namespace maie::cli {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int64_t kPromptTokens = 2048;
constexpr int64_t kPrefixTokens = 1500;
constexpr int64_t kSteps = 128;
constexpr int64_t kContext = 8192;
constexpr int kSequences = 8;
constexpr size_t kMostTextBytes = 1 << 20;

double seconds_between(Clock::time_point start, Clock::time_point end) {
  return std::chrono::duration<double>(end - start).count();
}

class LlmBench {
 public:
  LlmBench(const LlmBenchOptions& options, const CancelToken& cancel)
      : options_(options), cancel_(cancel), random_(7) {}

  Result<BenchReport> run();

 private:
  bool wants(const std::string& name) const {
    return options_.rows.empty() ||
           std::find(options_.rows.begin(), options_.rows.end(), name) != options_.rows.end();
  }
  Status load(bool look_up);
  Status start_row();
  double file_bytes() const;
  double cache_bytes() const;
  double multiplications() const;
  Status prefill_row();
  Status decode_row(const std::string& name, int sequences);
  Status prefix_row();
  Status enhance_row();
  Status constrained_row();

  Result<std::string> words_of(int64_t tokens);
  Result<llm::Completion> ask(std::vector<llm::Message> messages, int64_t most,
                              size_t recurring = 0) {
    llm::Request request;
    request.messages = std::move(messages);
    request.recurring_messages = recurring;
    request.max_tokens = most;
    request.sampling.temperature = 0;
    llm::Control control;
    control.cancel = &cancel_;
    return model_->complete(request, control);
  }
  Result<std::vector<double>> repeat(const std::function<Result<double>()>& body) {
    std::vector<double> runs;
    for (int i = 0; i <= options_.runs; ++i) {
      MAIE_TRY(cancel_.status());
      MAIE_ASSIGN(const double seconds, body());
      if (i > 0) runs.push_back(seconds);
    }
    return runs;
  }
  BenchRow& add(std::string name, std::string what, std::vector<double> runs) {
    report_.rows.push_back({std::move(name), std::move(what), std::move(runs), 0, 0, ""});
    return report_.rows.back();
  }

  const LlmBenchOptions& options_;
  const CancelToken& cancel_;
  std::mt19937 random_;
  std::optional<llm::ModelFiles> files_;
  std::unique_ptr<llm::LocalModel> model_;
  bool look_up_ = false;
  BenchReport report_;
};

Result<BenchReport> LlmBench::run() {
  {
    ThreadPool threads(options_.threads);
    report_.threads = threads.size();
    report_.read_bandwidth = cpu::measure_read_bandwidth(threads);
    report_.f32_rate = cpu::measure_gemm_rate(threads, cpu::GemmType::kF32);
    report_.bf16_rate = cpu::measure_gemm_rate(threads, cpu::GemmType::kBF16);
    report_.int8_rate = cpu::measure_gemm_rate(threads, cpu::GemmType::kI8);
  }
  MAIE_ASSIGN(files_, llm::open_language_model_files(options_.model_path));
  if (wants("start")) MAIE_TRY(start_row());
  if (wants("prefill")) MAIE_TRY(prefill_row());
  if (wants("decode")) MAIE_TRY(decode_row("decode", 1));
  if (wants("decode_b8")) MAIE_TRY(decode_row("decode_b8", kSequences));
  if (wants("prefix")) MAIE_TRY(prefix_row());
  if (wants("constrained")) MAIE_TRY(constrained_row());
  if (wants("enhance") && !options_.copied_text_path.empty()) MAIE_TRY(enhance_row());
  return std::move(report_);
}

Status LlmBench::load(bool look_up) {
  if (model_ && look_up_ == look_up) return {};
  model_.reset();
  llm::LocalModelOptions options;
  options.compute_type = options_.compute_type;
  options.threads = options_.threads;
  options.slots = kSequences;
  options.context = std::min(kContext, files_->context);
  options.cache_tokens = 2 * options.context;
  options.speculate = look_up;
  MAIE_ASSIGN(model_, llm::LocalModel::load(options_.model_path, options));
  look_up_ = look_up;
  report_.compute_type = model_->info().compute_type;
  return {};
}

// Random words of `tokens` tokens, or a few less.
Result<std::string> LlmBench::words_of(int64_t tokens) {
  std::uniform_int_distribution<int> letter('a', 'z');
  std::string text;
  int64_t count = 0;
  while (count < tokens) {
    std::string more = text;
    for (int64_t i = 0; i < std::max<int64_t>(1, (tokens - count) / 2); ++i) {
      more += {' ', char(letter(random_)), char(letter(random_))};
    }
    MAIE_ASSIGN(count, model_->count_tokens(more));
    if (count > tokens) break;
    text = std::move(more);
  }
  return text;
}

Status LlmBench::prefill_row() {
  MAIE_TRY(load(false));
  int64_t tokens = 0;
  MAIE_ASSIGN(std::vector<double> runs, repeat([&]() -> Result<double> {
                MAIE_ASSIGN(const std::string text, words_of(kPromptTokens));
                MAIE_ASSIGN(const llm::Completion answer, ask({{"user", text}}, 1));
                if (answer.usage.cached_tokens > 64) {
                  return internal_error("prefill: the prompt was in the cache, so it is not timed");
                }
                tokens = answer.usage.prompt_tokens;
                return answer.usage.first_token_s / double(tokens);
              }));
  BenchRow& row = add("prefill", "reading a prompt, a token", std::move(runs));
  row.roof_s = 2.0 * multiplications() / report_.int8_rate;
  row.rate = 1 / row.median_s();
  row.unit = "tokens/s";
  return {};
}

Status LlmBench::decode_row(const std::string& name, int sequences) {
  MAIE_TRY(load(false));
  MAIE_ASSIGN(std::vector<double> runs, repeat([&]() -> Result<double> {
                struct Sequence {
                  std::string text;
                  Clock::time_point first, last;
                  int64_t tokens = 0;
                  Status status;
                };
                std::vector<Sequence> all(static_cast<size_t>(sequences));
                for (Sequence& one : all) {
                  MAIE_ASSIGN(one.text, words_of(16));
                }
                std::vector<std::thread> askers;
                for (Sequence& one : all) {
                  askers.emplace_back([this, &one] {
                    llm::Request request;
                    request.messages = {{"user", one.text}};
                    request.max_tokens = kSteps + 1;
                    request.sampling.temperature = 0;
                    llm::Control control;
                    control.cancel = &cancel_;
                    control.on_progress = [&one](const llm::Progress& progress) {
                      one.last = Clock::now();
                      if (one.tokens == 0 && progress.answer_tokens > 0) one.first = one.last;
                      one.tokens = progress.answer_tokens;
                    };
                    one.status = model_->complete(request, control).status();
                  });
                }
                for (std::thread& asker : askers) asker.join();
                Clock::time_point first = all[0].first, last = all[0].last;
                int64_t tokens = 0;
                for (const Sequence& one : all) {
                  MAIE_TRY(one.status);
                  if (one.tokens < kSteps / 2) {
                    return internal_error("an answer ended early, so it is not timed");
                  }
                  first = std::min(first, one.first);
                  last = std::max(last, one.last);
                  tokens += one.tokens - 1;
                }
                return seconds_between(first, last) / double(tokens);
              }));
  BenchRow& row = add(name, "writing, a token", std::move(runs));
  row.roof_s = file_bytes() / report_.read_bandwidth / sequences;
  row.rate = 1 / row.median_s();
  row.unit = "tokens/s";
  return {};
}

// The second request with the same system message: what is measured is its time to the first token
// as a share of the first one's.
Status LlmBench::prefix_row() {
  MAIE_TRY(load(false));
  double first_s = 0;
  MAIE_ASSIGN(std::vector<double> runs, repeat([&]() -> Result<double> {
                MAIE_ASSIGN(const std::string system, words_of(kPrefixTokens));
                const auto request = [&](const char* user) {
                  return ask({{"system", system}, {"user", user}}, 1, 1);
                };
                MAIE_ASSIGN(const llm::Completion first, request("one of them"));
                MAIE_ASSIGN(const llm::Completion second, request("another one"));
                first_s = first.usage.first_token_s;
                return second.usage.first_token_s;
              }));
  BenchRow& row = add("prefix", "first token behind a known system message", std::move(runs));
  row.rate = first_s / row.median_s();
  row.unit = "times faster";
  return {};
}

Status LlmBench::enhance_row() {
  MAIE_ASSIGN(const std::string text, read_file(options_.copied_text_path, kMostTextBytes));
  std::string plain_text;
  const auto answer_s = [&](bool look_up) -> Result<std::vector<double>> {
    MAIE_TRY(load(look_up));
    return repeat([&]() -> Result<double> {
      MAIE_ASSIGN(const llm::Completion answer,
                  ask({{"system", "Restore case and punctuation. Keep every word."},
                       {"user", "Text to enhance:\n" + text}},
                      0));
      if (plain_text.empty()) plain_text = answer.text;
      if (answer.text != plain_text) {
        return internal_error("enhance: the text differs with look-up, so it is not timed");
      }
      return answer.usage.total_s - answer.usage.first_token_s;
    });
  };
  MAIE_ASSIGN(std::vector<double> plain, answer_s(false));
  add("enhance_plain", "writing a known text, token by token", std::move(plain));
  MAIE_ASSIGN(std::vector<double> looked_up, answer_s(true));
  const double plain_s = report_.rows.back().median_s();
  BenchRow& row = add("enhance", "the same with look-up in the prompt", std::move(looked_up));
  row.rate = plain_s / row.median_s();
  row.unit = "times faster";
  return {};
}

// The mask of every token of the template's example, as it is written.
Status LlmBench::constrained_row() {
  summary::TemplateStore store(summary::template_roots_of_process());
  MAIE_ASSIGN(const auto shape, store.for_summary(options_.template_id));
  MAIE_ASSIGN(const summary::TemplateDetail detail, store.get(options_.template_id));
  const text::BpeTokenizer& tokenizer = files_->tokenizer;
  std::vector<std::string> texts;
  for (int32_t id = 0; id < tokenizer.size(); ++id) {
    texts.emplace_back(tokenizer.is_special(id) ? "" : tokenizer.id_to_bytes(id));
  }
  MAIE_ASSIGN(const auto trie, grammar::TokenTrie::make(texts, files_->end_tokens));
  MAIE_ASSIGN(const auto compiled, grammar::Grammar::compile(shape->schema_text));
  const std::string example = detail.example.dump();
  MAIE_ASSIGN(const std::vector<int32_t> tokens, tokenizer.encode(example));
  MAIE_ASSIGN(std::vector<double> runs, repeat([&]() -> Result<double> {
                // A new one each time: the first document of a schema pays for every mask.
                grammar::Matcher matcher(std::make_shared<grammar::Constraint>(compiled, trie));
                const auto start = Clock::now();
                for (const int32_t token : tokens) {
                  matcher.mask(4096);
                  if (!matcher.accept(token)) {
                    return internal_error("constrained: the example is not accepted");
                  }
                }
                return seconds_between(start, Clock::now()) / double(tokens.size());
              }));
  BenchRow& row =
      add("constrained", "the mask of a token, " + options_.template_id, std::move(runs));
  row.rate = 1e6 * row.median_s();
  row.unit = "us";
  return {};
}

// A model opened and asked for one token, the file being in the page cache. The rate is what it
// holds beside its keys and values for each byte of the file.
Status LlmBench::start_row() {
  size_t held = 0;
  MAIE_ASSIGN(std::vector<double> runs, repeat([&]() -> Result<double> {
                model_.reset();
                const auto start = Clock::now();
                MAIE_TRY(load(false));
                MAIE_ASSIGN(const llm::Completion answer, ask({{"user", "one word"}}, 1));
                held = model_->info().memory_bytes;
                return seconds_between(start, Clock::now());
              }));
  BenchRow& row = add("start", "opening the model, to the first token", std::move(runs));
  row.rate = (double(held) - cache_bytes()) / file_bytes();
  row.unit = "bytes held a byte of file";
  return {};
}

double LlmBench::file_bytes() const {
  double sum = 0;
  for (const formats::ModelFile& file : files_->files) sum += double(file.size_bytes);
  return sum;
}

// Keys and values in bfloat16.
double LlmBench::cache_bytes() const {
  const qwen3::Config& c = files_->weights->config();
  const double tokens = 2 * double(std::min(kContext, files_->context));
  return tokens * c.layers * 2 * c.kv_heads * double(c.head_width) * 2;
}

// Of a token: every weight of a layer once. The output layer works for the last token alone.
double LlmBench::multiplications() const {
  const qwen3::Config& c = files_->weights->config();
  const double attention =
      double(c.width) * double(c.qkv_width() + int64_t(c.heads) * c.head_width);
  return double(c.layers) * (attention + 3 * double(c.width) * double(c.mlp_width));
}

}  // namespace

const std::vector<std::string>& llm_bench_row_names() {
  static const std::vector<std::string> names = {"start",  "prefill",     "decode", "decode_b8",
                                                 "prefix", "constrained", "enhance"};
  return names;
}

Result<BenchReport> run_llm_bench(const LlmBenchOptions& options, const CancelToken& cancel) {
  return LlmBench(options, cancel).run();
}

}  // namespace maie::cli
