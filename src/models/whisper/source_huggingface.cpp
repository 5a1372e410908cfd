// Hugging Face folders: the canonical names, most often behind "model.".
#include <optional>
#include <utility>

#include "formats/byte_reader.h"
#include "formats/side_files.h"
#include "models/whisper/source.h"

namespace maie::whisper {
namespace {

class HuggingFaceSource : public Source {
 public:
  HuggingFaceSource(std::string directory, std::shared_ptr<const formats::Safetensors> file)
      : directory_(std::move(directory)), file_(std::move(file)) {
    TypeCount types;
    prefix_ = file_->find("model.decoder.embed_tokens.weight") != nullptr ? "model." : "";
    for (const std::string_view name : file_->names()) {
      if (const ConstTensor* tensor = file_->find(name)) {
        types.add(to_string(tensor->dtype()), tensor->size_bytes());
      }
    }
    stored_type_ = types.most();
  }

  std::string kind() const override { return "huggingface"; }
  std::string stored_type() const override { return stored_type_; }
  std::string path() const override { return directory_; }

  std::vector<formats::ModelFile> files() const override {
    std::vector<formats::ModelFile> files = file_->files();
    for (auto& file :
         formats::existing_files(directory_, {"config.json", "generation_config.json",
                                              "preprocessor_config.json", "tokenizer.json"})) {
      files.push_back(std::move(file));
    }
    return files;
  }

  Result<std::optional<Shape>> shape_of(std::string_view name) const override {
    const auto tensor = file_->get(stored_name(name));
    if (!tensor) {
      if (tensor.error().code() == Code::kNotFound) return std::optional<Shape>();
      return tensor.error();
    }
    switch (tensor->dtype()) {
      case DType::kF32:
      case DType::kF16:
      case DType::kBF16:
      case DType::kF64: return std::optional<Shape>(tensor->shape());
      default:
        return unsupported(file_->path() + ": tensor \"" + stored_name(name) + "\" holds " +
                           std::string(to_string(tensor->dtype())) +
                           ", not weights; use the model in float16");
    }
  }

  Result<Stored> fetch(std::string_view name) const override {
    MAIE_ASSIGN(const ConstTensor tensor, file_->get(stored_name(name)));
    if (tensor.dtype() != DType::kF64)
      return Stored{.values = tensor, .scales = {}, .owner = file_};
    const Owned copy = make_owned(DType::kF32, tensor.shape());
    const auto out = copy.view.span<float>();
    formats::ByteReader reader({static_cast<const std::byte*>(tensor.raw()), tensor.size_bytes()});
    for (float& value : out) value = float(reader.number<double>().value_or(0));
    return Stored{.values = copy.view, .scales = {}, .owner = copy.owner};
  }

  Result<Vocabulary> vocabulary() const override {
    return not_found(directory_ +
                     ": has no token list of its own; the tokens are in tokenizer.json");
  }

 private:
  // The output layer stands beside "model", not in it.
  std::string stored_name(std::string_view name) const {
    return name == "proj_out.weight" ? std::string(name) : prefix_ + std::string(name);
  }

  std::string directory_;
  std::shared_ptr<const formats::Safetensors> file_;
  std::string prefix_;
  std::string stored_type_;
};

}  // namespace

Result<OpenedSource> open_huggingface(const std::string& directory) {
  MAIE_ASSIGN(const auto config_json,
              formats::read_side_file(directory, "config.json", formats::Presence::kRequired));
  MAIE_ASSIGN(const auto generation, formats::read_side_file(directory, "generation_config.json",
                                                             formats::Presence::kOptional));
  MAIE_ASSIGN(
      const auto preprocessor,
      formats::read_side_file(directory, "preprocessor_config.json", formats::Presence::kOptional));
  MAIE_ASSIGN(Config config,
              config_from_huggingface(config_json, generation, preprocessor, directory));
  MAIE_ASSIGN(auto file, formats::Safetensors::open_sharded(directory));
  return OpenedSource{std::make_unique<HuggingFaceSource>(directory, std::move(file)),
                      std::move(config)};
}

}  // namespace maie::whisper
