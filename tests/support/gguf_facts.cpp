// gguf_facts FILE [TEXTS]: what our reader makes of a GGUF file, as JSON, for tests that hold it
// against another reader: each tensor's shape, type and SHA-256 of its float32 values, and the ids
// of each text of TEXTS (a JSON list of strings) with the file's vocabulary.
#include <cstdio>
#include <vector>

#include "base/file.h"
#include "base/json.h"
#include "formats/gguf.h"
#include "text/gguf_vocabulary.h"

namespace {

using namespace maie;

Result<Json> facts(const std::string& path, const char* texts_path) {
  MAIE_ASSIGN(const auto file, formats::Gguf::open(path));
  Json tensors = Json::object();
  for (const auto name : file->names()) {
    const formats::GgufTensor& tensor = *file->find(name);
    std::vector<float> values(size_t(tensor.shape.size()));
    formats::dequantize(tensor.type, tensor.bytes, values);
    Json shape = Json::array();
    for (int i = 0; i < tensor.shape.rank(); ++i) shape.push_back(tensor.shape.dim(i));
    tensors[std::string(name)] = {{"shape", shape},
                                  {"type", formats::to_string(tensor.type)},
                                  {"sha256", sha256_hex(std::as_bytes(std::span(values)))}};
  }
  Json out = {{"version", file->version()}, {"tensors", tensors}};
  if (texts_path == nullptr) return out;
  MAIE_ASSIGN(const auto vocabulary, text::read_gguf_vocabulary(*file));
  MAIE_ASSIGN(const std::string list, read_file(texts_path, 64 << 20));
  MAIE_ASSIGN(const Json texts, parse_json(list));
  for (const Json& entry : texts) {
    MAIE_ASSIGN(const auto ids, vocabulary.tokenizer.encode(entry.get<std::string>()));
    out["ids"].push_back(ids);
    out["decoded"].push_back(vocabulary.tokenizer.decode(ids));
  }
  return out;
}

}  // namespace

int main(int count, char** arguments) {
  if (count < 2) {
    std::fprintf(stderr, "usage: gguf_facts FILE [TEXTS]\n");
    return 2;
  }
  const auto result = facts(arguments[1], count > 2 ? arguments[2] : nullptr);
  if (!result) {
    std::fprintf(stderr, "%s\n", result.error().message().c_str());
    return 1;
  }
  std::printf("%s\n", result->dump().c_str());
  return 0;
}
