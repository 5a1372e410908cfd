// make_gguf OUT [KEY=VALUE...]: writes a GGUF language model with random weights.
//
// Keys: preset (tiny, 1.5b), architecture (qwen3, llama), type and embedding (f32 types by their
// names in formats/blocks.h: float32, float16, bfloat16, q4_0, ..., q6_K), layers, width, heads,
// kv_heads, head_width, ff_width, vocabulary, context, tied (0, 1), seed,
// copies (words of a text the model repeats; implies tied=0; the text goes to OUT.txt),
// network (1: without tokens and chat template, and with a vocabulary of any size).
#include <charconv>
#include <cstdio>
#include <fstream>
#include <map>
#include <string>

#include "tests/support/random_gguf.h"

using maie::formats::BlockType;
using maie::support::GgufModelShape;

namespace {

struct Wanted {
  GgufModelShape shape;
  bool network_only = false;
};

bool set_type(BlockType& type, const std::string& name) {
  for (uint32_t number = 0; number < 64; ++number) {
    const auto known = maie::formats::block_type(number);
    if (known && maie::formats::to_string(*known) == name) {
      type = *known;
      return true;
    }
  }
  return false;
}

bool set(Wanted& wanted, const std::string& key, const std::string& value) {
  GgufModelShape& shape = wanted.shape;
  if (key == "preset" && value == "tiny") shape = {};
  if (key == "preset" && value == "1.5b") shape = maie::support::shape_of_1_5_billion();
  if (key == "preset") return value == "tiny" || value == "1.5b";
  if (key == "architecture") shape.architecture = value;
  if (key == "architecture") return value == "qwen3" || value == "llama";
  if (key == "type") return set_type(shape.type, value);
  if (key == "embedding") return set_type(shape.embedding, value);
  int64_t number = 0;
  const auto parsed = std::from_chars(value.data(), value.data() + value.size(), number);
  if (parsed.ec != std::errc() || parsed.ptr != value.data() + value.size() || number < 0) {
    return false;
  }
  if (key == "tied") shape.tied = number != 0;
  if (key == "copies") shape.copies = number;
  if (key == "copies") shape.tied = false;
  if (key == "seed") shape.seed = uint64_t(number);
  if (key == "network") wanted.network_only = number != 0;
  if (key == "tied" || key == "seed" || key == "copies" || key == "network") return true;
  const std::map<std::string, int64_t*> numbers = {
      {"layers", &shape.layers},         {"width", &shape.width},
      {"heads", &shape.heads},           {"kv_heads", &shape.kv_heads},
      {"head_width", &shape.head_width}, {"ff_width", &shape.ff_width},
      {"vocabulary", &shape.vocabulary}, {"context", &shape.context}};
  const auto found = numbers.find(key);
  if (found == numbers.end() || number == 0) return false;
  *found->second = number;
  return true;
}

}  // namespace

int main(int count, char** arguments) {
  if (count < 2) {
    std::fprintf(stderr, "usage: make_gguf OUT [KEY=VALUE...]\n");
    return 2;
  }
  Wanted wanted;
  for (int i = 2; i < count; ++i) {
    const std::string argument = arguments[i];
    const size_t equals = std::min(argument.find('='), argument.size());
    if (equals == argument.size() ||
        !set(wanted, argument.substr(0, equals), argument.substr(equals + 1))) {
      std::fprintf(stderr, "make_gguf: %s is not understood\n", arguments[i]);
      return 2;
    }
  }
  maie::support::GgufWriter file;
  const GgufModelShape& shape = wanted.shape;
  if (wanted.network_only) {
    maie::support::add_random_network(file, shape);
  } else {
    maie::support::add_random_model(file, shape);
  }
  std::ofstream out(arguments[1], std::ios::binary);
  file.write(out);
  out.close();
  if (shape.copies > 0) {
    std::ofstream text(std::string(arguments[1]) + ".txt", std::ios::binary);
    text << maie::support::copied_text(shape.vocabulary, shape.copies);
    if (!text.flush()) out.setstate(std::ios::failbit);
  }
  if (!out) {
    std::fprintf(stderr, "make_gguf: %s cannot be written\n", arguments[1]);
    return 1;
  }
  return 0;
}
