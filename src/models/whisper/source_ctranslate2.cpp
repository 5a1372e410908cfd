// CTranslate2 folders. Queries, keys and values lie fused in one variable: a canonical weight is
// then a run of its rows. Quantised weights come with one scale per row (int8) or one in all
// (int16).
#include <array>
#include <cmath>
#include <cstring>
#include <optional>
#include <utility>

#include "formats/byte_reader.h"
#include "formats/side_files.h"
#include "models/whisper/source.h"

namespace maie::whisper {
namespace {

using formats::Ctranslate2;

// Where a canonical weight lies: part `part` of `parts` equal runs of rows of a variable.
struct Place {
  std::string variable;
  int part = 0;
  int parts = 1;
};

struct Rule {
  std::string_view canonical;
  std::string_view variable;
  int part = 0;
  int parts = 1;
};

// What follows encoder. or decoder., ending before .weight and .bias.
constexpr std::array<Rule, 4> kOutside = {{
    {"conv1", "conv1"},
    {"conv2", "conv2"},
    {"embed_positions", "position_encodings"},
    {"layer_norm", "layer_norm"},
}};
// What follows layers.N.
constexpr std::array<Rule, 13> kInLayer = {{
    {"self_attn.q_proj", "self_attention/linear_0", 0, 3},
    {"self_attn.k_proj", "self_attention/linear_0", 1, 3},
    {"self_attn.v_proj", "self_attention/linear_0", 2, 3},
    {"self_attn.out_proj", "self_attention/linear_1"},
    {"self_attn_layer_norm", "self_attention/layer_norm"},
    {"encoder_attn.q_proj", "attention/linear_0"},
    {"encoder_attn.k_proj", "attention/linear_1", 0, 2},
    {"encoder_attn.v_proj", "attention/linear_1", 1, 2},
    {"encoder_attn.out_proj", "attention/linear_2"},
    {"encoder_attn_layer_norm", "attention/layer_norm"},
    {"fc1", "ffn/linear_0"},
    {"fc2", "ffn/linear_1"},
    {"final_layer_norm", "ffn/layer_norm"},
}};

template <class Rules>
const Rule* rule_for(const Rules& rules, std::string_view canonical) {
  for (const Rule& rule : rules) {
    if (rule.canonical == canonical) return &rule;
  }
  return nullptr;
}

std::optional<Place> place_of(std::string_view name) {
  if (name == "decoder.embed_tokens.weight") return Place{"decoder/embeddings/weight"};
  if (name == "proj_out.weight") return Place{"decoder/projection/weight"};
  const size_t first = name.find('.');
  const size_t last = name.rfind('.');
  if (first == last) return std::nullopt;
  const std::string side(name.substr(0, first));
  const std::string_view kind = name.substr(last + 1);
  std::string_view middle = name.substr(first + 1, last - first - 1);

  std::string path = side + "/";
  const Rule* rule = nullptr;
  if (middle.starts_with("layers.")) {
    middle.remove_prefix(7);
    const size_t dot = middle.find('.');
    if (dot == std::string_view::npos) return std::nullopt;
    path += "layer_" + std::string(middle.substr(0, dot)) + "/";
    rule = rule_for(kInLayer, middle.substr(dot + 1));
  } else {
    rule = rule_for(kOutside, middle);
  }
  if (rule == nullptr) return std::nullopt;
  path += rule->variable;
  if (path.ends_with("position_encodings")) {
    path += "/encodings";
  } else if (path.ends_with("layer_norm")) {
    path += kind == "weight" ? "/gamma" : "/beta";
  } else {
    path += "/" + std::string(kind);
  }
  return Place{path, rule->part, rule->parts};
}

class Ctranslate2Source : public Source {
 public:
  Ctranslate2Source(std::string directory, std::shared_ptr<const Ctranslate2> file)
      : directory_(std::move(directory)), file_(std::move(file)) {
    TypeCount types;
    for (const std::string_view name : file_->names()) {
      const ConstTensor* variable = file_->find(name);
      if (variable->rank() > 0 && !name.ends_with("_scale")) {
        types.add(to_string(variable->dtype()), variable->size_bytes());
      }
    }
    stored_type_ = types.most();
    if (stored_type_ == "int8") {
      const std::string rest = types.most_but("int8");
      if (rest == "float16" || rest == "bfloat16") stored_type_ += "_" + rest;
    }
  }

  std::string kind() const override { return "ctranslate2"; }
  std::string stored_type() const override { return stored_type_; }
  std::string path() const override { return directory_; }

  std::vector<formats::ModelFile> files() const override {
    std::vector<formats::ModelFile> files = {{file_->path(), file_->size_bytes()}};
    for (auto& file : formats::existing_files(
             directory_, {"config.json", "preprocessor_config.json", "vocabulary.json",
                          "vocabulary.txt", "tokenizer.json"})) {
      files.push_back(std::move(file));
    }
    return files;
  }

  Result<std::optional<Shape>> shape_of(std::string_view name) const override {
    const auto place = place_of(name);
    const ConstTensor* variable = place ? file_->find(place->variable) : nullptr;
    if (variable == nullptr) return std::optional<Shape>();
    if (variable->dtype() == DType::kI32)
      return unsupported(what(*place) + " holds int32, not weights");
    if (variable->rank() == 0 || variable->dim(0) % place->parts != 0) {
      return corrupt(what(*place) + " of shape " + variable->shape().to_string() +
                     " does not divide into " + std::to_string(place->parts) +
                     " parts; convert the model again");
    }
    Shape shape{variable->dim(0) / place->parts};
    for (int i = 1; i < variable->rank(); ++i) shape.append(variable->dim(i));
    return std::optional<Shape>(shape);
  }

  Result<Stored> fetch(std::string_view name) const override {
    const auto place = place_of(name);
    const ConstTensor* variable = place ? file_->find(place->variable) : nullptr;
    if (variable == nullptr)
      return not_found(directory_ + ": has no weight \"" + std::string(name) + "\"");
    const int64_t rows = variable->dim(0) / place->parts;
    const ConstTensor part = variable->rows(rows * place->part, rows);
    const ConstTensor* scale = file_->find(place->variable + "_scale");
    switch (part.dtype()) {
      case DType::kI8: return with_row_scales(*place, part, scale);
      case DType::kI16: return from_int16(*place, part, scale);
      default: return Stored{.values = part, .scales = {}, .owner = file_};
    }
  }

  // The converter stores one of two equal variables and makes the other name its alias.
  bool is_same(std::string_view first, std::string_view second) const override {
    const auto a = place_of(first), b = place_of(second);
    return a && b && a->part == b->part && file_->find(a->variable) == file_->find(b->variable);
  }

  Result<Vocabulary> vocabulary() const override {
    constexpr const char* kJson = "vocabulary.json";
    constexpr const char* kText = "vocabulary.txt";
    MAIE_ASSIGN(const std::string json,
                formats::read_side_file(directory_, kJson, formats::Presence::kOptional));
    if (!json.empty()) return parse_vocabulary_json(json, directory_ + "/" + kJson);
    MAIE_ASSIGN(const std::string text,
                formats::read_side_file(directory_, kText, formats::Presence::kOptional));
    if (!text.empty()) return parse_vocabulary_text(text, directory_ + "/" + kText);
    return not_found(directory_ + ": lacks vocabulary.json; convert the model again");
  }

 private:
  std::string what(const Place& place) const {
    return file_->path() + ": variable \"" + place.variable + "\"";
  }

  Result<Stored> with_row_scales(const Place& place, ConstTensor part,
                                 const ConstTensor* scale) const {
    const int64_t rows = part.dim(0);
    if (scale == nullptr || scale->dtype() != DType::kF32 ||
        scale->shape() != Shape{rows * place.parts}) {
      return corrupt(what(place) +
                     " is int8 without one float32 scale for each row; convert the model again");
    }
    const ConstTensor scales = scale->rows(rows * place.part, rows);
    formats::ByteReader reader({static_cast<const std::byte*>(scales.raw()), scales.size_bytes()});
    for (int64_t row = 0; row < rows; ++row) {
      const float value = reader.number<float>().value_or(0);
      if (!(value > 0) || !std::isfinite(value)) {
        return corrupt(what(place) + " has a scale of " + std::to_string(value) +
                       "; convert the model again");
      }
    }
    return Stored{.values = part, .scales = scales, .owner = file_};
  }

  Result<Stored> from_int16(const Place& place, ConstTensor part, const ConstTensor* scale) const {
    float divisor = 0;
    if (scale != nullptr && scale->dtype() == DType::kF32 && scale->size() == 1) {
      std::memcpy(&divisor, scale->raw(), sizeof(divisor));
    }
    if (!(divisor > 0) || !std::isfinite(divisor)) {
      return corrupt(what(place) + " is int16 without a usable scale; convert the model again");
    }
    const Owned copy = make_owned(DType::kF32, part.shape());
    formats::ByteReader reader({static_cast<const std::byte*>(part.raw()), part.size_bytes()});
    for (float& value : copy.view.span<float>())
      value = float(reader.number<int16_t>().value_or(0)) / divisor;
    return Stored{.values = copy.view, .scales = {}, .owner = copy.owner};
  }

  std::string directory_;
  std::shared_ptr<const Ctranslate2> file_;
  std::string stored_type_;
};

}  // namespace

Result<OpenedSource> open_ctranslate2(const std::string& directory) {
  MAIE_ASSIGN(auto file, Ctranslate2::open(directory + "/model.bin"));
  MAIE_ASSIGN(const auto config_json,
              formats::read_side_file(directory, "config.json", formats::Presence::kOptional));
  MAIE_ASSIGN(Config config, config_from_ctranslate2(*file, config_json));
  return OpenedSource{std::make_unique<Ctranslate2Source>(directory, std::move(file)),
                      std::move(config)};
}

}  // namespace maie::whisper
