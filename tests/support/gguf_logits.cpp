// gguf_logits MODEL TYPE OUT TOKEN...: the logits of each position of a text, [tokens, V] float32,
// as our network computes them in TYPE from a GGUF file or a folder; for tests that hold them
// against another implementation.
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <numeric>
#include <vector>

#include "models/qwen3/model.h"

namespace {

using namespace maie;

Status run(const char* path, const char* type, const char* out, const std::vector<int>& tokens) {
  const auto compute_type = parse_compute_type(type);
  if (!compute_type) return invalid_input(std::string(type) + ": no compute type");
  MAIE_ASSIGN(auto weights, qwen3::Weights::open(path));
  ThreadPool threads(2);
  Stream s(threads);
  const int64_t V = weights->config().vocabulary;
  const auto rows = int64_t(tokens.size());
  MAIE_ASSIGN(auto model, qwen3::Model::load(s, std::move(weights),
                                             {.compute_type = *compute_type,
                                              .cache_type = DType::kF32,
                                              .pages = rows / ops::kKvPage + 1,
                                              .max_rows = int(rows)}));
  std::vector<int32_t> pages(size_t(rows / ops::kKvPage + 1));
  std::iota(pages.begin(), pages.end(), 0);
  std::vector<int> wanted(tokens.size());
  std::iota(wanted.begin(), wanted.end(), 0);
  const ops::SequenceRows sequence{pages, 0, rows};
  const OwnedTensor logits({}, DType::kF32, {rows, V});
  MAIE_TRY(model->forward(tokens, std::span(&sequence, 1), wanted, logits.view()));
  std::ofstream file(out, std::ios::binary);
  file.write(static_cast<const char*>(logits.view().raw()), std::streamsize(logits.size_bytes()));
  file.close();
  return file ? Status() : unavailable(std::string(out) + ": cannot be written");
}

}  // namespace

int main(int count, char** arguments) {
  if (count < 5) {
    std::fprintf(stderr, "usage: gguf_logits MODEL TYPE OUT TOKEN...\n");
    return 2;
  }
  std::vector<int> tokens;
  for (int i = 4; i < count; ++i) tokens.push_back(std::atoi(arguments[i]));
  const Status ran = run(arguments[1], arguments[2], arguments[3], tokens);
  if (!ran.ok()) std::fprintf(stderr, "%s\n", ran.message().c_str());
  return ran.ok() ? 0 : 1;
}
