// Little-endian, without padding up to the tensors: "GGUF", u32 version, u64 tensors, u64 values;
// each value u64 length and bytes of its key, u32 type, value; each tensor u64 length and bytes of
// its name, u32 rank, u64 extents fastest first, u32 type, u64 offset in the data; the data begins
// at the next multiple of general.alignment.
#include "formats/gguf.h"

#include <algorithm>
#include <array>
#include <bit>

namespace maie::formats {
namespace {

constexpr uint32_t kMagic = 0x46554747;  // "GGUF"
constexpr uint64_t kMaxKeyBytes = 65535;
constexpr uint64_t kMaxNameBytes = 1024;
constexpr uint64_t kMaxTensors = 1 << 20;
constexpr uint64_t kMaxAlignment = 1 << 20;
constexpr int kMaxArrayDepth = 4;
// The least bytes an entry takes, so that a count cannot promise more than the file can hold.
constexpr uint64_t kLeastValueBytes = 8 + 4 + 1;
constexpr uint64_t kLeastTensorBytes = 8 + 4 + 4 + 8;

constexpr std::string_view kAgain = "; fetch the file again";
constexpr std::string_view kCut = "; the download is probably cut short, fetch the file again";

struct TypeRow {
  GgufType type;
  std::string_view name;
  size_t bytes;  // 0: of no fixed size
};
constexpr std::array<TypeRow, 13> kTypes = {{
    {GgufType::kU8, "u8", 1},
    {GgufType::kI8, "i8", 1},
    {GgufType::kU16, "u16", 2},
    {GgufType::kI16, "i16", 2},
    {GgufType::kU32, "u32", 4},
    {GgufType::kI32, "i32", 4},
    {GgufType::kF32, "f32", 4},
    {GgufType::kBool, "bool", 1},
    {GgufType::kString, "string", 0},
    {GgufType::kArray, "array", 0},
    {GgufType::kU64, "u64", 8},
    {GgufType::kI64, "i64", 8},
    {GgufType::kF64, "f64", 8},
}};

std::string at_byte(uint64_t offset) { return " at byte " + std::to_string(offset); }

// Takes `count` values of a type; the error is half a sentence about what is wrong.
std::optional<std::string> skip_values(ByteReader& reader, uint32_t type, uint64_t count,
                                       int depth) {
  if (type >= kTypes.size()) return "is of the unknown type " + std::to_string(type);
  if (const size_t bytes = kTypes[type].bytes; bytes > 0) {
    const auto size = checked_product(count, bytes);
    if (size && reader.take(size_t(*size))) return std::nullopt;
    return "has " + std::to_string(count) + " values, more than the file has bytes for";
  }
  if (count > reader.remaining() / 8) {
    return "has " + std::to_string(count) + " values, more than the file has bytes for";
  }
  for (uint64_t i = 0; i < count; ++i) {
    if (GgufType(type) == GgufType::kString) {
      const auto length = reader.number<uint64_t>();
      if (!length || !reader.take(size_t(*length))) return "holds a string that ends past the file";
      continue;
    }
    if (depth >= kMaxArrayDepth) return "nests arrays deeper than allowed";
    const auto element = reader.number<uint32_t>();
    const auto elements = reader.number<uint64_t>();
    if (!element || !elements) return "ends past the file";
    if (auto wrong = skip_values(reader, *element, *elements, depth + 1)) return wrong;
  }
  return std::nullopt;
}

}  // namespace

std::string_view to_string(GgufType type) {
  return uint32_t(type) < kTypes.size() ? kTypes[uint32_t(type)].name : "unknown";
}

Status Gguf::read_metadata(ByteReader& reader, uint64_t count) {
  for (uint64_t i = 0; i < count; ++i) {
    const uint64_t begin = reader.position();
    const auto where = [&] { return path_ + ": metadata" + at_byte(begin); };
    const auto length = reader.number<uint64_t>();
    if (!length) return corrupt(where() + " ends past the file" + std::string(kCut));
    if (*length == 0 || *length > kMaxKeyBytes) {
      return corrupt(where() + " has a key of " + std::to_string(*length) + " bytes" +
                     std::string(kAgain));
    }
    const auto key = reader.text(size_t(*length));
    const auto type = key ? reader.number<uint32_t>() : std::nullopt;
    if (!type) return corrupt(where() + " ends past the file" + std::string(kCut));
    const auto refuse = [&](const std::string& why) {
      return corrupt(path_ + ": key \"" + printable(*key) + "\"" + at_byte(begin) + " " + why +
                     std::string(kAgain));
    };
    GgufValue value{.type = GgufType(*type), .element = {}, .count = 1, .bytes = {}, .offset = 0};
    uint32_t element = *type;
    if (value.type == GgufType::kString) {
      const auto bytes = reader.number<uint64_t>();
      value.offset = reader.position();
      const auto taken = bytes ? reader.take(size_t(*bytes)) : std::nullopt;
      if (!taken) return refuse("is a string that ends past the file");
      value.bytes = *taken;
    } else {
      if (value.type == GgufType::kArray) {
        const auto element_type = reader.number<uint32_t>();
        const auto elements = reader.number<uint64_t>();
        if (!element_type || !elements) return refuse("is an array that ends past the file");
        element = *element_type;
        value.element = GgufType(element);
        value.count = *elements;
      }
      value.offset = reader.position();
      ByteReader ahead = reader;
      if (auto wrong = skip_values(ahead, element, value.count, 0)) return refuse(*wrong);
      value.bytes = *reader.take(ahead.position() - reader.position());
    }
    if (!values_.emplace(*key, value).second) return refuse("occurs twice");
  }
  return {};
}

Status Gguf::read_alignment() {
  if (find_value("general.alignment") != nullptr) {
    MAIE_ASSIGN(const int64_t alignment, integer("general.alignment"));
    if (alignment <= 0 || uint64_t(alignment) > kMaxAlignment ||
        !std::has_single_bit(uint64_t(alignment))) {
      return corrupt(path_ + ": general.alignment is " + std::to_string(alignment) +
                     ", which is no power of two up to " + std::to_string(kMaxAlignment) +
                     std::string(kAgain));
    }
    alignment_ = uint64_t(alignment);
  }
  if (find_value("split.count") != nullptr) {
    MAIE_ASSIGN(const int64_t parts, integer("split.count"));
    if (parts > 1) {
      return unsupported(path_ + ": is one of " + std::to_string(parts) +
                         " parts of a split model; join them into one file (llama-gguf-split"
                         " --merge) and name that");
    }
  }
  return {};
}

Status Gguf::read_tensors(ByteReader& reader, uint64_t count, std::vector<Extent>& extents) {
  for (uint64_t i = 0; i < count; ++i) {
    const uint64_t begin = reader.position();
    const std::string entry = path_ + ": tensor entry" + at_byte(begin);
    const auto length = reader.number<uint64_t>();
    if (!length) return corrupt(entry + " ends past the file" + std::string(kCut));
    if (*length == 0 || *length > kMaxNameBytes) {
      return corrupt(entry + " has a name of " + std::to_string(*length) + " bytes" +
                     std::string(kAgain));
    }
    const auto name = reader.text(size_t(*length));
    const auto rank = name ? reader.number<uint32_t>() : std::nullopt;
    if (!rank) return corrupt(entry + " ends past the file" + std::string(kCut));
    const std::string what = path_ + ": tensor \"" + printable(*name) + "\"" + at_byte(begin);
    if (*rank > uint32_t(Shape::kMaxRank)) {
      return corrupt(what + " has " + std::to_string(*rank) + " dimensions" + std::string(kAgain));
    }
    std::array<uint64_t, Shape::kMaxRank> dims{};
    for (uint32_t d = 0; d < *rank; ++d) {
      const auto dim = reader.number<uint64_t>();
      if (!dim) return corrupt(what + " ends past the file" + std::string(kCut));
      dims[d] = *dim;
    }
    const auto number = reader.number<uint32_t>();
    const auto offset = reader.number<uint64_t>();
    if (!number || !offset) return corrupt(what + " ends past the file" + std::string(kCut));
    const auto type = block_type(*number);
    if (!type) {
      return unsupported(what + " is of type " + block_type_name(*number) + "; MAIE reads " +
                         readable_block_types() + ", so fetch or make the model as one of these");
    }
    GgufTensor tensor{.type = *type, .shape = {}, .bytes = {}, .offset = *offset};
    std::optional<uint64_t> blocks = 1;
    for (int d = int(*rank) - 1; d >= 0; --d) {
      const uint64_t dim = dims[size_t(d)];
      const uint64_t step = d == 0 ? block_values(*type) : 1;
      if (dim == 0 || dim > uint64_t(INT64_MAX) || dim % step != 0) {
        return corrupt(what + " of type " + std::string(maie::formats::to_string(*type)) +
                       " has a dimension of " + std::to_string(dim) + std::string(kAgain));
      }
      tensor.shape.append(int64_t(dim));
      if (blocks) blocks = checked_product(*blocks, dim / step);
    }
    if (*rank == 0 && block_values(*type) != 1) {
      return corrupt(what + " has no dimensions" + std::string(kAgain));
    }
    const auto values = blocks ? checked_product(*blocks, block_values(*type)) : std::nullopt;
    const auto size = blocks ? checked_product(*blocks, block_bytes(*type)) : std::nullopt;
    if (!values || !size || *size > size_bytes_ || *offset > size_bytes_) {
      return corrupt(what + " of shape " + tensor.shape.to_string() + " at offset " +
                     std::to_string(*offset) + " of the data does not fit the file of " +
                     std::to_string(size_bytes_) + " bytes" + std::string(kCut));
    }
    const auto [place, is_new] = tensors_.emplace(*name, tensor);
    if (!is_new) return corrupt(what + " occurs twice" + std::string(kAgain));
    extents.push_back({&place->first, &place->second, *size});
  }
  return {};
}

// Turns offsets in the data into views, and refuses tensors that lie elsewhere or over each other.
Status Gguf::place_tensors(std::span<const std::byte> bytes, uint64_t head_bytes,
                           std::vector<Extent> extents) {
  std::sort(extents.begin(), extents.end(),
            [](const Extent& a, const Extent& b) { return a.tensor->offset < b.tensor->offset; });
  const uint64_t data = (head_bytes + alignment_ - 1) / alignment_ * alignment_;
  uint64_t free = 0;  // offset behind the tensor before
  for (const Extent& extent : extents) {
    GgufTensor& tensor = *extent.tensor;
    const std::string what = path_ + ": tensor \"" + printable(*extent.name) + "\"";
    if (tensor.offset % alignment_ != 0) {
      return corrupt(what + " has the offset " + std::to_string(tensor.offset) +
                     ", which is no multiple of the alignment " + std::to_string(alignment_) +
                     std::string(kAgain));
    }
    if (tensor.offset < free) {
      return corrupt(what + " begins at offset " + std::to_string(tensor.offset) +
                     " of the data, inside the tensor before, which ends at " +
                     std::to_string(free) + std::string(kAgain));
    }
    free = tensor.offset + extent.size_bytes;  // each is at most the size of the file
    tensor.offset += data;
    const uint64_t end = tensor.offset + extent.size_bytes;
    if (end > bytes.size()) {
      return corrupt(what + at_byte(tensor.offset) + " ends " + std::to_string(end - bytes.size()) +
                     " bytes past the file" + std::string(kCut));
    }
    tensor.bytes = bytes.subspan(size_t(tensor.offset), size_t(extent.size_bytes));
  }
  return {};
}

Status Gguf::read(std::span<const std::byte> bytes) {
  size_bytes_ = bytes.size();
  ByteReader reader(bytes);
  if (reader.number<uint32_t>() != kMagic) {
    return invalid_input(path_ + ": does not begin like a GGUF file; name a .gguf file, or the" +
                         " folder of a Hugging Face model");
  }
  const auto version = reader.number<uint32_t>();
  const auto tensors = reader.number<uint64_t>();
  const auto values = reader.number<uint64_t>();
  if (!version || !tensors || !values) {
    return corrupt(path_ + ": ends within the 24 bytes of its head" + std::string(kCut));
  }
  if (*version > 0xffff) {
    return unsupported(path_ + ": is a big-endian GGUF file; fetch the little-endian one");
  }
  if (*version != 2 && *version != 3) {
    return unsupported(path_ + ": is of GGUF version " + std::to_string(*version) +
                       "; MAIE reads 2 and 3, so fetch a newer conversion of the model");
  }
  version_ = *version;
  if (*values > reader.remaining() / kLeastValueBytes) {
    return corrupt(path_ + ": claims " + std::to_string(*values) +
                   " metadata values, more than it has bytes for" + std::string(kAgain));
  }
  MAIE_TRY(read_metadata(reader, *values));
  MAIE_TRY(read_alignment());
  if (*tensors > std::min(kMaxTensors, reader.remaining() / kLeastTensorBytes)) {
    return corrupt(path_ + ": claims " + std::to_string(*tensors) +
                   " tensors, more than it has bytes for" + std::string(kAgain));
  }
  std::vector<Extent> extents;
  extents.reserve(size_t(*tensors));
  MAIE_TRY(read_tensors(reader, *tensors, extents));
  return place_tensors(bytes, reader.position(), std::move(extents));
}

Result<std::shared_ptr<const Gguf>> Gguf::parse(std::span<const std::byte> bytes,
                                                const std::string& path) {
  auto file = std::make_shared<Gguf>();
  file->path_ = path;
  MAIE_TRY(file->read(bytes));
  return std::shared_ptr<const Gguf>(std::move(file));
}

Result<std::shared_ptr<const Gguf>> Gguf::open(const std::string& path) {
  MAIE_ASSIGN(auto map, MappedFile::open(path));
  auto file = std::make_shared<Gguf>();
  file->path_ = path;
  MAIE_TRY(file->read(map->bytes()));
  file->map_ = std::move(map);
  return std::shared_ptr<const Gguf>(std::move(file));
}

}  // namespace maie::formats
