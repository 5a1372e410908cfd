#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"
#include "base/status.h"
#include "formats/blocks.h"
#include "formats/byte_reader.h"
#include "tensor/shape.h"

namespace maie::formats {

/// Types of metadata values, by the number they have in the file.
enum class GgufType : uint32_t {
  kU8 = 0,
  kI8 = 1,
  kU16 = 2,
  kI16 = 3,
  kU32 = 4,
  kI32 = 5,
  kF32 = 6,
  kBool = 7,
  kString = 8,
  kArray = 9,
  kU64 = 10,
  kI64 = 11,
  kF64 = 12
};

/// "u8", "string", ...
std::string_view to_string(GgufType type);

/// A metadata value as it lies in the file; the class that gave it owns the bytes.
struct GgufValue {
  GgufType type = GgufType::kU8;
  GgufType element = GgufType::kU8;  ///< of an array
  uint64_t count = 1;                ///< elements of an array, otherwise 1
  std::span<const std::byte> bytes;  ///< the number, the text, or the elements one after the other
  uint64_t offset = 0;               ///< of `bytes` in the file
};

/// A tensor as it lies in the file: `shape` with the last index fastest (a Linear is [out, in]).
struct GgufTensor {
  BlockType type = BlockType::kF32;
  Shape shape;
  std::span<const std::byte> bytes;  ///< aligned in the file as general.alignment says
  uint64_t offset = 0;               ///< of `bytes` in the file
};

/// A GGUF file of version 2 or 3, mapped: metadata and tensors are views, opening costs the size of
/// the head only. Immutable; any thread may read.
///
/// Everything is checked on opening: counts and lengths against the bytes that are there, types,
/// names given once, a sound alignment, and tensors inside the file that do not overlap. What fails
/// is kCorrupt or kUnsupported and names file, key or tensor, and byte offset. Files split over
/// several parts, big-endian ones and version 1 are kUnsupported.
class Gguf {
 public:
  static Result<std::shared_ptr<const Gguf>> open(const std::string& path);
  /// Bytes in memory that stay as they are while the result lives; `path` is for messages.
  static Result<std::shared_ptr<const Gguf>> parse(std::span<const std::byte> bytes,
                                                   const std::string& path);

  uint32_t version() const { return version_; }
  uint64_t alignment() const { return alignment_; }

  /// nullptr when there is no such key.
  const GgufValue* find_value(std::string_view key) const;
  std::vector<std::string_view> keys() const;

  /// The value of a key as the asked kind: any whole-number type that fits, any float type (or a
  /// whole number), bool, string. kNotFound without the key, kCorrupt for another type.
  Result<int64_t> integer(std::string_view key) const;
  Result<double> number(std::string_view key) const;
  Result<bool> boolean(std::string_view key) const;
  /// Raw bytes, nearly always UTF-8. Lives as long as this object, as do those of `strings`.
  Result<std::string_view> string(std::string_view key) const;
  Result<std::vector<std::string_view>> strings(std::string_view key) const;
  Result<std::vector<int64_t>> integers(std::string_view key) const;
  Result<std::vector<float>> numbers(std::string_view key) const;

  /// nullptr when there is no such tensor.
  const GgufTensor* find(std::string_view name) const;
  /// The same, with the sentence that explains an absence (kNotFound).
  Result<GgufTensor> get(std::string_view name) const;
  /// Names of the tensors, in alphabetical order.
  std::vector<std::string_view> names() const;

  /// Tells the system that these bytes of a tensor are not needed soon (nothing else changes).
  void release(std::span<const std::byte> bytes) const {
    if (map_) map_->release(bytes);
  }

  const std::string& path() const { return path_; }
  uint64_t size_bytes() const { return size_bytes_; }

 private:
  struct Extent {  // of a tensor whose offset still counts from the begin of the data
    const std::string* name;
    GgufTensor* tensor;
    uint64_t size_bytes;
  };
  Status read(std::span<const std::byte> bytes);
  Status read_metadata(ByteReader& reader, uint64_t count);
  Status read_alignment();
  Status read_tensors(ByteReader& reader, uint64_t count, std::vector<Extent>& extents);
  Status place_tensors(std::span<const std::byte> bytes, uint64_t head_bytes,
                       std::vector<Extent> extents);
  Result<const GgufValue*> require(std::string_view key, bool array) const;
  Status wrong_type(std::string_view key, const GgufValue& value, std::string_view wanted) const;

  std::map<std::string, GgufValue, std::less<>> values_;
  std::map<std::string, GgufTensor, std::less<>> tensors_;
  uint32_t version_ = 0;
  uint64_t alignment_ = 32;
  uint64_t size_bytes_ = 0;
  std::string path_;
  std::shared_ptr<const MappedFile> map_;  // owns the bytes of the views
};

}  // namespace maie::formats
