#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <ostream>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "formats/blocks.h"

namespace maie::support {

/// Puts a GGUF file together for tests and benchmarks. Tensors are made while the file is written,
/// so that a file larger than the memory can be. One thread at a time.
class GgufWriter {
 public:
  /// Called for the bytes of a tensor from its first to its last, a piece of whole rows a time.
  using Fill = std::function<void(std::span<std::byte>)>;

  explicit GgufWriter(uint32_t version = 3, uint32_t alignment = 32);

  void add(std::string_view key, uint32_t value);
  void add(std::string_view key, int64_t value);
  void add(std::string_view key, float value);
  void add(std::string_view key, bool value);
  void add(std::string_view key, const char* value) { add(key, std::string_view(value)); }
  void add(std::string_view key, std::string_view value);
  void add(std::string_view key, const std::vector<std::string>& values);
  void add(std::string_view key, const std::vector<int32_t>& values);
  void add(std::string_view key, const std::vector<float>& values);
  /// A value of any type, by its number, with its bytes as they shall stand in the file.
  void add_raw(std::string_view key, uint32_t type, std::string_view bytes);

  /// @param shape  last index fastest, as everywhere but in the file.
  void add_tensor(std::string_view name, formats::BlockType type, std::vector<int64_t> shape,
                  Fill fill);
  void add_tensor(std::string_view name, formats::BlockType type, std::vector<int64_t> shape,
                  std::string bytes);

  void write(std::ostream& out) const;
  std::string bytes() const;
  /// Bytes before the data: where the structure is.
  std::string head() const;

 private:
  struct Pending {
    std::string name;
    formats::BlockType type;
    std::vector<int64_t> shape;
    Fill fill;
    uint64_t size_bytes;
  };
  uint64_t padded(uint64_t size) const { return (size + alignment_ - 1) / alignment_ * alignment_; }

  uint32_t version_, alignment_;
  std::string values_;
  uint64_t value_count_ = 0;
  std::vector<Pending> tensors_;
};

}  // namespace maie::support
