#include "base/check.h"
#include "tests/support/random_gguf.h"

namespace maie::support {
namespace {

// The character of a byte in the alphabet of byte-level vocabularies (docs/spec/models.md 7).
std::string byte_character(int byte) {
  const auto stands_for_itself = [](int b) {
    return (b >= 33 && b <= 126) || (b >= 161 && b <= 172) || b >= 174;
  };
  int code = byte;
  if (!stands_for_itself(byte)) {
    code = 256;
    for (int b = 0; b < byte; ++b) code += stands_for_itself(b) ? 0 : 1;
  }
  if (code < 128) return std::string(1, char(code));
  return {char(0xC0 | code >> 6), char(0x80 | (code & 63))};
}

const std::vector<std::string>& names() {
  static const std::vector<std::string> list = {"<|endoftext|>", "<|im_start|>", "<|im_end|>",
                                                "<think>", "</think>"};
  return list;
}

struct Vocabulary {
  std::vector<std::string> tokens, merges;  // without the names
};

Vocabulary synthetic_vocabulary(int64_t size) {
  check(size >= 300, "room for bytes, merges and names");
  const size_t words = size_t(size) - names().size();
  Vocabulary made;
  auto& [tokens, merges] = made;
  for (int byte = 0; byte < 256; ++byte) tokens.push_back(byte_character(byte));

  // Two letters, then a space and two letters, then all pairs of both kinds with a pair of letters.
  const std::string space = byte_character(' ');
  const auto merge = [&](const std::string& left, const std::string& right) {
    if (tokens.size() >= words) return;
    merges.push_back(left + " " + right);
    tokens.push_back(left + right);
  };
  std::vector<std::string> plain;
  for (char a = 'a'; a <= 'z'; ++a) {
    for (char b = 'a'; b <= 'z'; ++b) {
      if (tokens.size() < words) plain.push_back({a, b});
      merge({a}, {b});
    }
  }
  std::vector<std::string> pairs;  // both kinds in turn
  for (const std::string& pair : plain) {
    pairs.push_back(pair);
    if (tokens.size() < words) pairs.push_back(space + pair);
    merge(space, pair);
  }
  // In the order of the sum of places, so that every beginning occurs.
  for (size_t sum = 0; sum < pairs.size() + plain.size() && tokens.size() < words; ++sum) {
    for (size_t right = 0; right < plain.size() && right <= sum; ++right) {
      if (sum - right < pairs.size()) merge(pairs[sum - right], plain[right]);
    }
  }
  check(tokens.size() == words, "a vocabulary of less than 900,000");
  return made;
}

// Pairs of letters merge in alphabetical order: four letters become two pairs unless the pair in
// the middle comes first.
bool splits_into_pairs(const std::string& letters) {
  const std::string middle = letters.substr(1, 2);
  return letters.substr(0, 2) <= middle || letters.substr(2) < middle;
}

}  // namespace

std::vector<int32_t> copied_tokens(int64_t vocabulary, int64_t count) {
  const std::string space = byte_character(' ');
  const std::vector<std::string> tokens = synthetic_vocabulary(vocabulary).tokens;
  std::vector<int32_t> found;
  for (size_t id = 0; id < tokens.size() && int64_t(found.size()) < count; ++id) {
    const std::string& token = tokens[id];
    if (token.rfind(space, 0) != 0) continue;
    const std::string letters = token.substr(space.size());
    if (letters.size() == 2 || (letters.size() == 4 && splits_into_pairs(letters))) {
      found.push_back(int32_t(id));
    }
  }
  check(int64_t(found.size()) == count, "a vocabulary with as many words");
  return found;
}

std::string copied_text(int64_t vocabulary, int64_t count) {
  const std::string space = byte_character(' ');
  const std::vector<std::string> tokens = synthetic_vocabulary(vocabulary).tokens;
  std::string text;
  for (const int32_t id : copied_tokens(vocabulary, count)) {
    text += " " + tokens[size_t(id)].substr(space.size());
  }
  return text;
}

void add_synthetic_vocabulary(GgufWriter& file, int64_t size) {
  auto [tokens, merges] = synthetic_vocabulary(size);
  std::vector<int32_t> types(tokens.size(), 1);
  const auto first_name = uint32_t(tokens.size());
  for (const std::string& name : names()) {
    tokens.push_back(name);
    types.push_back(name.starts_with("<|") ? 3 : 4);
  }
  file.add("tokenizer.ggml.model", "gpt2");
  file.add("tokenizer.ggml.pre", "qwen2");
  file.add("tokenizer.ggml.tokens", tokens);
  file.add("tokenizer.ggml.token_type", types);
  file.add("tokenizer.ggml.merges", merges);
  file.add("tokenizer.ggml.bos_token_id", first_name);
  file.add("tokenizer.ggml.padding_token_id", first_name);
  file.add("tokenizer.ggml.eos_token_id", first_name + 2);
  file.add("tokenizer.ggml.add_bos_token", false);
  file.add(
      "tokenizer.chat_template",
      "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}"
      "<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}");
}

}  // namespace maie::support
