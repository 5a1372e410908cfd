#include "llm/local_model.h"

#include <algorithm>

#include "base/guarded.h"
#include "base/log.h"
#include "grammar/validate.h"
#include "llm/memory_plan.h"
#include "llm/qwen_network.h"
#include "llm/text_stream.h"
#include "ops/compute_types.h"

namespace maie::llm {
namespace {

constexpr int64_t kUsualContext = 16384;
constexpr int64_t kLeastContext = 1024;  // below it a budget is refused rather than met
constexpr int64_t kChunk = 128;
constexpr int kPromptRows = 512;  // of a pass that only reads prompts

std::string mebibytes(size_t bytes) { return std::to_string((bytes >> 20) + 1) + " MiB"; }

// One bit for each id that has bytes.
std::shared_ptr<const std::vector<uint32_t>> writable_ids(const text::BpeTokenizer& tokenizer) {
  const int32_t count = tokenizer.size();
  auto bits = std::make_shared<std::vector<uint32_t>>(size_t(count + 31) / 32);
  for (int32_t id = 0; id < count; ++id) {
    if (!tokenizer.id_to_bytes(id).empty()) (*bits)[size_t(id) / 32] |= 1u << (id % 32);
  }
  return bits;
}

Status check_document(const Request& request, const std::string& text) {
  const std::string name = request.schema_name.empty() ? "the schema" : request.schema_name;
  const auto document = parse_json(text);
  if (!document) return internal_error(name + ": " + document.error().message() + " in the answer");
  MAIE_ASSIGN(const Json schema, parse_json(request.schema));
  MAIE_ASSIGN(const auto violations, grammar::validate(schema, *document, 1));
  if (violations.empty()) return {};
  return unavailable(name + ": the answer is not valid at \"" + violations.front().pointer +
                     "\": " + violations.front().what + "; another seed may give a valid one");
}

}  // namespace

struct LocalModel::Machine {
  ThreadPool threads;
  Stream stream;
  std::unique_ptr<QwenNetwork> network;
  std::unique_ptr<PrefixStore> store;
  std::unique_ptr<Engine> engine;
  explicit Machine(int count) : threads(count), stream(threads) {}
};

LocalModel::LocalModel(ModelFiles files, const LocalModelOptions& options)
    : files_(std::move(files)), options_(options), writable_(writable_ids(files_.tokenizer)) {}
LocalModel::~LocalModel() = default;

Result<std::unique_ptr<LocalModel>> LocalModel::load(const std::string& path,
                                                     const LocalModelOptions& options) {
  if (options.slots < 1 || options.slots > 256 || options.context < 0 || options.cache_tokens < 0 ||
      options.threads < 0) {
    return invalid_input("language model: 1 to 256 slots, and no negative sizes");
  }
  MAIE_ASSIGN(ModelFiles files, open_language_model_files(path));
  return guarded([&]() -> Result<std::unique_ptr<LocalModel>> {
    std::unique_ptr<LocalModel> model(new LocalModel(std::move(files), options));
    MAIE_TRY(model->start());
    return model;
  });
}

std::string LocalModel::path_and(const std::string& what) const { return files_.path + what; }

int LocalModel::rows_of_a_pass() const {
  return std::max(kPromptRows, int(options_.slots * ops::kExactRows + kChunk));
}

// Settles context and pages; refuses what the budget does not hold.
Status LocalModel::plan() {
  const bool may_shrink = options_.context == 0;
  const int64_t made_for = files_.context > 0 ? files_.context : kUsualContext;
  info_.context = may_shrink ? std::min(made_for, kUsualContext) : options_.context;
  if (info_.context > made_for) {
    return invalid_input(path_and(": a context of " + std::to_string(info_.context) +
                                  " tokens; the model was made for " + std::to_string(made_for)));
  }
  const int64_t wanted = 2 * options_.slots + ops::kExactRows;
  while (true) {
    int64_t tokens = options_.cache_tokens;
    if (tokens == 0) tokens = info_.context * (options_.slots > 1 ? 2 : 1);
    cache_pages_ = (std::max(tokens, info_.context) + ops::kKvPage - 1) / ops::kKvPage;
    const MemoryPlan memory =
        plan_memory(*files_.weights, options_.compute_type, options_.cache_type, cache_pages_,
                    rows_of_a_pass(), wanted);
    info_.memory_bytes = memory.total();
    if (options_.memory_budget == 0 || memory.total() <= options_.memory_budget) return {};
    if (!may_shrink || info_.context / 2 < std::min(kLeastContext, made_for)) {
      return resource_exhausted(
          path_and(": needs " + mebibytes(memory.total()) + " (weights " +
                   mebibytes(memory.weights) + ", cache of " + std::to_string(info_.context) +
                   " tokens " + mebibytes(memory.cache) + ", work " + mebibytes(memory.work) +
                   "), the budget is " + mebibytes(options_.memory_budget) +
                   "; allow more, or a smaller model, context or compute type"));
    }
    info_.context /= 2;
  }
}

Status LocalModel::start() {
  info_.name = files_.name;
  info_.source = files_.source;
  info_.path = files_.path;
  info_.quantization = files_.quantization;
  info_.sampling = files_.defaults.sampling;
  info_.prompts = files_.prompts;
  MAIE_TRY(plan());
  const int threads = options_.threads > 0 ? options_.threads : ThreadPool::default_size();
  machine_ = std::make_unique<Machine>(threads);
  MAIE_ASSIGN(auto network, qwen3::Model::load(machine_->stream, files_.weights,
                                               {.compute_type = options_.compute_type,
                                                .cache_type = options_.cache_type,
                                                .pages = cache_pages_,
                                                .max_rows = rows_of_a_pass()}));
  info_.compute_type = to_string(network->compute_type());
  const int64_t logits = (2 * options_.slots + ops::kExactRows) * network->config().vocabulary * 4;
  info_.memory_bytes =
      network->weight_bytes() + network->cache_bytes() + network->arena_bytes() + size_t(logits);
  machine_->network = std::make_unique<QwenNetwork>(std::move(network));
  EngineOptions engine{.slots = options_.slots, .chunk = kChunk};
  engine.prefix_cache = options_.prefix_cache;
  if (!options_.prefix_dir.empty()) {
    const std::string identity = checkpoint_hash() + "\n" + info_.compute_type + "\n" +
                                 std::string(to_string(options_.cache_type)) + "\nchunk " +
                                 std::to_string(kChunk) + "\n" + ops::arithmetic(Device{});
    machine_->store = std::make_unique<PrefixStore>(
        PrefixStoreOptions{options_.prefix_dir, identity, machine_->network->page_bytes(),
                           ops::kKvPage, options_.prefix_dir_bytes});
    engine.store = machine_->store.get();
  }
  machine_->engine = std::make_unique<Engine>(*machine_->network, engine);
  return {};
}

std::string LocalModel::checkpoint_hash() {
  const std::lock_guard lock(mutex_);
  if (hash_.empty()) hash_ = files_.checkpoint_hash();
  return hash_;
}

Result<int64_t> LocalModel::count_tokens(std::string_view text) {
  MAIE_ASSIGN(const auto tokens, files_.tokenizer.encode(text, text::AddedTokens::kAsText));
  return int64_t(tokens.size());
}

Result<Completion> LocalModel::complete(const Request& request, const Control& control) {
  bool opens_thinking = false;
  MAIE_ASSIGN(TokenRequest asked, prepare(request, opens_thinking));
  const bool has_thinking = files_.tokenizer.token_to_id("</think>").has_value();
  TextStream::Options parts;
  parts.splits_thinking = has_thinking && (request.schema.empty() || asked.rules.thinking);
  parts.starts_thinking = has_thinking && opens_thinking;
  parts.on_text = control.on_text;
  if (request.schema.empty()) {
    parts.stops = request.stops.empty() ? files_.defaults.stops : request.stops;
  }
  TextStream stream(std::move(parts));
  bool first = true;
  asked.on_token = [&](int32_t token) {
    if (files_.tokenizer.is_special(token)) return true;
    // A scored vocabulary's first token begins with a space that is not of the text.
    const bool begins = std::exchange(first, false);
    return begins ? stream.push(files_.tokenizer.decode_bytes(std::span(&token, 1)))
                  : stream.push(files_.tokenizer.id_to_bytes(token));
  };
  asked.on_progress = control.on_progress;
  MAIE_ASSIGN(const TokenAnswer answer,
              machine_->engine->run(std::move(asked), control.cancel, control.stall_limit_s));
  stream.finish();
  Completion completion{stream.text(), stream.thinking(), answer.finish, answer.usage};
  if (!request.schema.empty()) MAIE_TRY(check_document(request, completion.text));
  return completion;
}

}  // namespace maie::llm
