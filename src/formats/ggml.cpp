#include "formats/ggml.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "formats/byte_reader.h"

namespace maie::formats {
namespace {

constexpr int32_t kMaxNameBytes = 256;

Status cut_short(const std::string& path, const std::string& what) {
  return corrupt(path + ": ends within " + what +
                 "; the download is probably cut short, fetch the file again");
}

bool read_header(ByteReader& reader, GgmlHeader& header) {
  for (int32_t* field :
       {&header.vocabulary, &header.audio_context, &header.audio_width, &header.audio_heads,
        &header.audio_layers, &header.text_context, &header.text_width, &header.text_heads,
        &header.text_layers, &header.mel_bins, &header.file_type}) {
    const auto value = reader.number<int32_t>();
    if (!value) return false;
    *field = *value;
  }
  return true;
}

}  // namespace

Status GgmlFile::read_tensors(ByteReader& reader) {
  while (!reader.at_end()) {
    const auto rank = reader.number<int32_t>();
    const auto name_bytes = reader.number<int32_t>();
    const auto type_number = reader.number<uint32_t>();
    if (!rank || !name_bytes || !type_number) return cut_short(path_, "a tensor's head");
    if (*rank < 0 || *rank > Shape::kMaxRank || *name_bytes <= 0 || *name_bytes > kMaxNameBytes) {
      return corrupt(path_ + ": no tensor begins at byte " +
                     std::to_string(reader.position() - 12) +
                     " where one is due; fetch the file again");
    }
    std::array<int32_t, Shape::kMaxRank> dims{};
    for (int d = 0; d < *rank; ++d) {
      const auto dim = reader.number<int32_t>();
      if (!dim) return cut_short(path_, "a tensor's head");
      dims[size_t(d)] = *dim;
    }
    const auto name = reader.text(size_t(*name_bytes));
    if (!name) return cut_short(path_, "a tensor's name");
    const std::string what = path_ + ": tensor \"" + printable(*name) + "\"";
    const auto type = block_type(*type_number);
    if (!type) {
      return unsupported(what + " is of type " + block_type_name(*type_number) + "; MAIE reads " +
                         readable_block_types() + ", so fetch or make the model as one of these");
    }
    std::optional<uint64_t> blocks = 1;
    GgmlTensor tensor{.type = *type, .shape = {}, .bytes = {}};
    for (int d = *rank - 1; d >= 0; --d) {  // the file has the fastest first
      const int32_t dim = dims[size_t(d)];
      const size_t step = d == 0 ? block_values(*type) : 1;
      if (dim <= 0 || size_t(dim) % step != 0) {
        return corrupt(what + " has a dimension of " + std::to_string(dim) +
                       "; fetch the file again");
      }
      tensor.shape.append(dim);
      if (blocks) blocks = checked_product(*blocks, uint64_t(dim) / step);
    }
    if (*rank == 0 && block_values(*type) != 1) return corrupt(what + " has no dimensions");
    const auto size = blocks ? checked_product(*blocks, block_bytes(*type)) : std::nullopt;
    if (!size || *size > reader.remaining()) {
      return corrupt(
          what + " of shape " + tensor.shape.to_string() + " ends past the file by " +
          (size ? std::to_string(*size - reader.remaining()) : "far more than there are") +
          " bytes; the download is probably cut short, fetch the file again");
    }
    tensor.bytes = *reader.take(size_t(*size));
    if (!tensors_.emplace(*name, tensor).second) {
      return corrupt(what + " occurs twice; fetch the file again");
    }
  }
  return {};
}

Status GgmlFile::read(std::span<const std::byte> bytes) {
  ByteReader reader(bytes);
  const auto magic = reader.number<uint32_t>();
  if (magic != kMagic) {
    return invalid_input(path_ + ": does not begin like a whisper.cpp ggml file; name one, or the" +
                         " folder of a Hugging Face or CTranslate2 model");
  }
  if (!read_header(reader, header_)) return cut_short(path_, "the header");

  const auto bins = reader.number<int32_t>();
  const auto columns = reader.number<int32_t>();
  if (!bins || !columns) return cut_short(path_, "the mel filters");
  if (*bins < 0 || *bins > 1024 || *columns < 0 || *columns > 65536) {
    return corrupt(path_ + ": mel filters of " + std::to_string(*bins) + " by " +
                   std::to_string(*columns) + " are none; fetch the file again");
  }
  // The filters follow from their count and are computed exactly elsewhere: pass them over.
  if (!reader.take(size_t(*bins) * size_t(*columns) * sizeof(float))) {
    return cut_short(path_, "the mel filters");
  }

  const auto count = reader.number<int32_t>();
  if (!count) return cut_short(path_, "the vocabulary");
  if (*count < 0 || uint64_t(*count) > reader.remaining() / 4) {
    return corrupt(path_ + ": claims " + std::to_string(*count) +
                   " tokens, more than it has bytes for; fetch the file again");
  }
  vocabulary_.reserve(size_t(*count));
  for (int32_t i = 0; i < *count; ++i) {
    const auto length = reader.number<uint32_t>();
    const auto text = length ? reader.text(*length) : std::nullopt;
    if (!text) return cut_short(path_, "token " + std::to_string(i));
    vocabulary_.emplace_back(*text);
  }
  MAIE_TRY(read_tensors(reader));
  size_bytes_ = bytes.size();
  return {};
}

Result<std::shared_ptr<const GgmlFile>> GgmlFile::open(const std::string& path) {
  MAIE_ASSIGN(auto map, MappedFile::open(path));
  auto file = std::make_shared<GgmlFile>();
  file->path_ = path;
  MAIE_TRY(file->read(map->bytes()));
  file->map_ = std::move(map);
  return std::shared_ptr<const GgmlFile>(std::move(file));
}

Result<std::shared_ptr<const GgmlFile>> GgmlFile::parse(std::span<const std::byte> bytes,
                                                        const std::string& path) {
  auto file = std::make_shared<GgmlFile>();
  file->path_ = path;
  MAIE_TRY(file->read(bytes));
  return std::shared_ptr<const GgmlFile>(std::move(file));
}

const GgmlTensor* GgmlFile::find(std::string_view name) const {
  const auto it = tensors_.find(name);
  return it != tensors_.end() ? &it->second : nullptr;
}

std::vector<std::string_view> GgmlFile::names() const {
  std::vector<std::string_view> names;
  for (const auto& [name, tensor] : tensors_) names.push_back(name);
  return names;
}

}  // namespace maie::formats
