#include "formats/ctranslate2.h"

#include <optional>
#include <utility>

#include "formats/byte_reader.h"

namespace maie::formats {
namespace {

// A string is its length with a closing NUL, then the bytes and the NUL.
std::optional<std::string> read_string(ByteReader& reader) {
  const auto length = reader.number<uint16_t>();
  if (!length || *length == 0) return std::nullopt;
  const auto text = reader.text(*length);
  if (!text || text->back() != '\0') return std::nullopt;
  return std::string(text->substr(0, text->size() - 1));
}

std::optional<DType> type_of_number(uint8_t number) {
  switch (number) {
    case 0: return DType::kF32;
    case 1: return DType::kI8;
    case 2: return DType::kI16;
    case 3: return DType::kI32;
    case 4: return DType::kF16;
    case 5: return DType::kBF16;
    default: return std::nullopt;
  }
}

// Before version 4 a variable said only how wide its elements are.
std::optional<DType> type_of_width(uint8_t bytes) {
  switch (bytes) {
    case 1: return DType::kI8;
    case 2: return DType::kI16;
    case 4: return DType::kF32;
    default: return std::nullopt;
  }
}

Status cut_short(const std::string& path, const std::string& what) {
  return corrupt(path + ": ends within " + what +
                 "; the download is probably cut short, fetch the file again");
}

}  // namespace

Status Ctranslate2::read(std::span<const std::byte> bytes) {
  ByteReader reader(bytes);
  const auto version = reader.number<uint32_t>();
  if (!version) return cut_short(path_, "its first four bytes");
  if (*version < kOldestVersion || *version > kNewestVersion) {
    return unsupported(path_ + ": CTranslate2 binary version " + std::to_string(*version) +
                       ", MAIE reads " + std::to_string(kOldestVersion) + " to " +
                       std::to_string(kNewestVersion) + "; convert the model again");
  }
  version_ = *version;
  const auto spec = read_string(reader);
  const auto revision = reader.number<uint32_t>();
  const auto count = reader.number<uint32_t>();
  if (!spec || !revision || !count) return cut_short(path_, "the header");
  spec_ = *spec;
  revision_ = *revision;

  for (uint32_t i = 0; i < *count; ++i) {
    const auto name = read_string(reader);
    const auto rank = reader.number<uint8_t>();
    if (!name || !rank) {
      return cut_short(path_, "variable " + std::to_string(i) + " of " + std::to_string(*count));
    }
    const std::string what = "variable \"" + printable(*name) + "\"";
    if (*rank > Shape::kMaxRank) {
      return unsupported(path_ + ": " + what + " has " + std::to_string(*rank) +
                         " dimensions, MAIE handles four");
    }
    Shape shape;
    std::optional<uint64_t> elements = 1;
    for (int d = 0; d < int(*rank); ++d) {
      const auto dim = reader.number<uint32_t>();
      if (!dim) return cut_short(path_, what);
      shape.append(*dim);
      if (elements) elements = checked_product(*elements, *dim);
    }
    const auto code = reader.number<uint8_t>();
    const auto length = reader.number<uint32_t>();
    if (!code || !length) return cut_short(path_, what);
    const auto type = version_ >= 4 ? type_of_number(*code) : type_of_width(*code);
    if (!type) {
      return unsupported(path_ + ": " + what + " has element type " + std::to_string(*code) +
                         ", which MAIE does not know; convert the model again");
    }
    const auto wanted = elements ? checked_product(*elements, size_of(*type)) : std::nullopt;
    const uint64_t stored = version_ >= 4 ? *length : uint64_t{*length} * size_of(*type);
    if (wanted != stored) {
      return corrupt(path_ + ": " + what + " of shape " + shape.to_string() + " has " +
                     std::to_string(stored) + " bytes; fetch the file again");
    }
    const auto data = reader.take(size_t(stored));
    if (!data) {
      return corrupt(path_ + ": " + what + " ends " + std::to_string(stored - reader.remaining()) +
                     " bytes past the file; the download is probably cut short, fetch it again");
    }
    if (!variables_.emplace(*name, ConstTensor(data->data(), *type, shape)).second) {
      return corrupt(path_ + ": " + what + " occurs twice; fetch the file again");
    }
  }
  if (version_ >= 3) {
    const auto pairs = reader.number<uint32_t>();
    if (!pairs) return cut_short(path_, "the list of aliases");
    for (uint32_t i = 0; i < *pairs; ++i) {
      const auto alias = read_string(reader);
      const auto target = read_string(reader);
      if (!alias || !target) return cut_short(path_, "the list of aliases");
      if (variables_.count(*target) == 0) {
        return corrupt(path_ + ": \"" + printable(*alias) + "\" stands for the variable \"" +
                       printable(*target) + "\", which is not there; fetch the file again");
      }
      aliases_.emplace(*alias, *target);
      if (variables_.count(*target + "_scale") != 0) {
        aliases_.emplace(*alias + "_scale", *target + "_scale");
      }
    }
  }
  if (!reader.at_end()) {
    return corrupt(path_ + ": has " + std::to_string(reader.remaining()) +
                   " bytes after its last variable; fetch the file again");
  }
  size_bytes_ = bytes.size();
  return {};
}

Result<std::shared_ptr<const Ctranslate2>> Ctranslate2::open(const std::string& path) {
  MAIE_ASSIGN(auto map, MappedFile::open(path));
  auto file = std::make_shared<Ctranslate2>();
  file->path_ = path;
  MAIE_TRY(file->read(map->bytes()));
  file->map_ = std::move(map);
  return std::shared_ptr<const Ctranslate2>(std::move(file));
}

Result<std::shared_ptr<const Ctranslate2>> Ctranslate2::parse(std::span<const std::byte> bytes,
                                                              const std::string& path) {
  auto file = std::make_shared<Ctranslate2>();
  file->path_ = path;
  MAIE_TRY(file->read(bytes));
  return std::shared_ptr<const Ctranslate2>(std::move(file));
}

const ConstTensor* Ctranslate2::find(std::string_view name) const {
  auto it = variables_.find(name);
  if (it == variables_.end()) {
    const auto alias = aliases_.find(name);
    if (alias == aliases_.end()) return nullptr;
    it = variables_.find(alias->second);
  }
  return it != variables_.end() ? &it->second : nullptr;
}

std::vector<std::string_view> Ctranslate2::names() const {
  std::vector<std::string_view> names;
  for (const auto& [name, view] : variables_) names.push_back(name);
  return names;
}

}  // namespace maie::formats
