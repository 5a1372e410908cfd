// `maie bench`: how close kernels, encoder, decoder step and the whole come to what this machine
// can do.
//
// The roof of a row is the time its arithmetic takes at the measured product rates, or its bytes at
// the measured read bandwidth, whichever bounds it (encoder: arithmetic; decoder step: the packed
// weights and the encoder keys and values of its windows, each read once).

#include "cli/bench.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <optional>
#include <random>

#include "audio/decode.h"
#include "kernels/cpu/roof.h"
#include "models/whisper/model.h"
#include "ops/linear.h"
#include "pipeline/decode_batch.h"
#include "pipeline/tokenizer_of.h"
#include "pipeline/transcribe.h"

namespace maie::cli {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// Steps before the measured ones, and those: the lengths between which a peer's time is a
// difference.
constexpr int kWarmSteps = 16;
constexpr int kSteps = 64;

class Bench {
 public:
  Bench(const BenchOptions& options, const CancelToken& cancel)
      : options_(options), cancel_(cancel), threads_(options.threads), stream_(threads_) {}

  Result<BenchReport> run();

 private:
  bool wants(const std::string& name) const {
    return options_.rows.empty() ||
           std::find(options_.rows.begin(), options_.rows.end(), name) != options_.rows.end();
  }
  Status measure_roofs();
  Status kernel_rows();
  Status linear_row(const std::string& name, ComputeType type, int64_t rows, int64_t K, int64_t N);
  double rate_of(ComputeType type) const;
  Status encode_row();
  Status step_row(const std::string& name, int windows, int beams);
  Status end_to_end_row();
  std::vector<float> some_mel() const;

  // Runs `body` once uncounted, then as often as asked; returns the seconds it reports.
  Result<std::vector<double>> repeat(const std::function<Result<double>()>& body) {
    std::vector<double> runs;
    for (int i = 0; i <= options_.runs; ++i) {
      MAIE_TRY(cancel_.status());
      MAIE_ASSIGN(const double seconds, body());
      if (i > 0) runs.push_back(seconds);
    }
    return runs;
  }

  const BenchOptions& options_;
  const CancelToken& cancel_;
  ThreadPool threads_;
  Stream stream_;
  std::shared_ptr<const whisper::Weights> weights_;
  std::optional<text::WhisperTokenizer> tokenizer_;
  std::unique_ptr<whisper::Model> model_;
  BenchReport report_;
};

Result<BenchReport> Bench::run() {
  report_.threads = threads_.size();
  MAIE_TRY(measure_roofs());
  MAIE_TRY(kernel_rows());
  if (wants("encode") || wants("step") || wants("step_b8") || wants("beam5")) {
    MAIE_ASSIGN(weights_, whisper::Weights::open(options_.model_path));
    MAIE_ASSIGN(tokenizer_, pipeline::tokenizer_of(*weights_));
    MAIE_TRY(tokenizer_->check_fits(weights_->config().vocabulary));
    MAIE_ASSIGN(model_,
                whisper::Model::load(stream_, weights_,
                                     {.compute_type = options_.compute_type, .max_rows = 8}));
    report_.compute_type = std::string(to_string(model_->compute_type()));
  }
  if (wants("encode")) MAIE_TRY(encode_row());
  if (wants("step")) MAIE_TRY(step_row("step", 1, 1));
  if (wants("step_b8")) MAIE_TRY(step_row("step_b8", 8, 1));
  if (wants("beam5")) MAIE_TRY(step_row("beam5", 1, 5));
  model_.reset();
  if (wants("e2e") && !options_.audio_path.empty()) MAIE_TRY(end_to_end_row());
  return report_;
}

Status Bench::measure_roofs() {
  report_.read_bandwidth = cpu::measure_read_bandwidth(threads_);
  report_.f32_rate = cpu::measure_gemm_rate(threads_, cpu::GemmType::kF32);
  report_.bf16_rate = cpu::measure_gemm_rate(threads_, cpu::GemmType::kBF16);
  report_.int8_rate = cpu::measure_gemm_rate(threads_, cpu::GemmType::kI8);
  return {};
}

Status Bench::kernel_rows() {
  struct Shape3 {
    const char* suffix;
    int64_t rows, K, N;
  };
  for (const Shape3 shape :
       {Shape3{"_1500x768x3072", 1500, 768, 3072}, Shape3{"_1x768x3072", 1, 768, 3072}}) {
    for (const auto& [name, type] : {std::pair{"linear_f32", ComputeType::kFloat32},
                                     std::pair{"linear_bf16", ComputeType::kBFloat16},
                                     std::pair{"linear_int8", ComputeType::kInt8}}) {
      const std::string row = std::string(name) + shape.suffix;
      if (wants(row)) MAIE_TRY(linear_row(row, type, shape.rows, shape.K, shape.N));
    }
  }
  // A language model of 1.5 billion weights: its prompt, one sequence, eight at a time.
  for (const Shape3 shape :
       {Shape3{"_512x1536x8960", 512, 1536, 8960}, Shape3{"_1x1536x8960", 1, 1536, 8960},
        Shape3{"_8x1536x8960", 8, 1536, 8960}}) {
    const std::string row = std::string("linear_int4") + shape.suffix;
    if (wants(row)) {
      MAIE_TRY(linear_row(row, ComputeType::kInt4, shape.rows, shape.K, shape.N));
    }
  }
  return {};
}

double Bench::rate_of(ComputeType type) const {
  switch (type) {
    // Stored in 4 or 8 bits, multiplied in what is fastest here: without VNNI that is not int8.
    case ComputeType::kInt4:
    case ComputeType::kInt8:
      return std::max({report_.int8_rate, report_.bf16_rate, report_.f32_rate});
    case ComputeType::kBFloat16: return report_.bf16_rate;
    default: return report_.f32_rate;
  }
}

Status Bench::linear_row(const std::string& name, ComputeType type, int64_t rows, int64_t K,
                         int64_t N) {
  std::mt19937 random(1);
  std::normal_distribution<float> normal;
  const auto filled = [&](int64_t count) {
    std::vector<float> values(static_cast<size_t>(count));
    for (float& value : values) value = normal(random);
    return values;
  };
  const std::vector<float> weights = filled(K * N);
  const std::vector<float> x = filled(rows * K);
  std::vector<float> y(size_t(rows * N));
  // Few rows are bound by memory, so enough copies to be larger than any cache.
  const ops::LinearSource source{
      .values = ConstTensor(weights.data(), DType::kF32, {N, K}), .scales = {}, .bias = {}};
  std::vector<ops::LinearWeights> layers;
  layers.push_back(ops::LinearWeights::pack(stream_, type, source));
  const size_t weight_bytes = layers.front().size_bytes();
  const size_t copies = rows > 16 ? 1 : (size_t{256} << 20) / weight_bytes + 1;
  while (layers.size() < copies) {
    layers.push_back(ops::LinearWeights::pack(stream_, type, source));
  }
  const ConstTensor input(x.data(), DType::kF32, {rows, K});
  const Tensor output(y.data(), DType::kF32, {rows, N});
  ops::linear(stream_, input, layers.front(), output);
  for (int64_t n = 0; n < N; n += 97) {
    double want = 0, magnitude = 0;
    for (int64_t k = 0; k < K; ++k) {
      const double product = double(x[size_t(k)]) * double(weights[size_t(n * K + k)]);
      want += product;
      magnitude += std::fabs(product);
    }
    // int8: half a step of 1/127 of the row's largest value, some 4 deviations, on either side.
    // int4: weights off by a twelfth of their deviation, which the sum of K evens out.
    const double tolerance = type == ComputeType::kFloat32    ? 1e-5
                             : type == ComputeType::kBFloat16 ? 1e-2
                                                              : 5e-2;
    if (!(std::fabs(double(y[size_t(n)]) - want) <= tolerance * magnitude)) {
      return internal_error(name + ": the product is wrong, so it is not timed");
    }
  }
  MAIE_ASSIGN(std::vector<double> runs, repeat([&]() -> Result<double> {
                const auto start = Clock::now();
                for (const ops::LinearWeights& layer : layers) {
                  ops::linear(stream_, input, layer, output);
                }
                return seconds_since(start) / double(copies);
              }));
  const double operations = 2.0 * double(rows) * double(K) * double(N);
  BenchRow row{name, "one linear layer", std::move(runs), 0, 0, ""};
  row.roof_s = std::max(operations / rate_of(type), double(weight_bytes) / report_.read_bandwidth);
  row.unit = rows > 16 ? "GOP/s" : "GB/s";
  row.rate = (rows > 16 ? operations : double(weight_bytes)) / row.median_s() * 1e-9;
  report_.rows.push_back(std::move(row));
  return {};
}

std::vector<float> Bench::some_mel() const {
  const whisper::Config& c = model_->config();
  std::vector<float> mel(size_t(2 * c.audio_context * c.mel_bins));
  std::mt19937 random(2);
  std::normal_distribution<float> normal(0.0f, 0.5f);
  for (float& value : mel) value = normal(random);
  return mel;
}

Status Bench::encode_row() {
  const whisper::Config& c = model_->config();
  const std::vector<float> mel = some_mel();
  const ConstTensor input(mel.data(), DType::kF32, {2 * c.audio_context, c.mel_bins});
  const OwnedTensor first({}, DType::kF32, {c.audio_context, c.width});
  const OwnedTensor states({}, DType::kF32, {c.audio_context, c.width});
  MAIE_TRY(model_->encode_states(input, first.view()));
  MAIE_ASSIGN(std::vector<double> runs, repeat([&]() -> Result<double> {
                const auto start = Clock::now();
                MAIE_TRY(model_->encode_states(input, states.view()));
                return seconds_since(start);
              }));
  const auto a = first.view().span<float>();
  const auto b = states.view().span<float>();
  if (!std::equal(a.begin(), a.end(), b.begin()) ||
      !std::all_of(a.begin(), a.end(), [](float v) { return std::isfinite(v); })) {
    return internal_error("encode: passes over the same input differ, so the times mean nothing");
  }
  const double T = c.audio_context, C = c.width;
  const double linear = 2.0 * T * (4 * C * C + 2 * C * c.encoder_ffn) * c.encoder_layers;
  const double attention = 4.0 * T * T * C * c.encoder_layers;
  const double convolutions = 2.0 * (2 * T * 3 * c.mel_bins * C + T * 3 * C * C);
  const double fast = model_->compute_type() == ComputeType::kFloat32
                          ? report_.f32_rate
                          : std::max(report_.bf16_rate, report_.f32_rate);
  BenchRow row{"encode", "encoder, one 30 s window", std::move(runs), 0, 0, "windows/s"};
  row.roof_s = linear / rate_of(model_->compute_type()) + (attention + convolutions) / fast;
  row.rate = 1.0 / row.median_s();
  report_.rows.push_back(std::move(row));
  return {};
}

Status Bench::step_row(const std::string& name, int windows, int beams) {
  const whisper::Config& c = model_->config();
  const std::vector<float> mel = some_mel();
  const ConstTensor input(mel.data(), DType::kF32, {2 * c.audio_context, c.mel_bins});

  // End of text is forbidden and nothing is judged: every sequence runs its full length.
  pipeline::BatchOptions options;
  options.ids = {.vocabulary = c.vocabulary,
                 .eot = tokenizer_->eot(),
                 .sot = tokenizer_->sot(),
                 .no_timestamps = tokenizer_->no_timestamps().value_or(-1),
                 .timestamp_begin = tokenizer_->timestamp_begin().value_or(-1)};
  options.search.beam_size = beams;
  options.search.rules.suppress = {tokenizer_->eot()};
  options.search.repetition_stop.enabled = false;
  options.gates = {.compression_ratio = {}, .log_prob = {}, .no_speech = {}};
  options.compression_ratio = [](std::span<const int>) { return 0.0; };
  std::vector<int> prompt{tokenizer_->sot()};
  if (tokenizer_->is_multilingual()) {
    MAIE_ASSIGN(prompt, tokenizer_->sot_sequence(tokenizer_->languages().front().code,
                                                 text::WhisperTask::kTranscribe));
  }
  if (tokenizer_->no_timestamps()) prompt.push_back(*tokenizer_->no_timestamps());

  std::vector<whisper::Window> encoded;
  for (int i = 0; i < windows; ++i) {
    encoded.push_back(model_->new_window());
    MAIE_TRY(model_->encode(input, encoded.back()));
  }
  size_t window_bytes = 0;
  for (const whisper::Window& window : encoded) window_bytes += window.size_bytes();

  MAIE_ASSIGN(std::vector<double> runs, repeat([&]() -> Result<double> {
                pipeline::DecodeBatch batch(*model_, threads_, options);
                for (size_t i = 0; i < encoded.size(); ++i) {
                  batch.add({.index = i,
                             .prompt = prompt,
                             .window = std::make_unique<whisper::Window>(std::move(encoded[i])),
                             .seed = 0});
                }
                double measured = 0;
                for (int step = 0; batch.size() > 0; ++step) {
                  const auto start = Clock::now();
                  MAIE_ASSIGN(std::vector<pipeline::WindowOutcome> done, batch.step());
                  if (step >= kWarmSteps && step < kWarmSteps + kSteps)
                    measured += seconds_since(start);
                  for (pipeline::WindowOutcome& outcome : done) {
                    encoded[outcome.index] = std::move(*outcome.window);
                  }
                  if (!done.empty() && step < kWarmSteps + kSteps) {
                    return internal_error(name + ": a sequence ended early, so it is not timed");
                  }
                  MAIE_TRY(cancel_.status());
                }
                return measured / kSteps;
              }));

  BenchRow row{name, "", std::move(runs), 0, 0, "steps/s"};
  row.what = "one decoder step, " + std::to_string(windows) + " window" + (windows > 1 ? "s" : "") +
             ", beam " + std::to_string(beams);
  const double positions = kWarmSteps + kSteps / 2.0;
  const double cache = double(windows) * beams * positions * 2 * c.width * 2 * c.decoder_layers;
  const double bytes = double(model_->step_weight_bytes()) + double(window_bytes) + cache;
  row.roof_s = bytes / report_.read_bandwidth;
  row.rate = 1.0 / row.median_s();
  report_.rows.push_back(std::move(row));
  return {};
}

Status Bench::end_to_end_row() {
  MAIE_ASSIGN(const audio::Clip clip, audio::decode(options_.audio_path, {}, &cancel_));
  MAIE_ASSIGN(const std::unique_ptr<pipeline::Transcriber> transcriber,
              pipeline::Transcriber::load({.model_path = options_.model_path,
                                           .vad_model_path = {},
                                           .compute_type = options_.compute_type,
                                           .threads = options_.threads}));
  std::string text;
  MAIE_ASSIGN(std::vector<double> runs, repeat([&]() -> Result<double> {
                const auto start = Clock::now();
                MAIE_ASSIGN(const pipeline::Transcript transcript,
                            transcriber->transcribe(clip, {}, {}, cancel_));
                const double seconds = seconds_since(start);
                std::string now;
                for (const pipeline::Segment& segment : transcript.segments) now += segment.text;
                if (!text.empty() && text != now) {
                  return internal_error("e2e: two runs gave different text");
                }
                text = now;
                return seconds;
              }));
  BenchRow row{"e2e", options_.audio_path, std::move(runs), 0, 0, "x real time"};
  row.rate = clip.duration_s() / row.median_s();
  report_.rows.push_back(std::move(row));
  return {};
}

}  // namespace

double BenchRow::median_s() const {
  std::vector<double> sorted = runs_s;
  std::sort(sorted.begin(), sorted.end());
  const size_t n = sorted.size();
  if (n == 0) return 0;
  return n % 2 == 1 ? sorted[n / 2] : (sorted[n / 2 - 1] + sorted[n / 2]) / 2;
}

const std::vector<std::string>& bench_row_names() {
  static const std::vector<std::string> names = {"linear_f32_1500x768x3072",
                                                 "linear_bf16_1500x768x3072",
                                                 "linear_int8_1500x768x3072",
                                                 "linear_f32_1x768x3072",
                                                 "linear_bf16_1x768x3072",
                                                 "linear_int8_1x768x3072",
                                                 "linear_int4_512x1536x8960",
                                                 "linear_int4_1x1536x8960",
                                                 "linear_int4_8x1536x8960",
                                                 "encode",
                                                 "step",
                                                 "step_b8",
                                                 "beam5",
                                                 "e2e"};
  return names;
}

Result<BenchReport> run_bench(const BenchOptions& options, const CancelToken& cancel) {
  return Bench(options, cancel).run();
}

std::string to_table(const BenchReport& report) {
  char line[200];
  std::string text;
  std::snprintf(
      line, sizeof line,
      "%d threads: reads %.1f GB/s; products %.0f GFLOP/s float32, %.0f bfloat16, %.0f int8\n\n",
      report.threads, report.read_bandwidth * 1e-9, report.f32_rate * 1e-9, report.bf16_rate * 1e-9,
      report.int8_rate * 1e-9);
  text += line;
  std::snprintf(line, sizeof line, "%-28s %12s %14s %8s %8s\n", "row", "median", "rate", "roof",
                "spread");
  text += line;
  for (const BenchRow& row : report.rows) {
    const auto [least, most] = std::minmax_element(row.runs_s.begin(), row.runs_s.end());
    std::string roof = "-";
    if (row.roof_s > 0) {
      std::snprintf(line, sizeof line, "%.0f%%", row.roof_fraction() * 100);
      roof = line;
    }
    std::snprintf(line, sizeof line, "%-28s %9.3f ms %10.1f %s %6s %6.0f%%\n", row.name.c_str(),
                  row.median_s() * 1e3, row.rate, row.unit.c_str(), roof.c_str(),
                  (*most - *least) / row.median_s() * 100);
    text += line;
  }
  return text;
}

Json to_json(const BenchReport& report) {
  Json rows = Json::array();
  for (const BenchRow& row : report.rows) {
    Json entry = {{"name", row.name},   {"what", row.what}, {"median_s", row.median_s()},
                  {"runs", row.runs_s}, {"rate", row.rate}, {"unit", row.unit}};
    entry["roof_fraction"] = row.roof_s > 0 ? Json(row.roof_fraction()) : Json(nullptr);
    rows.push_back(std::move(entry));
  }
  return {{"threads", report.threads},
          {"compute_type", report.compute_type},
          {"machine",
           {{"read_bandwidth", report.read_bandwidth},
            {"f32_rate", report.f32_rate},
            {"bf16_rate", report.bf16_rate},
            {"int8_rate", report.int8_rate}}},
          {"rows", std::move(rows)}};
}

}  // namespace maie::cli
